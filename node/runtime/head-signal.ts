import type { Head } from "./committed-state.ts";

/** Tells those who wait that a block was applied and can be read. */
export class HeadSignal {
  readonly #listeners = new Set<(head: Head) => void>();

  listen(listener: (head: Head) => void): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  announce(head: Head): void {
    // A listener may come or go meanwhile.
    const listeners = [...this.#listeners];
    for (const listener of listeners) listener(head);
  }
}
