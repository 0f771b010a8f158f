import { InvariantError, invariant } from "../../primitives/assert.ts";
import { type Rational, rational, roundToFixed } from "./rational.ts";

/**
 * Fixed-point numbers for the one calculation that fractions cannot express: a power with a
 * fractional exponent. A number is a bigint of 10^−60. Results are good to about 55 digits, of
 * which 40 are handed out (`toRational`), so the last of these is right on every machine.
 */
export const FIXED_DIGITS = 60;
export const ONE = 10n ** BigInt(FIXED_DIGITS);

/** Decimal places that leave this file. */
const RESULT_DIGITS = 40;

/** Newton steps for a root; from the tangent it takes five to ten for yields below 100%. */
const ROOT_STEPS_MAX = 1000;

export function toFixedPoint(value: Rational): bigint {
  return roundToFixed(value, FIXED_DIGITS);
}

/** The number rounded to 40 places. A short decimal comes out as itself, not as its neighbour. */
export function toRational(value: bigint): Rational {
  const scale = 10n ** BigInt(RESULT_DIGITS);
  return rational(roundToFixed(rational(value, ONE), RESULT_DIGITS), scale);
}

export function multiplyFixed(a: bigint, b: bigint): bigint {
  return (a * b) / ONE;
}

export function divideFixed(a: bigint, b: bigint): bigint {
  return (a * ONE) / b;
}

/** base^exponent by squaring, for base >= 1, where no digits are lost to small results. */
export function powerFixed(base: bigint, exponent: number): bigint {
  invariant(base >= ONE, "powers are taken of numbers >= 1");
  let result = ONE;
  let square = base;
  for (let rest = exponent; rest > 0; rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) result = multiplyFixed(result, square);
    if (rest > 1) square = multiplyFixed(square, square);
  }
  return result;
}

/**
 * base^(numerator/denominator) for base >= 1 and 0 <= numerator <= denominator: the denominator-th
 * root x of base^numerator, by Newton's method. The start 1 + (base − 1)·n/d lies on the tangent of
 * a concave function and so above the root, from where the steps go down without overshooting.
 */
export function fractionalPower(base: bigint, numerator: number, denominator: number): bigint {
  invariant(0 <= numerator && numerator <= denominator && denominator > 0, "exponent is 0..1");
  if (numerator === 0) return ONE;
  if (numerator === denominator) return base;
  const target = powerFixed(base, numerator);
  const degree = BigInt(denominator);
  let x = ONE + ((base - ONE) * BigInt(numerator)) / degree;
  for (let steps = 0; steps < ROOT_STEPS_MAX; steps++) {
    const slope = powerFixed(x, denominator - 1);
    const step = divideFixed(multiplyFixed(slope, x) - target, degree * slope);
    // What is left is the rounding of the powers themselves: a few units of the last place.
    if (step <= 0n || x - step < ONE) return x;
    x -= step;
  }
  throw new InvariantError("Newton steps to a root converge");
}
