import { CodedError } from "../../primitives/errors.ts";
import { FrameKind, type MessageKind } from "../net/frame.ts";
import type { PenaltyReason } from "../net/penalty.ts";
import { TokenBucket } from "../net/token-bucket.ts";
import {
  CHUNK_BURST,
  CHUNKS_PER_SECOND,
  MANIFEST_BURST,
  MANIFESTS_PER_SECOND,
  MAX_CHUNK_READS,
  MAX_CHUNKS_IN_FLIGHT,
} from "./limits.ts";
import {
  decodeGetChunk,
  decodeGetManifest,
  encodeChunkReply,
  encodeManifestReply,
  type GetChunk,
  type SnapshotRefusal,
} from "./messages.ts";
import type { SnapshotStore } from "./snapshot-store.ts";

export interface ServerPorts {
  send(peer: number, kind: MessageKind, payload: Uint8Array): void;
  penalise(peer: number, reason: PenaltyReason): void;
  /** The disk failed under a read; the request was refused. */
  readFailed(error: unknown): void;
  /** Monotonic, ms. */
  now(): number;
}

/** What one peer may still ask for. Peers are registered validators, so there are few. */
interface Quota {
  readonly manifests: TokenBucket;
  readonly chunks: TokenBucket;
  reading: number;
}

/** A node that keeps no snapshots, or is still opening them. */
export const NO_SNAPSHOTS: Pick<SnapshotStore, "newest" | "serve"> = {
  newest: undefined,
  serve: async () => undefined,
};

/**
 * Answers requests for snapshots, each exactly once and with a reason where there is nothing to
 * give. One peer can't take more than its share of the disk and the link, and all together hold at
 * most sixteen chunks in memory.
 */
export class SnapshotServer {
  readonly #ports: ServerPorts;
  readonly #quotas = new Map<number, Quota>();
  #reading = 0;
  /** What there is to serve. */
  store: Pick<SnapshotStore, "newest" | "serve"> = NO_SNAPSHOTS;

  constructor(ports: ServerPorts) {
    this.#ports = ports;
  }

  /** A request of an authenticated peer. Never throws for what the peer sent. */
  async onFrame(from: number, kind: MessageKind, payload: Uint8Array): Promise<void> {
    try {
      if (kind === FrameKind.getSnapshotManifest) {
        this.#sendManifest(from, decodeGetManifest(payload).requestId);
      } else if (kind === FrameKind.getSnapshotChunk) {
        await this.#sendChunk(from, decodeGetChunk(payload));
      } else {
        // An answer to nothing that this node asked.
        this.#ports.penalise(from, "UNSOLICITED");
      }
    } catch (error) {
      if (!(error instanceof CodedError)) throw error;
      this.#ports.penalise(from, "MALFORMED_MESSAGE");
    }
  }

  #sendManifest(to: number, requestId: number): void {
    const manifest = this.store.newest?.manifestBytes;
    const isAllowed = this.#quotaOf(to).manifests.take(this.#ports.now());
    const refusal = isAllowed ? "NONE" : "BUSY";
    const reply =
      manifest === undefined || !isAllowed
        ? { requestId, manifest: undefined, refusal: refusal as SnapshotRefusal }
        : { requestId, manifest, refusal: undefined };
    this.#ports.send(to, FrameKind.snapshotManifest, encodeManifestReply(reply));
  }

  async #sendChunk(to: number, request: GetChunk): Promise<void> {
    const { requestId, height, index, hash } = request;
    const reply = (chunk: Uint8Array | undefined, refusal: SnapshotRefusal | undefined): void => {
      const bytes = encodeChunkReply({ requestId, chunk, refusal });
      this.#ports.send(to, FrameKind.snapshotChunk, bytes);
    };
    const quota = this.#quotaOf(to);
    const isFull = quota.reading >= MAX_CHUNKS_IN_FLIGHT || this.#reading >= MAX_CHUNK_READS;
    if (isFull || !quota.chunks.take(this.#ports.now())) {
      reply(undefined, "BUSY");
      return;
    }
    quota.reading += 1;
    this.#reading += 1;
    let chunk: Uint8Array | undefined;
    try {
      chunk = await this.store.serve(height, index, hash);
    } catch (error) {
      this.#ports.readFailed(error);
    } finally {
      quota.reading -= 1;
      this.#reading -= 1;
    }
    reply(chunk, chunk === undefined ? "NOT_AVAILABLE" : undefined);
  }

  #quotaOf(peer: number): Quota {
    const known = this.#quotas.get(peer);
    if (known !== undefined) return known;
    const now = this.#ports.now();
    const quota: Quota = {
      manifests: new TokenBucket(MANIFESTS_PER_SECOND, MANIFEST_BURST, now),
      chunks: new TokenBucket(CHUNKS_PER_SECOND, CHUNK_BURST, now),
      reading: 0,
    };
    this.#quotas.set(peer, quota);
    return quota;
  }
}
