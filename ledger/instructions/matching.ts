import { type Infer, list, record, text } from "../../primitives/codec/schema.ts";
import type { LedgerState } from "../state/ledger-state.ts";
import { Table } from "../state/table.ts";
import { CBDC, memberId } from "../types.ts";
import type { UnmatchedReason } from "./instruction-codes.ts";
import { MAX_NEAR, MAX_SAME_TERMS } from "./instruction-limits.ts";
import { type Instruction, instructionId, instructionTable } from "./instruction-record.ts";
import type { SettlementParameters } from "./settlement-parameters.ts";

/** Unmatched instructions whose mandatory fields are equal, by side, in the order of entry. */
const slotSchema = record({
  key: text(200),
  deliveries: list(instructionId, MAX_SAME_TERMS),
  receipts: list(instructionId, MAX_SAME_TERMS),
});
export type MatchSlot = Infer<typeof slotSchema>;

export const matchSlotTable = new Table<MatchSlot>({
  name: "instruction-match",
  schema: slotSchema,
  idOf: ({ key }) => key,
  remember: false,
});

/** The latest unmatched instructions between two parties, for saying what nearly matches. */
const nearSchema = record({
  deliverer: memberId,
  receiver: memberId,
  deliveries: list(instructionId, MAX_NEAR),
  receipts: list(instructionId, MAX_NEAR),
});
export type NearList = Infer<typeof nearSchema>;

export const nearListTable = new Table<NearList>({
  name: "instruction-near",
  schema: nearSchema,
  idOf: ({ deliverer, receiver }) => `${deliverer}/${receiver}`,
  remember: false,
});

const sides = { DELI: "deliveries", RECE: "receipts" } as const;
const otherSides = { DELI: "receipts", RECE: "deliveries" } as const;

function partiesOf({ movement, member, counterparty }: Instruction) {
  return movement === "DELI"
    ? { deliverer: member, receiver: counterparty }
    : { deliverer: counterparty, receiver: member };
}

/**
 * Every field that must be equal: both parties, payment, asset, quantity, both dates, the money and
 * the settlement model. Both accounts lie at this one depository; the amount has its tolerance.
 */
export function matchKey(instruction: Instruction): string {
  const { payment, model, asset, quantity, tradeDate, settlementDate, cash } = instruction;
  const { deliverer, receiver } = partiesOf(instruction);
  const terms = [asset, quantity, tradeDate, settlementDate, cash?.asset ?? "-"];
  return [deliverer, receiver, payment, model, ...terms].join("/");
}

function nearId(instruction: Instruction): string {
  const { deliverer, receiver } = partiesOf(instruction);
  return `${deliverer}/${receiver}`;
}

/** Enters an unmatched instruction into the indexes; false when its slot is full. */
export function addUnmatched(state: LedgerState, instruction: Instruction): boolean {
  const side = sides[instruction.movement];
  const key = matchKey(instruction);
  const slots = state.of(matchSlotTable);
  const slot = slots.get(key) ?? { key, deliveries: [], receipts: [] };
  if (slot[side].length >= MAX_SAME_TERMS) return false;
  slots.put({ ...slot, [side]: [...slot[side], instruction.id] });
  const nears = state.of(nearListTable);
  const empty = { ...partiesOf(instruction), deliveries: [], receipts: [] };
  const near = nears.get(nearId(instruction)) ?? empty;
  // The oldest makes room: the list only serves to say what nearly matches.
  const kept = [...near[side], instruction.id].slice(-MAX_NEAR);
  nears.put({ ...near, [side]: kept });
  return true;
}

/** Takes an instruction out of the indexes; nothing where it is not in them. */
export function removeUnmatched(state: LedgerState, instruction: Instruction): void {
  const side = sides[instruction.movement];
  const isOther = (id: string): boolean => id !== instruction.id;
  const slots = state.of(matchSlotTable);
  const slot = slots.get(matchKey(instruction));
  if (slot?.[side].includes(instruction.id) === true) {
    const left = { ...slot, [side]: slot[side].filter(isOther) };
    if (left.deliveries.length + left.receipts.length === 0) slots.remove(slot.key);
    else slots.put(left);
  }
  const nears = state.of(nearListTable);
  const near = nears.get(nearId(instruction));
  if (near?.[side].includes(instruction.id) === true) {
    const left = { ...near, [side]: near[side].filter(isOther) };
    if (left.deliveries.length + left.receipts.length === 0) nears.remove(nearId(instruction));
    else nears.put(left);
  }
}

/**
 * The unmatched instruction of the counterparty that this one matches: of several the one with the
 * smallest difference in amount, then the one that entered first.
 */
export function findMatch(
  state: LedgerState,
  instruction: Instruction,
  parameters: SettlementParameters,
): Instruction | undefined {
  const slot = state.of(matchSlotTable).get(matchKey(instruction));
  let best: { readonly other: Instruction; readonly delta: bigint } | undefined;
  for (const id of slot?.[otherSides[instruction.movement]] ?? []) {
    const other = state.of(instructionTable).get(id);
    if (other === undefined || other.state !== "UNMATCHED") continue;
    if (sharesAccount(instruction, other)) continue;
    if (differences(instruction, other, parameters).length > 0) continue;
    const delta = amountDelta(instruction, other);
    // The slot is in the order of entry: an equal difference does not displace an earlier one.
    if (best === undefined || delta < best.delta) best = { other, delta };
  }
  return best?.other;
}

/** The unmatched instruction of the counterparty that differs in one thing only, and in which. */
export function findNear(
  state: LedgerState,
  instruction: Instruction,
  parameters: SettlementParameters,
): { readonly other: Instruction; readonly reason: UnmatchedReason } | undefined {
  const near = state.of(nearListTable).get(nearId(instruction));
  for (const id of (near?.[otherSides[instruction.movement]] ?? []).toReversed()) {
    const other = state.of(instructionTable).get(id);
    if (other === undefined || other.state !== "UNMATCHED") continue;
    const [reason, ...more] = differences(instruction, other, parameters);
    if (reason !== undefined && more.length === 0) return { other, reason };
  }
  return undefined;
}

function sharesAccount(a: Instruction, b: Instruction): boolean {
  if (a.account === b.account) return true;
  return a.cash !== undefined && a.cash.account === b.cash?.account;
}

function amountDelta(a: Instruction, b: Instruction): bigint {
  const delta = (a.cash?.amount ?? 0n) - (b.cash?.amount ?? 0n);
  return delta < 0n ? -delta : delta;
}

/**
 * How far two amounts may lie apart: in the coin the smaller of a fixed amount and a share of the
 * deliverer's amount; in other money they must be equal.
 */
export function toleranceOf(
  { cash }: Pick<Instruction, "cash">,
  { toleranceCap, toleranceShare }: SettlementParameters,
): bigint {
  if (cash?.asset !== CBDC) return 0n;
  const share = (cash.amount * BigInt(toleranceShare)) / 10_000n;
  return share < toleranceCap ? share : toleranceCap;
}

/** In what two instructions of opposite sides differ, in a fixed order; nothing when they match. */
export function differences(
  a: Instruction,
  b: Instruction,
  parameters: SettlementParameters,
): readonly UnmatchedReason[] {
  const out: UnmatchedReason[] = [];
  if (a.tradeDate !== b.tradeDate) out.push("DTRD");
  if (a.settlementDate !== b.settlementDate) out.push("DDAT");
  if (a.asset !== b.asset) out.push("DSEC");
  if (a.quantity !== b.quantity) out.push("DQUA");
  if (a.payment !== b.payment) out.push("FRAP");
  else if (a.cash?.asset !== b.cash?.asset) out.push("NCRR");
  else {
    const deliverer = a.movement === "DELI" ? a : b;
    if (amountDelta(a, b) > toleranceOf(deliverer, parameters)) out.push("DMON");
  }
  if (parts(a.commonId, b.commonId)) out.push("DELN");
  const others =
    a.model !== b.model ||
    parts(a.client, b.counterpartyClient) ||
    parts(a.counterpartyClient, b.client) ||
    parts(a.pool?.id, b.pool?.id) ||
    parts(a.couponCondition, b.couponCondition) ||
    (a.conditions.length > 0 &&
      b.conditions.length > 0 &&
      a.conditions.join() !== b.conditions.join());
  if (others) out.push("OTHR");
  return out;
}

/** Additional fields count where both sides give them. */
function parts(a: string | undefined, b: string | undefined): boolean {
  return a !== undefined && b !== undefined && a !== b;
}
