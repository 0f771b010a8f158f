import { invariant } from "../../primitives/assert.ts";
import {
  compare,
  multiply,
  type Rational,
  rational,
  roundHalfUp,
  subtract,
} from "../arithmetic/rational.ts";

/** A bid at the cut-off price. */
export interface CutOffBid {
  /** Order in which the bids were committed. */
  readonly number: number;
  /** Minor units, above zero. */
  readonly face: bigint;
}

/** What one bid gets; zero is possible. */
export interface Share {
  readonly number: number;
  readonly face: bigint;
}

/**
 * Divides `wanted` face among the bids at the cut-off (SBP, DMMD Circular 2 of 2007). Bids of one
 * step or less are filled in full, as long as there is enough, in the order of commitment. The rest
 * is divided in proportion, to the nearest step and never above the bid. Where that comes to more
 * than there is, the largest upward rounding goes down to the step below, and again until it fits;
 * of two equal ones the later bid. What the rounding leaves over is not allotted.
 *
 * `step` is PKR 50m in paisa for government paper. Shares come in the order of the bids.
 */
export function divideAtCutOff(
  bids: readonly CutOffBid[],
  wanted: bigint,
  step: bigint,
): readonly Share[] {
  invariant(step > 0n, "the step of a pro-rata division is above zero");
  const total = bids.reduce((sum, { face }) => sum + face, 0n);
  if (total <= wanted) return bids.map(({ number, face }) => ({ number, face }));
  const shares = new Map<number, bigint>();
  let left = wanted;
  for (const { number, face } of bids) {
    if (face > step) continue;
    const share = face <= left ? face : 0n;
    shares.set(number, share);
    left -= share;
  }
  const large = bids.filter(({ face }) => face > step);
  for (const { number, face } of divideLarge(large, left, step)) shares.set(number, face);
  return bids.map(({ number }) => ({ number, face: shares.get(number) ?? 0n }));
}

interface Rounded {
  readonly number: number;
  readonly exact: Rational;
  face: bigint;
}

function divideLarge(bids: readonly CutOffBid[], wanted: bigint, step: bigint): readonly Share[] {
  const total = bids.reduce((sum, { face }) => sum + face, 0n);
  if (total <= wanted) return bids;
  const rounded = bids.map(({ number, face }): Rounded => {
    const exact = rational(face * wanted, total);
    const nearest = step * roundHalfUp(multiply(exact, rational(1n, step)));
    if (nearest > face) return { number, exact, face };
    return { number, exact, face: nearest };
  });
  let sum = rounded.reduce((so, { face }) => so + face, 0n);
  // Each turn takes one bid below its exact share, where it is not chosen again: it ends.
  while (sum > wanted) {
    const most = rounded.reduce((a, b) => (compare(excess(b), excess(a)) >= 0 ? b : a));
    const lower = ((most.face - 1n) / step) * step;
    sum -= most.face - lower;
    most.face = lower;
  }
  return rounded;
}

/** How far the rounding went up. */
function excess({ face, exact }: Rounded): Rational {
  return subtract(rational(face), exact);
}
