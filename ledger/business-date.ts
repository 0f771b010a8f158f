import { addDays } from "./arithmetic/calendar-date.ts";
import { KARACHI_OFFSET_MS } from "./limits.ts";

const DAY_MS = 24 * 60 * 60 * 1000;

/** The calendar day in Karachi at that Unix time, "YYYY-MM-DD". */
export function businessDateOf(timestampMs: number): string {
  return addDays("1970-01-01", Math.floor((timestampMs + KARACHI_OFFSET_MS) / DAY_MS));
}
