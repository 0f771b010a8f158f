import type { Stream } from "@libp2p/interface";
import { messageOf } from "../../primitives/errors.ts";
import type { FrameClass } from "./frame.ts";
import { NetError } from "./net-error.ts";
import type { OutboundQueue } from "./outbound-queue.ts";

export interface WriterEvents {
  /** Bytes given to the transport, and how many frames ended in them. */
  sent(bytes: number, frames: number): void;
  failed(error: NetError): void;
}

/**
 * Moves one queue into one stream: one send a macrotask, of all that waits up to a chunk. Frames
 * sent in the same turn share a send, large ones are cut, so the other stream gets its turn after
 * at most one chunk. While the stream is full nothing is sent: its buffer never holds more than a
 * chunk. We listen to 'drain' ourselves, as libp2p's onDrain() resolves once and never again
 * (@libp2p/utils 7.4).
 */
export class FrameWriter {
  readonly #stream: Stream;
  readonly #frameClass: FrameClass;
  readonly #queue: OutboundQueue;
  readonly #chunkBytes: number;
  readonly #drainTicks: number;
  readonly #events: WriterEvents;
  #scheduled = false;
  #stopped = false;
  #progressed = false;
  #stalledTicks = 0;

  constructor(
    stream: Stream,
    frameClass: FrameClass,
    queue: OutboundQueue,
    bounds: { readonly chunkBytes: number; readonly drainTicks: number },
    events: WriterEvents,
  ) {
    this.#stream = stream;
    this.#frameClass = frameClass;
    this.#queue = queue;
    this.#chunkBytes = bounds.chunkBytes;
    this.#drainTicks = bounds.drainTicks;
    this.#events = events;
    stream.addEventListener("drain", this.#onDrain);
  }

  /** Something was queued. */
  wake(): void {
    if (this.#scheduled || this.#stopped || this.#stream.writableNeedsDrain) return;
    this.#scheduled = true;
    setImmediate(this.#pump);
  }

  /** Fails with DRAIN_DEADLINE when bytes wait and the transport has taken none for too long. */
  tick(): void {
    if (this.#stopped) return;
    const waiting = this.#queue.bytes + this.#stream.writeBufferLength;
    this.#stalledTicks = this.#progressed || waiting === 0 ? 0 : this.#stalledTicks + 1;
    this.#progressed = false;
    if (this.#stalledTicks > this.#drainTicks) {
      this.#fail(
        new NetError(
          "DRAIN_DEADLINE",
          `${this.#frameClass} stream: the peer took nothing for ${this.#stalledTicks} ticks`,
          { stream: this.#frameClass, waiting },
        ),
      );
      return;
    }
    this.wake();
  }

  stop(): void {
    this.#stopped = true;
    this.#stream.removeEventListener("drain", this.#onDrain);
  }

  readonly #onDrain = (): void => {
    this.#progressed = true;
    // libp2p first moves on its own buffer in a microtask; a macrotask later we know if it fits.
    if (this.#scheduled || this.#stopped) return;
    this.#scheduled = true;
    setImmediate(this.#pump);
  };

  readonly #pump = (): void => {
    this.#scheduled = false;
    if (this.#stopped || this.#stream.writableNeedsDrain) return;
    const next = this.#queue.take(this.#chunkBytes);
    if (next === undefined) return;
    try {
      this.#stream.send(next.chunk);
    } catch (cause) {
      this.#fail(new NetError("STREAM_ENDED", `send: ${messageOf(cause)}`, {}, { cause }));
      return;
    }
    this.#progressed = true;
    this.#events.sent(next.chunk.length, next.ended);
    if (this.#queue.bytes > 0) this.wake();
  };

  #fail(error: NetError): void {
    this.stop();
    this.#events.failed(error);
  }
}
