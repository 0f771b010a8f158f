import { invariant } from "../../primitives/assert.ts";
import { fromFixed, type Rational, roundToFixed } from "../arithmetic/rational.ts";
import { faceWeightedAverage } from "../arithmetic/weighted-average.ts";
import { divideAtCutOff } from "./pro-rata.ts";

/** A revealed bid that stands. */
export interface StandingBid {
  /** Order of commitment within the auction. */
  readonly number: number;
  /** Minor units, above zero. */
  readonly face: bigint;
  /** Clean price per 100 times 10^4; undefined for a non-competitive bid. */
  readonly priceE4: bigint | undefined;
}

export interface AllotmentRule {
  /** SALE: the highest prices are served first. BUY_BACK: the lowest. */
  readonly side: "SALE" | "BUY_BACK";
  /** What a competitive bid is settled at: its own price, or the cut-off for all. */
  readonly method: "MULTIPLE_PRICE" | "UNIFORM_PRICE";
  /** The last price that is served. */
  readonly cutOffE4: bigint;
  /** Face to be allotted to competitive bids. */
  readonly competitiveFace: bigint;
  /** Bids at the cut-off are divided in steps of this face. */
  readonly step: bigint;
  /** Decimal places of the price of non-competitive bids: 4, in sheets before 2020 also 2. */
  readonly averagePriceDecimals: number;
}

/** What one bid is served with; the face is above zero. */
export interface Allotted {
  readonly number: number;
  readonly face: bigint;
  /** Clean price per 100 times 10^4. */
  readonly priceE4: bigint;
}

export interface Allotments {
  /** Competitive bids in the order of service, then non-competitive ones by number. */
  readonly allotted: readonly Allotted[];
  /** Price per 100 weighted by the face of the competitive allotments, unrounded. */
  readonly averagePrice: Rational;
}

/** Competitive bids in the order in which they are served; equal prices by number. */
export function orderOfService(
  bids: readonly StandingBid[],
  side: AllotmentRule["side"],
): readonly (StandingBid & { readonly priceE4: bigint })[] {
  const competitive = bids.flatMap(({ number, face, priceE4 }) =>
    priceE4 === undefined ? [] : [{ number, face, priceE4 }],
  );
  const sign = side === "SALE" ? -1 : 1;
  return competitive.toSorted((a, b) =>
    a.priceE4 === b.priceE4 ? a.number - b.number : a.priceE4 < b.priceE4 ? -sign : sign,
  );
}

/** Whether the price is served before the cut-off is reached. */
export function isBeyondCutOff(
  priceE4: bigint,
  { side, cutOffE4 }: Pick<AllotmentRule, "side" | "cutOffE4">,
): boolean {
  return side === "SALE" ? priceE4 > cutOffE4 : priceE4 < cutOffE4;
}

/** Face of the competitive bids that are served whole, and of those at the cut-off. */
export function facesAt(
  bids: readonly StandingBid[],
  rule: Pick<AllotmentRule, "side" | "cutOffE4">,
): { readonly beyond: bigint; readonly at: bigint } {
  let beyond = 0n;
  let at = 0n;
  for (const { face, priceE4 } of bids) {
    if (priceE4 === undefined) continue;
    if (priceE4 === rule.cutOffE4) at += face;
    else if (isBeyondCutOff(priceE4, rule)) beyond += face;
  }
  return { beyond, at };
}

/**
 * Serves bids beyond the cut-off in full, divides what is left among those at the cut-off, and
 * fills non-competitive bids at the average price of what was served (at the cut-off where the
 * price is uniform). A bid stands at the cut-off, and the competitive face covers the bids beyond
 * it: the caller has checked both.
 */
export function allot(bids: readonly StandingBid[], rule: AllotmentRule): Allotments {
  const { cutOffE4, competitiveFace, step, method } = rule;
  const ordered = orderOfService(bids, rule.side);
  const beyond = ordered.filter(({ priceE4 }) => isBeyondCutOff(priceE4, rule));
  const at = ordered.filter(({ priceE4 }) => priceE4 === cutOffE4);
  const left = competitiveFace - beyond.reduce((sum, { face }) => sum + face, 0n);
  invariant(at.length > 0 && left >= 0n, "the cut-off lies where bids are");
  const divided = divideAtCutOff(at, left, step).map((share) => ({ ...share, priceE4: cutOffE4 }));
  const served = [...beyond, ...divided]
    .filter(({ face }) => face > 0n)
    .map(({ number, face, priceE4 }) => ({
      number,
      face,
      priceE4: method === "UNIFORM_PRICE" ? cutOffE4 : priceE4,
    }));
  const averagePrice = averageOf(served, cutOffE4);
  const price = averagePriceE4(averagePrice, rule.averagePriceDecimals);
  const filled = bids
    .filter(({ priceE4 }) => priceE4 === undefined)
    .toSorted((a, b) => a.number - b.number)
    .map(({ number, face }) => ({ number, face, priceE4: price }));
  return { allotted: [...served, ...filled], averagePrice };
}

/** The average rounded to that many places (at most 4), as a price times 10^4. */
export function averagePriceE4(average: Rational, decimals: number): bigint {
  invariant(decimals >= 0 && decimals <= 4, "prices have at most four places");
  return roundToFixed(average, decimals) * 10n ** BigInt(4 - decimals);
}

function averageOf(served: readonly Allotted[], cutOffE4: bigint): Rational {
  // Rounding to steps can leave nothing of a small amount.
  if (served.length === 0) return fromFixed(cutOffE4, 4);
  return faceWeightedAverage(
    served.map(({ face, priceE4 }) => ({ face, value: fromFixed(priceE4, 4) })),
  );
}
