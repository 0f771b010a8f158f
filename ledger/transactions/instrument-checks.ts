import { type Failure, failure } from "../execution.ts";
import type { Instrument } from "../state/instrument.ts";

/**
 * ASSET_MATURED from the start of the maturity date in Karachi on, then DENOMINATION for a face
 * that is not a whole number of denominations.
 */
export function checkFace(
  instrument: Instrument,
  face: bigint,
  businessDate: string,
): Failure | undefined {
  const { maturityDate, denomination } = instrument.terms.body;
  // ISO dates compare as text.
  if (businessDate >= maturityDate) return failure("ASSET_MATURED", "isin");
  if (face % denomination !== 0n) return failure("DENOMINATION", "face");
  return undefined;
}
