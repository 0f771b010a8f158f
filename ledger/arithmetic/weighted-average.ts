import { invariant } from "../../primitives/assert.ts";
import { divide, multiply, type Rational, rational, sum } from "./rational.ts";

export interface Weighted {
  /** Face in minor units, above 0. */
  readonly face: bigint;
  /** The unrounded yield or price. */
  readonly value: Rational;
}

/**
 * Average weighted by face, unrounded: published averages are made from unrounded yields and
 * rounded once. Weighting by cash, or averaging rounded yields, gives another fourth place.
 */
export function faceWeightedAverage(items: readonly Weighted[]): Rational {
  invariant(items.length > 0, "an average has at least one item");
  const face = items.reduce((total, item) => total + item.face, 0n);
  invariant(face > 0n, "the faces of an average add up to more than 0");
  return divide(
    sum(items.map(({ face: part, value }) => multiply(rational(part), value))),
    rational(face),
  );
}

/** Average price per 100 that total proceeds for a total face imply, unrounded. */
export function impliedPrice(proceeds: bigint, face: bigint): Rational {
  invariant(face > 0n, "face is above 0");
  return rational(100n * proceeds, face);
}
