import { InvariantError, invariant } from "../../primitives/assert.ts";
import { arithmeticError } from "./arithmetic-error.ts";
import type { CouponPosition } from "./coupon-position.ts";
import {
  divideFixed,
  fractionalPower,
  multiplyFixed,
  ONE,
  toFixedPoint,
  toRational,
} from "./fixed-point.ts";
import {
  add,
  compare,
  fromFixed,
  multiply,
  type Rational,
  rational,
  roundHalfUp,
  subtract,
  ZERO,
} from "./rational.ts";

/**
 * Fixed-rate bonds by the street convention (ICMA, Act/Act), as the State Bank of Pakistan prices
 * fixed Pakistan Investment Bonds. For a coupon c and a yield y in per cent a year, f coupons a
 * year, n coupons left, a of the E days of the current period gone and w = (E − a)/E:
 *
 *     accrued = c/f · a/E
 *     dirty   = Σ (k = 0 … n−1)  (c/f) / (1 + y/f)^(w + k)  +  100 / (1 + y/f)^(w + n − 1)
 *     clean   = dirty − accrued                                          all per 100 of face
 *
 * Bids are prices; yields follow from them and decide nothing.
 */

/** Yields asked for or found: 0 … 1000 per cent a year. */
const YIELD_MAX_PERCENT = 1000n;

/** Newton steps to a yield: about eight for a usual bond, some dozens at the far end. */
const YIELD_STEPS_MAX = 400;

/** How near to the yield the last step must come, in units of 10^−60: 10^−50. */
const YIELD_PRECISION = 10n ** 10n;

/** Unrounded parts of one settlement, in minor units. */
export interface BondAmounts {
  /** "Realised": face × price / 100. */
  readonly clean: Rational;
  readonly accrued: Rational;
  readonly total: Rational;
}

/** The same parts rounded for posting. */
export interface PostedBondAmounts {
  readonly clean: bigint;
  readonly accrued: bigint;
  readonly total: bigint;
}

/** Accrued interest per 100 of face, exact. */
export function accruedPer100(position: CouponPosition): Rational {
  const { couponRateE4, couponFrequency, elapsedDays, periodDays } = position;
  return rational(
    BigInt(couponRateE4) * BigInt(elapsedDays),
    10_000n * BigInt(couponFrequency) * BigInt(periodDays),
  );
}

/** One coupon on `face` minor units, exact: face × rate / frequency, not by days. */
export function couponAmount(
  face: bigint,
  couponRateE4: number,
  couponFrequency: number,
): Rational {
  return rational(face * BigInt(couponRateE4), 1_000_000n * BigInt(couponFrequency));
}

/**
 * What `face` minor units cost at a clean price per 100 × 10^4, unrounded: add these, then round.
 */
export function bondAmounts(face: bigint, priceE4: bigint, position: CouponPosition): BondAmounts {
  const clean = rational(face * priceE4, 1_000_000n);
  const accrued = multiply(rational(face, 100n), accruedPer100(position));
  return { clean, accrued, total: add(clean, accrued) };
}

/**
 * Rounded HALF_UP to whole minor units, each from its own unrounded value. The total is what is
 * paid; it can differ by one minor unit from the sum of the two rounded parts.
 */
export function postedAmounts(amounts: BondAmounts): PostedBondAmounts {
  return {
    clean: roundHalfUp(amounts.clean),
    accrued: roundHalfUp(amounts.accrued),
    total: roundHalfUp(amounts.total),
  };
}

/**
 * Clean price per 100 at a yield in per cent a year, to 40 places: round to four for a price.
 * Throws ArithmeticError YIELD_RANGE for a yield outside 0 … 1000 per cent.
 */
export function priceFromYield(yieldPercent: Rational, position: CouponPosition): Rational {
  const aboveMax = compare(yieldPercent, rational(YIELD_MAX_PERCENT)) > 0;
  if (compare(yieldPercent, ZERO) < 0 || aboveMax) {
    throw arithmeticError("YIELD_RANGE", "yield", "outside", `0 to ${YIELD_MAX_PERCENT} per cent`);
  }
  const rate = toFixedPoint(multiply(yieldPercent, rational(1n, 100n)));
  const dirty = toRational(dirtyPrice(rate, position).value);
  return subtract(dirty, accruedPer100(position));
}

/**
 * The yield in per cent a year, to 40 places, that gives this clean price per 100. Throws
 * ArithmeticError PRICE_RANGE where that would be negative or above 1000 per cent.
 */
export function yieldFromPrice(price: Rational, position: CouponPosition): Rational {
  const target = toFixedPoint(add(price, accruedPer100(position)));
  const highest = dirtyPrice(0n, position).value;
  const lowest = dirtyPrice((YIELD_MAX_PERCENT * ONE) / 100n, position).value;
  if (target > highest || target < lowest) {
    const expected = `a price at which the yield is 0 to ${YIELD_MAX_PERCENT} per cent`;
    const got = `${price.numerator}/${price.denominator}`.slice(0, 60);
    throw arithmeticError("PRICE_RANGE", "price", got, expected);
  }
  return multiply(toRational(solveYield(target, position)), rational(100n));
}

/**
 * Newton's method from 0. The price falls and is convex in the yield, so the steps go up to the
 * yield and never past it; they end when the next one is less than the precision.
 */
function solveYield(target: bigint, position: CouponPosition): bigint {
  let rate = 0n;
  for (let steps = 0; steps < YIELD_STEPS_MAX; steps++) {
    const { value, slope } = dirtyPrice(rate, position);
    const step = divideFixed(value - target, slope);
    if (step < YIELD_PRECISION) {
      const beyond = dirtyPrice(rate + 2n * YIELD_PRECISION, position).value;
      invariant(beyond <= target, "the yield lies between the last rate and the next");
      return rate + step;
    }
    rate += step;
  }
  throw new InvariantError("Newton steps to a yield converge");
}

/** Dirty price per 100 at `rate` (0.09 is 9 per cent a year), and minus its derivative. */
function dirtyPrice(rate: bigint, position: CouponPosition): { value: bigint; slope: bigint } {
  const { couponFrequency, elapsedDays, periodDays, couponsLeft } = position;
  const frequency = BigInt(couponFrequency);
  const coupon = toFixedPoint(fromFixed(BigInt(position.couponRateE4), 4)) / frequency;
  const growth = ONE + rate / frequency;
  const daysLeft = periodDays - elapsedDays;
  let discount = divideFixed(ONE, fractionalPower(growth, daysLeft, periodDays));
  let value = 0n;
  let weighted = 0n;
  for (let k = 0; k < couponsLeft; k++) {
    const flow = coupon + (k === couponsLeft - 1 ? 100n * ONE : 0n);
    const worth = multiplyFixed(flow, discount);
    value += worth;
    // Periods until this flow, in units of 1/E: w + k = (E − a + k·E) / E.
    weighted += worth * BigInt(daysLeft + k * periodDays);
    discount = divideFixed(discount, growth);
  }
  const slope = divideFixed(weighted / BigInt(periodDays), growth * frequency);
  return { value, slope };
}
