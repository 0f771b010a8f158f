import { invariant } from "../../primitives/assert.ts";
import type { BatchEntry, CommittedBlock } from "./committed-block.ts";
import type { Database, WriteBatch } from "./database.ts";
import {
  batchUnreferencedKey,
  batchUnreferencedParts,
  getU32,
  getU64,
  hashKey,
  PREFIX,
  prefixRange,
  u32Bytes,
  u64Bytes,
} from "./keyspace.ts";
import { StorageError } from "./storage-error.ts";

/**
 * Batches that no committed block names. 4096 batches of the largest size, 256 KiB, are 1 GiB:
 * many views' worth of proposals. Beyond it a proposer floods us, or nobody collects garbage.
 */
const MAX_UNREFERENCED = 4096;
const MAX_UNREFERENCED_BYTES = 1 << 30;
/** Batches that one collection removes at most: it shares the disk with block commits. */
const COLLECT_LIMIT = 256;

type NamingBlock = Pick<CommittedBlock, "height" | "batches" | "batchBodies">;

interface Unreferenced {
  /** Height of the chain when it was stored. */
  readonly storedAt: number;
  readonly bytes: number;
}

/**
 * Transaction batches by digest. A batch is stored before a vote names it and then stays: once a
 * committed block names it, for ever (peers ask for it); otherwise until it is collected.
 */
export class BatchStore {
  readonly #database: Database;
  readonly #headHeight: () => number;
  readonly #unreferenced: Map<string, Unreferenced>;
  readonly #writing = new Map<string, Promise<void>>();
  #unreferencedBytes = 0;
  #collecting: Promise<number> | undefined;

  private constructor(
    database: Database,
    headHeight: () => number,
    unreferenced: Map<string, Unreferenced>,
  ) {
    this.#database = database;
    this.#headHeight = headHeight;
    this.#unreferenced = unreferenced;
    for (const { bytes } of unreferenced.values()) this.#unreferencedBytes += bytes;
  }

  static async open(database: Database, headHeight: () => number): Promise<BatchStore> {
    const unreferenced = new Map<string, Unreferenced>();
    const obsolete: Uint8Array[] = [];
    for await (const [key, value] of database.scan(prefixRange(PREFIX.batchUnreferenced))) {
      const { storedAt, digest } = batchUnreferencedParts(key);
      const earlier = unreferenced.get(digest);
      if (earlier !== undefined) obsolete.push(batchUnreferencedKey(earlier.storedAt, digest));
      unreferenced.set(digest, { storedAt, bytes: getU32(value, 0) });
    }
    if (obsolete.length > 0) {
      await database.write((batch) => {
        for (const key of obsolete) batch.delete(key);
      });
    }
    return new BatchStore(database, headHeight, unreferenced);
  }

  /**
   * Durable when it resolves: call it before the vote that names the batches. A batch that is
   * stored already is not written again. Rejects with BATCH_LIMIT when too many are unreferenced.
   */
  async putBatches(batches: readonly BatchEntry[]): Promise<void> {
    while (this.#collecting !== undefined) await this.#collecting;
    const others = new Set<Promise<void>>();
    const fresh = new Map<string, Uint8Array>();
    for (const [digest, bytes] of batches) {
      const writing = this.#writing.get(digest);
      if (writing !== undefined) others.add(writing);
      else if (!this.has(digest)) fresh.set(digest, bytes);
    }
    if (fresh.size > 0) others.add(this.#store(fresh));
    await Promise.all(others);
  }

  getBatch(digest: string): Uint8Array | undefined {
    return this.#database.get(hashKey("batch", digest));
  }

  /** Whether the batch is stored durably. */
  has(digest: string): boolean {
    return this.#unreferenced.has(digest) || this.committedHeight(digest) !== undefined;
  }

  /** Height of the first committed block that names the batch. */
  committedHeight(digest: string): number | undefined {
    const bytes = this.#database.get(hashKey("batchCommitted", digest));
    return bytes === undefined ? undefined : getU64(bytes, 0);
  }

  /** How many stored batches no committed block names. */
  get unreferencedCount(): number {
    return this.#unreferenced.size;
  }

  /**
   * Removes batches that were stored below a height and that neither a committed block nor `keep`
   * names; `keep` must hold those of every proposal that this node may still vote on or serve.
   * Returns how many went, at most `limit`, oldest first.
   */
  async collectGarbage(options: {
    readonly storedBelowHeight: number;
    readonly keep: ReadonlySet<string>;
    readonly limit?: number;
  }): Promise<number> {
    while (this.#collecting !== undefined) await this.#collecting;
    this.#collecting = this.#collect(options);
    try {
      return await this.#collecting;
    } finally {
      this.#collecting = undefined;
    }
  }

  /**
   * Adds to a commit of blocks: bodies that are new, and the marks that the digests are committed.
   * From here on the batches cannot be collected. Every digest must be stored, among the bodies of
   * its block, or named by an earlier block of the same commit; nothing is staged otherwise.
   */
  stageCommit(batch: WriteBatch, blocks: readonly NamingBlock[]): void {
    const heights = new Map<string, number>();
    const supplied = new Map<string, Uint8Array>();
    for (const { height, batches, batchBodies } of blocks) {
      const named = new Set(batches);
      for (const [digest, body] of batchBodies ?? []) {
        invariant(named.has(digest), "a batch body that comes with a block is named by it");
        supplied.set(digest, body);
      }
      for (const digest of named) {
        if (heights.has(digest)) continue;
        const isThere = supplied.has(digest) || this.has(digest);
        invariant(isThere, "a batch is stored before a block that names it");
        heights.set(digest, height);
      }
    }
    for (const [digest, height] of heights) {
      const unreferenced = this.#unreferenced.get(digest);
      const isCommitted = this.committedHeight(digest) !== undefined;
      const body = supplied.get(digest);
      const isStored = isCommitted || unreferenced !== undefined;
      if (!isStored && body !== undefined) batch.put(hashKey("batch", digest), body);
      if (!isCommitted) batch.put(hashKey("batchCommitted", digest), u64Bytes(height));
      if (unreferenced !== undefined) {
        batch.delete(batchUnreferencedKey(unreferenced.storedAt, digest));
        this.#forget(digest, unreferenced);
      }
    }
  }

  async #store(fresh: ReadonlyMap<string, Uint8Array>): Promise<void> {
    let bytes = 0;
    for (const body of fresh.values()) bytes += body.length;
    const count = this.#unreferenced.size + this.#writing.size + fresh.size;
    if (count > MAX_UNREFERENCED || this.#unreferencedBytes + bytes > MAX_UNREFERENCED_BYTES) {
      throw new StorageError("BATCH_LIMIT", "too many batches that no block names", {
        count,
        limit: MAX_UNREFERENCED,
        bytes: this.#unreferencedBytes + bytes,
        limitBytes: MAX_UNREFERENCED_BYTES,
      });
    }
    const storedAt = this.#headHeight();
    this.#unreferencedBytes += bytes;
    const write = this.#database.write((batch) => {
      for (const [digest, body] of fresh) {
        batch.put(hashKey("batch", digest), body);
        batch.put(batchUnreferencedKey(storedAt, digest), u32Bytes(body.length));
      }
    });
    for (const digest of fresh.keys()) this.#writing.set(digest, write);
    try {
      await write;
    } finally {
      for (const digest of fresh.keys()) this.#writing.delete(digest);
    }
    for (const [digest, body] of fresh) {
      this.#unreferenced.set(digest, { storedAt, bytes: body.length });
    }
  }

  async #collect(options: {
    readonly storedBelowHeight: number;
    readonly keep: ReadonlySet<string>;
    readonly limit?: number;
  }): Promise<number> {
    const limit = options.limit ?? COLLECT_LIMIT;
    const doomed: (readonly [string, Unreferenced])[] = [];
    for (const [digest, unreferenced] of this.#unreferenced) {
      if (doomed.length >= limit) break;
      if (unreferenced.storedAt >= options.storedBelowHeight || options.keep.has(digest)) continue;
      doomed.push([digest, unreferenced]);
    }
    if (doomed.length === 0) return 0;
    // Forgotten before the write: a commit that starts meanwhile must not count on them.
    for (const [digest, unreferenced] of doomed) this.#forget(digest, unreferenced);
    await this.#database.write((batch) => {
      for (const [digest, { storedAt }] of doomed) {
        batch.delete(batchUnreferencedKey(storedAt, digest));
        // A block that was committed while the batch was being stored may name it.
        if (this.committedHeight(digest) === undefined) batch.delete(hashKey("batch", digest));
      }
    }, false);
    return doomed.length;
  }

  #forget(digest: string, { bytes }: Unreferenced): void {
    this.#unreferenced.delete(digest);
    this.#unreferencedBytes -= bytes;
  }
}
