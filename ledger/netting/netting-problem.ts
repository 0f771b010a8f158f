import type { NettingCandidate, NettingLeg } from "./solver-port.ts";

/** What a cycle asks the ledger. Both must not change while the solver runs. */
export interface NettingView {
  /** What the account can give away of the asset before the cycle, minor units. */
  available(account: string, asset: string): bigint;
  /** Whether the leg may be made at all: not between frozen accounts, nor to one that is full. */
  mayMove(leg: NettingLeg): boolean;
}

/**
 * Which incoming units count towards what an account gives away in the same cycle: the three
 * models of delivery versus payment (CPSS, Delivery versus Payment in Securities Settlement
 * Systems, 1992) are three netting keys of one engine.
 *
 * DVP_1: gross, gross: nothing received in the cycle counts.
 * DVP_2: securities gross, cash net.
 * DVP_3: net, net.
 */
export const nettingModels = ["DVP_1", "DVP_2", "DVP_3"] as const;
export type NettingModel = (typeof nettingModels)[number];

/** Whether what an account receives of the asset pays for what it gives away. */
export function netsAsset(model: NettingModel, isCashAsset: boolean): boolean {
  switch (model) {
    case "DVP_1":
      return false;
    case "DVP_2":
      return isCashAsset;
    case "DVP_3":
      return true;
  }
}

/** The order in which candidates are served. Total, as ids are unique. */
export function compareCandidates(a: NettingCandidate, b: NettingCandidate): number {
  return compareText(a.order, b.order) || compareText(a.id, b.id);
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
