import type { Execution } from "../execution.ts";
import { checkMovements } from "../movement-gate.ts";
import { hasMatured } from "../state/instrument.ts";
import { isCash } from "../types.ts";
import type { PendingReason } from "./instruction-codes.ts";
import { MAX_POOL } from "./instruction-limits.ts";
import {
  byReference,
  type Instruction,
  instructionTable,
  isMatched,
  poolTable,
  referenceId,
} from "./instruction-record.ts";
import { givable, movementsOf, releasedOf, remainderOf } from "./pair-movements.ts";
import { type Wait, waitOf } from "./settlement.ts";
import { cutoffOf, isPastDate, type SettlementDay } from "./settlement-day.ts";
import { type Pair, pairOf } from "./settlement-pair.ts";

function both(reason: PendingReason): Wait {
  return { delivery: reason, receipt: reason };
}

/** FAILING once the settlement date is over for a pair, and for good. */
export function waitingStateOf(pair: Pair, day: SettlementDay): "PENDING" | "FAILING" {
  return isPastDate(pair.delivery, day) ? "FAILING" : "PENDING";
}

/** Whether nothing of the pair's kind settles any more today, or not yet. */
export function isClosedFor(pair: Pair, day: SettlementDay): boolean {
  return !day.isOpen || day.minute >= cutoffOf(pair.delivery, day.parameters);
}

/** The security has matured: what is not settled by then never will be. */
export function isOverdue(execution: Execution, { delivery }: Pair): boolean {
  if (isCash(delivery.asset)) return false;
  const instrument = execution.state.instruments.get(delivery.asset);
  return instrument !== undefined && hasMatured(instrument.terms, execution.businessDate);
}

/** Why a pair may not settle at all now, whatever its parties hold. */
export function standingObstacle(
  execution: Execution,
  pair: Pair,
  day: SettlementDay,
): Wait | undefined {
  const { delivery, receipt } = pair;
  if (delivery.settlementDate > day.date) return both("FUTU");
  return holdOf(pair) ?? linkOf(execution, [delivery, receipt]);
}

/** The hold that each side sees: its own first, then the other's, the depository's, a condition. */
function holdOf(pair: Pair): Wait | undefined {
  const { delivery, receipt } = pair;
  if (releasedOf(pair) === 0n) {
    const [held, counter] = [isHeld(delivery), isHeld(receipt)];
    return { delivery: held ? "PREA" : "PRCY", receipt: counter ? "PREA" : "PRCY" };
  }
  if (delivery.heldByCsd || receipt.heldByCsd) return both("CSDH");
  if (delivery.heldByCondition || receipt.heldByCondition) return both("CDLR");
  return undefined;
}

function isHeld({ heldByParty, releasedQuantity, settledQuantity }: Instruction): boolean {
  return heldByParty && releasedQuantity <= settledQuantity;
}

/** An instruction waits until the one that it must follow has settled. */
function linkOf({ state }: Execution, sides: readonly Instruction[]): Wait | undefined {
  const waits = sides.some(
    ({ member, after }) =>
      after !== undefined && byReference(state, member, after)?.state !== "SETTLED",
  );
  return waits ? both("LINK") : undefined;
}

/**
 * The pairs that settle together with this one, itself first: those of its sides' pools, of their
 * other sides' pools, and so on. Undefined while one is missing, unmatched or over, or where there
 * are more than one transition may carry.
 */
export function linkedSet(execution: Execution, pair: Pair): readonly Pair[] | undefined {
  const found = new Map<string, Pair>([[pair.delivery.id, pair]]);
  for (const { delivery, receipt } of found.values()) {
    for (const side of [delivery, receipt]) {
      if (side.pool === undefined) continue;
      const pool = execution.state.of(poolTable).get(referenceId(side.member, side.pool.id));
      if (pool === undefined || pool.instructions.length < pool.total) return undefined;
      for (const id of pool.instructions) {
        const member = execution.state.of(instructionTable).get(id);
        if (member === undefined || !isMatched(member)) return undefined;
        const linked = pairOf(execution.state, member);
        found.set(linked.delivery.id, linked);
        if (found.size > MAX_POOL) return undefined;
      }
    }
  }
  return [...found.values()];
}

/** What a side lacks of what is still to settle; undefined when both could give it. */
export function shortageOf(execution: Execution, pair: Pair): Wait | undefined {
  const { delivery, receipt } = pair;
  const { quantity, cash } = remainderOf(pair);
  const lacksUnits = givable(execution, delivery, delivery.account, delivery.asset) < quantity;
  const paid = receipt.cash;
  const lacksCash =
    paid !== undefined && givable(execution, receipt, paid.account, paid.asset) < cash;
  if (!lacksUnits && !lacksCash) return undefined;
  // Each side sees its own want first.
  const units = isCash(delivery.asset)
    ? waitOf({ code: "INSUFFICIENT_CASH", field: "delivery.account" })
    : waitOf({ code: "INSUFFICIENT_SECURITIES", field: "delivery.account" });
  const money = waitOf({ code: "INSUFFICIENT_CASH", field: "receipt.cash" });
  return {
    delivery: lacksUnits ? units.delivery : money.delivery,
    receipt: lacksCash ? money.receipt : units.receipt,
  };
}

/** BLOC where the movement gate would not let the rest of a pair pass now. */
export function gateObstacle(execution: Execution, pair: Pair): Wait | undefined {
  const movements = movementsOf(execution.state, pair, remainderOf(pair));
  return checkMovements(execution, movements) === undefined ? undefined : both("BLOC");
}
