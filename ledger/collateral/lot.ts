import { present } from "../../primitives/assert.ts";
import { amount, type Infer, record } from "../../primitives/codec/schema.ts";
import { type Execution, type Failure, failure } from "../execution.ts";
import { isinText } from "../types.ts";
import {
  collateralTermsOf,
  collateralValue,
  isValuedPer100,
  outlives,
} from "./collateral-terms.ts";

/** A face of one security given as collateral. */
export const lotSchema = record({ isin: isinText, face: amount });
export type Lot = Infer<typeof lotSchema>;

/** Lots of one repo or credit. */
export const MAX_LOTS = 16;

/** AMOUNT_ZERO for no lots, or one of nothing. */
export function checkLotFaces(lots: readonly Lot[], field: string): Failure | undefined {
  const isEmpty = lots.length === 0 || lots.some(({ face }) => face === 0n);
  return isEmpty ? failure("AMOUNT_ZERO", field) : undefined;
}

/** ASSET_UNKNOWN for a security that is not registered. */
export function checkLotsKnown(
  { state }: Execution,
  lots: readonly Lot[],
  field: string,
): Failure | undefined {
  const isKnown = lots.every(({ isin }) => state.instruments.get(isin) !== undefined);
  return isKnown ? undefined : failure("ASSET_UNKNOWN", field);
}

/**
 * COLLATERAL_NOT_ELIGIBLE for a security without a price in force, not valued per 100, named twice,
 * or gone by `neededUntil`; then DENOMINATION. The securities are known.
 */
export function checkLotsEligible(
  execution: Execution,
  lots: readonly Lot[],
  neededUntil: string,
  field: string,
): Failure | undefined {
  let isWhole = true;
  let isEligible = new Set(lots.map(({ isin }) => isin)).size === lots.length;
  for (const { isin, face } of lots) {
    const { terms } = present(execution.state.instruments.get(isin), `instrument ${isin}`);
    isEligible &&= isValuedPer100(terms) && outlives(terms, neededUntil);
    isEligible &&= collateralTermsOf(execution, isin) !== undefined;
    isWhole &&= face % terms.body.denomination === 0n;
  }
  if (!isEligible) return failure("COLLATERAL_NOT_ELIGIBLE", field);
  return isWhole ? undefined : failure("DENOMINATION", field);
}

/** Value of lots after haircuts, paisa; what has no price in force counts nothing. */
export function lotsValue(execution: Execution, lots: readonly Lot[]): bigint {
  let value = 0n;
  for (const { isin, face } of lots) {
    const version = collateralTermsOf(execution, isin);
    if (version !== undefined) value += collateralValue(face, version);
  }
  return value;
}

/** The lots with one more, joined to what there is of the same security. */
export function withLot(lots: readonly Lot[], added: Lot): readonly Lot[] {
  const at = lots.findIndex(({ isin }) => isin === added.isin);
  const held = lots[at];
  if (held === undefined) return [...lots, added];
  return lots.with(at, { isin: added.isin, face: held.face + added.face });
}

/** The lots with that much less; undefined where there is not as much. */
export function withoutLot(lots: readonly Lot[], taken: Lot): readonly Lot[] | undefined {
  const at = lots.findIndex(({ isin }) => isin === taken.isin);
  const held = lots[at];
  if (held === undefined || held.face < taken.face) return undefined;
  if (held.face === taken.face) return lots.toSpliced(at, 1);
  return lots.with(at, { isin: taken.isin, face: held.face - taken.face });
}
