import { type Infer, record } from "../../primitives/codec/schema.ts";
import { ArithmeticError } from "../arithmetic/arithmetic-error.ts";
import { couponDates } from "../arithmetic/coupon-position.ts";
import { type Execution, type Failure, failure } from "../execution.ts";
import { isIsin } from "../identifiers/isin.ts";
import { MAX_INSTRUMENTS } from "../limits.ts";
import { instrumentTermsSchema, type PibFixedTerms } from "../state/instrument.ts";
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
  failures: ["AMOUNT_ZERO", "ISIN_INVALID", "TERMS_INVALID", "ASSET_EXISTS", "LIMIT_REACHED"],
  execute,
});

function execute(payload: Payload, execution: Execution): Failure | undefined {
  const { isin, terms } = payload;
  const { state, height } = execution;
  if (terms.body.denomination === 0n) return failure("AMOUNT_ZERO", "terms.denomination");
  if (!isIsin(isin)) return failure("ISIN_INVALID", "isin");
  const contradiction = checkTerms(terms.body);
  if (contradiction !== undefined) return contradiction;
  if (state.instruments.get(isin) !== undefined) return failure("ASSET_EXISTS", "isin");
  const isins = state.instrumentIndexes.get("")?.isins ?? [];
  if (isins.length >= MAX_INSTRUMENTS) return failure("LIMIT_REACHED", "isin");
  state.instruments.put({ isin, terms, registeredAtHeight: height });
  state.instrumentIndexes.put({ isins: [...isins, isin].toSorted() });
  state.supplies.put({ asset: isin, authorised: 0n, issued: 0n, redeemed: 0n, tranches: 0 });
  const { denomination, issueDate, maturityDate } = terms.body;
  execution.emit({
    type: "instrumentRegistered",
    body: { isin, denomination, issueDate, maturityDate },
  });
  return undefined;
}

/**
 * The schedule must be regular: a whole number of coupon periods from issue to maturity, counted
 * back from maturity, the first ending on the first coupon date. A broken first coupon would accrue
 * by another rule.
 */
function checkTerms(terms: PibFixedTerms): Failure | undefined {
  if (![1, 2, 4].includes(terms.couponFrequency)) {
    return failure("TERMS_INVALID", "terms.couponFrequency");
  }
  try {
    const [first] = couponDates(terms);
    return first === terms.firstCouponDate
      ? undefined
      : failure("TERMS_INVALID", "terms.firstCouponDate");
  } catch (error) {
    if (!(error instanceof ArithmeticError)) throw error;
    return failure("TERMS_INVALID", "terms.maturityDate");
  }
}
