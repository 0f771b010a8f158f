import { present } from "../../primitives/assert.ts";
import type { Execution } from "../execution.ts";
import { fixingFor, floatingRateE4 } from "../instruments/floating-rate.ts";
import { periodPlan } from "../instruments/schedule.ts";
import type { LedgerState } from "../state/ledger-state.ts";
import { periodRateId, periodRateTable, rateFixingsTable } from "../state/rate-fixing.ts";

/** The rate of one period, per cent x 10^4; undefined while a floating one is not set. */
export function rateOfPeriod(
  state: LedgerState,
  isin: string,
  periodStart: string,
): number | undefined {
  const { terms } = present(state.instruments.get(isin), `instrument ${isin}`);
  const { rate } = present(periodPlan(terms), `periods of ${isin}`);
  if (rate.kind === "FIXED") return rate.rateE4;
  return state.of(periodRateTable).get(periodRateId(isin, periodStart))?.rateE4;
}

/** Sets a floating rate once its fixing is on record; whether it is set now. */
export function setPeriodRate(execution: Execution, isin: string, periodStart: string): boolean {
  const { state } = execution;
  if (rateOfPeriod(state, isin, periodStart) !== undefined) return true;
  const { terms } = present(state.instruments.get(isin), `instrument ${isin}`);
  const plan = periodPlan(terms);
  if (plan === undefined || plan.rate.kind === "FIXED") return true;
  const { rate } = plan.rate;
  const fixings = state.of(rateFixingsTable).get(rate.benchmark)?.fixings ?? [];
  const fixing = fixingFor(fixings, periodStart);
  if (fixing === undefined) return false;
  const set = {
    isin,
    periodStart,
    benchmarkRateE4: fixing.rateE4,
    source: fixing.source,
    fixingDate: fixing.date,
    rateE4: floatingRateE4(rate, fixing.rateE4),
  };
  state.of(periodRateTable).put(set);
  execution.emit({ type: "periodRateSet", body: { ...set, benchmark: rate.benchmark } });
  return true;
}
