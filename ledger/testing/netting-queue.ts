import type { NettingModel, NettingView } from "../netting/netting-problem.ts";
import { solveNetting } from "../netting/solver.ts";
import type { NettingCandidate, NettingLeg } from "../netting/solver-port.ts";
import { CBDC } from "../types.ts";

/** Small queues for tests of the solver. */
export const BOND = "PK0PIB003015";

export interface Place {
  readonly priority?: number;
  readonly settlementDate?: string;
  readonly entryHeight?: number;
}

export function candidate(
  id: string,
  legs: readonly NettingLeg[],
  place: Place = {},
): NettingCandidate {
  const { priority = 4, settlementDate = "2026-01-05", entryHeight = 1 } = place;
  const order = `${priority}.${settlementDate}.${String(entryHeight).padStart(10, "0")}.${id}`;
  return { id, legs, order };
}

export function pay(from: string, to: string, amount: bigint, asset = CBDC): NettingLeg {
  return { from, to, asset, amount };
}

export function viewOf(
  holdings: Readonly<Record<string, bigint>>,
  frozen: readonly string[] = [],
): NettingView {
  return {
    available: (account, asset) => holdings[`${account}/${asset}`] ?? 0n,
    mayMove: ({ from, to }) => !frozen.includes(from) && !frozen.includes(to),
  };
}

export const cash = (accounts: Readonly<Record<string, bigint>>, frozen: readonly string[] = []) =>
  viewOf(Object.fromEntries(Object.entries(accounts).map(([a, n]) => [`${a}/${CBDC}`, n])), frozen);

export function solvedIds(
  candidates: readonly NettingCandidate[],
  view: NettingView,
  model: NettingModel = "DVP_3",
): readonly string[] {
  return solveNetting(candidates, model, view).settled.map(({ id }) => id);
}
