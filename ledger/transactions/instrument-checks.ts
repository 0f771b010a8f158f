import { type Failure, failure } from "../execution.ts";
import { hasMatured, type Instrument } from "../state/instrument.ts";

/**
 * ASSET_MATURED from the start of the maturity date in Karachi on, then DENOMINATION for a face
 * that is not a whole number of denominations.
 */
export function checkFace(
  instrument: Instrument,
  face: bigint,
  businessDate: string,
): Failure | undefined {
  if (hasMatured(instrument.terms, businessDate)) return failure("ASSET_MATURED", "isin");
  if (face % instrument.terms.body.denomination !== 0n) return failure("DENOMINATION", "face");
  return undefined;
}
