import { BACKOFF_CAP } from "../limits.ts";
import { viewTimeouts } from "../pacemaker.ts";
import type { ConsensusParameters } from "../parameters.ts";
import type { Checker } from "./checker.ts";

/** New blocks that every honest node must finalize after stabilisation. */
const NEW_BLOCKS = 5;

/** The bound of the liveness claim, in views of the longest duration. */
const BOUND_IN_LONGEST_VIEWS = 20;

/**
 * After stabilisation, in this order: L1, new blocks at every honest node while transactions come
 * in, and, where epochs end, L7, the next epoch everywhere; then clients stop, and L2, everything any honest node holds becomes final, and L3, all honest
 * nodes stand at one height.
 */
export class LivenessMonitor {
  readonly #checker: Checker;
  readonly #held: () => readonly string[];
  readonly #boundMs: number;
  readonly #epochsEnd: boolean;
  #begunAtMs: number | undefined;
  #startHeight = 0;
  #startEpoch = 0;
  #alive = false;
  #done = false;

  /**
   * `held`: transactions that honest nodes hold and have not seen committed. `epochsEnd`: the
   * ledger closes epochs.
   */
  constructor(
    checker: Checker,
    held: () => readonly string[],
    parameters: ConsensusParameters,
    epochsEnd = false,
  ) {
    this.#checker = checker;
    this.#epochsEnd = epochsEnd;
    this.#held = held;
    this.#boundMs = BOUND_IN_LONGEST_VIEWS * viewTimeouts(parameters, BACKOFF_CAP).advanceMs;
  }

  get done(): boolean {
    return this.#done;
  }

  get clientsMayStop(): boolean {
    return this.#alive;
  }

  begin(nowMs: number): void {
    this.#begunAtMs = nowMs;
    this.#startHeight = this.#checker.height;
    this.#startEpoch = Math.max(...this.#checker.epochs);
  }

  check(nowMs: number): void {
    if (this.#begunAtMs === undefined || this.#done) return;
    const heights = this.#checker.appliedHeights;
    const lowest = Math.min(...heights);
    const grown = lowest >= this.#startHeight + NEW_BLOCKS;
    const renewed = !this.#epochsEnd || Math.min(...this.#checker.epochs) > this.#startEpoch;
    if (grown && renewed) this.#alive = true;
    const level = heights.every((height) => height === heights[0]);
    const held = this.#held();
    if (this.#alive && level && held.length === 0) {
      this.#done = true;
      return;
    }
    if (nowMs - this.#begunAtMs <= this.#boundMs) return;
    const state = `heights ${heights.join(" ")}, from ${this.#startHeight}`;
    if (!grown) this.#checker.fail("L1", `no ${NEW_BLOCKS} new blocks: ${state}`);
    else if (!this.#alive) {
      const { epochs } = this.#checker;
      this.#checker.fail("L7", `epochs ${epochs.join(" ")}, from ${this.#startEpoch}; ${state}`);
    } else if (held.length > 0) this.#checker.fail("L2", `not final: ${held.join(" ")}; ${state}`);
    else this.#checker.fail("L3", `nodes stand apart: ${state}`);
  }
}
