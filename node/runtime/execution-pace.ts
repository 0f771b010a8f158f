import { MAX_BATCH_TRANSACTIONS } from "../dissemination/batch.ts";

/** A leader's block executes in so much of the build time, ms, so that disk and network fit as well. */
const BUDGET_MS = 80;

/** However slow the machine seems: the fullest batch must fit a block, or it would wait for ever. */
export const LEAST_TRANSACTIONS = MAX_BATCH_TRANSACTIONS;

/** Weight of the newest block: some ten blocks make the pace. */
const NEWEST = 0.2;

/** Blocks with fewer are mostly overhead and say little about one transaction. */
const COUNTED_ABOVE = 16;

/**
 * How many transactions a leader puts into a block: as many as this node has lately executed within
 * the time that a view has for it. What is left out waits for the next block; a block that takes
 * longer than the view lets the view end without one, and then everything waits.
 */
export class ExecutionPace {
  readonly #most: number;
  /** Milliseconds for one transaction; unknown before the first block. */
  #each: number | undefined;

  /** `most` is the protocol's bound. */
  constructor(most: number) {
    this.#most = most;
  }

  /** A block was executed: wall time, since that is what a view has. */
  observed(seconds: number, transactions: number): void {
    if (transactions < COUNTED_ABOVE) return;
    const each = (1_000 * seconds) / transactions;
    this.#each = this.#each === undefined ? each : (1 - NEWEST) * this.#each + NEWEST * each;
  }

  /** For the next block. */
  get transactions(): number {
    if (this.#each === undefined || this.#each === 0) return this.#most;
    const fit = Math.floor(BUDGET_MS / this.#each);
    return Math.min(this.#most, Math.max(LEAST_TRANSACTIONS, fit));
  }
}
