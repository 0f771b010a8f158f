import { setImmediate as nextTurn } from "node:timers/promises";
import { invariant } from "../../primitives/assert.ts";
import { CodedError, messageOf } from "../../primitives/errors.ts";
import { FrameKind, type MessageKind } from "../net/frame.ts";
import type { SendResult } from "../net/mesh-api.ts";
import type { PenaltyReason } from "../net/penalty.ts";
import {
  type Batch,
  batchDigest,
  MAX_BATCH_BYTES,
  packBatch,
  readBatch,
  readStoredBatch,
} from "./batch.ts";
import { BatchFetcher } from "./batch-fetcher.ts";
import type { BatchPool, SignatureFindings, VerifiedBatch } from "./batch-pool.ts";
import {
  decodeEnd,
  decodeGet,
  decodeHave,
  encodeEnd,
  encodeHave,
  MAX_DIGESTS,
} from "./messages.ts";
import type { PendingTransactions } from "./pending-transactions.ts";

/** How often a draining node looks whether its batches have found holders. */
const DRAIN_POLL_MS = 10;

/** How often fetches and resends are looked at. */
const TICK_MS = 50;
/** Acknowledgements of batches that arrive together travel together. */
const ACKNOWLEDGE_MS = 2;
/** An own batch that somebody has not acknowledged for this long is sent to him again. */
const RESEND_AFTER_MS = 1_000;
/** Batches resent in one round to one peer: enough to move on, too few to flood. */
const RESEND_AT_ONCE = 4;
/**
 * While own batches wait for a block another one is in no hurry: each that waits adds the packing
 * time once more, up to this often. A batch costs a frame to every peer and an acknowledgement from
 * each, whatever its size; with the packing time of 20 ms nobody waits longer than a tenth of a
 * second for company.
 */
const MOST_PACKING_TIMES = 5;
/** Bytes sent in answer to one request. */
const MAX_ANSWER_BYTES = 4 * 1024 * 1024;
/** Batches in verification at one time for one peer; more are dropped and resent by their author. */
const MAX_IN_VERIFICATION = 64;

export interface DisseminationPorts {
  send(peer: number, kind: MessageKind, payload: Uint8Array): SendResult;
  broadcast(kind: MessageKind, payload: Uint8Array): void;
  connectedPeers(): readonly number[];
  penalise(peer: number, reason: PenaltyReason): void;
  /** Looks at every signature under the keys of the committed state. */
  check(batch: Batch, from: number): Promise<readonly SignatureFindings[]>;
  stored(digest: string): Uint8Array | undefined;
  /** Whether a committed block names the batch. */
  committed(digest: string): boolean;
  /** The pool changed: blocks may be built, or nothing is left to build. */
  workChanged(): void;
  dropped(reason: BatchDropReason): void;
  log(event: string, data: object): void;
  now(): number;
}

/** A batch that a block names. */
export interface BatchBody {
  readonly batch: Batch;
  /** Undefined for one that was fetched: executing the block verifies it. */
  readonly checked: readonly SignatureFindings[] | undefined;
}

export type BatchDropReason =
  | "MALFORMED"
  | "NOT_AUTHOR"
  | "SHARE_FULL"
  | "COMMITTED"
  | "DUPLICATE"
  | "BUSY";

/**
 * Moves transaction batches between validators: packs what this node admitted, sends each batch
 * once to everybody, acknowledges what others sent, and fetches what a header names.
 */
export class Dissemination {
  readonly fetcher: BatchFetcher;
  readonly #ports: DisseminationPorts;
  readonly #pool: BatchPool;
  readonly #pending: PendingTransactions;
  #self: number;
  readonly #packingMs: number;
  readonly #inVerification = new Map<number, number>();
  /** Batches in verification on their way to the pool. */
  readonly #arriving = new Map<string, Batch>();
  readonly #acknowledge = new Set<string>();
  /** Differs from those of earlier starts, so that no batch repeats a committed one. */
  #sequence = Date.now();
  #packTimer: NodeJS.Timeout | undefined;
  #acknowledgeTimer: NodeJS.Timeout | undefined;
  #ticker: NodeJS.Timeout | undefined;
  #nextResendMs = 0;
  #stopped = false;

  constructor(
    options: { self: number; packingMs: number; pool: BatchPool; pending: PendingTransactions },
    ports: DisseminationPorts,
  ) {
    this.#self = options.self;
    this.#packingMs = options.packingMs;
    this.#pool = options.pool;
    this.#pending = options.pending;
    this.#ports = ports;
    this.fetcher = new BatchFetcher({
      request: (peer, payload) =>
        ports.send(peer, FrameKind.getBatches, payload).status === "queued",
      connectedPeers: () => ports.connectedPeers(),
      held: (digest) => this.#bytesOf(digest),
    });
  }

  /**
   * The pool has other validators now, and this node perhaps a number: what it admitted while it
   * had none is packed.
   */
  validatorsChanged(self: number): void {
    this.#self = self;
    if (this.#pending.hasUnpacked) this.packSoon();
    this.#ports.workChanged();
  }

  start(): void {
    this.#ticker = setInterval(() => this.#tick(), TICK_MS);
  }

  /** Nothing is sent by itself any more; requests of peers are still answered. */
  /**
   * Before an orderly stop: packs what was admitted and waits until validators of quorum weight hold
   * all of it, so that what was answered `pending` here is carried on by them. False when the time
   * was over first: with too few peers it cannot be handed on.
   */
  async drain(budgetMs: number): Promise<boolean> {
    const end = this.#ports.now() + budgetMs;
    this.#pack();
    while (this.#pending.hasUnpacked || this.#pool.ownAwaitsQuorum) {
      if (this.#ports.now() >= end) return false;
      await new Promise((resolve) => setTimeout(resolve, DRAIN_POLL_MS));
    }
    return true;
  }

  stop(): void {
    this.#stopped = true;
    clearInterval(this.#ticker);
    clearTimeout(this.#packTimer);
    clearTimeout(this.#acknowledgeTimer);
  }

  /** Called after a transaction was admitted. Packs at once when a whole batch waits. */
  packSoon(): void {
    if (this.#stopped) return;
    if (this.#pending.batchIsFull) {
      this.#pack();
      return;
    }
    const times = Math.min(MOST_PACKING_TIMES, 1 + this.#pool.ownCount);
    this.#packTimer ??= setTimeout(() => this.#pack(), times * this.#packingMs);
  }

  /**
   * The batches a header names, in its order; resolves when all are there. Rejects with BUSY when
   * too many are being fetched, with BATCH_CORRUPT when the disk holds something else.
   */
  async bodies(digests: readonly string[], hint: number | undefined): Promise<BatchBody[]> {
    const found: Promise<BatchBody>[] = [];
    let decoding: Promise<void> = Promise.resolve();
    for (const digest of digests) {
      const pooled = this.#pool.get(digest);
      const arriving = this.#arriving.get(digest);
      const stored = pooled ?? arriving ?? this.#ports.stored(digest);
      if (pooled !== undefined) found.push(Promise.resolve(pooled));
      else if (arriving !== undefined) {
        found.push(Promise.resolve({ batch: arriving, checked: undefined }));
      } else if (stored instanceof Uint8Array) {
        // A whole block from disk takes long to decode: other work has its turns in between.
        decoding = decoding.then(() => nextTurn());
        const read = () => ({ batch: readStoredBatch(digest, stored), checked: undefined });
        found.push(decoding.then(read));
      } else found.push(this.#fetch(digest, hint));
    }
    this.fetcher.poll(this.#ports.now());
    return Promise.all(found);
  }

  async #fetch(digest: string, hint: number | undefined): Promise<BatchBody> {
    const fetched = this.fetcher.fetch(digest, hint, this.#ports.now());
    if (fetched === undefined) throw new CodedError("BUSY", "too many batches are being fetched");
    return { batch: await fetched, checked: undefined };
  }

  /** Handles one dissemination frame. Faults of the peer are counted against it, never thrown. */
  async onFrame(from: number, kind: MessageKind, payload: Uint8Array): Promise<void> {
    let batch: Batch | undefined;
    try {
      if (kind === FrameKind.batch) batch = this.#receive(from, payload);
      else if (kind === FrameKind.batchHave) {
        for (const digest of decodeHave(payload)) this.#pool.noteHolder(digest, from);
      } else if (kind === FrameKind.getBatches) this.#serve(from, payload);
      else if (kind === FrameKind.batches) {
        this.fetcher.missing(from, decodeEnd(payload).missing, this.#ports.now());
      }
    } catch (error) {
      if (!(error instanceof CodedError)) throw error;
      this.#ports.dropped("MALFORMED");
      this.#ports.penalise(from, "MALFORMED_MESSAGE");
      this.#ports.log("malformed", { peer: from, reason: messageOf(error) });
    }
    if (batch !== undefined) await this.#verify(from, batch);
  }

  /**
   * A batch that should go into the pool, or nothing. What would not be kept is not decoded: a
   * thousand transactions take milliseconds, and a peer may send many of them. Throws CodedError.
   */
  #receive(from: number, payload: Uint8Array): Batch | undefined {
    const digest = batchDigest(payload);
    if (!this.fetcher.wants(digest) && this.#isRefused(from, digest, payload.length)) {
      return undefined;
    }
    const batch = readBatch(payload, digest);
    if (this.fetcher.deliver(batch)) return undefined;
    if (batch.author === from) return batch;
    // A late answer to a fetch that another peer has answered: of no use, but no fault.
    this.#ports.dropped("NOT_AUTHOR");
    return undefined;
  }

  #isRefused(from: number, digest: string, bytes: number): boolean {
    const pooled = this.#pool.get(digest);
    if (pooled?.batch.author === from) {
      // Its author does not know yet that we have it.
      this.#acknowledgeSoon(digest);
      return true;
    }
    const reason = this.#refusal(from, digest, bytes);
    if (reason === "COMMITTED") this.#acknowledgeSoon(digest);
    if (reason !== undefined) this.#ports.dropped(reason);
    return reason !== undefined;
  }

  #refusal(from: number, digest: string, bytes: number): BatchDropReason | undefined {
    if (this.#pool.has(digest)) return "NOT_AUTHOR";
    if (this.#ports.committed(digest)) return "COMMITTED";
    if (this.#arriving.has(digest)) return "DUPLICATE";
    if ((this.#inVerification.get(from) ?? 0) >= MAX_IN_VERIFICATION) return "BUSY";
    return this.#pool.hasRoom(from, bytes) ? undefined : "SHARE_FULL";
  }

  async #verify(from: number, batch: Batch): Promise<void> {
    this.#inVerification.set(from, (this.#inVerification.get(from) ?? 0) + 1);
    this.#arriving.set(batch.digest, batch);
    try {
      const checked = await this.#ports.check(batch, from);
      this.#keep({ batch, checked });
    } catch (error) {
      // No verdict (the verifier is overloaded or closing): its author sends the batch again.
      if (!(error instanceof CodedError)) throw error;
      this.#ports.dropped("BUSY");
    } finally {
      this.#arriving.delete(batch.digest);
      this.#inVerification.set(from, (this.#inVerification.get(from) ?? 1) - 1);
    }
  }

  #keep(verified: VerifiedBatch): void {
    if (this.#ports.committed(verified.batch.digest)) return;
    if (!this.#pool.add(verified, this.#ports.now())) {
      this.#ports.dropped("SHARE_FULL");
      return;
    }
    this.#acknowledgeSoon(verified.batch.digest);
    this.#ports.workChanged();
  }

  #acknowledgeSoon(digest: string): void {
    if (this.#stopped) return;
    this.#acknowledge.add(digest);
    this.#acknowledgeTimer ??= setTimeout(() => {
      this.#acknowledgeTimer = undefined;
      const digests = [...this.#acknowledge];
      this.#acknowledge.clear();
      for (let i = 0; i < digests.length; i += MAX_DIGESTS) {
        const slice = digests.slice(i, i + MAX_DIGESTS);
        this.#ports.broadcast(FrameKind.batchHave, encodeHave(slice));
      }
    }, ACKNOWLEDGE_MS);
  }

  #pack(): void {
    clearTimeout(this.#packTimer);
    this.#packTimer = undefined;
    // A node without a vote authors nothing: what it admitted while it had one may still expire.
    if (!this.#pool.isAuthor(this.#self)) return;
    while (this.#pending.hasUnpacked) {
      if (!this.#pool.hasRoom(this.#self, MAX_BATCH_BYTES)) {
        // Our own share is full: what waits stays pending until blocks make room.
        this.#packTimer = setTimeout(() => this.#pack(), this.#packingMs);
        return;
      }
      const taken = this.#pending.takeForBatch();
      const wire = taken.map(({ bytes, checked }) => ({ bytes, transaction: checked.transaction }));
      const batch = packBatch(this.#self, this.#sequence++, wire);
      const checked = taken.map((each) => each.checked);
      const isKept = this.#pool.add({ batch, checked }, this.#ports.now());
      invariant(isKept, "an own batch has room in the pool");
      this.#ports.broadcast(FrameKind.batch, batch.bytes);
    }
    this.#ports.workChanged();
  }

  /** What can't be sent now is named as missing, so that the peer asks somebody else at once. */
  #serve(from: number, payload: Uint8Array): void {
    const { requestId, digests } = decodeGet(payload);
    const missing: string[] = [];
    let bytes = 0;
    let isOpen = true;
    for (const digest of new Set(digests)) {
      const body: Uint8Array | undefined = isOpen ? this.#bytesOf(digest) : undefined;
      if (body === undefined || bytes + body.length > MAX_ANSWER_BYTES) {
        missing.push(digest);
        continue;
      }
      bytes += body.length;
      isOpen = this.#ports.send(from, FrameKind.batch, body).status === "queued";
      if (!isOpen) missing.push(digest);
    }
    this.#ports.send(from, FrameKind.batches, encodeEnd({ requestId, missing }));
  }

  #bytesOf(digest: string): Uint8Array | undefined {
    return this.#pool.get(digest)?.batch.bytes ?? this.#ports.stored(digest);
  }

  #tick(): void {
    const now = this.#ports.now();
    this.fetcher.poll(now);
    if (now >= this.#nextResendMs) {
      this.#nextResendMs = now + RESEND_AFTER_MS;
      this.#resend(now);
    }
  }

  #resend(nowMs: number): void {
    const connected = new Set(this.#ports.connectedPeers());
    const sent = new Map<number, number>();
    for (const { batch, missing } of this.#pool.unacknowledged(RESEND_AFTER_MS, nowMs)) {
      for (const peer of missing) {
        const count = sent.get(peer) ?? 0;
        if (!connected.has(peer) || count >= RESEND_AT_ONCE) continue;
        sent.set(peer, count + 1);
        this.#ports.send(peer, FrameKind.batch, batch.bytes);
      }
    }
  }
}
