import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { InvariantError } from "../../primitives/assert.ts";
import {
  add,
  compare,
  divide,
  formatRational,
  fromFixed,
  multiply,
  type Rational,
  rational,
  roundHalfUp,
  roundToFixed,
  subtract,
  sum,
  ZERO,
} from "./rational.ts";

const integerArb = fc.bigInt(-(10n ** 40n), 10n ** 40n);
const rationalArb: fc.Arbitrary<Rational> = fc
  .tuple(integerArb, fc.oneof(fc.bigInt(1n, 50n), fc.bigInt(1n, 10n ** 40n)))
  .map(([numerator, denominator]) => rational(numerator, denominator));

describe("Rational", () => {
  it("is a field: the laws hold exactly", () => {
    fc.assert(
      fc.property(rationalArb, rationalArb, rationalArb, (a, b, c) => {
        expect(add(a, b)).toEqual(add(b, a));
        expect(add(add(a, b), c)).toEqual(add(a, add(b, c)));
        expect(multiply(a, add(b, c))).toEqual(add(multiply(a, b), multiply(a, c)));
        expect(subtract(add(a, b), b)).toEqual(a);
        if (b.numerator !== 0n) expect(multiply(divide(a, b), b)).toEqual(a);
        expect(sum([a, b, c])).toEqual(add(a, add(b, c)));
      }),
    );
  });

  it("has one form for a number", () => {
    expect(rational(2n, -4n)).toEqual({ numerator: -1n, denominator: 2n });
    expect(rational(0n, -5n)).toEqual(ZERO);
    expect(fromFixed(956_713n, 4)).toEqual(rational(956_713n, 10_000n));
    expect(() => rational(1n, 0n)).toThrow(InvariantError);
    expect(() => divide(rational(1n), ZERO)).toThrow(InvariantError);
  });

  it("compares as subtraction does", () => {
    fc.assert(
      fc.property(rationalArb, rationalArb, (a, b) => {
        const sign = subtract(a, b).numerator;
        expect(compare(a, b)).toBe(sign < 0n ? -1 : sign > 0n ? 1 : 0);
        expect(compare(a, a)).toBe(0);
      }),
    );
  });

  it("rounds to within half, and exact halves away from zero", () => {
    fc.assert(
      fc.property(rationalArb, integerArb, (a, n) => {
        const error = subtract(rational(roundHalfUp(a)), a);
        expect(compare(error, rational(1n, 2n))).toBeLessThanOrEqual(0);
        expect(compare(error, rational(-1n, 2n))).toBeGreaterThanOrEqual(0);
        const half = rational(2n * n + 1n, 2n);
        expect(roundHalfUp(half)).toBe(n >= 0n ? n + 1n : n);
        expect(roundHalfUp(rational(n))).toBe(n);
      }),
    );
  });

  it("prints decimals", () => {
    expect(formatRational(rational(1n, 3n), 4)).toBe("0.3333");
    expect(formatRational(rational(2n, 3n), 4)).toBe("0.6667");
    expect(formatRational(rational(-1n, 8n), 2)).toBe("-0.13");
    expect(formatRational(rational(1005n, 1000n), 2)).toBe("1.01"); // binary floats print 1.00
    expect(formatRational(rational(5n, 2n), 0)).toBe("3");
    expect(roundToFixed(rational(95_671_349n, 1_000_000n), 4)).toBe(956_713n);
  });
});
