import type { Socket } from "node:net";
import { invariant } from "../../primitives/assert.ts";
import { type LinkRule, transitMs } from "./link-rules.ts";

/** Held bytes above which the sender is no longer read: its own kernel then holds the rest. */
const HIGH_WATER_BYTES = 1 << 20;

interface Piece {
  readonly bytes: Buffer;
  readonly dueAt: number;
}

export interface PipeOptions {
  readonly source: Socket;
  readonly sink: Socket;
  /** The rule at this moment. */
  readonly rule: () => LinkRule;
  readonly unit: () => number;
}

/**
 * One direction of one connection: bytes come out in order, late or not at all, as the rule has it.
 * The end of the stream waits its turn like bytes do, so a blocked peer does not learn of it.
 */
export class DelayedPipe {
  readonly #options: PipeOptions;
  #pieces: Piece[] = [];
  #heldBytes = 0;
  #lastDueAt = 0;
  #ended = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: PipeOptions) {
    this.#options = options;
    const { source, sink } = options;
    source.on("data", (bytes: Buffer) => this.#take(bytes));
    // Whatever ends one side ends the other, but only after what is still on its way.
    source.once("close", () => {
      this.#ended = true;
      this.release();
    });
    source.on("error", () => source.destroy());
    sink.on("drain", () => this.release());
    sink.once("close", () => this.#drop());
  }

  #take(bytes: Buffer): void {
    const { source, rule, unit } = this.#options;
    const dueAt = Math.max(this.#lastDueAt, performance.now() + transitMs(rule(), unit));
    this.#lastDueAt = dueAt;
    this.#pieces.push({ bytes, dueAt });
    this.#heldBytes += bytes.length;
    if (this.#heldBytes > HIGH_WATER_BYTES) source.pause();
    this.release();
  }

  /** Passes on what is due; to be called when the rule has changed. */
  release(): void {
    const { source, sink, rule } = this.#options;
    clearTimeout(this.#timer);
    if (rule().blocked || sink.destroyed) return;
    const now = performance.now();
    while (!sink.writableNeedDrain) {
      const piece = this.#pieces[0];
      if (piece === undefined || piece.dueAt > now) break;
      this.#pieces.shift();
      this.#heldBytes -= piece.bytes.length;
      sink.write(piece.bytes);
    }
    invariant(this.#heldBytes >= 0, "bytes are passed on once");
    if (this.#heldBytes <= HIGH_WATER_BYTES / 2 && source.isPaused()) source.resume();
    const next = this.#pieces[0];
    if (next !== undefined) {
      const waitMs = Math.max(1, next.dueAt - now);
      if (!sink.writableNeedDrain) this.#timer = setTimeout(() => this.release(), waitMs);
    } else if (this.#ended) {
      sink.destroySoon();
    }
  }

  #drop(): void {
    clearTimeout(this.#timer);
    this.#pieces = [];
    this.#heldBytes = 0;
    this.#options.source.resume();
  }
}
