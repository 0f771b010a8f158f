import { arithmeticError } from "./arithmetic-error.ts";

/**
 * Dates of the business calendar as plain ISO 8601 text, "2021-03-04", without a time or a zone.
 * Text in this form sorts as the dates do. Gregorian calendar, years 1900 … 2299. The language's
 * own Date is not used: it knows the zone of the machine.
 */
export const YEAR_MIN = 1900;
export const YEAR_MAX = 2299;

const PATTERN = /^([0-9]{4})-([0-9]{2})-([0-9]{2})$/;

interface Parts {
  readonly year: number;
  /** 1 … 12. */
  readonly month: number;
  readonly day: number;
}

/** Whether the text is a date that exists. */
export function isCalendarDate(text: string): boolean {
  return partsOf(text) !== undefined;
}

/** The text itself if it is a date that exists; throws ArithmeticError DATE_FORMAT. */
export function checkCalendarDate(text: string, field: string): string {
  requireParts(text, field);
  return text;
}

/** Days from `from` to `to`; negative if `to` is earlier. */
export function daysBetween(from: string, to: string): number {
  return dayNumber(requireParts(to, "to")) - dayNumber(requireParts(from, "from"));
}

export function addDays(date: string, days: number): string {
  return formatParts(partsOfDay(dayNumber(requireParts(date, "date")) + days));
}

/** 0 Monday … 6 Sunday. */
export function weekdayOf(date: string): number {
  return (((dayNumber(requireParts(date, "date")) + 3) % 7) + 7) % 7;
}

/**
 * The same day `months` later (earlier if negative); where that month is shorter, its last day.
 * With `endOfMonth`, the last day of a month gives the last day of the other. Count each date of a
 * schedule from one anchor: 31 January, 28 February, 28 March is what chained steps would give.
 */
export function addMonths(date: string, months: number, endOfMonth = false): string {
  const { year, month, day } = requireParts(date, "date");
  const index = 12 * year + (month - 1) + months;
  const target = { year: Math.floor(index / 12), month: (((index % 12) + 12) % 12) + 1 };
  const last = daysInMonth(target.year, target.month);
  const sticks = endOfMonth && day === daysInMonth(year, month);
  return formatParts({ ...target, day: sticks ? last : Math.min(day, last) });
}

export function isLeapYear(year: number): boolean {
  return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
}

/** `month` is 1 … 12. */
export function daysInMonth(year: number, month: number): number {
  if (month === 2) return isLeapYear(year) ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}

function partsOf(text: string): Parts | undefined {
  const match = typeof text === "string" ? PATTERN.exec(text) : null;
  if (match === null) return undefined;
  const [year, month, day] = [Number(match[1]), Number(match[2]), Number(match[3])];
  if (year < YEAR_MIN || year > YEAR_MAX || month < 1 || month > 12) return undefined;
  return day >= 1 && day <= daysInMonth(year, month) ? { year, month, day } : undefined;
}

function requireParts(text: string, field: string): Parts {
  const parts = partsOf(text);
  if (parts !== undefined) return parts;
  const got = typeof text === "string" ? text.slice(0, 20) : typeof text;
  throw arithmeticError("DATE_FORMAT", field, got, `YYYY-MM-DD, ${YEAR_MIN} to ${YEAR_MAX}`);
}

function formatParts({ year, month, day }: Parts): string {
  if (year < YEAR_MIN || year > YEAR_MAX) {
    throw arithmeticError("DATE_RANGE", "year", year, `${YEAR_MIN} to ${YEAR_MAX}`);
  }
  const two = (value: number): string => String(value).padStart(2, "0");
  return `${year}-${two(month)}-${two(day)}`;
}

/**
 * Days since 1970-01-01. The year is taken from March, so that the leap day is its last, and the
 * days before month m (March = 0) are ⌊(153 m + 2) / 5⌋.
 */
function dayNumber({ year, month, day }: Parts): number {
  const y = month > 2 ? year : year - 1;
  const m = (month + 9) % 12;
  const leapDays = Math.floor(y / 4) - Math.floor(y / 100) + Math.floor(y / 400);
  return 365 * y + leapDays + Math.floor((153 * m + 2) / 5) + (day - 1) - 719_468;
}

function partsOfDay(number: number): Parts {
  // 400 years have 146,097 days: the first guess at the March year is right or one too high.
  let year = Math.floor((400 * (number + 719_468)) / 146_097) + 1;
  while (dayNumber({ year, month: 3, day: 1 }) > number) year -= 1;
  const dayOfYear = number - dayNumber({ year, month: 3, day: 1 });
  const m = Math.floor((5 * dayOfYear + 2) / 153);
  const day = dayOfYear - Math.floor((153 * m + 2) / 5) + 1;
  return m < 10 ? { year, month: m + 3, day } : { year: year + 1, month: m - 9, day };
}
