import { type Infer, oneOf, optional, record } from "../../../primitives/codec/schema.ts";
import { type Execution, type Failure, failure } from "../../execution.ts";
import {
  type Instruction,
  instructionId,
  instructionTable,
  isTerminal,
} from "../../instructions/instruction-record.ts";
import { settlementDayOf } from "../../instructions/settlement-day.ts";
import { pairOf } from "../../instructions/settlement-pair.ts";
import { cancel, cancelPair, requestCancel } from "../../instructions/transitions.ts";
import { max35Text, memberId } from "../../types.ts";
import { transactionKind } from "../transaction-kind.ts";

const payload = record({
  instruction: instructionId,
  /** The instructing party, or the central bank as depository. */
  requester: memberId,
  authority: oneOf(["PARTY", "CSD"]),
  /** The depository's: why. */
  cause: optional(max35Text),
  /** The depository's: a corporate action makes the instruction pointless, or anything else. */
  reason: optional(oneOf(["CANS", "CORP"])),
});
type Payload = Infer<typeof payload>;

/**
 * Cancels an instruction (sese.020). Unmatched, its party does it alone. Matched, one side asks and
 * the other agrees by asking too, within the window. The central bank as depository does it to both
 * sides for a stated cause. What was reserved is released in the same block.
 */
export const cancelInstruction = transactionKind({
  kind: "cancel-instruction",
  summary: "Cancels a settlement instruction, or asks the other side to agree to it.",
  payload,
  signers: [
    { by: "member-in", field: "requester" },
    { by: "role", role: "CENTRAL_BANK", when: { field: "authority", in: ["CSD"] } },
  ],
  keyPurpose: "TRANSACTION",
  success: "APPLIED",
  failures: [
    "TERMS_INVALID",
    "CAUSE_MISSING",
    "MEMBER_UNKNOWN",
    "INSTRUCTION_UNKNOWN",
    "NOT_INSTRUCTION_PARTY",
    "INSTRUCTION_FINAL",
    "CANCEL_REQUESTED",
    "LIMIT_REACHED",
  ],
  execute,
});

function execute(payload: Payload, execution: Execution): Failure | undefined {
  const { requester, authority, cause, reason } = payload;
  const { state } = execution;
  const isCsd = authority === "CSD";
  if (!isCsd && cause !== undefined) return failure("TERMS_INVALID", "cause");
  if ((reason !== undefined) !== isCsd) return failure("TERMS_INVALID", "reason");
  if (isCsd && cause === undefined) return failure("CAUSE_MISSING", "cause");
  const member = state.members.get(requester);
  if (member === undefined) return failure("MEMBER_UNKNOWN", "requester");
  const instruction = state.of(instructionTable).get(payload.instruction);
  if (instruction === undefined) return failure("INSTRUCTION_UNKNOWN", "instruction");
  const mayAsk = isCsd ? member.roles.includes("CENTRAL_BANK") : instruction.member === requester;
  if (!mayAsk) return failure("NOT_INSTRUCTION_PARTY", "requester");
  if (isTerminal(instruction)) return failure("INSTRUCTION_FINAL", "instruction");
  if (instruction.state === "UNMATCHED") {
    cancel(execution, instruction, reason ?? "CANI", cause);
    return undefined;
  }
  if (reason === undefined) return cancelMatched(execution, instruction);
  const pair = pairOf(state, instruction);
  cancelPair(execution, pair, { delivery: reason, receipt: reason }, cause);
  return undefined;
}

/** The first side to ask waits for the other; the second one cancels both. */
function cancelMatched(execution: Execution, instruction: Instruction): Failure | undefined {
  const pair = pairOf(execution.state, instruction);
  const isDelivery = instruction.id === pair.delivery.id;
  const other = isDelivery ? pair.receipt : pair.delivery;
  if (other.cancelLapsesMs === undefined) {
    if (instruction.cancelLapsesMs !== undefined) return failure("CANCEL_REQUESTED", "instruction");
    return requestCancel(execution, instruction, settlementDayOf(execution));
  }
  const reasons = isDelivery
    ? ({ delivery: "CANT", receipt: "CANI" } as const)
    : ({ delivery: "CANI", receipt: "CANT" } as const);
  cancelPair(execution, pair, reasons);
  return undefined;
}
