import { type Execution, type Failure, failure } from "../execution.ts";
import { MAX_FIXINGS } from "../limits.ts";
import { type RateFixing, rateFixingsTable } from "../state/rate-fixing.ts";
import type { Benchmark } from "../types.ts";

/** A fixing to be recorded: by the central bank, or as the result of an auction of bills. */
export interface NewFixing extends Omit<RateFixing, "recordedAtHeight"> {
  readonly benchmark: Benchmark;
}

/**
 * Records what a benchmark was on a day. FIXING_EXISTS for a second one of that source and day;
 * LIMIT_REACHED for one older than all that are kept.
 */
export function recordFixing(execution: Execution, fixing: NewFixing): Failure | undefined {
  const { benchmark, source, date, rateE4, reference } = fixing;
  const known = execution.state.of(rateFixingsTable).get(benchmark)?.fixings ?? [];
  const isKnown = known.some((other) => other.source === source && other.date === date);
  if (isKnown) return failure("FIXING_EXISTS", "date");
  const added = { source, date, rateE4, reference, recordedAtHeight: execution.height };
  const place = known.findLastIndex((other) => other.date <= date) + 1;
  if (place === 0 && known.length >= MAX_FIXINGS) return failure("LIMIT_REACHED", "date");
  const fixings = known.toSpliced(place, 0, added).slice(-MAX_FIXINGS);
  execution.state.of(rateFixingsTable).put({ benchmark, fixings });
  execution.emit({ type: "rateFixed", body: { benchmark, source, date, rateE4, reference } });
  return undefined;
}
