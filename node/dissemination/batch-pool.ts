import type { CheckedTransaction } from "../../ledger/checked-transaction.ts";
import { invariant } from "../../primitives/assert.ts";
import type { Batch } from "./batch.ts";

/** A transaction with what this node found out about its signatures, and under which keys. */
export interface SignatureFindings extends CheckedTransaction {
  /**
   * For each signature the key that was registered when it was looked at, so that one that does
   * not verify is not looked at again either. Without it only positive findings stand.
   */
  readonly triedKeys?: readonly (Uint8Array | undefined)[];
}

/** A batch whose signatures have been looked at, under the keys the ledger had then. */
export interface VerifiedBatch {
  readonly batch: Batch;
  readonly checked: readonly SignatureFindings[];
}

/** Batches that wait for a block, all authors together. */
const MAX_POOL_BYTES = 64 * 1024 * 1024;

/**
 * The same in number: one of a single small transaction weighs little on the wire and some
 * kilobytes in memory. With four authors each may be 80 s of 20 ms batches ahead of the blocks.
 */
const MAX_POOL_BATCHES = 16_384;

/** Acknowledgements that came before their batch; the oldest give way. */
const MAX_EARLY_HAVES = 4096;

/** A leader proposes a batch without acknowledgements of quorum weight after this time. */
const PREFER_ACKNOWLEDGED_MS = 250;

type Weights = readonly number[] | ReadonlyMap<number, number>;

function isList(weights: Weights): weights is readonly number[] {
  return Array.isArray(weights);
}

interface Pooled {
  readonly verified: VerifiedBatch;
  readonly arrivedMs: number;
  readonly holders: Set<number>;
}

/** One author's batches, oldest first. */
interface Share {
  readonly batches: Map<string, Pooled>;
  bytes: number;
}

/**
 * Verified batches that no committed block names yet. Each author has an equal share of the room,
 * reserved, and its turn in every block: a validator that floods fills its own share and delays
 * nobody else.
 */
export class BatchPool {
  #weights: ReadonlyMap<number, number> = new Map();
  #quorum = 0;
  #self: number;
  #shareBytes = 0;
  #shareBatches = 0;
  /** By author; also of one that left, while batches of it wait. */
  readonly #shares = new Map<number, Share>();
  readonly #byDigest = new Map<string, Pooled>();
  readonly #earlyHaves = new Map<string, Set<number>>();
  /** Author whose batch comes first in the next block. */
  #turn = 0;

  /** Authors are known by number; where the weights are a list, by their places in it. */
  constructor(options: { weights: Weights; quorum: number; self: number }) {
    const { weights, quorum, self } = options;
    this.#self = self;
    this.setValidators(isList(weights) ? new Map(weights.entries()) : weights, quorum);
  }

  /**
   * Another epoch, other validators. What is pooled of one that left stays until a block takes it,
   * but no more is taken from it.
   */
  setValidators(
    weights: ReadonlyMap<number, number>,
    quorum: number,
    self: number = this.#self,
  ): void {
    this.#self = self;
    this.#weights = weights;
    this.#quorum = quorum;
    this.#shareBytes = Math.floor(MAX_POOL_BYTES / weights.size);
    this.#shareBatches = Math.floor(MAX_POOL_BATCHES / weights.size);
    for (const number of weights.keys()) {
      if (!this.#shares.has(number)) this.#shares.set(number, { batches: new Map(), bytes: 0 });
    }
    for (const number of this.#shares.keys()) this.#dropEmptyShare(number);
  }

  /** Whether this validator's batches are taken. */
  isAuthor(number: number): boolean {
    return this.#weights.has(number);
  }

  get size(): number {
    return this.#byDigest.size;
  }

  get bytes(): number {
    return [...this.#shares.values()].reduce((sum, { bytes }) => sum + bytes, 0);
  }

  /** Acknowledgements kept of batches that are not here. */
  get earlyHaves(): number {
    return this.#earlyHaves.size;
  }

  digests(): ReadonlySet<string> {
    return new Set(this.#byDigest.keys());
  }

  has(digest: string): boolean {
    return this.#byDigest.has(digest);
  }

  get(digest: string): VerifiedBatch | undefined {
    return this.#byDigest.get(digest)?.verified;
  }

  /** Whether one more batch of this size fits the author's share; false for an unknown author. */
  hasRoom(author: number, bytes: number): boolean {
    const share = this.#shares.get(author);
    if (share === undefined || !this.#weights.has(author)) return false;
    return share.batches.size < this.#shareBatches && share.bytes + bytes <= this.#shareBytes;
  }

  /** False when the author's share is full. */
  add(verified: VerifiedBatch, nowMs: number): boolean {
    const { digest, author, bytes } = verified.batch;
    if (this.#byDigest.has(digest)) return true;
    const share = this.#shares.get(author);
    if (share === undefined || !this.hasRoom(author, bytes.length)) return false;
    const holders = this.#earlyHaves.get(digest) ?? new Set<number>();
    this.#earlyHaves.delete(digest);
    holders.add(this.#self).add(author);
    const pooled = { verified, arrivedMs: nowMs, holders };
    this.#byDigest.set(digest, pooled);
    share.batches.set(digest, pooled);
    share.bytes += bytes.length;
    return true;
  }

  /** A validator says that it holds the batch. */
  noteHolder(digest: string, validator: number): void {
    const pooled = this.#byDigest.get(digest);
    if (pooled !== undefined) {
      pooled.holders.add(validator);
      return;
    }
    const early = this.#earlyHaves.get(digest) ?? new Set<number>();
    early.add(validator);
    this.#earlyHaves.set(digest, early);
    if (this.#earlyHaves.size > MAX_EARLY_HAVES) {
      const oldest = this.#earlyHaves.keys().next().value;
      if (oldest !== undefined) this.#earlyHaves.delete(oldest);
    }
  }

  /**
   * What to put into a block: one batch of each author in turn, oldest first, of those that
   * validators of quorum weight hold, and such as have waited so long that their bodies travel on
   * request instead.
   */
  candidates(
    excluded: ReadonlySet<string>,
    limits: { maxBatches: number; maxTransactions: number },
    nowMs: number,
  ): readonly VerifiedBatch[] {
    const chosen: VerifiedBatch[] = [];
    let transactions = 0;
    const authors = [...this.#shares.keys()];
    const turn = this.#turn % authors.length;
    let open = [...authors.slice(turn), ...authors.slice(0, turn)].map((author) =>
      this.#ready(author, excluded, nowMs),
    );
    this.#turn = turn + 1;
    while (open.length > 0) {
      const stillOpen: typeof open = [];
      for (const queue of open) {
        if (chosen.length === limits.maxBatches) return chosen;
        const next = queue.next().value;
        if (next === undefined) continue;
        const count = next.batch.transactions.length;
        // Where the next one does not fit, the author's later ones wait behind it.
        if (transactions + count > limits.maxTransactions) continue;
        chosen.push(next);
        transactions += count;
        stillOpen.push(queue);
      }
      open = stillOpen;
    }
    return chosen;
  }

  /** Own batches older than `ageMs` and who is not known to hold them, oldest first. */
  unacknowledged(
    ageMs: number,
    nowMs: number,
  ): readonly { batch: Batch; missing: readonly number[] }[] {
    const waiting: { batch: Batch; missing: readonly number[] }[] = [];
    const own = this.#shares.get(this.#self)?.batches ?? new Map<string, Pooled>();
    for (const { verified, arrivedMs, holders } of own.values()) {
      if (nowMs - arrivedMs < ageMs) continue;
      const missing = [...this.#weights.keys()].filter((index) => !holders.has(index));
      if (missing.length > 0) waiting.push({ batch: verified.batch, missing });
    }
    return waiting;
  }

  /** Own batches that no committed block names yet. */
  get ownCount(): number {
    return this.#shares.get(this.#self)?.batches.size ?? 0;
  }

  /** Whether an own batch is not yet known to lie with validators of quorum weight. */
  get ownAwaitsQuorum(): boolean {
    const own = this.#shares.get(this.#self)?.batches ?? new Map<string, Pooled>();
    for (const { holders } of own.values()) {
      if (this.#weightOf(holders) < this.#quorum) return true;
    }
    return false;
  }

  /** A committed block names these. */
  remove(digests: Iterable<string>): void {
    for (const digest of digests) {
      this.#earlyHaves.delete(digest);
      const pooled = this.#byDigest.get(digest);
      if (pooled === undefined) continue;
      this.#byDigest.delete(digest);
      const { author, bytes } = pooled.verified.batch;
      const share = this.#shares.get(author);
      invariant(
        share?.batches.delete(digest) === true,
        "a pooled batch lies in its author's share",
      );
      share.bytes -= bytes.length;
      invariant(share.bytes >= 0, "an author's pooled bytes are counted exactly");
      this.#dropEmptyShare(author);
    }
  }

  #dropEmptyShare(number: number): void {
    if (this.#weights.has(number) || this.#shares.get(number)?.batches.size !== 0) return;
    this.#shares.delete(number);
  }

  *#ready(
    author: number,
    excluded: ReadonlySet<string>,
    nowMs: number,
  ): Generator<VerifiedBatch, undefined> {
    for (const [digest, pooled] of this.#shares.get(author)?.batches ?? []) {
      if (excluded.has(digest)) continue;
      const ready =
        this.#weightOf(pooled.holders) >= this.#quorum ||
        nowMs - pooled.arrivedMs >= PREFER_ACKNOWLEDGED_MS;
      if (ready) yield pooled.verified;
    }
    return undefined;
  }

  #weightOf(validators: ReadonlySet<number>): number {
    let weight = 0;
    for (const number of validators) weight += this.#weights.get(number) ?? 0;
    return weight;
  }
}
