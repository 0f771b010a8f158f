import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type Cut,
  DIGITS,
  digitIn,
  digitsOf,
  narrow,
  type Proportion,
  shareOf,
} from "./largest-remainder.ts";
import { rational, roundHalfUp } from "./rational.ts";

/** Shares by radix selection in passes over the whole list. */
function select(weights: readonly bigint[], proportion: Proportion): bigint[] {
  const exact = weights.reduce((sum, weight) => sum + weight, 0n) * proportion.numerator;
  const total = roundHalfUp(rational(exact, proportion.denominator));
  const shares = weights.map((weight) => shareOf(weight, proportion));
  const floors = shares.reduce((sum, { floor }) => sum + floor, 0n);
  const wanted = Number(total - floors);
  let selection = { level: digitsOf(proportion.denominator) - 1, prefix: 0n, wanted };
  let cut: Cut | undefined;
  while (cut === undefined) {
    const counts = Array.from({ length: DIGITS }, () => 0);
    for (const { remainder } of shares) {
      const digit = digitIn(selection, remainder);
      if (digit !== undefined) counts[digit] = (counts[digit] ?? 0) + 1;
    }
    const step = narrow(selection, counts);
    if ("cut" in step) ({ cut } = step);
    else selection = step.next;
  }
  let { ties } = cut;
  const { remainder: at } = cut;
  return shares.map(({ floor, remainder }) => {
    if (remainder > at) return floor + 1n;
    if (remainder < at || ties === 0) return floor;
    ties -= 1;
    return floor + 1n;
  });
}

/** The same by sorting. */
function sorted(weights: readonly bigint[], proportion: Proportion): bigint[] {
  const exact = weights.reduce((sum, weight) => sum + weight, 0n) * proportion.numerator;
  const total = roundHalfUp(rational(exact, proportion.denominator));
  const shares = weights.map((weight) => shareOf(weight, proportion));
  const out = shares.map(({ floor }) => floor);
  let left = total - out.reduce((sum, share) => sum + share, 0n);
  const order = shares
    .map(({ remainder }, place) => ({ remainder, place }))
    .toSorted((a, b) =>
      a.remainder === b.remainder ? a.place - b.place : a.remainder > b.remainder ? -1 : 1,
    );
  for (const { place } of order) {
    if (left === 0n) break;
    out[place] = (out[place] ?? 0n) + 1n;
    left -= 1n;
  }
  expect(left).toBe(0n);
  return out;
}

describe("largest remainder", () => {
  it("gives odd units to the largest remainders, of equal ones to the first", () => {
    const third = { numerator: 1n, denominator: 3n };
    expect(select([1n, 1n, 1n], third)).toEqual([1n, 0n, 0n]);
    expect(select([2n, 1n, 2n, 1n], third)).toEqual([1n, 0n, 1n, 0n]);
    expect(select([5n, 4n, 3n], third)).toEqual([2n, 1n, 1n]);
    expect(select([3n, 6n], third)).toEqual([1n, 2n]);
  });

  it("counts digits of remainders", () => {
    expect([1n, 2n, 1024n, 1025n, 1n << 20n, (1n << 20n) + 1n].map(digitsOf)).toEqual([
      1, 1, 1, 2, 2, 3,
    ]);
  });

  it("is what sorting gives, and adds up to the rounded total", () => {
    const denominator = fc.oneof(
      fc.bigInt(1n, 40n),
      fc.constantFrom(365n, 365_000_000n, 2_000_000n, 1_000_003n * 1_048_576n),
      fc.bigInt(1n, 10n ** 18n),
    );
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.bigInt(1n, 20n), fc.bigInt(1n, 10n ** 15n)), {
          minLength: 1,
          maxLength: 60,
        }),
        fc.bigInt(0n, 10n ** 6n),
        denominator,
        (weights, numerator, below) => {
          const proportion = { numerator, denominator: below };
          const shares = select(weights, proportion);
          expect(shares).toEqual(sorted(weights, proportion));
        },
      ),
    );
  });
});
