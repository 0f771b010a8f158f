import { CodedError } from "../../primitives/errors.ts";
import { FrameKind, type MessageKind } from "../net/frame.ts";
import type { PenaltyReason } from "../net/penalty.ts";
import { REQUEST_TIMEOUT_MS } from "./limits.ts";
import {
  type ChunkReply,
  decodeChunkReply,
  decodeManifestReply,
  encodeGetChunk,
  encodeGetManifest,
  type GetChunk,
  type ManifestReply,
} from "./messages.ts";

export interface RequestPorts {
  /** False when the frame was not queued. */
  send(peer: number, kind: MessageKind, payload: Uint8Array): boolean;
  penalise(peer: number, reason: PenaltyReason): void;
}

/** No answer: the peer is gone, or said nothing in time. */
export type Silence = "TIMEOUT" | "GONE";

type Reply =
  | { readonly type: "manifest"; readonly body: ManifestReply }
  | { readonly type: "chunk"; readonly body: ChunkReply };

interface Open {
  readonly peer: number;
  readonly type: Reply["type"];
  readonly settle: (reply: Reply | Silence) => void;
}

/**
 * Pairs requests for snapshots with their answers. Every request ends: by its answer, by the time,
 * or with the link. An answer to nothing that is open is held against its sender.
 */
export class SnapshotRequests {
  readonly #ports: RequestPorts;
  readonly #timeoutMs: number;
  readonly #open = new Map<number, Open>();
  /** Requests whose time was over: their answers are late, not unasked for. Bounded. */
  readonly #late = new Set<number>();
  #nextId = 1;

  constructor(ports: RequestPorts, timeoutMs: number = REQUEST_TIMEOUT_MS) {
    this.#ports = ports;
    this.#timeoutMs = timeoutMs;
  }

  async manifest(peer: number): Promise<ManifestReply | Silence> {
    const id = this.#nextId;
    const payload = encodeGetManifest({ requestId: id });
    const reply = await this.#ask(peer, "manifest", FrameKind.getSnapshotManifest, payload);
    return typeof reply === "object" && reply.type === "manifest" ? reply.body : silence(reply);
  }

  async chunk(peer: number, chunk: Omit<GetChunk, "requestId">): Promise<ChunkReply | Silence> {
    const id = this.#nextId;
    const payload = encodeGetChunk({ requestId: id, ...chunk });
    const reply = await this.#ask(peer, "chunk", FrameKind.getSnapshotChunk, payload);
    return typeof reply === "object" && reply.type === "chunk" ? reply.body : silence(reply);
  }

  /** An answer of an authenticated peer. Never throws for what the peer sent. */
  onFrame(from: number, kind: MessageKind, payload: Uint8Array): void {
    let reply: Reply;
    try {
      if (kind === FrameKind.snapshotManifest) {
        reply = { type: "manifest", body: decodeManifestReply(payload) };
      } else if (kind === FrameKind.snapshotChunk) {
        reply = { type: "chunk", body: decodeChunkReply(payload) };
      } else {
        return;
      }
    } catch (error) {
      if (!(error instanceof CodedError)) throw error;
      this.#ports.penalise(from, "MALFORMED_MESSAGE");
      return;
    }
    const { requestId } = reply.body;
    const open = this.#open.get(requestId);
    if (open === undefined || open.peer !== from || open.type !== reply.type) {
      if (!this.#late.delete(requestId)) this.#ports.penalise(from, "UNSOLICITED");
      return;
    }
    open.settle(reply);
  }

  /** The link to the peer broke: what it was asked stays unanswered. */
  gone(peer: number): void {
    for (const open of this.#open.values()) if (open.peer === peer) open.settle("GONE");
  }

  /** Ends everything that is open. */
  close(): void {
    for (const open of this.#open.values()) open.settle("GONE");
  }

  #ask(
    peer: number,
    type: Reply["type"],
    kind: MessageKind,
    payload: Uint8Array,
  ): Promise<Reply | Silence> {
    const id = this.#nextId;
    this.#nextId += 1;
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.#late.add(id);
        settle("TIMEOUT");
      }, this.#timeoutMs);
      const settle = (reply: Reply | Silence): void => {
        clearTimeout(timer);
        this.#open.delete(id);
        resolve(reply);
      };
      this.#open.set(id, { peer, type, settle });
      if (!this.#ports.send(peer, kind, payload)) settle("GONE");
    });
  }
}

function silence(reply: Reply | Silence): Silence {
  return typeof reply === "string" ? reply : "GONE";
}
