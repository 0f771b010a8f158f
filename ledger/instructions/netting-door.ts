import type { BlockExecution, Execution, Failure } from "../execution.ts";
import { amountOf } from "../movement.ts";
import type { AvailableOf, NettingCandidate, NettingLeg } from "../netting/solver-port.ts";
import { balanceId } from "../state/balance.ts";
import type { SettlementModel } from "./instruction-codes.ts";
import { instructionTable, isMatched, remainingOf } from "./instruction-record.ts";
import { gateObstacle, isClosedFor, isOverdue, linkedSet, standingObstacle } from "./obstacles.ts";
import { givable, movementsOf, releasedOf, remainderOf } from "./pair-movements.ts";
import { settleTogether } from "./settlement.ts";
import { type SettlementDay, settlementDayOf } from "./settlement-day.ts";
import { orderOf, type Pair, pairById, pendingPairs } from "./settlement-pair.ts";

/** What a netting cycle may settle: one pair, or a linked set that settles as one. */
export interface Candidate extends NettingCandidate {
  readonly model: SettlementModel;
  /** Ids of its pairs, its own first. */
  readonly pairs: readonly string[];
}

/**
 * The pairs that only lack units, or only wait for a cycle, in their order: everything else about
 * them would let them settle now. Looks at the first `bound` of the queue. Pairs of one linked set
 * are one candidate; sets that are incomplete, mixed in model or not all ready are left out.
 * With a model, only those of it.
 */
export function candidates(
  execution: Execution,
  bound: number,
  model?: SettlementModel,
): readonly Candidate[] {
  const day = settlementDayOf(execution);
  if (!day.isOpen) return [];
  const seen = new Set<string>();
  const out: Candidate[] = [];
  for (const { id } of pendingPairs.first(execution.state, bound)) {
    if (seen.has(id)) continue;
    const pair = pairById(execution.state, id);
    if (model !== undefined && pair.delivery.model !== model) continue;
    const linked = linkedSet(execution, pair);
    if (linked === undefined || !linked.every((other) => isReady(execution, other, pair, day))) {
      continue;
    }
    for (const { delivery } of linked) seen.add(delivery.id);
    out.push({
      id,
      order: orderOf(pair),
      model: pair.delivery.model,
      pairs: linked.map(({ delivery }) => delivery.id),
      legs: linked.flatMap((other) => legsOf(execution, other)),
    });
  }
  return out;
}

function isReady(execution: Execution, pair: Pair, first: Pair, day: SettlementDay): boolean {
  return (
    pair.delivery.model === first.delivery.model &&
    !isOverdue(execution, pair) &&
    !isClosedFor(pair, day) &&
    standingObstacle(execution, pair, day) === undefined &&
    releasedOf(pair) === remainingOf(pair.delivery) &&
    gateObstacle(execution, pair) === undefined
  );
}

function legsOf({ state }: Execution, pair: Pair): readonly NettingLeg[] {
  return movementsOf(state, pair, remainderOf(pair)).flatMap((movement) => {
    const { from, to, asset } = movement;
    if (from === undefined || to === undefined) return [];
    return [{ from: from.id, to: to.id, asset, amount: amountOf(movement) }];
  });
}

/**
 * What accounts have for these candidates: available, and what is reserved for their own
 * instructions, which is released when they settle.
 */
export function availableFor(execution: Execution, chosen: readonly Candidate[]): AvailableOf {
  const reserved = new Map<string, bigint>();
  for (const pairId of chosen.flatMap(({ pairs }) => pairs)) {
    const { delivery, receipt } = pairById(execution.state, pairId);
    const gives = [
      { side: delivery, account: delivery.account, asset: delivery.asset },
      { side: receipt, account: receipt.cash?.account, asset: receipt.cash?.asset },
    ];
    for (const { side, account, asset } of gives) {
      if (!side.reserves || account === undefined || asset === undefined) continue;
      const key = balanceId(account, asset);
      const available = execution.state.balances.get(key)?.available ?? 0n;
      const own = givable(execution, side, account, asset) - available;
      reserved.set(key, (reserved.get(key) ?? 0n) + own);
    }
  }
  return (account, asset) => {
    const key = balanceId(account, asset);
    const available = execution.state.balances.get(key)?.available ?? 0n;
    return available + (reserved.get(key) ?? 0n);
  };
}

/**
 * Settles the chosen candidates in one transition, or none of them; each instruction is confirmed
 * at its own gross amount. `conclude` runs in the same transition, for the cycle's own record and
 * event. Everything is checked again: a failure says that the choice does not hold.
 */
export function settleSet(
  execution: BlockExecution,
  chosen: readonly Candidate[],
  conclude: () => void = () => undefined,
): Failure | undefined {
  const { state } = execution;
  const ids = [...new Set(chosen.flatMap(({ pairs }) => pairs))];
  const pairs = ids
    .filter((id) => {
      const delivery = state.of(instructionTable).get(id);
      return delivery !== undefined && isMatched(delivery);
    })
    .map((id) => pairById(state, id));
  return execution.attempt(() => {
    const failed = settleTogether(execution, pairs);
    if (failed === undefined) conclude();
    return failed;
  });
}
