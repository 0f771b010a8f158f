import { ArithmeticError } from "../arithmetic/arithmetic-error.ts";
import { addMonths, daysBetween } from "../arithmetic/calendar-date.ts";
import { type Failure, failure } from "../execution.ts";
import type { InstrumentTerms, OtherTerms } from "../state/instrument.ts";
import type { Tenor, TenorTable } from "../state/tenor-table.ts";
import { type PeriodPlan, periodPlan, periodsOf } from "./schedule.ts";

/** A document that nobody has is no document. */
const NO_HASH = "00".repeat(32);

/**
 * Whether the terms fit together: TERMS_INVALID with the field at fault. Terms that pass have a
 * schedule.
 */
export function checkTerms(terms: InstrumentTerms): Failure | undefined {
  return checkDocument(terms) ?? checkDates(terms);
}

function checkDocument({ body }: InstrumentTerms): Failure | undefined {
  const missing = "documentHash" in body && body.documentHash === NO_HASH;
  return missing ? failure("TERMS_INVALID", "terms.documentHash") : undefined;
}

function checkDates(terms: InstrumentTerms): Failure | undefined {
  if (terms.type === "COMMODITY") return undefined;
  const plan = periodPlan(terms);
  if (plan !== undefined) return checkFloating(plan) ?? checkPeriods(plan);
  const { issueDate, maturityDate } = terms.body;
  if (maturityDate <= issueDate) return failure("TERMS_INVALID", "terms.maturityDate");
  return terms.type === "OTHER" ? checkOther(terms.body) : undefined;
}

function checkFloating({ rate, frequency, pays }: PeriodPlan): Failure | undefined {
  if (rate.kind === "FIXED") return undefined;
  const { rateDecimals } = rate.rate;
  if (rateDecimals < 2) return failure("TERMS_INVALID", "terms.rate.rateDecimals");
  // Floating bonds pay quarterly or half-yearly.
  if (pays === "COUPON" && frequency === 1) return failure("TERMS_INVALID", FIELDS.COUPON[0]);
  return undefined;
}

const FIELDS = {
  COUPON: ["terms.couponFrequency", "terms.firstCouponDate"],
  RENTAL: ["terms.rentalFrequency", "terms.firstRentalDate"],
} as const;

/**
 * The schedule must be regular: a whole number of periods from issue to maturity, counted back from
 * maturity, the first ending on the first date. A broken first period would accrue by another rule.
 */
function checkPeriods(plan: PeriodPlan): Failure | undefined {
  const [frequencyField, firstField] = FIELDS[plan.pays];
  if (![1, 2, 4].includes(plan.frequency)) return failure("TERMS_INVALID", frequencyField);
  try {
    const [first] = periodsOf(plan);
    return first?.end === plan.firstDate ? undefined : failure("TERMS_INVALID", firstField);
  } catch (error) {
    if (!(error instanceof ArithmeticError)) throw error;
    return failure("TERMS_INVALID", "terms.maturityDate");
  }
}

/** A claim paid in cash counts paisa; one that is delivered has days of delivery and outlives them. */
function checkOther(terms: OtherTerms): Failure | undefined {
  const { settlement, unit, delivery, issueDate, maturityDate } = terms;
  if ((settlement === "PAR_CASH") !== (unit === "PAISA")) {
    return failure("TERMS_INVALID", "terms.unit");
  }
  if ((delivery !== undefined) !== (settlement === "DELIVERY")) {
    return failure("TERMS_INVALID", "terms.delivery");
  }
  if (delivery === undefined) return undefined;
  const { from, to } = delivery;
  const isProper = issueDate <= from && from <= to && to < maturityDate;
  return isProper ? undefined : failure("TERMS_INVALID", "terms.delivery");
}

/** Whether the table offers a life of this length; commodities and other claims are free of it. */
export function isTenorOffered(terms: InstrumentTerms, { tenors }: TenorTable): boolean {
  if (terms.type === "COMMODITY" || terms.type === "OTHER") return true;
  const { issueDate, maturityDate } = terms.body;
  const spans = ({ unit, length }: Tenor): boolean =>
    unit === "DAYS"
      ? daysBetween(issueDate, maturityDate) === length
      : addMonths(maturityDate, -12 * length) === issueDate;
  return tenors.some((tenor) => tenor.type === terms.type && spans(tenor));
}
