import { arithmeticError } from "./arithmetic-error.ts";
import { addMonths, daysBetween } from "./calendar-date.ts";

/** What the schedule of a fixed-rate bullet bond follows from. Dates are "YYYY-MM-DD". */
export interface FixedBondTerms {
  /** Per cent a year × 10^4: 7.00% is 70,000. */
  readonly couponRateE4: number;
  /** Coupons a year: 1, 2 or 4. */
  readonly couponFrequency: number;
  readonly issueDate: string;
  readonly maturityDate: string;
  /** Whether coupons stay on the last day of the month, if maturity is on one. Default no. */
  readonly endOfMonth?: boolean;
}

/** Where a settlement date stands in a bond's life: all that its price depends on. */
export interface CouponPosition {
  readonly couponRateE4: number;
  readonly couponFrequency: number;
  readonly periodStart: string;
  readonly periodEnd: string;
  /** a: days from the start of the coupon period to settlement. */
  readonly elapsedDays: number;
  /** E: days in the coupon period. */
  readonly periodDays: number;
  /** n: coupons still to be paid, the one at maturity among them. */
  readonly couponsLeft: number;
}

/** Bonds of 100 years with quarterly coupons have 400. */
const COUPONS_MAX = 400;

/**
 * The nominal coupon dates, from the first after issue to maturity. They are counted back from
 * maturity and not moved off holidays: payment moves, the amount and the accrual do not. Throws
 * ArithmeticError TERM_RANGE unless the issue date starts a whole period: a broken first coupon
 * accrues by another rule.
 */
export function couponDates(terms: FixedBondTerms): readonly string[] {
  const months = monthsPerCoupon(terms.couponFrequency);
  const { issueDate, maturityDate, endOfMonth = false } = terms;
  if (daysBetween(issueDate, maturityDate) <= 0) {
    throw arithmeticError("DATE_ORDER", "maturityDate", maturityDate, `after ${issueDate}`);
  }
  const backwards: string[] = [];
  let date = maturityDate;
  while (date > issueDate && backwards.length < COUPONS_MAX) {
    backwards.push(date);
    date = addMonths(maturityDate, -months * backwards.length, endOfMonth);
  }
  if (date !== issueDate) {
    const expected = `a whole number of ${months}-month periods before ${maturityDate}`;
    throw arithmeticError("TERM_RANGE", "issueDate", issueDate, expected);
  }
  return backwards.reverse();
}

/**
 * The coupon period that holds the settlement date: from its start, which belongs to it, to its
 * end, which starts the next. Throws ArithmeticError DATE_RANGE outside the bond's life.
 */
export function couponPosition(terms: FixedBondTerms, settlementDate: string): CouponPosition {
  const dates = couponDates(terms);
  const beforeIssue = daysBetween(settlementDate, terms.issueDate) > 0;
  const next = dates.findIndex((date) => date > settlementDate);
  const periodEnd = dates[next];
  if (beforeIssue || periodEnd === undefined) {
    const expected = `from ${terms.issueDate} to before ${terms.maturityDate}`;
    throw arithmeticError("DATE_RANGE", "settlementDate", settlementDate, expected);
  }
  const periodStart = dates[next - 1] ?? terms.issueDate;
  return {
    couponRateE4: terms.couponRateE4,
    couponFrequency: terms.couponFrequency,
    periodStart,
    periodEnd,
    elapsedDays: daysBetween(periodStart, settlementDate),
    periodDays: daysBetween(periodStart, periodEnd),
    couponsLeft: dates.length - next,
  };
}

function monthsPerCoupon(frequency: number): number {
  switch (frequency) {
    case 1:
      return 12;
    case 2:
      return 6;
    case 4:
      return 3;
    default:
      throw arithmeticError("TERM_RANGE", "couponFrequency", frequency, "1, 2 or 4");
  }
}
