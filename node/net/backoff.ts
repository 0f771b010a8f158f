/**
 * Waits between attempts: doubling from the least to the most, each cut by up to half at random, so
 * that validators that lost the same peer do not come back in step. It never gives up.
 */
export class Backoff {
  readonly #minMs: number;
  readonly #maxMs: number;
  readonly #random: () => number;
  #nextMs: number;

  constructor(minMs: number, maxMs: number, random: () => number) {
    this.#minMs = minMs;
    this.#maxMs = maxMs;
    this.#random = random;
    this.#nextMs = minMs;
  }

  /** Milliseconds to wait now: between half and all of the current step. */
  next(): number {
    const stepMs = this.#nextMs;
    this.#nextMs = Math.min(stepMs * 2, this.#maxMs);
    return stepMs * (1 - this.#random() / 2);
  }

  /** The last attempt was good. */
  reset(): void {
    this.#nextMs = this.#minMs;
  }
}
