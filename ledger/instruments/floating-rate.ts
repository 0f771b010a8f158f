import { addDays } from "../arithmetic/calendar-date.ts";
import { rational, roundHalfUp } from "../arithmetic/rational.ts";
import type { FloatingRate } from "../state/instrument.ts";
import type { RateFixing } from "../state/rate-fixing.ts";

/** An auction counts for a period that begins at most so many days later: they are fortnightly. */
const AUCTION_LOOKBACK_DAYS = 35;

/** The fallback is an average of the last five working days before the period. */
const PKRV_LOOKBACK_DAYS = 14;

/**
 * The fixing that a period follows: the latest auction before it begins, else the latest average of
 * revaluation rates; undefined while neither is recorded.
 */
export function fixingFor(
  fixings: readonly RateFixing[],
  periodStart: string,
): RateFixing | undefined {
  const latest = (source: RateFixing["source"], lookback: number): RateFixing | undefined => {
    const earliest = addDays(periodStart, -lookback);
    return fixings.findLast(
      (fixing) => fixing.source === source && fixing.date < periodStart && fixing.date >= earliest,
    );
  };
  return latest("AUCTION", AUCTION_LOOKBACK_DAYS) ?? latest("PKRV", PKRV_LOOKBACK_DAYS);
}

/** The highest rate that a record carries: 100 per cent. */
const RATE_MAX = 1_000_000n;

/**
 * The rate of a period, per cent x 10^4: benchmark plus or minus the margin, rounded HALF_UP to the
 * places of the terms, not below 0 and not above 100 per cent.
 */
export function floatingRateE4(rate: FloatingRate, benchmarkRateE4: number): number {
  const margin = rate.marginSign === "PLUS" ? rate.marginE4 : -rate.marginE4;
  const step = 10n ** BigInt(Math.max(0, 4 - rate.rateDecimals));
  const rounded = step * roundHalfUp(rational(BigInt(benchmarkRateE4 + margin), step));
  if (rounded < 0n) return 0;
  return Number(rounded > RATE_MAX ? RATE_MAX : rounded);
}
