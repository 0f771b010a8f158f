import { arithmeticError } from "./arithmetic-error.ts";
import {
  add,
  compare,
  divide,
  multiply,
  type Rational,
  rational,
  subtract,
  ZERO,
} from "./rational.ts";

/**
 * Market Treasury Bills: discount paper without coupon, simple yield on Act/365 whatever the year.
 *
 *     P = 100 / (1 + y·d/365)          y = (100/P − 1)·365/d
 */

const HUNDRED = rational(100n);
const ONE = rational(1n);

/** Bills run for at most a year; the bound keeps a wrong date from giving a plausible price. */
const DAYS_MAX = 366;

/** Price per 100, exact, from a yield in per cent a year >= 0. */
export function billPrice(yieldPercent: Rational, days: number): Rational {
  if (compare(yieldPercent, ZERO) < 0) {
    throw arithmeticError("YIELD_RANGE", "yield", "negative", "a yield >= 0");
  }
  const growth = add(ONE, multiply(yieldPercent, yearFraction(days, 100n)));
  return divide(HUNDRED, growth);
}

/** Yield in per cent a year, exact, from a price per 100 above 0 and at most 100. */
export function billYield(price: Rational, days: number): Rational {
  if (compare(price, ZERO) <= 0 || compare(price, HUNDRED) > 0) {
    const got = `${price.numerator}/${price.denominator}`.slice(0, 60);
    throw arithmeticError("PRICE_RANGE", "price", got, "above 0 and at most 100");
  }
  return divide(subtract(divide(HUNDRED, price), ONE), yearFraction(days, 100n));
}

function yearFraction(days: number, percent: bigint): Rational {
  if (!Number.isInteger(days) || days < 1 || days > DAYS_MAX) {
    throw arithmeticError("TERM_RANGE", "days", days, `1 to ${DAYS_MAX}`);
  }
  return rational(BigInt(days), 365n * percent);
}
