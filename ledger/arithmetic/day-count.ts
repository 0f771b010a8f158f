import { arithmeticError } from "./arithmetic-error.ts";
import { daysBetween } from "./calendar-date.ts";
import { multiply, type Rational, rational } from "./rational.ts";

/** Act/365 (Fixed): T-bills, Ijara sukuk and repo in Pakistan. The fraction of a year. */
export function act365(from: string, to: string): Rational {
  return rational(BigInt(daysInOrder(from, to)), 365n);
}

/**
 * Act/Act as ICMA rule 251 has it, for fixed Pakistan Investment Bonds: the fraction a/E of one
 * coupon period that has passed. A coupon is rate/frequency whatever the days in its period.
 */
export function actActIcma(periodStart: string, date: string, periodEnd: string): Rational {
  const elapsed = daysInOrder(periodStart, date);
  daysInOrder(date, periodEnd);
  const length = daysBetween(periodStart, periodEnd);
  if (length === 0) throw arithmeticError("DATE_ORDER", "periodEnd", periodEnd, "a later date");
  return rational(BigInt(elapsed), BigInt(length));
}

/**
 * Interest on `principal` minor units at `rateE4` (per cent × 10^4) for `days`, Act/365, unrounded:
 * sukuk rental and repo interest. Round once, where it is posted.
 */
export function simpleInterest365(principal: bigint, rateE4: bigint, days: number): Rational {
  if (!Number.isSafeInteger(days) || days < 0) {
    throw arithmeticError("TERM_RANGE", "days", days, "a whole number >= 0");
  }
  return multiply(rational(principal), rational(rateE4 * BigInt(days), 365n * 1_000_000n));
}

function daysInOrder(from: string, to: string): number {
  const days = daysBetween(from, to);
  if (days < 0) throw arithmeticError("DATE_ORDER", "to", to, `not before ${from}`);
  return days;
}
