import { daysBetween } from "../arithmetic/calendar-date.ts";
import { type BusinessCalendar, calendarIn } from "../calendar/business-calendar.ts";
import type { Execution } from "../execution.ts";
import { KARACHI_OFFSET_MS } from "../limits.ts";
import { isCash } from "../types.ts";
import type { Instruction } from "./instruction-record.ts";
import { type SettlementParameters, settlementParametersOn } from "./settlement-parameters.ts";

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;

/** Where in the settlement day a block stands. */
export interface SettlementDay {
  readonly date: string;
  /** Since midnight in Karachi. */
  readonly minute: number;
  readonly parameters: SettlementParameters;
  readonly calendar: BusinessCalendar;
  /** A business day between start and end: instructions are matched and settled. */
  readonly isOpen: boolean;
}

export function settlementDayOf(execution: Execution): SettlementDay {
  const { state, timestampMs, businessDate: date } = execution;
  const parameters = settlementParametersOn(state, date);
  const calendar = calendarIn(execution);
  const minute = Math.floor(((timestampMs + KARACHI_OFFSET_MS) % DAY_MS) / MINUTE_MS);
  const isOpen =
    parameters.startMinute <= minute &&
    minute < parameters.endMinute &&
    calendar.isBusinessDay(date);
  return { date, minute, parameters, calendar, isOpen };
}

type Kind = Pick<Instruction, "asset" | "payment">;

/** The minute from which on instructions of this kind no longer settle that day. */
export function cutoffOf({ asset, payment }: Kind, parameters: SettlementParameters): number {
  if (payment === "FREE") return parameters.fopCutoffMinute;
  return isCash(asset) ? parameters.pvpCutoffMinute : parameters.dvpCutoffMinute;
}

/** Whether an instruction's settlement date is over for its kind. */
export function isPastDate(
  instruction: Kind & Pick<Instruction, "settlementDate">,
  day: SettlementDay,
): boolean {
  const { settlementDate } = instruction;
  if (settlementDate !== day.date) return settlementDate < day.date;
  return day.minute >= cutoffOf(instruction, day.parameters);
}

/** Unix milliseconds of a minute of a date in Karachi. */
export function timeOf(date: string, minute: number): number {
  return daysBetween("1970-01-01", date) * DAY_MS + minute * MINUTE_MS - KARACHI_OFFSET_MS;
}
