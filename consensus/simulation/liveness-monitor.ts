import { BACKOFF_CAP } from "../limits.ts";
import { viewTimeouts } from "../pacemaker.ts";
import type { ConsensusParameters } from "../parameters.ts";
import type { Checker } from "./checker.ts";

/** New blocks that every honest node must finalize after stabilisation. */
const NEW_BLOCKS = 5;

/** The bound of the liveness claim, in views of the longest duration. */
const BOUND_IN_LONGEST_VIEWS = 20;

/**
 * The claim supposes that the configured delay bound is true. In runs where it is set too small the
 * back-off makes up for it, and the periods of resending, not the views, set the pace.
 */
const LEAST_BOUND_MS = 60_000;

export interface LivenessOptions {
  readonly checker: Checker;
  /** Transactions that honest nodes hold and have not seen committed. */
  readonly held: () => readonly string[];
  readonly parameters: ConsensusParameters;
  /** The ledger closes epochs. */
  readonly epochsEnd?: boolean | undefined;
}

/**
 * After stabilisation, in this order: L1, new blocks at every honest node while transactions come
 * in (L4 where only nodes fail that were down or lost their disk, L9 where all were down) and, where
 * epochs end, L7, the next epoch everywhere; then clients stop, and L2, everything any honest node
 * holds becomes final, L8, whoever contradicted itself before one of them stands convicted, and L3,
 * all honest nodes stand at one height.
 */
export class LivenessMonitor {
  readonly #options: LivenessOptions;
  readonly #boundMs: number;
  #begunAtMs: number | undefined;
  #startHeight = 0;
  #startEpoch = 0;
  /** Nodes that were down or had lost their disk. */
  #behind: readonly number[] = [];
  #allWereDown = false;
  #alive = false;
  /** Contradictions heard until the chain was alive. */
  #owed: readonly string[] = [];
  #done = false;

  constructor(options: LivenessOptions) {
    this.#options = options;
    const longestMs = viewTimeouts(options.parameters, BACKOFF_CAP).advanceMs;
    this.#boundMs = Math.max(LEAST_BOUND_MS, BOUND_IN_LONGEST_VIEWS * longestMs);
  }

  get done(): boolean {
    return this.#done;
  }

  get clientsMayStop(): boolean {
    return this.#alive;
  }

  /** `behind`: nodes that have something to catch up with; `allWereDown`: none was running. */
  begin(nowMs: number, behind: readonly number[] = [], allWereDown = false): void {
    const { checker } = this.#options;
    this.#begunAtMs = nowMs;
    this.#behind = behind;
    this.#allWereDown = allWereDown;
    this.#startHeight = checker.height;
    this.#startEpoch = Math.max(...checker.epochs);
    checker.watchContradictions();
  }

  check(nowMs: number): void {
    if (this.#begunAtMs === undefined || this.#done) return;
    const { checker, epochsEnd } = this.#options;
    const heights = checker.appliedHeights;
    const grown = Math.min(...heights) >= this.#startHeight + NEW_BLOCKS;
    const renewed = epochsEnd !== true || Math.min(...checker.epochs) > this.#startEpoch;
    if (grown && renewed && !this.#alive) {
      this.#alive = true;
      this.#owed = checker.unpunished;
    }
    const late = nowMs - this.#begunAtMs > this.#boundMs;
    const level = heights.every((height) => height === heights[0]);
    // Asking what all nodes hold is dear, and is asked only when the answer can matter.
    if (this.#alive && level && this.#isSettled()) this.#done = true;
    else if (late) this.#report(grown, heights);
  }

  #isSettled(): boolean {
    return this.#options.held().length === 0 && this.#unpunished().length === 0;
  }

  #unpunished(): readonly string[] {
    const still = this.#options.checker.unpunished;
    return this.#owed.filter((each) => still.includes(each));
  }

  #report(grown: boolean, heights: readonly number[]): void {
    const { checker, held } = this.#options;
    const state = `heights ${heights.join(" ")}, from ${this.#startHeight}`;
    const waiting = held();
    const unpunished = this.#unpunished();
    if (!grown) this.#reportNoGrowth(heights, state);
    else if (!this.#alive) {
      checker.fail("L7", `epochs ${checker.epochs.join(" ")}, from ${this.#startEpoch}; ${state}`);
    } else if (waiting.length > 0) {
      checker.fail("L2", `not final: ${waiting.join(" ")}; ${state}`);
    } else if (unpunished.length > 0) {
      checker.fail("L8", `not convicted, as epoch:signer: ${unpunished.join(" ")}; ${state}`);
    } else checker.fail("L3", `nodes stand apart: ${state}`);
  }

  #reportNoGrowth(heights: readonly number[], state: string): void {
    const { checker } = this.#options;
    const behind = checker.honest.map((node) => this.#behind.includes(node));
    const short = heights.map((height) => height < this.#startHeight + NEW_BLOCKS);
    const onlyThose = short.every((isShort, i) => !isShort || behind[i] === true);
    const others = short.some((isShort) => !isShort);
    if (onlyThose && others) checker.fail("L4", `some did not catch up: ${state}`);
    else if (this.#allWereDown) checker.fail("L9", `no ${NEW_BLOCKS} new blocks: ${state}`);
    else checker.fail("L1", `no ${NEW_BLOCKS} new blocks: ${state}`);
  }
}
