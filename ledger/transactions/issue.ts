import { amount, type Infer, record } from "../../primitives/codec/schema.ts";
import { type Execution, type Failure, failure } from "../execution.ts";
import type { UnitMovement } from "../movement.ts";
import { checkMovements, gateCodes } from "../movement-gate.ts";
import { moveUnits } from "../postings.ts";
import { rateInForce } from "../state/fx-rates.ts";
import { accountId, isinText, max35Text } from "../types.ts";
import { checkKinds } from "./account-checks.ts";
import { checkFace } from "./instrument-checks.ts";
import { transactionKind } from "./transaction-kind.ts";

const payload = record({
  isin: isinText,
  /** Face to create, paisa. */
  face: amount,
  /** The ISSUANCE account that receives the units. */
  account: accountId,
  /** The sovereign's mandate under which the agent issues. */
  mandateRef: max35Text,
});
type Payload = Infer<typeof payload>;

export const issue = transactionKind({
  kind: "issue",
  summary: "Creates units of an authorised instrument on an issuance account.",
  payload,
  signers: [{ by: "role", role: "CENTRAL_BANK" }],
  keyPurpose: "TRANSACTION",
  success: "APPLIED",
  failures: [
    "AMOUNT_ZERO",
    "ACCOUNT_UNKNOWN",
    "ASSET_UNKNOWN",
    "ACCOUNT_WRONG_KIND",
    "INSTRUMENT_NOT_AUTHORISED",
    "ASSET_MATURED",
    "DENOMINATION",
    ...gateCodes,
    "FX_RATE_MISSING",
    "AUTHORISED_EXCEEDED",
    "PROGRAMME_CAP_EXCEEDED",
    "LIMIT_REACHED",
    "AMOUNT_OVERFLOW",
  ],
  execute,
});

/** US cents that a face in paisa uses at a rate of PKR per USD x 10^4, rounded up. */
export function usdCentsOf(facePaisa: bigint, rateE4: number): bigint {
  const rate = BigInt(rateE4);
  return (facePaisa * 10_000n + rate - 1n) / rate;
}

function execute(payload: Payload, execution: Execution): Failure | undefined {
  const { isin, face, account: id, mandateRef } = payload;
  const { state, timestampMs, height, txId } = execution;
  if (face === 0n) return failure("AMOUNT_ZERO", "face");
  const account = state.accounts.get(id);
  if (account === undefined) return failure("ACCOUNT_UNKNOWN", "account");
  const instrument = state.instruments.get(isin);
  const supply = state.supplies.get(isin);
  if (instrument === undefined || supply === undefined) return failure("ASSET_UNKNOWN", "isin");
  const wrongKind = checkKinds([{ field: "account", account, kinds: ["ISSUANCE"] }]);
  if (wrongKind !== undefined) return wrongKind;
  const authorised = supply.authorised ?? 0n;
  if (authorised === 0n) return failure("INSTRUMENT_NOT_AUTHORISED", "isin");
  const movement: UnitMovement = {
    from: undefined,
    to: account,
    asset: isin,
    parts: [{ amount: face, reason: "ISSUE" }],
    purpose: "ISSUE",
    reference: mandateRef,
    fields: { from: "account", to: "account" },
  };
  // The gate comes before rates and ceilings.
  const refused =
    checkFace(instrument, face, execution.businessDate) ?? checkMovements(execution, [movement]);
  if (refused !== undefined) return refused;
  const rate = rateInForce(state.fxRates.get("")?.rates ?? [], timestampMs);
  if (rate === undefined) return failure("FX_RATE_MISSING");
  const issued = supply.issued + face;
  if (issued > authorised) return failure("AUTHORISED_EXCEEDED", "face");
  const usdCents = usdCentsOf(face, rate.rateE4);
  const programme = state.programme;
  const usedUsdCents = programme.usedUsdCents + usdCents;
  if (usedUsdCents > programme.capUsdCents) return failure("PROGRAMME_CAP_EXCEEDED", "face");

  const number = supply.tranches + 1;
  const tranche = { isin, number, face, usdCents, fxRateE4: rate.rateE4, account: id, mandateRef };
  state.programmes.put({ ...programme, usedUsdCents });
  state.supplies.put({ ...supply, issued, tranches: number });
  state.tranches.put({ ...tranche, txId, height });
  execution.emit({
    type: "trancheIssued",
    body: { isin, tranche: number, account: id, face, usdCents, fxRateE4: rate.rateE4, mandateRef },
  });
  return moveUnits(execution, [movement]);
}
