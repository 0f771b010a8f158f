import { invariant } from "../../primitives/assert.ts";
import { FRAME_HEADER_BYTES, type FrameKind, writeFrameHeader } from "./frame.ts";
import { MAX_CONTROL_FRAMES, type QueueBounds } from "./limits.ts";
import type { DropReason } from "./net-error.ts";

interface Waiting {
  readonly kind: FrameKind;
  readonly payload: Uint8Array;
}

/** The list's dead front is cut off when it is this long. */
const COMPACT_AT = 1_024;

/**
 * Frames of one class that wait for one peer, bounded in bytes (headers included) and in number.
 * Payloads are shared with the caller and with other peers' queues; nothing is copied until
 * `take` writes the next piece of the stream.
 */
export class OutboundQueue {
  readonly #bounds: QueueBounds;
  readonly #onEvicted: (kind: FrameKind) => void;
  #waiting: (Waiting | undefined)[] = [];
  #head = 0;
  readonly #control: Waiting[] = [];
  #current: Waiting | undefined;
  #currentSent = 0;
  #bytes = 0;

  constructor(bounds: QueueBounds, onEvicted: (kind: FrameKind) => void) {
    this.#bounds = bounds;
    this.#onEvicted = onEvicted;
  }

  /** Bytes that wait, the rest of a frame that is half sent included. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Frames that wait, the half sent one included. */
  get frames(): number {
    const started = this.#current === undefined ? 0 : 1;
    return this.#waiting.length - this.#head + this.#control.length + started;
  }

  /** The reason why the frame has no place, or undefined when it is queued. */
  push(kind: FrameKind, payload: Uint8Array): DropReason | undefined {
    const size = FRAME_HEADER_BYTES + payload.length;
    if (!this.#fits(size)) {
      if (this.#bounds.whenFull === "refuse-new" || size > this.#bounds.maxBytes) {
        return "QUEUE_FULL";
      }
      while (!this.#fits(size)) {
        // Only the half sent frame and pings are left: they can't be taken back.
        if (!this.#evictOldest()) return "QUEUE_FULL";
      }
    }
    this.#waiting.push({ kind, payload });
    this.#bytes += size;
    return undefined;
  }

  /** A ping or a pong: goes out before everything that waits, bounded on its own. */
  pushControl(kind: FrameKind, payload: Uint8Array): DropReason | undefined {
    if (this.#control.length >= MAX_CONTROL_FRAMES) return "CONTROL_OVERFLOW";
    this.#control.push({ kind, payload });
    this.#bytes += FRAME_HEADER_BYTES + payload.length;
    return undefined;
  }

  /**
   * The next bytes of the stream, at most `max`, in memory of their own; frames share a piece and
   * large frames span several. `ended` frames had their last byte in it. Undefined when empty.
   */
  take(max: number): { readonly chunk: Uint8Array; readonly ended: number } | undefined {
    if (this.#bytes === 0) return undefined;
    const chunk = new Uint8Array(Math.min(max, this.#bytes));
    let filled = 0;
    let ended = 0;
    while (filled < chunk.length) {
      const frame = this.#current ?? this.#start();
      filled += this.#copy(frame, chunk, filled);
      if (this.#currentSent === FRAME_HEADER_BYTES + frame.payload.length) {
        this.#current = undefined;
        ended += 1;
      }
    }
    this.#bytes -= chunk.length;
    return { chunk, ended };
  }

  /** Forgets everything; returns how many frames were lost, the half sent one included. */
  clear(): number {
    const lost = this.frames;
    this.#waiting = [];
    this.#head = 0;
    this.#control.length = 0;
    this.#current = undefined;
    this.#bytes = 0;
    return lost;
  }

  #fits(size: number): boolean {
    return this.#bytes + size <= this.#bounds.maxBytes && this.frames < this.#bounds.maxFrames;
  }

  #evictOldest(): boolean {
    const oldest = this.#shift();
    if (oldest === undefined) return false;
    this.#bytes -= FRAME_HEADER_BYTES + oldest.payload.length;
    this.#onEvicted(oldest.kind);
    return true;
  }

  #shift(): Waiting | undefined {
    const first = this.#waiting[this.#head];
    if (first === undefined) return undefined;
    this.#waiting[this.#head] = undefined;
    this.#head += 1;
    if (this.#head >= COMPACT_AT || this.#head === this.#waiting.length) {
      this.#waiting = this.#waiting.slice(this.#head);
      this.#head = 0;
    }
    return first;
  }

  #start(): Waiting {
    const next = this.#control.shift() ?? this.#shift();
    invariant(next !== undefined, "queued bytes belong to a frame");
    this.#current = next;
    this.#currentSent = 0;
    return next;
  }

  /** Copies what fits of the current frame, header first; returns the bytes written. */
  #copy(frame: Waiting, out: Uint8Array, offset: number): number {
    let written = 0;
    const room = out.length - offset;
    if (this.#currentSent < FRAME_HEADER_BYTES) {
      const header = new Uint8Array(FRAME_HEADER_BYTES);
      writeFrameHeader(header, 0, frame.kind, frame.payload.length);
      const part = header.subarray(this.#currentSent, this.#currentSent + room);
      out.set(part, offset);
      written = part.length;
      this.#currentSent += written;
    }
    if (written === room) return written;
    const from = this.#currentSent - FRAME_HEADER_BYTES;
    const part = frame.payload.subarray(from, from + room - written);
    out.set(part, offset + written);
    this.#currentSent += part.length;
    return written + part.length;
  }
}
