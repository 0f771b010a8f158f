import {
  amount,
  bool,
  counter,
  type Infer,
  list,
  optional,
  record,
  text,
  uint,
} from "../../primitives/codec/schema.ts";
import type { LedgerState } from "../state/ledger-state.ts";
import { Table } from "../state/table.ts";
import { accountId, assetId, cashAssetId, isoDate, max35Text, memberId } from "../types.ts";
import {
  conditionCode,
  conditionCodes,
  couponCondition,
  instructionState,
  movementSide,
  PRIORITY_NORMAL,
  payment,
  settlementModel,
  stateReason,
} from "./instruction-codes.ts";
import { MAX_POOL } from "./instruction-limits.ts";

/** The first 16 bytes of the instruct transaction's id, hex: fits ISO 20022 Max35Text. */
export const instructionId = text(32, /^[0-9a-f]{32}$/);

export function instructionIdOf(txId: string): string {
  return txId.slice(0, 32);
}

export const cashLeg = record({
  asset: cashAssetId,
  /** Minor units of its currency. */
  amount,
  account: accountId,
});
export type CashLeg = Infer<typeof cashLeg>;

/** Instructions of one member that settle together or not at all: `total` of them under one id. */
export const poolLink = record({ id: max35Text, total: uint(MAX_POOL) });
export type PoolLink = Infer<typeof poolLink>;

/** What the party instructed; nothing of it but priority, lot, pool and `after` ever changes. */
export const instructedTerms = {
  /** The party's own reference, once for each member. */
  reference: max35Text,
  movement: movementSide,
  payment,
  model: settlementModel,
  /** A security, or a cash asset where cash is exchanged for cash (PvP). */
  asset: assetId,
  /** Minor units. */
  quantity: amount,
  account: accountId,
  /** With APMT only. */
  cash: optional(cashLeg),
  tradeDate: isoDate,
  settlementDate: isoDate,
  counterparty: memberId,
  /** Must be equal where both sides give them. */
  commonId: optional(max35Text),
  client: optional(max35Text),
  counterpartyClient: optional(max35Text),
  conditions: list(conditionCode, conditionCodes.length),
  couponCondition: optional(couponCondition),
  priority: uint(PRIORITY_NORMAL),
  /** Given: partial settlement is allowed, in lots of at least this many minor units. */
  minimumLot: optional(amount),
  pool: optional(poolLink),
  /** Own reference of an instruction that must have settled before. */
  after: optional(max35Text),
  /** The member that must release the instruction before it settles. */
  conditionOwner: optional(memberId),
} as const;

/** One side's settlement instruction. */
const schema = record({
  id: instructionId,
  /** The party: the operator of `account`. */
  member: memberId,
  ...instructedTerms,
  heldByParty: bool,
  heldByCsd: bool,
  heldByCondition: bool,
  /** While the party holds it: how much may settle in all, what settled included. */
  releasedQuantity: amount,
  /** The units that it gives are set aside for it. */
  reserves: bool,
  state: instructionState,
  /** Nothing once settled. */
  reason: optional(stateReason),
  /** The counterparty's instruction, once matched. */
  counterInstruction: optional(instructionId),
  settledQuantity: amount,
  settledCash: amount,
  /** The counterparty was told that an instruction is missing. */
  alleged: bool,
  /** When the allegement is due, Unix milliseconds. */
  allegementMs: counter,
  /** The business date on which it is cancelled if it is still unmatched. */
  recycleDate: isoDate,
  /** The party has asked to cancel a matched pair; lapses then, Unix milliseconds. */
  cancelLapsesMs: optional(counter),
  /** SF1: entry into the system. */
  entryHeight: counter,
  /** SF2: matched, no side can withdraw alone. */
  matchedHeight: optional(counter),
  /** SF3: settled in full. */
  finalityHeight: optional(counter),
});
export type Instruction = Infer<typeof schema>;

export const instructionTable = new Table<Instruction>({
  name: "instruction",
  schema,
  idOf: (instruction) => instruction.id,
  remember: true,
});

export function isTerminal({ state }: Pick<Instruction, "state">): boolean {
  return state === "SETTLED" || state === "CANCELLED";
}

export function isMatched({ state }: Pick<Instruction, "state">): boolean {
  return state === "PENDING" || state === "FAILING";
}

export function remainingOf({ quantity, settledQuantity }: Instruction): bigint {
  return quantity - settledQuantity;
}

/** A member's own reference and the instruction that has it. */
const referenceSchema = record({
  member: memberId,
  reference: max35Text,
  instruction: instructionId,
});
export type InstructionReference = Infer<typeof referenceSchema>;

export function referenceId(member: string, reference: string): string {
  return `${member}/${reference}`;
}

export const referenceTable = new Table<InstructionReference>({
  name: "instruction-reference",
  schema: referenceSchema,
  idOf: ({ member, reference }) => referenceId(member, reference),
  remember: false,
});

/** The instructions of one member under one pool id, in the order of entry. */
const poolSchema = record({
  member: memberId,
  id: max35Text,
  total: uint(MAX_POOL),
  instructions: list(instructionId, MAX_POOL),
});
export type Pool = Infer<typeof poolSchema>;

export const poolTable = new Table<Pool>({
  name: "instruction-pool",
  schema: poolSchema,
  idOf: ({ member, id }) => referenceId(member, id),
  remember: false,
});

/** The instruction under a member's own reference. */
export function byReference(
  state: LedgerState,
  member: string,
  reference: string,
): Instruction | undefined {
  const found = state.of(referenceTable).get(referenceId(member, reference));
  return found === undefined ? undefined : state.of(instructionTable).get(found.instruction);
}
