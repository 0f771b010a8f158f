import {
  amount,
  type Infer,
  oneOf,
  optional,
  record,
  uint,
} from "../../../primitives/codec/schema.ts";
import { type Execution, type Failure, failure } from "../../execution.ts";
import { rematch } from "../../instructions/entering.ts";
import { PRIORITY_NORMAL, PRIORITY_RESERVED } from "../../instructions/instruction-codes.ts";
import {
  type Instruction,
  instructionId,
  instructionTable,
  isMatched,
  isTerminal,
  poolTable,
  referenceId,
  remainingOf,
} from "../../instructions/instruction-record.ts";
import {
  outgoingOf,
  releaseReserved,
  reserveFor,
} from "../../instructions/instruction-reservation.ts";
import { type ModifyAction, modifyActions } from "../../instructions/modify-actions.ts";
import { remainderOf, stepOf } from "../../instructions/pair-movements.ts";
import { settlementDayOf } from "../../instructions/settlement-day.ts";
import { dequeuePair, enqueuePair, pairOf } from "../../instructions/settlement-pair.ts";
import { change, named } from "../../instructions/transitions.ts";
import { memberId } from "../../types.ts";
import { transactionKind } from "../transaction-kind.ts";

const payload = record({
  instruction: instructionId,
  /** Who asks: the party, the central bank as depository, or the owner of the condition. */
  requester: memberId,
  action: oneOf(modifyActions),
  /** PARTIAL_RELEASE: how much more may settle. PARTIAL: the smallest lot. Minor units. */
  quantity: optional(amount),
  /** PRIORITY only. */
  priority: optional(uint(PRIORITY_NORMAL)),
});
type Payload = Infer<typeof payload>;

/** Changes a live instruction (sese.030): each hold only by its owner, nothing after SF3. */
export const modifyInstruction = transactionKind({
  kind: "modify-instruction",
  summary: "Holds, releases or otherwise changes a settlement instruction.",
  payload,
  signers: [
    { by: "member-in", field: "requester" },
    {
      by: "role",
      role: "CENTRAL_BANK",
      when: { field: "action", in: ["CSD_HOLD", "CSD_RELEASE"] },
    },
  ],
  keyPurpose: "TRANSACTION",
  success: "APPLIED",
  failures: [
    "AMOUNT_ZERO",
    "TERMS_INVALID",
    "MEMBER_UNKNOWN",
    "INSTRUCTION_UNKNOWN",
    "NOT_INSTRUCTION_PARTY",
    "INSTRUCTION_FINAL",
    "PRIORITY_RESERVED",
    "MODIFICATION_INVALID",
    "DENOMINATION",
    "INSUFFICIENT_SECURITIES",
    "INSUFFICIENT_CASH",
    "LIMIT_REACHED",
  ],
  execute,
});

function execute(payload: Payload, execution: Execution): Failure | undefined {
  const { action, requester } = payload;
  const { state } = execution;
  const shape = checkShape(payload);
  if (shape !== undefined) return shape;
  const member = state.members.get(requester);
  if (member === undefined) return failure("MEMBER_UNKNOWN", "requester");
  const instruction = state.of(instructionTable).get(payload.instruction);
  if (instruction === undefined) return failure("INSTRUCTION_UNKNOWN", "instruction");
  const owner = ownerOf(action, instruction);
  const isOwner = owner === "CSD" ? member.roles.includes("CENTRAL_BANK") : owner === requester;
  if (!isOwner) return failure("NOT_INSTRUCTION_PARTY", "requester");
  if (isTerminal(instruction)) return failure("INSTRUCTION_FINAL", "instruction");
  if (
    action === "PRIORITY" &&
    payload.priority === PRIORITY_RESERVED &&
    !member.roles.includes("CENTRAL_BANK")
  ) {
    return failure("PRIORITY_RESERVED", "priority");
  }
  const changed = changesOf(payload, instruction, execution);
  if (changed === undefined) return failure("MODIFICATION_INVALID", "action");
  if ("code" in changed) return changed;
  return apply(execution, payload, instruction, changed);
}

function checkShape({ action, quantity, priority }: Payload): Failure | undefined {
  const hasQuantity = action === "PARTIAL_RELEASE" || action === "PARTIAL";
  if (quantity === 0n) return failure("AMOUNT_ZERO", "quantity");
  if ((quantity !== undefined) !== hasQuantity) return failure("TERMS_INVALID", "quantity");
  if ((priority !== undefined) !== (action === "PRIORITY") || priority === 0) {
    return failure("TERMS_INVALID", "priority");
  }
  return undefined;
}

/** Who may do it; "CSD" is the central bank as depository. */
function ownerOf(action: ModifyAction, instruction: Instruction): string | undefined {
  if (action === "CSD_HOLD" || action === "CSD_RELEASE") return "CSD";
  return action === "CONDITION_RELEASE" ? instruction.conditionOwner : instruction.member;
}

/** The fields that change; undefined where the instruction is not in a state for it. */
function changesOf(
  { action, quantity = 0n, priority = 0 }: Payload,
  instruction: Instruction,
  execution: Execution,
): Partial<Instruction> | Failure | undefined {
  const { heldByParty, heldByCsd, heldByCondition, settledQuantity, minimumLot } = instruction;
  const when = (admitted: boolean, changes: Partial<Instruction>) =>
    admitted ? changes : undefined;
  switch (action) {
    case "HOLD":
      return when(!heldByParty, { heldByParty: true, releasedQuantity: settledQuantity });
    case "RELEASE":
      return when(heldByParty, { heldByParty: false });
    case "PARTIAL_RELEASE":
      return partialRelease(instruction, quantity, execution);
    case "PRIORITY":
      return when(priority !== instruction.priority, { priority });
    case "PARTIAL":
      return when(quantity <= remainingOf(instruction) && instruction.pool === undefined, {
        minimumLot: quantity,
      });
    case "NO_PARTIAL":
      return when(minimumLot !== undefined, { minimumLot: undefined });
    case "RESERVE":
      return when(!instruction.reserves && outgoingOf(instruction) !== undefined, {
        reserves: true,
      });
    case "UNRESERVE":
      return when(instruction.reserves, { reserves: false });
    case "UNLINK":
      return when(instruction.pool !== undefined || instruction.after !== undefined, {
        pool: undefined,
        after: undefined,
      });
    case "CSD_HOLD":
      return when(!heldByCsd, { heldByCsd: true });
    case "CSD_RELEASE":
      return when(heldByCsd, { heldByCsd: false });
    case "CONDITION_RELEASE":
      return when(heldByCondition, { heldByCondition: false });
  }
}

/** Of a matched instruction that is held and may settle in parts: so much more may settle. */
function partialRelease(
  instruction: Instruction,
  quantity: bigint,
  { state }: Execution,
): Partial<Instruction> | Failure | undefined {
  const { heldByParty, releasedQuantity, minimumLot, asset } = instruction;
  const released = releasedQuantity + quantity;
  const isProper =
    heldByParty &&
    isMatched(instruction) &&
    minimumLot !== undefined &&
    quantity >= minimumLot &&
    released <= instruction.quantity;
  if (!isProper) return undefined;
  if (quantity % stepOf(state, asset) !== 0n) return failure("DENOMINATION", "quantity");
  return { releasedQuantity: released };
}

function apply(
  execution: Execution,
  { action, requester }: Payload,
  instruction: Instruction,
  changes: Partial<Instruction>,
): Failure | undefined {
  const { state } = execution;
  const day = settlementDayOf(execution);
  const isRequeued = action === "PRIORITY" && isMatched(instruction);
  if (isRequeued) dequeuePair(state, pairOf(state, instruction));
  if (action === "UNRESERVE") releaseReserved(execution, instruction);
  if (action === "UNLINK") leavePool(execution, instruction);
  const body = { ...named(instruction), by: requester, action };
  const after = change(execution, instruction, changes, { type: "instructionModified", body });
  if (isRequeued && !enqueuePair(state, pairOf(state, after), day.date)) {
    return failure("LIMIT_REACHED", "instruction");
  }
  if (action === "RESERVE") return reserveFor(execution, after, givesOf(execution, after));
  return action === "UNLINK" ? rematch(execution, after, day) : undefined;
}

function givesOf({ state }: Execution, instruction: Instruction): bigint {
  if (instruction.movement === "DELI") return remainingOf(instruction);
  if (isMatched(instruction)) return remainderOf(pairOf(state, instruction)).cash;
  return instruction.cash?.amount ?? 0n;
}

function leavePool({ state }: Execution, { id, member, pool }: Instruction): void {
  if (pool === undefined) return;
  const pools = state.of(poolTable);
  const opened = pools.get(referenceId(member, pool.id));
  const left = (opened?.instructions ?? []).filter((other) => other !== id);
  if (opened === undefined || left.length === 0) pools.remove(referenceId(member, pool.id));
  else pools.put({ ...opened, instructions: left });
}
