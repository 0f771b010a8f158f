import { type Execution, type Failure, failure } from "./execution.ts";
import { checkBacking, checkFreshBacking, programmeValue } from "./instruments/issue-rules.ts";
import type { UnitMovement } from "./movement.ts";
import { checkMovements, gateCodes } from "./movement-gate.ts";
import type { FailureCode } from "./outcome.ts";
import { moveUnits } from "./postings.ts";
import type { Account } from "./state/account.ts";
import { rateInForce } from "./state/fx-rates.ts";
import type { Instrument } from "./state/instrument.ts";
import type { Supply } from "./state/supply.ts";
import { checkFace } from "./transactions/instrument-checks.ts";

/** Units to be created on an ISSUANCE account. */
export interface NewUnits {
  readonly instrument: Instrument;
  readonly supply: Supply;
  /** Minor units, above zero. */
  readonly face: bigint;
  readonly account: Account;
  readonly mandateRef: string;
  /** Payload fields at fault. */
  readonly fields: { readonly face: string; readonly account: string };
}

/** Every code of `createUnits`, in the order of precedence. */
export const issuanceCodes: readonly FailureCode[] = [
  "INSTRUMENT_NOT_AUTHORISED",
  "ASSET_MATURED",
  "DENOMINATION",
  ...gateCodes,
  "FX_RATE_MISSING",
  "PRICE_MISSING",
  "ATTESTATION_STALE",
  "AUTHORISED_EXCEEDED",
  "PROGRAMME_CAP_EXCEEDED",
  "ATTESTED_EXCEEDED",
  "LIMIT_REACHED",
  "AMOUNT_OVERFLOW",
];

/** US cents that a face in paisa uses at a rate of PKR per USD x 10^4, rounded up. */
export function usdCentsOf(facePaisa: bigint, rateE4: number): bigint {
  const rate = BigInt(rateE4);
  return (facePaisa * 10_000n + rate - 1n) / rate;
}

/**
 * Creates one tranche: what is issued stays within what is authorised, and its US dollars at the
 * rate in force within the programme's cap. The caller undoes everything when it fails.
 */
export function createUnits(execution: Execution, units: NewUnits): Failure | undefined {
  const { instrument, supply, face, account, mandateRef, fields } = units;
  const { state, timestampMs, height, txId } = execution;
  const { isin } = instrument;
  const authorised = supply.authorised ?? 0n;
  if (authorised === 0n) return failure("INSTRUMENT_NOT_AUTHORISED", "isin");
  const movement: UnitMovement = {
    from: undefined,
    to: account,
    asset: isin,
    parts: [{ amount: face, reason: "ISSUE" }],
    purpose: "ISSUE",
    reference: mandateRef,
    fields: { from: fields.account, to: fields.account },
  };
  // The gate comes before rates and ceilings.
  const refused =
    checkFace(instrument, face, execution.businessDate) ?? checkMovements(execution, [movement]);
  if (refused !== undefined) return refused;
  const rate = rateInForce(state.fxRates.get("")?.rates ?? [], timestampMs);
  if (rate === undefined) return failure("FX_RATE_MISSING");
  const value = programmeValue(execution, instrument, face);
  if (typeof value !== "bigint") return value;
  const stale = checkFreshBacking(execution, instrument);
  if (stale !== undefined) return stale;
  const issued = supply.issued + face;
  if (issued > authorised) return failure("AUTHORISED_EXCEEDED", fields.face);
  const { rateE4 } = rate;
  const usdCents = usdCentsOf(value, rateE4);
  const { programme } = state;
  const usedUsdCents = programme.usedUsdCents + usdCents;
  if (usedUsdCents > programme.capUsdCents) return failure("PROGRAMME_CAP_EXCEEDED", fields.face);
  const uncovered = checkBacking(execution, instrument, face);
  if (uncovered !== undefined) return uncovered;

  const number = supply.tranches + 1;
  state.programmes.put({ ...programme, usedUsdCents });
  state.supplies.put({ ...supply, issued, tranches: number });
  const tranche = { isin, face, usdCents, fxRateE4: rateE4, account: account.id, mandateRef };
  state.tranches.put({ ...tranche, number, txId, height });
  execution.emit({ type: "trancheIssued", body: { ...tranche, tranche: number } });
  return moveUnits(execution, [movement]);
}
