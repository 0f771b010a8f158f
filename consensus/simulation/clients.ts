import type { Prng } from "../../primitives/prng.ts";
import type { VirtualClock } from "./virtual-clock.ts";

/** Shortest pause between two bursts, ms. */
const MIN_PAUSE_MS = 20;

/** Most transactions of one burst. */
const MAX_BURST = 4;

export interface ClientsOptions {
  readonly clock: VirtualClock;
  readonly prng: Prng;
  /** Longest pause between two bursts beyond the shortest, ms. */
  readonly pauseMs: number;
  /** Numbers of the bursts before stabilisation that are sent; absent: all. */
  readonly kept: readonly number[] | undefined;
  /** Hands a burst to the node that `draw` points at, a whole number. */
  readonly submit: (draw: number, transactions: readonly string[]) => void;
}

/** Hand transactions to random nodes until the chain has shown that it lives. */
export class Clients {
  readonly #options: ClientsOptions;
  #burst = 0;
  #beforeStabilisation: number | undefined;
  #stopped = false;

  constructor(options: ClientsOptions) {
    this.#options = options;
  }

  /** Bursts drawn before stabilisation. */
  get bursts(): number {
    return this.#beforeStabilisation ?? this.#burst;
  }

  start(): void {
    if (this.#stopped) return;
    const { clock, prng, pauseMs, kept, submit } = this.#options;
    const number = this.#burst++;
    const draw = prng.nextUint32();
    const size = 1 + prng.below(MAX_BURST);
    const sent = this.#beforeStabilisation !== undefined || (kept?.includes(number) ?? true);
    if (sent)
      submit(
        draw,
        Array.from({ length: size }, (_, i) => `tx${number}.${i}`),
      );
    clock.after(MIN_PAUSE_MS + prng.below(pauseMs), () => this.start());
  }

  /** From here on every burst is sent: without transactions no chain grows. */
  stabilised(): void {
    this.#beforeStabilisation = this.#burst;
  }

  stop(): void {
    this.#stopped = true;
  }
}
