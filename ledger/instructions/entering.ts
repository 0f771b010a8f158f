import { type Execution, type Failure, failure } from "../execution.ts";
import { type Instruction, instructionTable } from "./instruction-record.ts";
import { addUnmatched, findMatch, findNear } from "./matching.ts";
import { addLoad } from "./member-load.ts";
import type { SettlementDay } from "./settlement-day.ts";
import {
  allegementQueue,
  backlogQueue,
  enqueuePair,
  recycleQueue,
  sortable,
} from "./settlement-pair.ts";
import { leaveMatching, named, setMatched, setUnmatchedReason } from "./transitions.ts";

/**
 * Enters a new instruction: matched at once where the day is open and its counterpart is there,
 * else unmatched. Fails with LIMIT_REACHED when a queue or index is full,
 * or the member has too many alive.
 */
export function enter(
  execution: Execution,
  instruction: Instruction,
  day: SettlementDay,
): Failure | undefined {
  const { state } = execution;
  if (!addLoad(state, instruction.member)) return failure("LIMIT_REACHED");
  const match = day.isOpen ? findMatch(state, instruction, day.parameters) : undefined;
  const near =
    match === undefined && day.isOpen ? findNear(state, instruction, day.parameters) : undefined;
  const reason = day.isOpen ? (near?.reason ?? "CMIS") : "NMAS";
  const { movement, payment, model, asset, quantity, account, cash } = instruction;
  const { tradeDate, settlementDate, counterparty } = instruction;
  const terms = { movement, payment, model, asset, quantity, account, cash };
  const accepted = { ...terms, tradeDate, settlementDate, counterparty };
  const entered: Instruction = { ...instruction, reason };
  state.of(instructionTable).put(entered);
  const body = { ...named(entered), ...accepted, reason: match === undefined ? reason : "NMAS" };
  execution.emit({ type: "instructionAccepted", body });
  if (match !== undefined) return joinPair(execution, entered, match, day);
  const { id, allegementMs, recycleDate } = entered;
  const isQueued =
    addUnmatched(state, entered) &&
    recycleQueue.add(state, recycleDate, id) &&
    allegementQueue.add(state, sortable(allegementMs), id) &&
    (day.isOpen || backlogQueue.add(state, sortable(entered.entryHeight), id));
  if (!isQueued) return failure("LIMIT_REACHED");
  if (near !== undefined && near.other.reason === "CMIS") {
    setUnmatchedReason(execution, near.other, near.reason);
  }
  return undefined;
}

/** Matching of an instruction that came while it was closed. LIMIT_REACHED leaves it waiting. */
export function matchFromBacklog(
  execution: Execution,
  instruction: Instruction,
  day: SettlementDay,
): Failure | undefined {
  const { state } = execution;
  const match = findMatch(state, instruction, day.parameters);
  if (match !== undefined) return joinPair(execution, instruction, match, day);
  backlogQueue.remove(state, sortable(instruction.entryHeight), instruction.id);
  const near = findNear(state, instruction, day.parameters);
  setUnmatchedReason(execution, instruction, near?.reason ?? "CMIS");
  if (near !== undefined && near.other.reason === "CMIS") {
    setUnmatchedReason(execution, near.other, near.reason);
  }
  return undefined;
}

/** Looks for a match again after an instruction has changed; nothing where there is none. */
export function rematch(
  execution: Execution,
  instruction: Instruction,
  day: SettlementDay,
): Failure | undefined {
  if (!day.isOpen || instruction.state !== "UNMATCHED") return undefined;
  const match = findMatch(execution.state, instruction, day.parameters);
  return match === undefined ? undefined : joinPair(execution, instruction, match, day);
}

function joinPair(
  execution: Execution,
  a: Instruction,
  b: Instruction,
  day: SettlementDay,
): Failure | undefined {
  leaveMatching(execution, a);
  leaveMatching(execution, b);
  const [delivery, receipt] = a.movement === "DELI" ? [a, b] : [b, a];
  if (!enqueuePair(execution.state, { delivery, receipt }, day.date)) {
    return failure("LIMIT_REACHED");
  }
  const reason = delivery.settlementDate > day.date ? "FUTU" : "CYCL";
  for (const [side, other] of [
    [delivery, receipt],
    [receipt, delivery],
  ] as const) {
    setMatched(execution, side, other, { reason, settlementAmount: delivery.cash?.amount });
  }
  return undefined;
}
