import { invariant } from "../../primitives/assert.ts";
import { addDays, weekdayOf } from "../arithmetic/calendar-date.ts";
import { MAX_HOLIDAYS } from "../limits.ts";
import { type Holidays, holidaysTable, NO_HOLIDAYS } from "../state/holidays.ts";
import type { LedgerState } from "../state/ledger-state.ts";
import type { StateReader } from "../state-reader.ts";

/** Of `weekdayOf`: Saturday and Sunday are closed in Pakistan's payment system. */
const SATURDAY = 5;

/** Closed days in a row: at most every holiday there is and the weekends between them. */
const CLOSED_RUN_MAX = 2 * MAX_HOLIDAYS;

/** Business days that one question may span: three years. */
const SPAN_MAX = 800;

/** The business days of Karachi as they are known at one moment. Dates are "YYYY-MM-DD". */
export class BusinessCalendar {
  readonly #holidays: ReadonlySet<string>;

  constructor(holidays: Iterable<string>) {
    this.#holidays = new Set(holidays);
  }

  isBusinessDay(date: string): boolean {
    return weekdayOf(date) < SATURDAY && !this.#holidays.has(date);
  }

  /** The date itself, or the first business day after it. */
  following(date: string): string {
    return this.#roll(date, 1);
  }

  /** The date itself, or the last business day before it. */
  preceding(date: string): string {
    return this.#roll(date, -1);
  }

  /**
   * `count` business days after the date (before it, if negative). A closed day counts as the
   * business day that follows it (precedes it): 0 business days after a Sunday is Monday.
   */
  addBusinessDays(date: string, count: number): string {
    invariant(Number.isInteger(count) && Math.abs(count) <= SPAN_MAX, "a count of business days");
    const step = count < 0 ? -1 : 1;
    let day = this.#roll(date, step);
    for (let left = Math.abs(count); left > 0; left--) day = this.#roll(addDays(day, step), step);
    return day;
  }

  #roll(date: string, step: 1 | -1): string {
    let day = date;
    for (let tries = 0; tries < CLOSED_RUN_MAX; tries++) {
      if (this.isBusinessDay(day)) return day;
      day = addDays(day, step);
    }
    invariant(false, "a business day follows within the holidays' bound");
  }
}

/** The holidays that count at a moment: those in force with every change that has taken effect. */
export function holidaysAt(holidays: Holidays, timestampMs: number): readonly string[] {
  const days = new Set(holidays.holidays);
  for (const { effectiveFromMs, closed, reopened } of holidays.announced) {
    if (effectiveFromMs > timestampMs) break;
    for (const date of closed) days.add(date);
    for (const date of reopened) days.delete(date);
  }
  return [...days].toSorted();
}

interface Remembered {
  readonly fromMs: number;
  readonly untilMs: number;
  readonly calendar: BusinessCalendar;
}

/** The last calendar made of a record: a record changes a few times a year. */
const remembered = new WeakMap<Holidays, Remembered>();

function calendarOf(holidays: Holidays, timestampMs: number): BusinessCalendar {
  const known = remembered.get(holidays);
  if (known !== undefined && known.fromMs <= timestampMs && timestampMs < known.untilMs) {
    return known.calendar;
  }
  const calendar = new BusinessCalendar(holidaysAt(holidays, timestampMs));
  const moments = holidays.announced.map(({ effectiveFromMs }) => effectiveFromMs);
  remembered.set(holidays, {
    fromMs: moments.findLast((moment) => moment <= timestampMs) ?? 0,
    untilMs: moments.find((moment) => moment > timestampMs) ?? Number.POSITIVE_INFINITY,
    calendar,
  });
  return calendar;
}

/** The calendar of a block being executed. */
export function calendarIn(execution: {
  readonly state: LedgerState;
  readonly timestampMs: number;
}): BusinessCalendar {
  const holidays = execution.state.of(holidaysTable).get("") ?? NO_HOLIDAYS;
  return calendarOf(holidays, execution.timestampMs);
}

/** The calendar out of committed state, at a Unix time in milliseconds. */
export function calendarAt(state: StateReader, timestampMs: number): BusinessCalendar {
  return calendarOf(holidaysTable.read(state, "") ?? NO_HOLIDAYS, timestampMs);
}
