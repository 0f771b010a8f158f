import { invariant } from "../../primitives/assert.ts";

interface Held {
  readonly barrier: number;
  readonly run: () => void;
}

/** Effects one node may hold back: a sync that never ends must show as a failure, not as memory. */
const MAX_HELD = 100_000;

/**
 * Holds back what must not be seen before the disk has it. Effects pass in the order in which they
 * came, each as soon as every persist before it is durable.
 */
export class EffectGate {
  #held: Held[] = [];
  #issued = 0;
  #durable = 0;

  /** A persist was handed to the disk: what comes after it waits for this number. */
  persistIssued(): number {
    this.#issued += 1;
    return this.#issued;
  }

  /** Everything up to persist `number` is durable. */
  persistDurable(number: number): void {
    if (number > this.#durable) this.#durable = number;
    while (this.#held.length > 0) {
      const first = this.#held[0];
      if (first === undefined || first.barrier > this.#durable) return;
      this.#held.shift();
      first.run();
    }
  }

  /** Runs `run` once all persists issued so far are durable and all effects before it have run. */
  release(run: () => void): void {
    if (this.#held.length === 0 && this.#issued <= this.#durable) {
      run();
      return;
    }
    invariant(this.#held.length < MAX_HELD, "effects that wait for the disk stay bounded");
    this.#held.push({ barrier: this.#issued, run });
  }
}
