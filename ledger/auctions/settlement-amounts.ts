import { rational, roundHalfUp } from "../arithmetic/rational.ts";
import type { Execution } from "../execution.ts";
import { accruedPerUnit } from "../instruments/period-amount.ts";
import { periodAt, periodPlan } from "../instruments/schedule.ts";
import type { Instrument } from "../state/instrument.ts";
import { periodRateId, periodRateTable } from "../state/rate-fixing.ts";

/** What is paid for a face, minor units. */
export interface SettlementAmounts {
  readonly cleanAmount: bigint;
  readonly accruedInterest: bigint;
}

/**
 * Price per 100 times face, and what has accrued from the start of the running period to the
 * settlement date; each HALF_UP from its own exact value. Nothing has accrued on bills, and on any
 * paper at its issue date. Undefined where the running period of a floating instrument has no rate
 * yet.
 */
export function settlementAmounts(
  { state }: Pick<Execution, "state">,
  { isin, terms }: Instrument,
  face: bigint,
  priceE4: bigint,
  settlementDate: string,
): SettlementAmounts | undefined {
  const cleanAmount = roundHalfUp(rational(face * priceE4, 1_000_000n));
  const plan = periodPlan(terms);
  const period = plan === undefined ? undefined : periodAt(plan, settlementDate);
  if (plan === undefined || period === undefined || period.start === settlementDate) {
    return { cleanAmount, accruedInterest: 0n };
  }
  const rateE4 =
    plan.rate.kind === "FIXED"
      ? plan.rate.rateE4
      : state.of(periodRateTable).get(periodRateId(isin, period.start))?.rateE4;
  if (rateE4 === undefined) return undefined;
  const perUnit = accruedPerUnit(plan, rateE4, period, settlementDate);
  const accrued = rational(face * perUnit.numerator, perUnit.denominator);
  return { cleanAmount, accruedInterest: roundHalfUp(accrued) };
}
