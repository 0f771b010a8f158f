import { daysBetween } from "../arithmetic/calendar-date.ts";
import { KARACHI_OFFSET_MS } from "../limits.ts";
import { DueQueue } from "../state/due-queue.ts";

const DAY_MS = 24 * 60 * 60 * 1000;

/** Allotments settle from nine in the morning of Karachi, when the payment system has opened. */
const OPENING_MS = 9 * 60 * 60 * 1000;

/** Nothing is tried later than so long after the opening: until five in the afternoon. */
export const CLOSING_AFTER_MS = 8 * 60 * 60 * 1000;

/** A buyer that is short is tried again: a funding transfer takes minutes. */
export const RETRY_MS = 15 * 60 * 1000;

/** Business days after the settlement date on which a short allotment is still tried. */
export const RETRY_DAYS = 2;

/** Allotments settled by one block: some 0.1 ms each. */
export const ALLOTMENTS_PER_BLOCK = 256;

/** Allotments that wait, by the millisecond at which they are tried next. */
export const allotmentQueue = new DueQueue("auction-allotment");

/** Milliseconds as text of 16 digits, which sorts as they do. */
export function dueAt(timestampMs: number): string {
  return String(timestampMs).padStart(16, "0");
}

/** Unix milliseconds at which allotments of that date are first tried. */
export function openingOf(date: string): number {
  return daysBetween("1970-01-01", date) * DAY_MS - KARACHI_OFFSET_MS + OPENING_MS;
}
