import type { Stream, StreamMessageEvent } from "@libp2p/interface";
import { messageOf } from "../../primitives/errors.ts";
import { Deframer } from "./deframer.ts";
import { FRAME_HEADER_BYTES, type Frame, type FrameClass, type FrameKind } from "./frame.ts";
import { FrameDeadline } from "./frame-deadline.ts";
import type { MeshLimits } from "./limits.ts";
import { NetError } from "./net-error.ts";

export interface ReaderEvents {
  bytes(count: number): void;
  /** A promise keeps the frame in flight until it settles. */
  frame(kind: FrameKind, payload: Uint8Array): void | Promise<void>;
  failed(error: NetError): void;
  /** The frame handler threw or rejected. */
  handlerFailed(thrown: unknown): void;
}

/**
 * Reads one stream: cuts frames, hands them on in order, and stops reading while too much of what
 * was handed on is unfinished. What a stopped stream may still receive is one stream window.
 *
 * Two rules of libp2p 3 shape this class. pause() called from a 'message' handler that runs inside
 * resume() is forgotten by yamux, so a pause wanted there is done after resume() has returned. And
 * resume() never runs inside a handler: it has a macrotask of its own.
 */
export class FrameReader {
  readonly #stream: Stream;
  readonly #frameClass: FrameClass;
  readonly #limits: MeshLimits;
  readonly #events: ReaderEvents;
  readonly #deframer: Deframer;
  readonly #deadline: FrameDeadline;
  readonly #held: Frame[] = [];
  #holding = false;
  #inFlightBytes = 0;
  #overfull = false;
  #resuming = false;
  #resumeScheduled = false;
  #stopped = false;

  constructor(stream: Stream, frameClass: FrameClass, limits: MeshLimits, events: ReaderEvents) {
    this.#stream = stream;
    this.#frameClass = frameClass;
    this.#limits = limits;
    this.#events = events;
    this.#deframer = new Deframer(frameClass, (kind, payload) => this.#onFrame(kind, payload));
    this.#deadline = new FrameDeadline(limits.frameGraceTicks, limits.frameMinBytesPerTick);
  }

  get inFlightBytes(): number {
    return this.#inFlightBytes;
  }

  /** False while we do not want to read: then the peer's silence says nothing about the peer. */
  get reading(): boolean {
    return !this.#wantsPause();
  }

  start(): void {
    this.#stream.addEventListener("message", this.#onMessage);
  }

  stop(): void {
    this.#stopped = true;
    this.#held.length = 0;
    this.#stream.removeEventListener("message", this.#onMessage);
  }

  /** Keeps further frames back, and stops reading, until release(). */
  hold(): void {
    this.#holding = true;
    this.#adjust();
  }

  /** Hands on what was kept back, in a macrotask of its own, and reads on. */
  release(): void {
    setImmediate(() => {
      if (this.#stopped) return;
      this.#holding = false;
      for (const { kind, payload } of this.#held.splice(0)) {
        if (this.#stopped) return;
        this.#dispatch(kind, payload);
      }
      this.#adjust();
    });
  }

  /** Once a tick: fails with FRAME_DEADLINE when a frame trickles in too slowly. */
  tick(): void {
    if (this.#stopped) return;
    if (this.#wantsPause()) {
      this.#deadline.restart();
      return;
    }
    const { completed, received } = this.#deframer;
    if (!this.#deadline.tick(completed, received)) return;
    const data = { stream: this.#frameClass, received };
    this.#fail(
      new NetError(
        "FRAME_DEADLINE",
        `${this.#frameClass} stream: a frame is unfinished after ${received} bytes`,
        data,
      ),
    );
  }

  readonly #onMessage = (event: StreamMessageEvent): void => {
    if (this.#stopped) return;
    try {
      this.#events.bytes(event.data.byteLength);
      // Two majors of uint8arraylist can be in one tree: never test for the list.
      const parts = event.data instanceof Uint8Array ? [event.data] : event.data;
      for (const part of parts) {
        if (this.#stopped) return;
        this.#deframer.push(part);
      }
    } catch (thrown) {
      if (thrown instanceof NetError) this.#fail(thrown);
      else this.#handlerFailed(thrown);
      return;
    }
    this.#adjust();
  };

  #onFrame(kind: FrameKind, payload: Uint8Array): void {
    if (this.#stopped) return;
    if (this.#holding) this.#held.push({ kind, payload });
    else this.#dispatch(kind, payload);
  }

  #dispatch(kind: FrameKind, payload: Uint8Array): void {
    let work: void | Promise<void>;
    try {
      work = this.#events.frame(kind, payload);
    } catch (thrown) {
      if (thrown instanceof NetError) this.#fail(thrown);
      else this.#handlerFailed(thrown);
      return;
    }
    if (!(work instanceof Promise)) return;
    const size = FRAME_HEADER_BYTES + payload.length;
    this.#inFlightBytes += size;
    const settled = () => {
      this.#inFlightBytes -= size;
      this.#adjust();
    };
    work.then(settled, (thrown: unknown) => {
      settled();
      this.#handlerFailed(thrown);
    });
  }

  #wantsPause(): boolean {
    return this.#holding || this.#overfull;
  }

  /** Brings the stream in line with what we want: reading or paused. */
  #adjust(): void {
    if (this.#stopped) return;
    if (this.#inFlightBytes > this.#limits.inFlightHighBytes) this.#overfull = true;
    else if (this.#inFlightBytes <= this.#limits.inFlightLowBytes) this.#overfull = false;
    if (this.#wantsPause()) {
      if (!this.#resuming && this.#stream.readStatus === "readable") this.#stream.pause();
    } else if (this.#stream.readStatus === "paused" && !this.#resumeScheduled) {
      this.#resumeScheduled = true;
      setImmediate(this.#resume);
    }
  }

  readonly #resume = (): void => {
    this.#resumeScheduled = false;
    if (this.#stopped || this.#wantsPause() || this.#stream.readStatus !== "paused") return;
    this.#resuming = true;
    try {
      this.#stream.resume();
    } catch (cause) {
      this.#fail(new NetError("STREAM_ENDED", `resume: ${messageOf(cause)}`, {}, { cause }));
      return;
    } finally {
      this.#resuming = false;
    }
    this.#adjust();
  };

  #fail(error: NetError): void {
    this.stop();
    this.#events.failed(error);
  }

  #handlerFailed(thrown: unknown): void {
    this.stop();
    this.#events.handlerFailed(thrown);
  }
}
