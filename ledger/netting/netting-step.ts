import type { BlockStep } from "../block-steps/block-step.ts";
import type { BlockExecution } from "../execution.ts";
import {
  availableFor,
  type Candidate,
  candidates,
  settleSet,
} from "../instructions/netting-door.ts";
import { settlementDayOf } from "../instructions/settlement-day.ts";
import { pendingPairs } from "../instructions/settlement-pair.ts";
import { MAX_ASSETS_PER_ACCOUNT } from "../limits.ts";
import { balanceId } from "../state/balance.ts";
import type { LedgerState } from "../state/ledger-state.ts";
import {
  EVIDENCE_PAGE,
  evidenceHashOf,
  type NetMovement,
  netMovementOf,
  nettingClockTable,
  nettingCycleTable,
} from "./cycle-record.ts";
import { nettingPolicyOf } from "./netting-policy.ts";
import type { NettingModel, NettingView } from "./netting-problem.ts";
import { NETTING_LIMITS, type NettingSolution, solveNetting } from "./solver.ts";
import type { NettingLeg } from "./solver-port.ts";

/** Room that a receiving account must have left for new assets: a cycle brings few at once. */
const SPARE_ASSETS = 64;

/** When a choice does not hold, the cycle tries again with the first half of its candidates. */
const TRIES = 8;

/**
 * Netting cycles, after the gross pass: model 2, then model 3, each settled in one transition. Pairs
 * of model 1 never wait for a cycle.
 */
export const nettingStep: BlockStep = { name: "netting", at: "end", run };

function run(execution: BlockExecution): void {
  const { state, timestampMs } = execution;
  if (pendingPairs.size(state) === 0) return;
  const policy = nettingPolicyOf(state);
  if (policy.intervalMs === 0 || !settlementDayOf(execution).isOpen) return;
  const clock = state.of(nettingClockTable).get("");
  if (clock === undefined) {
    // The first pair of the chain starts the clock.
    state.of(nettingClockTable).put({ cycles: 0, ranAtMs: timestampMs });
    return;
  }
  if (timestampMs < clock.ranAtMs + policy.intervalMs) return;
  state.of(nettingClockTable).put({ ...clock, ranAtMs: timestampMs });
  for (const model of ["DVP_2", "DVP_3"] as const) {
    // What the first cycle brings is there for the second.
    const found = candidates(execution, policy.candidates, model);
    cycle(execution, model, found);
  }
}

function cycle(execution: BlockExecution, model: NettingModel, found: readonly Candidate[]): void {
  let tried = found;
  for (let tries = 0; tries < TRIES && tried.length > 0; tries++) {
    const view = viewOf(execution, tried);
    const solution = solveNetting(tried, model, view, NETTING_LIMITS);
    if (solution.settled.length === 0) return;
    const failed = settleSet(execution, solution.settled, () =>
      conclude(execution, model, tried.length, solution),
    );
    if (failed === undefined) return;
    const body = { height: execution.height, model, reason: failed.code };
    execution.emit({ type: "nettingCycleFailed", body });
    tried = tried.slice(0, tried.length >> 1);
  }
}

/** The gate has seen the candidates already; what is left is whether receivers have room. */
function viewOf(execution: BlockExecution, found: readonly Candidate[]): NettingView {
  const { state } = execution;
  return {
    available: availableFor(execution, found),
    mayMove: ({ to, asset }: NettingLeg) => hasRoom(state, to, asset),
  };
}

function hasRoom(state: LedgerState, account: string, asset: string): boolean {
  if (state.balances.get(balanceId(account, asset)) !== undefined) return true;
  const held = state.holdings.get(account)?.assets.length ?? 0;
  return held + SPARE_ASSETS <= MAX_ASSETS_PER_ACCOUNT;
}

/** The evidence: a record with its hash, and events with the set and the net vector in pages. */
function conclude(
  execution: BlockExecution,
  model: NettingModel,
  looked: number,
  solution: NettingSolution<Candidate>,
): void {
  const { state, height, timestampMs } = execution;
  const number = (state.of(nettingClockTable).get("")?.cycles ?? 0) + 1;
  const settled = solution.settled.flatMap(({ pairs }) => pairs);
  const net = solution.net.map(netMovementOf);
  const evidenceHash = evidenceHashOf({ number, height, model, settled, net });
  const { rounds, steps, exhausted } = solution;
  const counts = { candidates: looked, settled: settled.length, rounds, steps, exhausted };
  const cycleRecord = { number, height, model, ...counts, evidenceHash };
  state.of(nettingCycleTable).put(cycleRecord);
  state.of(nettingClockTable).put({ cycles: number, ranAtMs: timestampMs });
  execution.emit({ type: "nettingCycleSettled", body: cycleRecord });
  for (const [page, pairs] of pagesOf(settled).entries()) {
    execution.emit({ type: "nettingSetPage", body: { number, page, pairs } });
  }
  for (const [page, movements] of pagesOf<NetMovement>(net).entries()) {
    execution.emit({ type: "nettingVectorPage", body: { number, page, movements } });
  }
}

function pagesOf<T>(items: readonly T[]): readonly (readonly T[])[] {
  const pages: (readonly T[])[] = [];
  for (let at = 0; at < items.length; at += EVIDENCE_PAGE) {
    pages.push(items.slice(at, at + EVIDENCE_PAGE));
  }
  return pages;
}
