import { LedgerState } from "../state/ledger-state.ts";
import type { StateReader } from "../state-reader.ts";
import type { InstructionState, StateReason } from "./instruction-codes.ts";
import {
  type Instruction,
  instructionTable,
  referenceId,
  referenceTable,
  remainingOf,
} from "./instruction-record.ts";
import { futurePairs, pendingPairs } from "./settlement-pair.ts";
import {
  type SettlementParameters,
  settlementParametersOn,
  settlementParametersTable,
} from "./settlement-parameters.ts";

/** Answers about settlement instructions out of committed state. */

/** The status tree of sese.024 for one instruction. */
export interface InstructionStatus {
  /** AckdAccptd as long as it lives and when it has settled, Cxld once it is cancelled. */
  readonly processing: "AckdAccptd" | "Cxld";
  readonly matching: "Umtchd" | "Mtchd";
  /** Only once matched and not cancelled. PartlySttld goes with Pdg or Flng of the remainder. */
  readonly settlement: "Pdg" | "Flng" | "Sttld" | undefined;
  readonly isPartlySettled: boolean;
  readonly reason: StateReason | undefined;
}

export interface InstructionView {
  readonly instruction: Instruction;
  readonly status: InstructionStatus;
  /** Minor units still to settle. */
  readonly remaining: bigint;
}

const settlements: Readonly<Record<InstructionState, InstructionStatus["settlement"]>> = {
  UNMATCHED: undefined,
  PENDING: "Pdg",
  FAILING: "Flng",
  SETTLED: "Sttld",
  CANCELLED: undefined,
};

export function statusOf(instruction: Instruction): InstructionStatus {
  const { state, reason, counterInstruction, settledQuantity } = instruction;
  return {
    processing: state === "CANCELLED" ? "Cxld" : "AckdAccptd",
    matching: counterInstruction === undefined ? "Umtchd" : "Mtchd",
    settlement: settlements[state],
    isPartlySettled: settledQuantity > 0n && state !== "SETTLED",
    reason,
  };
}

function viewOf(instruction: Instruction): InstructionView {
  const remaining = remainingOf(instruction);
  return { instruction, status: statusOf(instruction), remaining };
}

/** An instruction by its id; undefined where there is none, or none any more. */
export function instructionView(state: StateReader, id: string): InstructionView | undefined {
  const instruction = instructionTable.read(state, id);
  return instruction === undefined ? undefined : viewOf(instruction);
}

/** An instruction by its party's own reference. */
export function instructionByReference(
  state: StateReader,
  member: string,
  reference: string,
): InstructionView | undefined {
  const found = referenceTable.read(state, referenceId(member, reference));
  return found === undefined ? undefined : instructionView(state, found.instruction);
}

/** The pairs that wait, in the order of service, at most `limit`: ids of their deliveries. */
export function waitingPairs(state: StateReader, limit: number): readonly string[] {
  return pendingPairs.first(new LedgerState(state), limit).map(({ id }) => id);
}

/** How many pairs wait now, and for a later settlement date. */
export function queueLengths(state: StateReader): {
  readonly pending: number;
  readonly future: number;
} {
  const ledger = new LedgerState(state);
  return { pending: pendingPairs.size(ledger), future: futurePairs.size(ledger) };
}

/** Every version of the settlement parameters that is in force or announced. */
export function settlementParameterVersions(state: StateReader): readonly SettlementParameters[] {
  return settlementParametersTable.read(state, "")?.versions ?? [];
}

/** The settlement parameters of a business date. */
export function settlementParametersAt(state: StateReader, date: string): SettlementParameters {
  return settlementParametersOn(new LedgerState(state), date);
}
