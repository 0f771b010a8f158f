/** Units that one instruction moves from one account to another. */
export interface NettingLeg {
  readonly from: string;
  readonly to: string;
  readonly asset: string;
  /** Minor units, above zero. */
  readonly amount: bigint;
}

/** A matched instruction that waits for securities or cash. */
export interface NettingCandidate {
  readonly id: string;
  /** 1 reserved for the system, 2 top, 3 high, 4 normal: the smaller goes first. */
  readonly priority: number;
  /** Intended settlement date, "YYYY-MM-DD". */
  readonly settlementDate: string;
  /** Height of the block that accepted it. */
  readonly entryHeight: number;
  /** All of them move or none does. */
  readonly legs: readonly NettingLeg[];
  /** Ids of instructions that must settle in the same transition. */
  readonly linkedTo: readonly string[];
}

/** What a cycle asks the ledger. Both must not change while the solver runs. */
export interface NettingView {
  /** What the account can give away of the asset before the cycle, minor units. */
  available(account: string, asset: string): bigint;
  /** Whether the movement gate lets this leg through: frozen accounts, orders, ceilings. */
  mayMove(candidate: NettingCandidate, leg: NettingLeg): boolean;
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

/** The order in which candidates are served: priority, date, entry, id. Total, as ids are unique. */
export function compareCandidates(a: NettingCandidate, b: NettingCandidate): number {
  return (
    a.priority - b.priority ||
    compareText(a.settlementDate, b.settlementDate) ||
    a.entryHeight - b.entryHeight ||
    compareText(a.id, b.id)
  );
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
