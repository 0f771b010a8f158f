import { invariant, present } from "../../primitives/assert.ts";
import { addDays } from "../arithmetic/calendar-date.ts";
import type { BlockStep } from "../block-steps/block-step.ts";
import type { BlockExecution } from "../execution.ts";
import { matchFromBacklog } from "./entering.ts";
import { DUE_ITEMS_PER_BLOCK } from "./instruction-limits.ts";
import { type Instruction, instructionTable, isTerminal } from "./instruction-record.ts";
import { forget } from "./retention.ts";
import { type SettlementDay, settlementDayOf } from "./settlement-day.ts";
import {
  allegementQueue,
  backlogQueue,
  cancelRequests,
  futurePairs,
  orderOf,
  pairById,
  pendingPairs,
  recycleQueue,
  retainedQueue,
  sortable,
} from "./settlement-pair.ts";
import { cancel, denyCancel, setAlleged, setWaiting } from "./transitions.ts";

/**
 * What time alone brings about for instructions, before a block's transactions, each in bounded
 * portions: requests to cancel lapse, unmatched instructions are alleged or cancelled, pairs reach
 * their settlement date, and what came while matching was closed is matched.
 */
export const instructionsDue: BlockStep = { name: "instructions-due", at: "begin", run };

function run(execution: BlockExecution): void {
  const { state, timestampMs, businessDate } = execution;
  const now = sortable(timestampMs);
  // Each queue that is empty costs one look-up.
  for (const { id } of cancelRequests.takeDue(state, now, DUE_ITEMS_PER_BLOCK)) {
    denyCancel(execution, live(execution, id));
  }
  for (const { id } of allegementQueue.takeDue(state, now, DUE_ITEMS_PER_BLOCK)) {
    setAlleged(execution, live(execution, id));
  }
  for (const { id } of recycleQueue.first(state, DUE_ITEMS_PER_BLOCK)) {
    const instruction = live(execution, id);
    if (instruction.recycleDate >= businessDate) break;
    cancel(execution, instruction, "CANS");
  }
  const yesterday = addDays(businessDate, -1);
  for (const { id } of retainedQueue.takeDue(state, yesterday, DUE_ITEMS_PER_BLOCK)) {
    forget(state, id);
  }
  if (backlogQueue.size(state) === 0 && futurePairs.size(state) === 0) return;
  const day = settlementDayOf(execution);
  if (!day.isOpen) return;
  openPairs(execution, day);
  matchBacklog(execution, day);
}

function live({ state }: BlockExecution, id: string): Instruction {
  const instruction = present(state.of(instructionTable).get(id), `instruction ${id}`);
  invariant(!isTerminal(instruction), `instruction ${id} waits for nothing once it is final`);
  return instruction;
}

/** Pairs whose settlement date has come wait for the pass from now on. */
function openPairs(execution: BlockExecution, day: SettlementDay): void {
  const { state } = execution;
  for (const { due, id } of futurePairs.first(state, DUE_ITEMS_PER_BLOCK)) {
    if (due > day.date) return;
    const pair = pairById(state, id);
    // Full: they stay where they are until there is room.
    if (!pendingPairs.add(state, orderOf(pair), id)) return;
    futurePairs.remove(state, due, id);
    setWaiting(execution, pair.delivery, "PENDING", "CYCL");
    setWaiting(execution, pair.receipt, "PENDING", "CYCL");
  }
}

function matchBacklog(execution: BlockExecution, day: SettlementDay): void {
  for (const { id } of backlogQueue.first(execution.state, DUE_ITEMS_PER_BLOCK)) {
    const instruction = execution.state.of(instructionTable).get(id);
    // Matched with one that came before it in the same backlog.
    if (instruction === undefined || instruction.state !== "UNMATCHED") continue;
    execution.attempt(() => matchFromBacklog(execution, instruction, day));
  }
}
