import { present } from "../../primitives/assert.ts";
import type { BlockStep } from "../block-steps/block-step.ts";
import type { BlockExecution } from "../execution.ts";
import {
  LIFE_CYCLE_ACCOUNTS_PER_BLOCK,
  LIFE_CYCLE_ITEMS_PER_BLOCK,
  LIFE_CYCLE_RETRY_BLOCKS,
  MAX_INSTRUMENTS,
} from "../limits.ts";
import { capturedId, capturedTable, corporateActionTable } from "../state/corporate-action.ts";
import { positionPageId, positionPageTable } from "../state/position-capture.ts";
import { advance } from "./advance.ts";
import { settleClaim } from "./market-claim.ts";
import { setPeriodRate } from "./period-rate.ts";
import { datesQueue, heightKey, queueRetry, queueWork, retryQueue, workQueue } from "./queues.ts";
import { takeUpDate } from "./schedule-queue.ts";
import { retryPayment } from "./waiting-payment.ts";

/** Pages of used positions that one entry of the work queue removes in a block. */
const CLEANED_PAGES_PER_BLOCK = 8;

/**
 * The life of instruments, before the transactions of each block. Record dates that have passed are
 * taken up first and all of them, so that positions are those of the close of the day; then work
 * under way goes on within the block's budget of accounts; then what waits is tried again.
 */
export const lifeCycleStep: BlockStep = {
  name: "life-cycle",
  at: "begin",
  run(execution) {
    takeUpDates(execution);
    workOn(execution);
    tryAgain(execution);
  },
};

/** Two entries an instrument, and days that were missed: bounded by what there is in the queue. */
function takeUpDates(execution: BlockExecution): void {
  const { state, businessDate } = execution;
  let left = 2 * MAX_INSTRUMENTS;
  while (left > 0) {
    const due = datesQueue.takeDue(state, businessDate, Math.min(left, LIFE_CYCLE_ITEMS_PER_BLOCK));
    if (due.length === 0) return;
    left -= due.length;
    const postponed = due.filter(({ due: date, id }) => {
      let isTaken = false;
      execution.attempt(() => {
        isTaken = takeUpDate(execution, date, id);
        return undefined;
      });
      return !isTaken;
    });
    for (const { due: date, id } of postponed) datesQueue.add(state, date, id);
    if (postponed.length > 0) return;
  }
}

function workOn(execution: BlockExecution): void {
  const { state, height } = execution;
  const due = workQueue.takeDue(state, heightKey(height), LIFE_CYCLE_ITEMS_PER_BLOCK);
  let budget = LIFE_CYCLE_ACCOUNTS_PER_BLOCK;
  for (const { id } of due) {
    if (budget <= 0) {
      queueWork(state, height + 1, id);
      continue;
    }
    if (id.startsWith("CA:")) budget -= workOnEvent(execution, id, budget);
    else workOnOther(execution, id);
  }
}

/** Takes an event on until it waits, is done or the budget is used up; gives the accounts used. */
function workOnEvent(execution: BlockExecution, id: string, budget: number): number {
  const { state, height } = execution;
  let used = 0;
  while (used < budget) {
    const action = present(state.of(corporateActionTable).get(id), `corporate action ${id}`);
    const { result, accounts } = advance(execution, action);
    used += accounts;
    if (result === "DONE") return used;
    if (result === "WAITS") {
      queueWork(state, height + LIFE_CYCLE_RETRY_BLOCKS, id);
      return used;
    }
  }
  queueWork(state, height + 1, id);
  return used;
}

function workOnOther(execution: BlockExecution, id: string): void {
  const { state, height } = execution;
  const [what, isin = "", date = ""] = id.split(":");
  if (what === "RF") {
    const isSet = setPeriodRate(execution, isin, date);
    if (!isSet) queueWork(state, height + LIFE_CYCLE_RETRY_BLOCKS, id);
  } else if (!cleanPositions(execution, isin, date)) {
    queueWork(state, height + 1, id);
  }
}

/** Removes pages of positions that nothing reads any more; whether all are gone. */
function cleanPositions({ state }: BlockExecution, isin: string, recordDate: string): boolean {
  const id = capturedId(isin, recordDate);
  const captured = present(state.of(capturedTable).get(id), `positions of ${id}`);
  const end = Math.min(captured.pages, captured.firstPage + CLEANED_PAGES_PER_BLOCK);
  for (let page = captured.firstPage; page < end; page++) {
    state.of(positionPageTable).remove(positionPageId(isin, recordDate, page));
  }
  const isClean = end === captured.pages;
  if (isClean) state.of(capturedTable).remove(id);
  else state.of(capturedTable).put({ ...captured, firstPage: end });
  return isClean;
}

function tryAgain(execution: BlockExecution): void {
  const { state, height } = execution;
  const due = retryQueue.takeDue(state, heightKey(height), LIFE_CYCLE_ITEMS_PER_BLOCK);
  for (const { id } of due) {
    const failed = execution.attempt(() =>
      id.startsWith("M:")
        ? settleClaim(execution, Number(id.slice(2)))
        : retryPayment(execution, id),
    );
    if (failed !== undefined) queueRetry(state, height, id);
  }
}
