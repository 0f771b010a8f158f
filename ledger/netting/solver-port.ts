/**
 * The line between settlement instructions and the netting solver. The solver is pure: it sees
 * candidates and what accounts have, and says which candidates settle together. The room of the
 * instructions supplies the candidates (`candidates`), and settles the set that comes back in one
 * transition (`settleSet`), which checks everything again.
 */

/** Units that move if the candidate settles. Amounts are minor units above zero. */
export interface NettingLeg {
  readonly from: string;
  readonly to: string;
  readonly asset: string;
  readonly amount: bigint;
}

/** One matched pair of instructions, or several that are linked and settle together or not at all. */
export interface NettingCandidate {
  /** Of the pair that comes first in the order. */
  readonly id: string;
  /** Text that sorts by priority, settlement date, entry height and id: the smaller goes first. */
  readonly order: string;
  /** All legs of all pairs of the candidate, gross. */
  readonly legs: readonly NettingLeg[];
}

/** What an account has available of an asset, minor units. */
export type AvailableOf = (account: string, asset: string) => bigint;

/** What an account gains (above zero) or loses of one asset over the whole set. */
export interface NetPosition {
  readonly account: string;
  readonly asset: string;
  readonly net: bigint;
}

export interface NettingResult {
  /** Ids of the candidates that settle together, in their order; empty when none can. */
  readonly settled: readonly string[];
  /** Ids of the others, in their order. */
  readonly dropped: readonly string[];
  /** Net positions of the settled set, sorted by account and asset; those of zero left out. */
  readonly netVector: readonly NetPosition[];
  /** Rounds that the solver took; bounded. */
  readonly iterations: number;
}

/**
 * Deterministic and bounded: equal candidates and balances give an equal result. Of the settled set
 * no net position takes more than the account has available.
 */
export type SolveCycle = (
  candidates: readonly NettingCandidate[],
  available: AvailableOf,
) => NettingResult;
