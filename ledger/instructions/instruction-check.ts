import { invariant, present } from "../../primitives/assert.ts";
import type { LedgerEvent } from "../events.ts";
import { Sums } from "../invariants.ts";
import type { RoomCheck } from "../room-checks/room-check.ts";
import { claimId, claimTable } from "../state/claim.ts";
import { queuePageTable } from "../state/due-queue.ts";
import type { LedgerState } from "../state/ledger-state.ts";
import type { RecordChange } from "../state/record-cache.ts";
import type { WholeState } from "../whole-state.ts";
import { sweepCursorTable } from "./gross-pass.ts";
import {
  type Instruction,
  instructionTable,
  isMatched,
  isTerminal,
  poolTable,
  referenceId,
  referenceTable,
} from "./instruction-record.ts";
import { outgoingOf } from "./instruction-reservation.ts";
import { matchKey, matchSlotTable, nearListTable } from "./matching.ts";
import { memberLoadTable } from "./member-load.ts";
import { futurePairs, pendingPairs } from "./settlement-pair.ts";
import { settlementParametersTable } from "./settlement-parameters.ts";

/**
 * What holds for settlement instructions after every block (I4, I5 and the status tree): a final one
 * never changes and has nothing reserved; what settled is never more than what was instructed, and
 * is the sum of the confirmations; nothing changes its status without an event.
 */
export const instructionCheck: RoomCheck = {
  name: "instructions",
  tables: [
    instructionTable,
    referenceTable,
    poolTable,
    matchSlotTable,
    nearListTable,
    sweepCursorTable,
    memberLoadTable,
    settlementParametersTable,
  ],
  checkBlock,
  checkWhole,
};

function checkBlock(state: LedgerState, events: readonly (readonly LedgerEvent[])[]): void {
  const changed = state.of(instructionTable).changed();
  if (changed.length === 0) return;
  const told = new Map<string, number>();
  const settled = new Sums();
  for (const event of events.flat()) {
    if (!("instruction" in event.body)) continue;
    const { instruction } = event.body;
    told.set(instruction, (told.get(instruction) ?? 0) + 1);
    if (event.type !== "instructionSettled" && event.type !== "instructionPartlySettled") continue;
    settled.add(instruction, event.body.quantity);
    settled.add(`cash of ${instruction}`, event.body.cashAmount ?? 0n);
  }
  for (const { id, before, after } of changed) {
    checkChange(state, { id, before, after }, told);
    if (after === undefined) continue;
    settled.add(id, (before?.settledQuantity ?? 0n) - after.settledQuantity);
    settled.add(`cash of ${id}`, (before?.settledCash ?? 0n) - after.settledCash);
  }
  settled.assertZero("I4: what has settled is the sum of its confirmations");
}

function checkChange(
  state: LedgerState,
  { id, before, after }: RecordChange<Instruction>,
  told: ReadonlyMap<string, number>,
): void {
  if (before !== undefined && isTerminal(before)) {
    invariant(after === undefined, `I4: the final instruction ${id} does not change`);
    return;
  }
  const live = present(after, `I4: the live instruction ${id} is not forgotten`);
  invariant(told.has(id), `I4: a change of instruction ${id} is told by an event`);
  checkInstruction(live);
  const outgoing = outgoingOf(live);
  if (!isTerminal(live) || outgoing === undefined) return;
  const claim = claimId("RESERVED", outgoing.account, outgoing.asset, id);
  const isFree = state.of(claimTable).get(claim) === undefined;
  invariant(isFree, `I5: nothing is reserved for the final instruction ${id}`);
}

/** What holds for one instruction by itself. */
function checkInstruction(instruction: Instruction): void {
  const { id, state, quantity, settledQuantity, settledCash, counterInstruction } = instruction;
  const isFull = settledQuantity === quantity;
  invariant(settledQuantity <= quantity, `I4: ${id} settles no more than instructed`);
  invariant((state === "SETTLED") === isFull, `I4: ${id} is settled when all of it has moved`);
  const isFree = instruction.cash === undefined;
  invariant(!isFree || settledCash === 0n, `I4: ${id} is free of payment`);
  const hasCounter = counterInstruction !== undefined;
  invariant(
    hasCounter || state === "UNMATCHED" || state === "CANCELLED",
    `state: ${id} is matched`,
  );
  invariant(!hasCounter || state !== "UNMATCHED", `state: ${id} has no counterpart`);
  invariant(
    (instruction.reason === undefined) === isFull,
    `state: ${id} says why it waits or ended`,
  );
}

function checkWhole(whole: WholeState): void {
  const instructions = whole.of(instructionTable).byId;
  const references = whole.of(referenceTable).byId;
  const queued = pairsIn(whole);
  let unmatched = 0;
  let pairs = 0;
  for (const instruction of instructions.values()) {
    checkInstruction(instruction);
    const { id, member, reference } = instruction;
    const named = references.get(referenceId(member, reference));
    invariant(named?.instruction === id, `state: the reference of instruction ${id}`);
    if (instruction.state === "UNMATCHED") {
      unmatched += 1;
      checkWaiting(whole, instruction);
    }
    if (!isMatched(instruction)) continue;
    const counter = instructions.get(instruction.counterInstruction ?? "");
    const isPair =
      counter?.counterInstruction === id &&
      isMatched(counter) &&
      counter.movement !== instruction.movement &&
      counter.settledQuantity === instruction.settledQuantity;
    invariant(isPair, `state: instruction ${id} and its counterpart name each other`);
    if (instruction.movement === "RECE") continue;
    pairs += 1;
    invariant(queued.has(id), `state: the pair ${id} is queued`);
  }
  invariant(references.size === instructions.size, "state: each reference has an instruction");
  invariant(queued.size === pairs, "state: nothing but live pairs is queued");
  checkSlots(whole, unmatched);
  checkLoads(whole);
  checkReserved(whole);
}

function pairsIn(whole: WholeState): ReadonlySet<string> {
  const names = [pendingPairs.name, futurePairs.name];
  const pages = [...whole.of(queuePageTable).values].filter(({ queue }) => names.includes(queue));
  return new Set(pages.flatMap(({ entries }) => entries.map(({ id }) => id)));
}

function checkWaiting(whole: WholeState, instruction: Instruction): void {
  const slot = whole.of(matchSlotTable).byId.get(matchKey(instruction));
  const side = instruction.movement === "DELI" ? slot?.deliveries : slot?.receipts;
  invariant(side?.includes(instruction.id) === true, `state: ${instruction.id} waits for a match`);
}

function checkSlots(whole: WholeState, unmatched: number): void {
  let listed = 0;
  for (const { deliveries, receipts } of whole.of(matchSlotTable).values) {
    listed += deliveries.length + receipts.length;
  }
  invariant(listed === unmatched, "state: only unmatched instructions wait for a match");
  for (const { key, instructions } of poolsOf(whole)) {
    for (const id of instructions) {
      const pool = whole.of(instructionTable).byId.get(id)?.pool?.id;
      invariant(pool === key, `state: instruction ${id} is of the pool ${key}`);
    }
  }
}

function poolsOf(whole: WholeState) {
  return [...whole.of(poolTable).values].map(({ id, instructions }) => ({ key: id, instructions }));
}

function checkLoads(whole: WholeState): void {
  const live = new Map<string, number>();
  for (const instruction of whole.of(instructionTable).values) {
    if (isTerminal(instruction)) continue;
    live.set(instruction.member, (live.get(instruction.member) ?? 0) + 1);
  }
  const loads = whole.of(memberLoadTable).byId;
  invariant(loads.size === live.size, "state: members with live instructions are counted");
  for (const [member, count] of live) {
    invariant(loads.get(member)?.live === count, `state: the live instructions of ${member}`);
  }
}

/** I5: of what is reserved for instructions, nothing is for one that is over. */
function checkReserved(whole: WholeState): void {
  const instructions = whole.of(instructionTable).byId;
  for (const { part, holder } of whole.of(claimTable).values) {
    const instruction = part === "RESERVED" ? instructions.get(holder) : undefined;
    if (instruction === undefined) continue;
    const isLive = !isTerminal(instruction) && instruction.reserves;
    invariant(isLive, `I5: nothing is reserved for instruction ${holder}`);
  }
}
