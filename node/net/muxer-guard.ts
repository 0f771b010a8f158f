import { type YamuxMuxerInit, yamux } from "@chainsafe/libp2p-yamux";
import {
  type MessageStream,
  type StreamMuxerFactory,
  serviceCapabilities,
} from "@libp2p/interface";
import { HOST_LIMITS } from "./limits.ts";
import { NetError } from "./net-error.ts";
import { TokenBucket } from "./token-bucket.ts";

/** Yamux frame header: version u8, type u8, flags u16, stream u32, length u32, big-endian. */
const HEADER_BYTES = 12;
const TYPE_DATA = 0;
const TYPE_PING = 2;
const FLAG_SYN = 1;

/** New streams and pings a connection may send: we open two streams a link and ping every 10 s. */
const OPENS_PER_SECOND = 8;
const OPENS_BURST = 64;

/**
 * Watches a connection's yamux frames before the muxer does, for what it does not bound itself
 * (@chainsafe/libp2p-yamux 8.0): it gathers a data frame of any announced length, up to 4 GiB, in
 * memory before it looks at the receive window; and it answers every ping and builds every opened
 * stream however fast they come. The peer is authenticated at this point, but may be malicious.
 */
export class MuxerGuard {
  readonly #opens: TokenBucket;
  readonly #now: () => number;
  readonly #header = new Uint8Array(HEADER_BYTES);
  #headerFill = 0;
  #skip = 0;

  constructor(now: () => number) {
    this.#now = now;
    this.#opens = new TokenBucket(OPENS_PER_SECOND, OPENS_BURST, now());
  }

  /** Takes the next bytes of the connection. Throws NetError MUXER_VIOLATION. */
  push(chunk: Uint8Array): void {
    let offset = 0;
    while (offset < chunk.length) {
      if (this.#skip > 0) {
        const skipped = Math.min(this.#skip, chunk.length - offset);
        this.#skip -= skipped;
        offset += skipped;
        continue;
      }
      const taken = Math.min(HEADER_BYTES - this.#headerFill, chunk.length - offset);
      this.#header.set(chunk.subarray(offset, offset + taken), this.#headerFill);
      this.#headerFill += taken;
      offset += taken;
      if (this.#headerFill === HEADER_BYTES) this.#judge();
    }
  }

  #judge(): void {
    this.#headerFill = 0;
    const view = new DataView(this.#header.buffer);
    const type = view.getUint8(1);
    const length = view.getUint32(8);
    if (type === TYPE_DATA) {
      if (length > HOST_LIMITS.maxStreamWindowBytes) {
        throw violation(`a data frame of ${length} bytes`, length);
      }
      this.#skip = length;
    }
    const costly = type === TYPE_PING || (view.getUint16(2) & FLAG_SYN) !== 0;
    if (costly && !this.#opens.take(this.#now())) {
      throw violation("streams or pings faster than any validator opens them", type);
    }
  }
}

function violation(what: string, value: number): NetError {
  return new NetError("MUXER_VIOLATION", `yamux: ${what}`, { value });
}

/** Yamux with a guard in front of every connection. */
export function guardedYamux(init: YamuxMuxerInit, now: () => number): () => StreamMuxerFactory {
  return () => {
    const inner = yamux(init)();
    const factory = {
      protocol: inner.protocol,
      [serviceCapabilities]: ["@libp2p/stream-multiplexing"],
      createStreamMuxer(connection: MessageStream) {
        watch(connection, new MuxerGuard(now));
        return inner.createStreamMuxer(connection);
      },
    };
    return factory;
  };
}

/** Must be called before the muxer is built: listeners are called in the order of their coming. */
function watch(connection: MessageStream, guard: MuxerGuard): void {
  let broken = false;
  connection.addEventListener("message", (event) => {
    if (broken) return;
    try {
      const parts = event.data instanceof Uint8Array ? [event.data] : event.data;
      for (const part of parts) guard.push(part);
    } catch (thrown) {
      broken = true;
      connection.abort(thrown instanceof Error ? thrown : new Error(String(thrown)));
    }
  });
}
