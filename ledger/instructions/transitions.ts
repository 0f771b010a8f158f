import { invariant } from "../../primitives/assert.ts";
import type { LedgerEvent } from "../events.ts";
import { type Execution, type Failure, failure } from "../execution.ts";
import type { CancelReason, PendingReason, UnmatchedReason } from "./instruction-codes.ts";
import { type Instruction, instructionTable, isTerminal } from "./instruction-record.ts";
import { releaseReserved } from "./instruction-reservation.ts";
import { removeUnmatched } from "./matching.ts";
import { dropLoad } from "./member-load.ts";
import { retain } from "./retention.ts";
import type { SettlementDay } from "./settlement-day.ts";
import {
  allegementQueue,
  backlogQueue,
  cancelRequests,
  dequeuePair,
  type Pair,
  recycleQueue,
  sortable,
} from "./settlement-pair.ts";

/**
 * Every change of an instruction's status is made here, and each emits exactly one event. No
 * transition leaves a terminal state.
 */

export function named({ id, member, reference }: Instruction) {
  return { instruction: id, member, reference };
}

export function change(
  execution: Execution,
  before: Instruction,
  after: Partial<Instruction>,
  event: LedgerEvent,
): Instruction {
  invariant(!isTerminal(before), `instruction ${before.id} is final`);
  const instruction = { ...before, ...after };
  execution.state.of(instructionTable).put(instruction);
  if (isTerminal(instruction)) dropLoad(execution.state, instruction.member);
  execution.emit(event);
  return instruction;
}

export function setUnmatchedReason(
  execution: Execution,
  instruction: Instruction,
  reason: UnmatchedReason,
): void {
  if (instruction.reason === reason) return;
  const body = { ...named(instruction), reason };
  change(execution, instruction, { reason }, { type: "instructionUnmatched", body });
}

/** Removes an unmatched instruction from everything that waits for a match. */
export function leaveMatching(execution: Execution, instruction: Instruction): void {
  const { state } = execution;
  const { id, allegementMs, recycleDate, entryHeight } = instruction;
  removeUnmatched(state, instruction);
  recycleQueue.remove(state, recycleDate, id);
  allegementQueue.remove(state, sortable(allegementMs), id);
  backlogQueue.remove(state, sortable(entryHeight), id);
}

/** Both sides know each other: neither can withdraw alone any more (SF2). */
export function setMatched(
  execution: Execution,
  side: Instruction,
  other: Instruction,
  terms: { readonly reason: PendingReason; readonly settlementAmount: bigint | undefined },
): void {
  const body = {
    ...named(side),
    counterInstruction: other.id,
    ...terms,
    allegementRemoved: side.alleged,
  };
  change(
    execution,
    side,
    {
      state: "PENDING",
      reason: terms.reason,
      counterInstruction: other.id,
      matchedHeight: execution.height,
      alleged: false,
    },
    { type: "instructionMatched", body },
  );
}

/** A matched instruction waits in this state for this reason; nothing where it did already. */
export function setWaiting(
  execution: Execution,
  instruction: Instruction,
  state: "PENDING" | "FAILING",
  reason: PendingReason,
): Instruction {
  if (instruction.state === state && instruction.reason === reason) return instruction;
  const body = { ...named(instruction), state, reason };
  return change(execution, instruction, { state, reason }, { type: "instructionWaits", body });
}

export function setAlleged(execution: Execution, instruction: Instruction): void {
  const { movement, asset, quantity, cash, settlementDate, counterparty } = instruction;
  const terms = { movement, asset, quantity, cash, settlementDate, counterparty };
  const body = { ...named(instruction), ...terms };
  change(execution, instruction, { alleged: true }, { type: "instructionAlleged", body });
}

/** Cancels one instruction; of a pair the caller cancels both. */
export function cancel(
  execution: Execution,
  instruction: Instruction,
  reason: CancelReason,
  cause?: string,
): void {
  if (instruction.state === "UNMATCHED") leaveMatching(execution, instruction);
  else withdrawRequest(execution, instruction);
  releaseReserved(execution, instruction);
  const allegementRemoved = instruction.alleged;
  const body = { ...named(instruction), reason, cause, allegementRemoved };
  change(
    execution,
    instruction,
    { state: "CANCELLED", reason, alleged: false, cancelLapsesMs: undefined, reserves: false },
    { type: "instructionCancelled", body },
  );
  retain(execution, instruction.id);
}

/** Cancels both sides of a pair, each with its own reason. */
export function cancelPair(
  execution: Execution,
  pair: Pair,
  reasons: { readonly delivery: CancelReason; readonly receipt: CancelReason },
  cause?: string,
): void {
  dequeuePair(execution.state, pair);
  cancel(execution, pair.delivery, reasons.delivery, cause);
  cancel(execution, pair.receipt, reasons.receipt, cause);
}

/** A side of a pair asks to cancel it; the other may agree within the window. */
export function requestCancel(
  execution: Execution,
  instruction: Instruction,
  day: SettlementDay,
): Failure | undefined {
  const lapsesMs = execution.timestampMs + day.parameters.cancellationWindowMs;
  if (!cancelRequests.add(execution.state, sortable(lapsesMs), instruction.id)) {
    return failure("LIMIT_REACHED");
  }
  const body = { ...named(instruction), lapsesMs };
  change(
    execution,
    instruction,
    { cancelLapsesMs: lapsesMs },
    { type: "instructionCancelRequested", body },
  );
  return undefined;
}

/** The window has passed without the other side's word. */
export function denyCancel(execution: Execution, instruction: Instruction): void {
  change(
    execution,
    instruction,
    { cancelLapsesMs: undefined },
    { type: "instructionCancelDenied", body: named(instruction) },
  );
}

/** A request that has become void: the instruction has reached a final state. */
export function withdrawRequest(execution: Execution, { id, cancelLapsesMs }: Instruction): void {
  if (cancelLapsesMs === undefined) return;
  cancelRequests.remove(execution.state, sortable(cancelLapsesMs), id);
}
