import type { Connection, Stream, StreamCloseEvent } from "@libp2p/interface";
import { present } from "../../primitives/assert.ts";
import { messageOf } from "../../primitives/errors.ts";
import { FRAME_CLASSES, type FrameClass, FrameKind, type MessageKind } from "./frame.ts";
import { FrameReader } from "./frame-reader.ts";
import { FrameWriter } from "./frame-writer.ts";
import { type Introduction, isRefusal, StreamHandshake } from "./handshake.ts";
import { Heartbeat } from "./heartbeat.ts";
import type { Hello } from "./hello.ts";
import { FRAME_RULES, type MeshLimits } from "./limits.ts";
import type { NetLogger } from "./mesh-api.ts";
import { type DropReason, NetError } from "./net-error.ts";
import { OutboundQueue } from "./outbound-queue.ts";
import type { PeerTraffic } from "./traffic.ts";

export interface LinkEvents {
  /** Both streams are greeted; frames flow once release() is called. */
  established(link: PeerLink, hello: Hello): void;
  frame(kind: MessageKind, payload: Uint8Array): void | Promise<void>;
  /** Once, whether the link was established or not. */
  ended(link: PeerLink, error: NetError): void;
  handlerFailed(thrown: unknown): void;
}

export interface LinkOptions {
  readonly connection: Connection;
  readonly peer: number;
  readonly own: Introduction;
  readonly limits: MeshLimits;
  readonly traffic: PeerTraffic;
  /** Monotonic milliseconds. */
  readonly now: () => number;
  readonly events: LinkEvents;
  readonly logger: NetLogger;
}

interface Lane {
  readonly stream: Stream;
  readonly handshake: StreamHandshake;
  readonly reader: FrameReader;
  readonly writer: FrameWriter;
  readonly queue: OutboundQueue;
}

/**
 * One connection to one validator with its two streams, from the first hello to the end. Whatever
 * goes wrong with either stream ends the whole link, with one code: half a link is of no use.
 */
export class PeerLink {
  readonly #options: LinkOptions;
  readonly #lanes = new Map<FrameClass, Lane>();
  readonly #heartbeat: Heartbeat;
  readonly #helloTimer: NodeJS.Timeout;
  #state: "greeting" | "established" | "ended" = "greeting";
  #establishedAtMs = 0;
  #closed: Promise<void> = Promise.resolve();
  readonly #finished = Promise.withResolvers<number>();

  constructor(options: LinkOptions) {
    const { limits } = options;
    this.#options = options;
    this.#heartbeat = new Heartbeat(limits.heartbeatEveryTicks, limits.heartbeatsMissed);
    this.#helloTimer = setTimeout(() => {
      void this.end(new NetError("HELLO_TIMEOUT", `no hello within ${limits.helloTimeoutMs} ms`));
    }, limits.helloTimeoutMs);
    options.connection.addEventListener("close", this.#onConnectionClose);
  }

  /** Number of the peer at the other end. */
  get peer(): number {
    return this.#options.peer;
  }

  get established(): boolean {
    return this.#state === "established";
  }

  get ended(): boolean {
    return this.#state === "ended";
  }

  /** Resolves at the end with how long the link was established, in ms: 0 when it never was. */
  get finished(): Promise<number> {
    return this.#finished.promise;
  }

  get rttMs(): number | undefined {
    return this.#heartbeat.rttMs;
  }

  get remoteAddress(): string {
    return this.#options.connection.remoteAddr.toString();
  }

  /** How long the link has been established, in milliseconds. */
  get ageMs(): number {
    return this.established ? this.#options.now() - this.#establishedAtMs : 0;
  }

  /** Takes an opened stream of the link and greets the peer on it. */
  attach(frameClass: FrameClass, stream: Stream): void {
    if (this.#state !== "greeting" || this.#lanes.has(frameClass)) {
      const error = new NetError("DUPLICATE_STREAM", `a second ${frameClass} stream`, {
        stream: frameClass,
      });
      stream.abort(error);
      void this.end(error);
      return;
    }
    const lane = this.#buildLane(frameClass, stream);
    this.#lanes.set(frameClass, lane);
    stream.addEventListener("close", this.#onStreamClose);
    stream.addEventListener("end", this.#onStreamEnd);
    // A stream that was refused is reset before we listen, and says nothing any more.
    if (stream.status !== "open") {
      void this.end(new NetError("STREAM_ENDED", `${frameClass} stream is ${stream.status}`));
      return;
    }
    try {
      lane.handshake.open(this.#options.own);
    } catch (cause) {
      void this.end(new NetError("STREAM_ENDED", `hello: ${messageOf(cause)}`, {}, { cause }));
      return;
    }
    lane.reader.start();
  }

  /** Lets frames through to the handler: called when the owner has announced the link. */
  release(): void {
    for (const lane of this.#lanes.values()) lane.reader.release();
  }

  /** Queues a frame; the reason when there is no place for it. Only on an established link. */
  send(kind: MessageKind, payload: Uint8Array): DropReason | undefined {
    const frameClass = present(FRAME_RULES.get(kind), "rule of a message kind").stream;
    const lane = this.#lane(frameClass === "all" ? "priority" : frameClass);
    const dropped = lane.queue.push(kind, payload);
    if (dropped === undefined) lane.writer.wake();
    return dropped;
  }

  /** Once a tick of the mesh: heartbeats and every deadline of the link. */
  tick(): void {
    if (!this.established) return;
    for (const lane of this.#lanes.values()) {
      lane.reader.tick();
      lane.writer.tick();
    }
    if (!this.established) return;
    const beat = this.#heartbeat.tick(this.#options.now(), this.#lane("priority").reader.reading);
    if (beat.type === "ping") this.#control(FrameKind.ping, beat.payload);
    if (beat.type === "silent") {
      void this.end(new NetError("PEER_SILENT", `nothing arrived for ${beat.missed} heartbeats`));
    }
  }

  queued(frameClass: FrameClass): { frames: number; bytes: number; inFlightBytes: number } {
    const lane = this.#lanes.get(frameClass);
    return {
      frames: lane?.queue.frames ?? 0,
      bytes: lane?.queue.bytes ?? 0,
      inFlightBytes: lane?.reader.inFlightBytes ?? 0,
    };
  }

  /**
   * Ends the link; only the first call counts. A refusal and a stop are said politely, within the
   * grace, so that the peer reads our verdict; everything else is cut. The promise resolves when
   * the connection is gone.
   */
  end(error: NetError): Promise<void> {
    if (this.#state === "ended") return this.#closed;
    this.#finished.resolve(this.ageMs);
    this.#state = "ended";
    clearTimeout(this.#helloTimer);
    this.#options.connection.removeEventListener("close", this.#onConnectionClose);
    let lost = 0;
    for (const lane of this.#lanes.values()) {
      lane.reader.stop();
      lane.writer.stop();
      lane.stream.removeEventListener("close", this.#onStreamClose);
      lane.stream.removeEventListener("end", this.#onStreamEnd);
      lost += lane.queue.clear();
    }
    this.#options.traffic.drops.add("LINK_LOST", lost);
    this.#closed = this.#close(error, isRefusal(error.code) || error.code === "STOPPED");
    this.#options.events.ended(this, error);
    return this.#closed;
  }

  async #close(error: NetError, politely: boolean): Promise<void> {
    const { connection, limits, peer, logger } = this.#options;
    try {
      if (politely) await connection.close({ signal: AbortSignal.timeout(limits.closeGraceMs) });
    } catch (thrown) {
      // The peer takes no part in closing: the abort below is the answer to that.
      logger.debug({ peer, code: error.code, cause: messageOf(thrown) }, "link not closed in time");
    }
    try {
      for (const lane of this.#lanes.values()) lane.stream.abort(error);
      connection.abort(error);
    } catch (thrown) {
      logger.error({ peer, code: error.code, cause: messageOf(thrown) }, "link not aborted");
    }
  }

  #buildLane(frameClass: FrameClass, stream: Stream): Lane {
    const { limits, traffic, peer, own } = this.#options;
    const counters = traffic.classes[frameClass];
    const queue = new OutboundQueue(limits.queues[frameClass], () => traffic.drops.add("EVICTED"));
    const failed = (error: NetError) => void this.end(error);
    const handshake = new StreamHandshake(stream, frameClass, peer, own);
    const reader = new FrameReader(stream, frameClass, limits, {
      bytes: (count) => {
        counters.bytesIn += count;
        this.#heartbeat.heard();
      },
      frame: (kind, payload) => {
        counters.framesIn += 1;
        if (!handshake.done) return this.#onGreeting(handshake, reader, kind, payload);
        return this.#onFrame(kind, payload);
      },
      failed,
      handlerFailed: (thrown) => this.#handlerFailed(thrown),
    });
    const bounds = { chunkBytes: limits.sendChunkBytes, drainTicks: limits.drainTicks[frameClass] };
    const writer = new FrameWriter(stream, frameClass, queue, bounds, {
      sent: (bytes, frames) => {
        counters.bytesOut += bytes;
        counters.framesOut += frames;
      },
      failed,
    });
    return { stream, handshake, reader, writer, queue };
  }

  #onGreeting(
    handshake: StreamHandshake,
    reader: FrameReader,
    kind: FrameKind,
    payload: Uint8Array,
  ): void {
    handshake.onFrame(kind, payload);
    if (!handshake.done) return;
    // The peer may be ahead of us and send at once: not before the owner knows of the link.
    reader.hold();
    const lanes = FRAME_CLASSES.map((frameClass) => this.#lanes.get(frameClass));
    if (!lanes.every((lane) => lane?.handshake.done === true)) return;
    clearTimeout(this.#helloTimer);
    this.#state = "established";
    this.#establishedAtMs = this.#options.now();
    const hello = present(this.#lane("priority").handshake.hello, "hello of a greeted stream");
    this.#options.events.established(this, hello);
  }

  #onFrame(kind: FrameKind, payload: Uint8Array): void | Promise<void> {
    if (kind === FrameKind.ping) {
      this.#control(FrameKind.pong, payload);
    } else if (kind === FrameKind.pong) {
      this.#heartbeat.pong(payload, this.#options.now());
    } else if (kind === FrameKind.hello || kind === FrameKind.helloAck) {
      throw new NetError("FRAME_OUT_OF_TURN", "a hello on a greeted stream", { kind });
    } else {
      try {
        return this.#options.events.frame(kind, payload);
      } catch (thrown) {
        this.#handlerFailed(thrown);
      }
    }
    return undefined;
  }

  #handlerFailed(thrown: unknown): void {
    this.#options.events.handlerFailed(thrown);
    void this.end(new NetError("HANDLER_FAILED", messageOf(thrown), {}, { cause: thrown }));
  }

  #control(kind: typeof FrameKind.ping | typeof FrameKind.pong, payload: Uint8Array): void {
    const { queue, writer } = this.#lane("priority");
    const dropped = queue.pushControl(kind, payload);
    if (dropped === undefined) writer.wake();
    else this.#options.traffic.drops.add(dropped);
  }

  #lane(frameClass: FrameClass): Lane {
    return present(this.#lanes.get(frameClass), `${frameClass} stream of an established link`);
  }

  readonly #onConnectionClose = (event: StreamCloseEvent): void => {
    void this.end(endedBy("CONNECTION_ENDED", event));
  };

  readonly #onStreamClose = (event: StreamCloseEvent): void => {
    void this.end(endedBy("STREAM_ENDED", event));
  };

  readonly #onStreamEnd = (): void => {
    void this.end(new NetError("STREAM_ENDED", "the peer ended a stream"));
  };
}

function endedBy(code: "CONNECTION_ENDED" | "STREAM_ENDED", event: StreamCloseEvent): NetError {
  if (event.error instanceof NetError) return event.error;
  const message = event.error === undefined ? "closed" : messageOf(event.error);
  return new NetError(code, message, { local: event.local ?? false });
}
