import { InvariantError } from "../../primitives/assert.ts";
import { messageOf } from "../../primitives/errors.ts";
import { Backoff } from "./backoff.ts";
import { NetError } from "./net-error.ts";

export interface DialerOptions {
  readonly backoffMinMs: number;
  readonly backoffMaxMs: number;
  readonly stableLinkMs: number;
  readonly random: () => number;
  /** Milliseconds for which the peer must be left alone. */
  readonly holdOffMs: () => number;
  /**
   * One attempt: resolves with the link's life in milliseconds when an established link has ended,
   * rejects when none came to be.
   */
  readonly attempt: (signal: AbortSignal) => Promise<number>;
  readonly onFailure: (error: NetError) => void;
  /** A broken invariant is not a failed dial: it ends the loop and must reach the process. */
  readonly onFatal: (error: InvariantError) => void;
}

/**
 * Keeps one peer connected for ever: dial, live, wait, dial again. libp2p's own reconnects end
 * after five tries and its dial queue can hang, so every attempt here is bounded by its caller and
 * there is no last one.
 */
export class Dialer {
  readonly #options: DialerOptions;
  readonly #stop = new AbortController();
  readonly #backoff: Backoff;
  #wake: (() => void) | undefined;
  #kicked = false;
  #running: Promise<void> | undefined;

  constructor(options: DialerOptions) {
    this.#options = options;
    this.#backoff = new Backoff(options.backoffMinMs, options.backoffMaxMs, options.random);
  }

  start(): void {
    this.#running ??= this.#run();
  }

  /** Forgets the back-off and dials at once, if it is waiting; else after the present attempt. */
  kick(): void {
    this.#backoff.reset();
    this.#kicked = true;
    this.#wake?.();
  }

  /** Resolves when the loop has ended; an attempt under way is aborted. */
  async stop(): Promise<void> {
    this.#stop.abort();
    this.#wake?.();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      // However fast attempts end and whatever the waits, the loop gives way to other work.
      await new Promise((resolve) => setImmediate(resolve));
      await this.#pause(this.#options.holdOffMs());
      if (signal.aborted) return;
      this.#kicked = false;
      try {
        const lifeMs = await this.#options.attempt(signal);
        if (lifeMs >= this.#options.stableLinkMs) this.#backoff.reset();
      } catch (thrown) {
        if (thrown instanceof InvariantError) {
          this.#options.onFatal(thrown);
          return;
        }
        if (signal.aborted) return;
        this.#options.onFailure(
          thrown instanceof NetError
            ? thrown
            : new NetError("DIAL_FAILED", messageOf(thrown), {}, { cause: thrown }),
        );
      }
      await this.#pause(this.#backoff.next());
    }
  }

  async #pause(ms: number): Promise<void> {
    if (ms <= 0 || this.#kicked || this.#stop.signal.aborted) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.#wake = undefined;
  }
}
