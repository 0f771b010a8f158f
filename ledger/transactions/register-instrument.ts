import { type Infer, record } from "../../primitives/codec/schema.ts";
import { type Execution, type Failure, failure } from "../execution.ts";
import { isIsin } from "../identifiers/isin.ts";
import { checkTerms, isTenorOffered } from "../instruments/proper-terms.ts";
import { planLifeCycle } from "../life-cycle/schedule-queue.ts";
import { MAX_INSTRUMENTS } from "../limits.ts";
import { instrumentTermsSchema, maturityOf } from "../state/instrument.ts";
import { DEFAULT_TENORS, tenorTableTable } from "../state/tenor-table.ts";
import { isinText } from "../types.ts";
import { transactionKind } from "./transaction-kind.ts";

const payload = record({
  isin: isinText,
  terms: instrumentTermsSchema,
});
type Payload = Infer<typeof payload>;

export const registerInstrument = transactionKind({
  kind: "register-instrument",
  summary: "Registers an ISIN and its terms, which nothing changes afterwards.",
  payload,
  signers: [
    { by: "role", role: "SOVEREIGN" },
    { by: "role", role: "CENTRAL_BANK" },
  ],
  keyPurpose: "TRANSACTION",
  success: "APPLIED",
  failures: [
    "AMOUNT_ZERO",
    "ISIN_INVALID",
    "TERMS_INVALID",
    "ASSET_EXISTS",
    "TENOR_NOT_OFFERED",
    "LIMIT_REACHED",
  ],
  execute,
});

function execute(payload: Payload, execution: Execution): Failure | undefined {
  const { isin, terms } = payload;
  const { state, height } = execution;
  if (terms.body.denomination === 0n) return failure("AMOUNT_ZERO", "terms.denomination");
  if (!isIsin(isin)) return failure("ISIN_INVALID", "isin");
  const contradiction = checkTerms(terms);
  if (contradiction !== undefined) return contradiction;
  if (state.instruments.get(isin) !== undefined) return failure("ASSET_EXISTS", "isin");
  const tenors = state.of(tenorTableTable).get("") ?? DEFAULT_TENORS;
  if (!isTenorOffered(terms, tenors)) return failure("TENOR_NOT_OFFERED", "terms.maturityDate");
  const isins = state.instrumentIndexes.get("")?.isins ?? [];
  if (isins.length >= MAX_INSTRUMENTS) return failure("LIMIT_REACHED", "isin");
  state.instruments.put({ isin, terms, registeredAtHeight: height });
  state.instrumentIndexes.put({ isins: [...isins, isin].toSorted() });
  state.supplies.put({ asset: isin, authorised: 0n, issued: 0n, redeemed: 0n, tranches: 0 });
  const { denomination, issueDate } = terms.body;
  const maturityDate = maturityOf(terms);
  execution.emit({
    type: "instrumentRegistered",
    body: { isin, instrument: terms.type, denomination, issueDate, maturityDate },
  });
  return planLifeCycle(execution, isin, terms);
}
