import { invariant, present } from "../../primitives/assert.ts";
import type { BlockExecution } from "../execution.ts";
import { eventsDue } from "../instruments/schedule.ts";
import {
  type CorporateAction,
  capturedId,
  capturedTable,
  corporateActionTable,
  type WaitReason,
} from "../state/corporate-action.ts";
import { positionsOn, selectPage, sumPage } from "./allocation.ts";
import { fund } from "./funding.ts";
import { payPage } from "./payment.ts";
import { rateOfPeriod, setPeriodRate } from "./period-rate.ts";
import { continueCapture } from "./position-capture.ts";
import { queueWork, workIds } from "./queues.ts";
import { completedCapture } from "./schedule-queue.ts";

/** What one step of an event came to. */
export interface Advance {
  readonly result: "AGAIN" | "WAITS" | "DONE";
  /** Accounts looked at, for the block's budget. */
  readonly accounts: number;
}

const QUICK: Advance = { result: "AGAIN", accounts: 1 };

/** Takes an event one step on: one page of positions, or one decision. */
export function advance(execution: BlockExecution, action: CorporateAction): Advance {
  switch (action.stage) {
    case "CAPTURING":
      return capture(execution, action);
    case "AWAITING_RATE":
      return applyRate(execution, action);
    case "SUMMING":
      put(execution, sumPage(execution.state, action));
      return pageDone(execution, action);
    case "SELECTING":
      put(execution, selectPage(execution.state, action));
      return pageDone(execution, action);
    case "AWAITING_FUNDS":
      return applyFunds(execution, action);
    case "PAYING":
      return payOrFinish(execution, action);
    case "PAID":
      return { result: "DONE", accounts: 1 };
  }
}

/** What reading the page that the action stood at costs; none where nobody held anything. */
function pageDone({ state }: BlockExecution, action: CorporateAction): Advance {
  const accounts = action.page < action.pages ? positionsOn(state, action, action.page).length : 1;
  return { result: "AGAIN", accounts };
}

function put(execution: BlockExecution, action: CorporateAction): void {
  execution.state.of(corporateActionTable).put(action);
}

/** Two events of one day share a capture; whoever comes first walks on. */
function capture(execution: BlockExecution, action: CorporateAction): Advance {
  const { state } = execution;
  const { isin, recordDate, type } = action;
  const complete = completedCapture(state, isin, recordDate);
  if (complete !== undefined) {
    const isPeriodic = type === "COUPON" || type === "RENTAL";
    const stage = isPeriodic ? "AWAITING_RATE" : "SUMMING";
    put(execution, { ...action, stage, pages: complete.pages });
    return QUICK;
  }
  const { accounts, finishedPages } = continueCapture(state, isin, recordDate);
  if (finishedPages !== undefined) {
    const started = present(
      state.of(capturedTable).get(capturedId(isin, recordDate)),
      "the capture that was started",
    );
    state.of(capturedTable).put({ ...started, pages: finishedPages, isComplete: true });
  }
  return { result: "AGAIN", accounts: Math.max(1, accounts) };
}

function applyRate(execution: BlockExecution, action: CorporateAction): Advance {
  const { state } = execution;
  const { isin, dueDate, type } = action;
  const { terms } = present(state.instruments.get(isin), `instrument ${isin}`);
  const event = eventsDue(terms, dueDate).find((due) => due.type === type);
  const { start } = present(event?.period, "period of the event");
  setPeriodRate(execution, isin, start);
  const rateE4 = rateOfPeriod(state, isin, start);
  if (rateE4 === undefined) return wait(execution, action, "NO_RATE");
  put(execution, { ...action, stage: "SUMMING", rateE4, reason: undefined });
  return QUICK;
}

function applyFunds(execution: BlockExecution, action: CorporateAction): Advance {
  const outcome = fund(execution, action);
  if ("waits" in outcome) return wait(execution, action, outcome.waits);
  const { funded } = outcome;
  put(execution, funded);
  const { isin, type, recordDate, total, units, fundingAccount } = funded;
  const paymentDate = present(funded.paymentDate, "payment date");
  execution.emit({
    type: "corporateActionFunded",
    body: { isin, type, recordDate, total, units, fundingAccount, paymentDate },
  });
  return QUICK;
}

function wait(execution: BlockExecution, action: CorporateAction, reason: WaitReason): Advance {
  if (action.reason !== reason) {
    put(execution, { ...action, reason });
    const { isin, type, recordDate } = action;
    execution.emit({ type: "corporateActionWaiting", body: { isin, type, recordDate, reason } });
  }
  return { result: "WAITS", accounts: 1 };
}

function payOrFinish(execution: BlockExecution, action: CorporateAction): Advance {
  if (action.page < action.pages) {
    put(execution, payPage(execution, action));
    return pageDone(execution, action);
  }
  const { isin, type, recordDate, total, tax, net, waiting } = action;
  invariant(action.allocated === total, "I8: what each account gets adds up to the event");
  put(execution, { ...action, stage: "PAID" });
  leaveCapture(execution, action);
  execution.emit({
    type: "corporateActionPaid",
    body: { isin, type, recordDate, total, net, tax, waiting },
  });
  return { result: "DONE", accounts: 1 };
}

/** The last event that reads the positions has them removed. */
function leaveCapture({ state, height }: BlockExecution, action: CorporateAction): void {
  const { isin, recordDate } = action;
  const captured = present(completedCapture(state, isin, recordDate), "positions of the event");
  const users = captured.users - 1;
  state.of(capturedTable).put({ ...captured, users });
  if (users === 0) queueWork(state, height, workIds.cleaning(isin, recordDate));
}
