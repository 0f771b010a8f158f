import { invariant, present } from "../../primitives/assert.ts";
import { MAX_BLOCKS_PER_COMMIT } from "../storage/block-store.ts";
import type { FinalRange } from "./consensus-driver.ts";

export interface CommitQueuePorts {
  /** Applies and stores the blocks durably, in order. */
  commit(ranges: readonly FinalRange[]): Promise<void>;
  /** The blocks up to this height are durable. */
  applied(height: number): void;
  fatal(error: unknown): void;
}

/**
 * Final blocks on their way to the disk, one commit at a time. What becomes final while the disk is
 * busy goes there together, so that a slow disk makes larger commits instead of a longer queue.
 */
export class CommitQueue {
  readonly #ports: CommitQueuePorts;
  #waiting: FinalRange[] = [];
  #turns: Promise<void> = Promise.resolve();
  #stopped = false;

  constructor(ports: CommitQueuePorts) {
    this.#ports = ports;
  }

  /** Resolves when everything pushed so far is applied, or will not be. */
  get settled(): Promise<void> {
    return this.#turns;
  }

  push(range: FinalRange): void {
    invariant(range.headers.length > 0, "a commit names at least one block");
    this.#waiting.push(range);
    // A turn a range: those that another turn took with it have nothing left to do.
    this.#turns = this.#turns
      .then(() => this.#commitWaiting())
      .catch((error: unknown) => this.#ports.fatal(error));
  }

  /** Nothing is begun any more. */
  stop(): void {
    this.#stopped = true;
    this.#waiting = [];
  }

  async #commitWaiting(): Promise<void> {
    const ranges: FinalRange[] = [];
    let count = 0;
    for (const range of this.#waiting) {
      if (count >= MAX_BLOCKS_PER_COMMIT) break;
      ranges.push(range);
      count += range.headers.length;
    }
    if (ranges.length === 0) return;
    this.#waiting = this.#waiting.slice(ranges.length);
    const { height } = present(ranges.at(-1)?.headers.at(-1), "a range has a last block");
    await this.#ports.commit(ranges);
    if (!this.#stopped) this.#ports.applied(height);
  }
}
