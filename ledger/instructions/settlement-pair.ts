import { present } from "../../primitives/assert.ts";
import { DueQueue } from "../state/due-queue.ts";
import type { LedgerState } from "../state/ledger-state.ts";
import { type Instruction, instructionTable } from "./instruction-record.ts";

/** Two matched instructions: what settles is always a pair. Its id is that of the delivery. */
export interface Pair {
  readonly delivery: Instruction;
  readonly receipt: Instruction;
}

/** Pairs whose settlement date has come, in the order in which they are served. */
export const pendingPairs = new DueQueue("pairs-pending");
/** Pairs whose settlement date lies ahead, by that date. */
export const futurePairs = new DueQueue("pairs-future");
/** Unmatched instructions, by the business date on which they are cancelled. */
export const recycleQueue = new DueQueue("instructions-recycle");
/** Unmatched instructions, by the time at which they are alleged. */
export const allegementQueue = new DueQueue("instructions-allege");
/** Instructions that came while matching was closed, by height of entry. */
export const backlogQueue = new DueQueue("instructions-backlog");
/** Requests to cancel that wait for the other side, by the time at which they lapse. */
export const cancelRequests = new DueQueue("cancel-requests");
/** Final instructions, by the date on which they are forgotten. */
export const retainedQueue = new DueQueue("instructions-retained");

/** Heights and times as due keys: digits of equal width sort as numbers do. */
export function sortable(value: number): string {
  return String(value).padStart(16, "0");
}

/** Priority of the more urgent side, settlement date, height at which the later side entered. */
export function orderOf({ delivery, receipt }: Pair): string {
  const priority = Math.min(delivery.priority, receipt.priority);
  const entry = Math.max(delivery.entryHeight, receipt.entryHeight);
  return `${priority}.${delivery.settlementDate}.${sortable(entry)}`;
}

/** The pair that a matched instruction belongs to. */
export function pairOf(state: LedgerState, instruction: Instruction): Pair {
  const counter = state.of(instructionTable).get(instruction.counterInstruction ?? "");
  const other = present(counter, `the other side of instruction ${instruction.id}`);
  return instruction.movement === "DELI"
    ? { delivery: instruction, receipt: other }
    : { delivery: other, receipt: instruction };
}

/** The pair under the id of its delivery. */
export function pairById(state: LedgerState, id: string): Pair {
  return pairOf(state, present(state.of(instructionTable).get(id), `instruction ${id}`));
}

/** Queues a matched pair; false when the queue is full. */
export function enqueuePair(state: LedgerState, pair: Pair, today: string): boolean {
  const { id, settlementDate } = pair.delivery;
  return settlementDate > today
    ? futurePairs.add(state, settlementDate, id)
    : pendingPairs.add(state, orderOf(pair), id);
}

export function dequeuePair(state: LedgerState, pair: Pair): void {
  const { id, settlementDate } = pair.delivery;
  if (pendingPairs.remove(state, orderOf(pair), id)) return;
  futurePairs.remove(state, settlementDate, id);
}
