import { invariant, present } from "../../primitives/assert.ts";
import { type BlockExecution, type Execution, type Failure, failure } from "../execution.ts";
import { eventsDue, nextDueDate, periodPlan, periodsOf } from "../instruments/schedule.ts";
import {
  type CorporateAction,
  capturedId,
  capturedTable,
  corporateActionId,
  corporateActionTable,
} from "../state/corporate-action.ts";
import type { InstrumentTerms } from "../state/instrument.ts";
import type { LedgerState } from "../state/ledger-state.ts";
import { outstandingOf } from "../state/supply.ts";
import { startCapture } from "./position-capture.ts";
import { datesQueue, queueWork, workIds } from "./queues.ts";

/** Of entries in the dates queue: an ISIN and what to look at. */
const EVENTS = ":E";
const RATES = ":R";

/**
 * Puts the first date of a new instrument into the queue; each date brings the next one. Events
 * whose day has come already are not made up for: nobody held anything.
 */
export function planLifeCycle(
  { state, businessDate }: Execution,
  isin: string,
  terms: InstrumentTerms,
): Failure | undefined {
  const isPlanned =
    addDate(state, nextDueDate(terms, businessDate), isin + EVENTS) &&
    addDate(state, firstPeriodStart(terms, businessDate), isin + RATES);
  return isPlanned ? undefined : failure("LIMIT_REACHED", "isin");
}

function addDate(state: LedgerState, date: string | undefined, id: string): boolean {
  return date === undefined || datesQueue.add(state, date, id);
}

/** The start of the running period of a floating instrument, or of its first. */
function firstPeriodStart(terms: InstrumentTerms, businessDate: string): string | undefined {
  const plan = periodPlan(terms);
  if (plan === undefined || plan.rate.kind === "FIXED") return undefined;
  return periodsOf(plan).find(({ end }) => end > businessDate)?.start;
}

/** Takes up one due date. False when it must wait: too many captures of the ISIN are under way. */
export function takeUpDate(execution: BlockExecution, date: string, id: string): boolean {
  const { state, height } = execution;
  const isin = id.slice(0, -EVENTS.length);
  const { terms } = present(state.instruments.get(isin), `instrument ${isin}`);
  if (id.endsWith(RATES)) {
    queueWork(state, height, workIds.rate(isin, date));
    const plan = present(periodPlan(terms), `periods of ${isin}`);
    const next = periodsOf(plan).find(({ start }) => start > date)?.start;
    addDate(state, next, id);
    return true;
  }
  if (!startEvents(execution, isin, terms, date)) return false;
  addDate(state, nextDueDate(terms, date), id);
  return true;
}

/** Where nothing is outstanding, nothing happens. */
function startEvents(
  execution: BlockExecution,
  isin: string,
  terms: InstrumentTerms,
  dueDate: string,
): boolean {
  const { state, height } = execution;
  if (outstandingOf(present(state.supplies.get(isin), `supply of ${isin}`)) === 0n) return true;
  const events = eventsDue(terms, dueDate);
  const recordDate = present(events[0], "an event is due").recordDate;
  if (!startCapture(state, isin, recordDate)) return false;
  state.of(capturedTable).put({
    isin,
    recordDate,
    pages: 0,
    firstPage: 0,
    users: events.length,
    isComplete: false,
  });
  for (const { type } of events) {
    const action = newAction(isin, type, recordDate, dueDate);
    invariant(
      state.of(corporateActionTable).get(corporateActionId(action)) === undefined,
      `I11: ${corporateActionId(action)} happens once`,
    );
    state.of(corporateActionTable).put(action);
    queueWork(state, height, workIds.event(action));
    execution.emit({
      type: "corporateActionAnnounced",
      body: { isin, type, recordDate, dueDate },
    });
  }
  return true;
}

/** A capture that is complete, or undefined while its walk goes on. */
export function completedCapture(state: LedgerState, isin: string, recordDate: string) {
  const captured = state.of(capturedTable).get(capturedId(isin, recordDate));
  return captured?.isComplete === true ? captured : undefined;
}

function newAction(
  isin: string,
  type: CorporateAction["type"],
  recordDate: string,
  dueDate: string,
): CorporateAction {
  return {
    isin,
    type,
    recordDate,
    dueDate,
    stage: "CAPTURING",
    pages: 0,
    page: 0,
    rateE4: undefined,
    units: 0n,
    floors: 0n,
    total: 0n,
    selection: undefined,
    cut: undefined,
    fundingAccount: undefined,
    paymentDate: undefined,
    allocated: 0n,
    paid: 0n,
    tax: 0n,
    net: 0n,
    waiting: 0n,
    reason: undefined,
  };
}
