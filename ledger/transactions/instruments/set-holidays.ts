import { counter, type Infer, list, record } from "../../../primitives/codec/schema.ts";
import { addDays } from "../../arithmetic/calendar-date.ts";
import { businessDateOf } from "../../business-date.ts";
import { holidaysAt } from "../../calendar/business-calendar.ts";
import { type Execution, type Failure, failure } from "../../execution.ts";
import { MAX_HOLIDAY_CHANGES, MAX_HOLIDAYS, MAX_HOLIDAYS_PER_CHANGE } from "../../limits.ts";
import { holidaysTable, NO_HOLIDAYS } from "../../state/holidays.ts";
import { isoDate, max35Text } from "../../types.ts";
import { transactionKind } from "../transaction-kind.ts";

/** Past holidays are remembered so long: for counting business days backwards. */
const KEPT_DAYS = 92;

const payload = record({
  /** Unix milliseconds from which the change counts; later than that of the last change. */
  effectiveFromMs: counter,
  /** Days that become holidays, sorted. */
  closed: list(isoDate, MAX_HOLIDAYS_PER_CHANGE),
  /** Holidays that become working days, sorted. */
  reopened: list(isoDate, MAX_HOLIDAYS_PER_CHANGE),
  /** The central bank's circular. */
  reference: max35Text,
});
type Payload = Infer<typeof payload>;

export const setHolidays = transactionKind({
  kind: "set-holidays",
  summary: "Changes the holidays of Karachi from a moment on: Eid may be announced the day before.",
  payload,
  signers: [{ by: "role", role: "CENTRAL_BANK" }],
  keyPurpose: "TRANSACTION",
  success: "APPLIED",
  failures: ["TABLE_INVALID", "EFFECTIVE_TOO_EARLY", "LIMIT_REACHED"],
  execute,
});

function execute(payload: Payload, execution: Execution): Failure | undefined {
  const { state, timestampMs, businessDate } = execution;
  const { effectiveFromMs, closed, reopened } = payload;
  const contradiction = checkLists(payload);
  if (contradiction !== undefined) return contradiction;
  const current = state.of(holidaysTable).get("") ?? NO_HOLIDAYS;
  const last = current.announced.at(-1);
  if (last !== undefined && effectiveFromMs <= last.effectiveFromMs) {
    return failure("EFFECTIVE_TOO_EARLY", "effectiveFromMs");
  }
  // A day that has begun keeps its name: what was done on it was done on a day of that kind.
  const begun = businessDateOf(Math.max(effectiveFromMs, timestampMs));
  for (const field of ["closed", "reopened"] as const) {
    if ((payload[field][0] ?? "9999") <= begun) return failure("EFFECTIVE_TOO_EARLY", field);
  }
  // What has taken effect becomes part of the table.
  const oldest = addDays(businessDate, -KEPT_DAYS);
  const holidays = holidaysAt(current, timestampMs).filter((date) => date >= oldest);
  const ahead = current.announced.filter((change) => change.effectiveFromMs > timestampMs);
  const announced = [...ahead, payload];
  const count = announced.reduce((sum, change) => sum + change.closed.length, holidays.length);
  if (announced.length > MAX_HOLIDAY_CHANGES) return failure("LIMIT_REACHED", "effectiveFromMs");
  if (count > MAX_HOLIDAYS) return failure("LIMIT_REACHED", "closed");
  state.of(holidaysTable).put({ holidays, announced });
  execution.emit({
    type: "holidaysChanged",
    body: { effectiveFromMs, closed, reopened, reference: payload.reference },
  });
  return undefined;
}

function checkLists({ closed, reopened }: Payload): Failure | undefined {
  const isAscending = (dates: readonly string[]): boolean =>
    dates.every((date, i) => i === 0 || (dates[i - 1] ?? "") < date);
  if (closed.length + reopened.length === 0) return failure("TABLE_INVALID", "closed");
  if (!isAscending(closed)) return failure("TABLE_INVALID", "closed");
  const isProper = isAscending(reopened) && !reopened.some((date) => closed.includes(date));
  return isProper ? undefined : failure("TABLE_INVALID", "reopened");
}
