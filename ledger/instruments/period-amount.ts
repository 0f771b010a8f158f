import { daysBetween } from "../arithmetic/calendar-date.ts";
import { type Rational, rational } from "../arithmetic/rational.ts";
import type { Period, PeriodPlan } from "./schedule.ts";

/**
 * What a period pays on one minor unit of face at a rate (per cent x 10^4), exact: rate / frequency
 * for bonds (Act/Act), rate x days / 365 for sukuk.
 */
export function paidPerUnit(
  plan: Pick<PeriodPlan, "basis" | "frequency">,
  rateE4: number,
  period: Period,
): Rational {
  const rate = BigInt(rateE4);
  return plan.basis === "EQUAL"
    ? rational(rate, 1_000_000n * BigInt(plan.frequency))
    : rational(rate * BigInt(period.days), 365_000_000n);
}

/**
 * What has accrued on one minor unit of face from the start of the period to a day in it: a share
 * a/E of the coupon (Act/Act), or rate x days / 365. Re-openings and trades settle at price plus it.
 */
export function accruedPerUnit(
  plan: Pick<PeriodPlan, "basis" | "frequency">,
  rateE4: number,
  period: Period,
  date: string,
): Rational {
  const elapsed = BigInt(daysBetween(period.start, date));
  const rate = BigInt(rateE4);
  return plan.basis === "EQUAL"
    ? rational(rate * elapsed, 1_000_000n * BigInt(plan.frequency) * BigInt(period.days))
    : rational(rate * elapsed, 365_000_000n);
}
