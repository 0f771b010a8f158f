import { addDays, daysBetween } from "../arithmetic/calendar-date.ts";
import { couponDates } from "../arithmetic/coupon-position.ts";
import type { FloatingRate, InstrumentTerms } from "../state/instrument.ts";

/**
 * What an instrument pays and when, derived from its terms alone. Dates are nominal: counted back
 * from maturity and not moved off holidays. Payment moves to the following business day, the amount
 * does not.
 */

/** Whoever holds at the close of the day before the due date is entitled: days between the two. */
export const RECORD_LEAD_DAYS = 1;

/** The rate of a period: fixed in the terms, or following a benchmark. */
export type PeriodRate =
  | { readonly kind: "FIXED"; readonly rateE4: number }
  | { readonly kind: "FLOATING"; readonly rate: FloatingRate };

/** How the periods of an interest-bearing instrument are laid out and what each pays. */
export interface PeriodPlan {
  readonly pays: "COUPON" | "RENTAL";
  readonly frequency: number;
  readonly firstDate: string;
  readonly issueDate: string;
  readonly maturityDate: string;
  readonly rate: PeriodRate;
  /** EQUAL: rate / frequency whatever the days (Act/Act). DAYS: rate times days / 365. */
  readonly basis: "EQUAL" | "DAYS";
}

/** Undefined for instruments that pay nothing before maturity. */
export function periodPlan(terms: InstrumentTerms): PeriodPlan | undefined {
  switch (terms.type) {
    case "PIB_FIXED":
    case "PFL": {
      const { body } = terms;
      const { issueDate, maturityDate, couponFrequency: frequency } = body;
      const rate = rateOf("couponRateE4" in body ? body.couponRateE4 : body.rate);
      const dates = { issueDate, maturityDate, firstDate: body.firstCouponDate };
      return { pays: "COUPON", frequency, ...dates, rate, basis: "EQUAL" };
    }
    case "GIS_FRR":
    case "GIS_VRR": {
      const { body } = terms;
      const { issueDate, maturityDate, rentalFrequency: frequency } = body;
      const rate = rateOf("rentalRateE4" in body ? body.rentalRateE4 : body.rate);
      const dates = { issueDate, maturityDate, firstDate: body.firstRentalDate };
      return { pays: "RENTAL", frequency, ...dates, rate, basis: "DAYS" };
    }
    case "MTB":
    case "COMMODITY":
    case "OTHER":
      return undefined;
  }
}

function rateOf(rate: number | FloatingRate): PeriodRate {
  return typeof rate === "number" ? { kind: "FIXED", rateE4: rate } : { kind: "FLOATING", rate };
}

/** One period of interest or rental. It ends on the day on which it is due. */
export interface Period {
  readonly start: string;
  readonly end: string;
  readonly days: number;
}

/** All periods from issue to maturity. The terms are proper. */
export function periodsOf(plan: PeriodPlan): readonly Period[] {
  const dates = couponDates({
    couponRateE4: 0,
    couponFrequency: plan.frequency,
    issueDate: plan.issueDate,
    maturityDate: plan.maturityDate,
  });
  let start = plan.issueDate;
  return dates.map((end) => {
    const period = { start, end, days: daysBetween(start, end) };
    start = end;
    return period;
  });
}

/**
 * COUPON and RENTAL pay a period; REDEMPTION pays the face and ends the units; LAPSE ends units
 * that were to be delivered in kind and were not asked for.
 */
export type LifeCycleType = "COUPON" | "RENTAL" | "REDEMPTION" | "LAPSE";

export interface ScheduledEvent {
  readonly type: LifeCycleType;
  /** Ownership at the close of this day counts. */
  readonly recordDate: string;
  /** Nominal: paid on the following business day. */
  readonly dueDate: string;
  /** COUPON and RENTAL only. */
  readonly period: Period | undefined;
}

/** Everything that will ever happen to the instrument by itself, in order. */
export function scheduleOf(terms: InstrumentTerms): readonly ScheduledEvent[] {
  const plan = periodPlan(terms);
  const events: ScheduledEvent[] =
    plan === undefined
      ? []
      : periodsOf(plan).map((period) => scheduled(plan.pays, period.end, period));
  const end = endOf(terms);
  if (end !== undefined) events.push(scheduled(end.type, end.date, undefined));
  return events;
}

function endOf(
  terms: InstrumentTerms,
): { readonly type: LifeCycleType; readonly date: string } | undefined {
  if (terms.type === "COMMODITY") return undefined;
  const date = terms.body.maturityDate;
  const isDelivered = terms.type === "OTHER" && terms.body.settlement === "DELIVERY";
  return { type: isDelivered ? "LAPSE" : "REDEMPTION", date };
}

function scheduled(
  type: LifeCycleType,
  dueDate: string,
  period: Period | undefined,
): ScheduledEvent {
  return { type, dueDate, recordDate: addDays(dueDate, -RECORD_LEAD_DAYS), period };
}

/** The first due date after a day, on which one event or several are due; undefined at the end. */
export function nextDueDate(terms: InstrumentTerms, after: string): string | undefined {
  return scheduleOf(terms).find(({ dueDate }) => dueDate > after)?.dueDate;
}

export function eventsDue(terms: InstrumentTerms, dueDate: string): readonly ScheduledEvent[] {
  return scheduleOf(terms).filter((event) => event.dueDate === dueDate);
}

/** The period in which a day lies: its start belongs to it, its end to the next. */
export function periodAt(plan: PeriodPlan, date: string): Period | undefined {
  return periodsOf(plan).find(({ start, end }) => start <= date && date < end);
}
