import { counter, type Infer, list, record } from "../../primitives/codec/schema.ts";
import { MAX_HOLIDAY_CHANGES, MAX_HOLIDAYS, MAX_HOLIDAYS_PER_CHANGE } from "../limits.ts";
import { isoDate, max35Text } from "../types.ts";
import { Table } from "./table.ts";

/** Days on which the payment system is closed beside Saturdays and Sundays, from a moment on. */
const holidayChange = record({
  /** Unix milliseconds from which the change counts. */
  effectiveFromMs: counter,
  /** Sorted. */
  closed: list(isoDate, MAX_HOLIDAYS_PER_CHANGE),
  /** Sorted: holidays that are working days after all. */
  reopened: list(isoDate, MAX_HOLIDAYS_PER_CHANGE),
  reference: max35Text,
});
export type HolidayChange = Infer<typeof holidayChange>;

/**
 * Governed: the holidays in force, sorted, and the announced changes, ascending by the moment they
 * take effect. The moon decides on Eid the evening before, so a change may be a day ahead.
 */
const schema = record({
  holidays: list(isoDate, MAX_HOLIDAYS),
  announced: list(holidayChange, MAX_HOLIDAY_CHANGES),
});
export type Holidays = Infer<typeof schema>;

export const holidaysTable = new Table<Holidays>({
  name: "holidays",
  schema,
  idOf: () => "",
  remember: true,
});

export const NO_HOLIDAYS: Holidays = Object.freeze({ holidays: [], announced: [] });
