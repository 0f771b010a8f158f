import { invariant } from "../../primitives/assert.ts";
import { formatFixed } from "../../primitives/decimal.ts";

/**
 * An exact fraction in lowest terms with a positive denominator: equal numbers are equal values.
 */
export interface Rational {
  readonly numerator: bigint;
  readonly denominator: bigint;
}

export function rational(numerator: bigint, denominator = 1n): Rational {
  invariant(denominator !== 0n, "a fraction has a denominator");
  const sign = denominator < 0n ? -1n : 1n;
  const divisor = greatestCommonDivisor(absolute(numerator), absolute(denominator));
  return {
    numerator: (sign * numerator) / divisor,
    denominator: (sign * denominator) / divisor,
  };
}

/** The number that an integer of 10^−decimals stands for: `fromFixed(956713n, 4)` is 95.6713. */
export function fromFixed(value: bigint, decimals: number): Rational {
  return rational(value, 10n ** BigInt(decimals));
}

export const ZERO: Rational = rational(0n);

export function add(a: Rational, b: Rational): Rational {
  return rational(
    a.numerator * b.denominator + b.numerator * a.denominator,
    a.denominator * b.denominator,
  );
}

export function subtract(a: Rational, b: Rational): Rational {
  return add(a, { numerator: -b.numerator, denominator: b.denominator });
}

export function multiply(a: Rational, b: Rational): Rational {
  return rational(a.numerator * b.numerator, a.denominator * b.denominator);
}

/** The divisor is not zero: callers check what comes from outside. */
export function divide(a: Rational, b: Rational): Rational {
  return rational(a.numerator * b.denominator, a.denominator * b.numerator);
}

export function sum(terms: Iterable<Rational>): Rational {
  let total = ZERO;
  for (const term of terms) total = add(total, term);
  return total;
}

/** Below 0, 0 or above 0, as a is less than, equal to or greater than b. */
export function compare(a: Rational, b: Rational): number {
  const difference = a.numerator * b.denominator - b.numerator * a.denominator;
  return difference < 0n ? -1 : difference > 0n ? 1 : 0;
}

/**
 * The nearest integer; halves go away from zero (HALF_UP as in Java's BigDecimal, and as tax and
 * auction sheets round: 0.5 to 1, −0.5 to −1).
 */
export function roundHalfUp({ numerator, denominator }: Rational): bigint {
  const magnitude = (2n * absolute(numerator) + denominator) / (2n * denominator);
  return numerator < 0n ? -magnitude : magnitude;
}

/** The nearest integer of 10^−decimals, halves away from zero: prices and yields have four. */
export function roundToFixed(value: Rational, decimals: number): bigint {
  return roundHalfUp(multiply(value, rational(10n ** BigInt(decimals))));
}

/** Decimal text with all its `decimals` (0 … 18) fraction digits, halves away from zero. */
export function formatRational(value: Rational, decimals: number): string {
  return formatFixed(roundToFixed(value, decimals), decimals);
}

function absolute(value: bigint): bigint {
  return value < 0n ? -value : value;
}

/** Euclid's algorithm on numbers >= 0, of which the second is not zero. */
function greatestCommonDivisor(a: bigint, b: bigint): bigint {
  let [x, y] = [a, b];
  while (y !== 0n) [x, y] = [y, x % y];
  return x;
}
