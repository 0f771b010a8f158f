import { present } from "../../primitives/assert.ts";
import { type Infer, record } from "../../primitives/codec/schema.ts";
import type { BlockStep } from "../block-steps/block-step.ts";
import { borrowFor, mayBorrow } from "../collateral/auto-collateral.ts";
import type { BlockExecution, Failure } from "../execution.ts";
import { compareEntries, type QueueEntry, queueEntry } from "../state/due-queue.ts";
import type { LedgerState } from "../state/ledger-state.ts";
import { Table } from "../state/table.ts";
import { FRESH_PAIRS_PER_BLOCK, SWEEP_PAIRS_PER_BLOCK } from "./instruction-limits.ts";
import { instructionTable, isMatched, remainingOf } from "./instruction-record.ts";
import {
  gateObstacle,
  isClosedFor,
  isOverdue,
  linkedSet,
  shortageOf,
  standingObstacle,
  waitingStateOf,
} from "./obstacles.ts";
import { releasedOf } from "./pair-movements.ts";
import { partialQuantity } from "./partial-quantity.ts";
import { settlePair, settleTogether, type Wait, waitOf } from "./settlement.ts";
import { type SettlementDay, settlementDayOf } from "./settlement-day.ts";
import { orderOf, type Pair, pairById, pairOf, pendingPairs } from "./settlement-pair.ts";
import { cancelPair, setWaiting } from "./transitions.ts";

/** Where the sweep goes on in the next block; no record while one block reaches every pair. */
const cursorSchema = record({ last: queueEntry });
export type SweepCursor = Infer<typeof cursorSchema>;

export const sweepCursorTable = new Table<SweepCursor>({
  name: "settlement-sweep",
  schema: cursorSchema,
  idOf: () => "",
  remember: true,
});

/**
 * Model 1: pairs settle gross, one after the other, in the order (priority, settlement date, height
 * of entry, id). A block tries the pairs that something happened to in it, and a portion of all
 * others in turn, so that every pair has its chance within (queue length / portion) blocks whatever
 * else goes on.
 */
export const grossPass: BlockStep = { name: "gross-pass", at: "end", run };

function run(execution: BlockExecution): void {
  const { state } = execution;
  if (pendingPairs.size(state) === 0) return;
  const day = settlementDayOf(execution);
  if (!day.isOpen) return;
  const turn = [...freshPairs(state, day), ...sweep(state)].toSorted(compareEntries);
  let last: QueueEntry | undefined;
  for (const entry of turn) {
    if (last !== undefined && compareEntries(last, entry) === 0) continue;
    last = entry;
    const delivery = state.of(instructionTable).get(entry.id);
    // Settled meanwhile, with a pair that it is linked to.
    if (delivery === undefined || !isMatched(delivery)) continue;
    visit(execution, pairById(state, entry.id), day);
  }
}

/** Pairs of instructions that this block changed, the first in the order. */
function freshPairs(state: LedgerState, day: SettlementDay): readonly QueueEntry[] {
  const out = new Map<string, QueueEntry>();
  for (const { after } of state.of(instructionTable).changed()) {
    if (after === undefined || !isMatched(after) || after.settlementDate > day.date) continue;
    const pair = pairOf(state, after);
    out.set(pair.delivery.id, { due: orderOf(pair), id: pair.delivery.id });
  }
  return [...out.values()].toSorted(compareEntries).slice(0, FRESH_PAIRS_PER_BLOCK);
}

/** The next portion of all pairs, round and round. */
function sweep(state: LedgerState): readonly QueueEntry[] {
  const cursors = state.of(sweepCursorTable);
  const cursor = cursors.get("");
  if (pendingPairs.size(state) <= SWEEP_PAIRS_PER_BLOCK) {
    if (cursor !== undefined) cursors.remove("");
    return pendingPairs.first(state, SWEEP_PAIRS_PER_BLOCK);
  }
  const portion = pendingPairs.after(state, cursor?.last, SWEEP_PAIRS_PER_BLOCK);
  if (portion.length < SWEEP_PAIRS_PER_BLOCK) cursors.remove("");
  else cursors.put({ last: present(portion.at(-1), "last of a portion") });
  return portion;
}

/** Settles a pair if it can be, in full or in part; else writes down why it waits. */
function visit(execution: BlockExecution, pair: Pair, day: SettlementDay): void {
  if (isOverdue(execution, pair)) {
    execution.attempt(() => {
      cancelPair(execution, pair, { delivery: "CORP", receipt: "CORP" });
      return undefined;
    });
    return;
  }
  const wait = standingObstacle(execution, pair, day) ?? settleOrWait(execution, pair, day);
  if (wait === undefined) return;
  const waiting = waitingStateOf(pair, day);
  execution.attempt(() => {
    setWaiting(execution, pair.delivery, waiting, wait.delivery);
    setWaiting(execution, pair.receipt, waiting, wait.receipt);
    return undefined;
  });
}

const CYCLE: Wait = { delivery: "CYCL", receipt: "CYCL" };
const LINKED: Wait = { delivery: "LINK", receipt: "LINK" };

function settleOrWait(execution: BlockExecution, pair: Pair, day: SettlementDay): Wait | undefined {
  if (pair.delivery.model !== "DVP_1") return gateObstacle(execution, pair) ?? CYCLE;
  const linked = linkedSet(execution, pair);
  if (linked === undefined) return LINKED;
  if (isClosedFor(pair, day)) {
    return gateObstacle(execution, pair) ?? shortageOf(execution, pair) ?? CYCLE;
  }
  return linked.length > 1
    ? settleLinked(execution, pair, linked, day)
    : settleAlone(execution, pair);
}

function settleAlone(execution: BlockExecution, pair: Pair): Wait | undefined {
  const whole = remainingOf(pair.delivery);
  const released = releasedOf(pair);
  const failed = released === whole ? settleWhole(execution, pair, whole) : undefined;
  if (released === whole && failed === undefined) return undefined;
  const wait = failed === undefined ? partWait(pair) : waitFor(execution, pair, failed);
  if (failed !== undefined && !isShort(failed)) return wait;
  const part = partialQuantity(execution, pair);
  if (part === undefined) return wait;
  if (part === 0n) return { delivery: "LALO", receipt: "LALO" };
  const refused = execution.attempt(() => settlePair(execution, pair, part, wait));
  return refused === undefined ? undefined : waitFor(execution, pair, refused);
}

/** A payer that is short of cash borrows the rest, where its standing mandate allows it. */
function settleWhole(execution: BlockExecution, pair: Pair, whole: bigint): Failure | undefined {
  const failed = execution.attempt(() => settlePair(execution, pair, whole, CYCLE));
  if (failed?.code !== "INSUFFICIENT_CASH" || !mayBorrow(execution, pair)) return failed;
  const borrowed = execution.attempt(
    () => borrowFor(execution, pair) ?? settlePair(execution, pair, whole, CYCLE),
  );
  return borrowed === undefined ? undefined : failed;
}

function isShort({ code }: Failure): boolean {
  return code === "INSUFFICIENT_SECURITIES" || code === "INSUFFICIENT_CASH";
}

/** Want of units is seen on both legs at once; anything else is what the failure says. */
function waitFor(execution: BlockExecution, pair: Pair, failed: Failure): Wait {
  return isShort(failed) ? (shortageOf(execution, pair) ?? waitOf(failed)) : waitOf(failed);
}

/** After a part that was released: the rest is held again. */
function partWait({ delivery, receipt }: Pair): Wait {
  return {
    delivery: delivery.heldByParty ? "PREA" : "PRCY",
    receipt: receipt.heldByParty ? "PREA" : "PRCY",
  };
}

/** All pairs of a linked set or none, each in full. */
function settleLinked(
  execution: BlockExecution,
  pair: Pair,
  linked: readonly Pair[],
  day: SettlementDay,
): Wait | undefined {
  const isReady = linked.every(
    (other) =>
      other.delivery.model === "DVP_1" &&
      standingObstacle(execution, other, day) === undefined &&
      !isClosedFor(other, day) &&
      releasedOf(other) === remainingOf(other.delivery),
  );
  if (!isReady) return LINKED;
  const failed = execution.attempt(() => settleTogether(execution, linked));
  if (failed === undefined) return undefined;
  return gateObstacle(execution, pair) ?? shortageOf(execution, pair) ?? LINKED;
}
