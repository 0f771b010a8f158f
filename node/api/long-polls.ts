import type { ChainHeadView, ChainPort } from "./ports.ts";

/** A place among the waiting calls; `signal` is raised when the wait must end early. */
export interface LongPoll {
  readonly signal: AbortSignal;
  /** Ends the wait: the client went away. */
  end(): void;
  /** Gives the place back. */
  release(): void;
}

/** The calls that wait, at most `capacity` of them; all can be ended at once. */
export class LongPolls {
  readonly #capacity: number;
  readonly #open = new Set<AbortController>();
  #closed = false;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get count(): number {
    return this.#open.size;
  }

  /** Undefined when every place is taken, or when no call may wait any more. */
  enter(): LongPoll | undefined {
    if (this.#closed || this.#open.size >= this.#capacity) return undefined;
    const controller = new AbortController();
    this.#open.add(controller);
    return {
      signal: controller.signal,
      end: () => controller.abort(),
      release: () => {
        this.#open.delete(controller);
      },
    };
  }

  /** Ends every wait: each call is answered with what it has. No further wait begins. */
  endAll(): void {
    this.#closed = true;
    for (const controller of this.#open) controller.abort();
  }
}

/** One subscription to the chain's head for all calls that wait for it. */
export class HeadWatch {
  readonly #chain: ChainPort;
  readonly #waiters = new Set<(head: ChainHeadView) => void>();
  readonly #unsubscribe: () => void;

  constructor(chain: ChainPort) {
    this.#chain = chain;
    this.#unsubscribe = chain.onHead((head) => this.#wake(head));
  }

  /**
   * Resolves once the head is above `height`, after `ms`, or when the signal is raised, whichever
   * comes first. The caller looks at the head again and decides.
   */
  above(height: number, ms: number, signal: AbortSignal): Promise<void> {
    if (signal.aborted || ms <= 0 || this.#chain.facts().head.height > height) {
      return Promise.resolve();
    }
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        signal.removeEventListener("abort", done);
        this.#waiters.delete(wake);
        resolve();
      };
      const wake = (head: ChainHeadView): void => {
        if (head.height > height) done();
      };
      const timer = setTimeout(done, ms);
      signal.addEventListener("abort", done);
      this.#waiters.add(wake);
    });
  }

  close(): void {
    this.#unsubscribe();
  }

  #wake(head: ChainHeadView): void {
    for (const waiter of this.#waiters) waiter(head);
  }
}
