import { invariant } from "../../primitives/assert.ts";
import { toHex } from "../../primitives/bytes.ts";
import { BatchStore } from "./batch-store.ts";
import {
  type BlockRecord,
  corruptAt,
  decodeBlockRecord,
  decodeHead,
  encodeBlockRecord,
  encodeHead,
} from "./block-record.ts";
import type {
  ChainBase,
  ChainHead,
  CommittedBlock,
  EventPosition,
  ReadHeader,
  StateEntry,
  StoredEvent,
  TransactionLocation,
} from "./committed-block.ts";
import type { Database, WriteBatch } from "./database.ts";
import { byTransaction, packEvents, unpackEvents } from "./event-records.ts";
import {
  BASE_KEY,
  blockKey,
  clientRefKey,
  epochEndKey,
  eventsKey,
  getU32,
  getU64,
  HEAD_KEY,
  hashBytes,
  hashKey,
  type KeyRange,
  receiptKey,
  u32Bytes,
  u64Bytes,
} from "./keyspace.ts";
import { StateStore } from "./state-store.ts";
import { StorageError } from "./storage-error.ts";

/** Events that one call returns at most; an API page is far smaller. */
export const MAX_EVENT_PAGE = 10_000;
/**
 * Blocks of one synced write. A sync costs the same for one block as for sixteen; more would gain
 * little and hold back for longer what is final already.
 */
export const MAX_BLOCKS_PER_COMMIT = 16;
/** No block has so many transactions or events: the upper end of a scan within one height. */
const MAX_INDEX = 0xffff_ffff;

/**
 * Final blocks and everything that follows from them. `commitBlocks` writes one or several blocks by
 * one atomic, synced batch together with the ledger state and the applied height: after a crash all
 * of them are there or none is, and a receipt that a client saw is there.
 */
export class BlockStore {
  readonly database: Database;
  readonly state: StateStore;
  readonly #readHeader: ReadHeader;
  #batches: BatchStore | undefined;
  #head: ChainHead | undefined;
  #baseHeight: number;
  #committing = false;

  private constructor(database: Database, readHeader: ReadHeader, head: ChainHead | undefined) {
    this.database = database;
    this.state = new StateStore(database);
    this.#readHeader = readHeader;
    this.#head = head;
    const base = database.get(BASE_KEY);
    this.#baseHeight = base === undefined ? 0 : getU64(base, 0);
  }

  /** Does not check the chain: call `verifyAtBoot` before anything is voted or served. */
  static async open(database: Database, readHeader: ReadHeader): Promise<BlockStore> {
    const bytes = database.get(HEAD_KEY);
    const head = bytes === undefined ? undefined : decodeHead(bytes);
    const store = new BlockStore(database, readHeader, head);
    store.#batches = await BatchStore.open(database, () => store.#head?.height ?? 0);
    return store;
  }

  get batches(): BatchStore {
    invariant(this.#batches !== undefined, "an open block store has its batch store");
    return this.#batches;
  }

  /** True until `writeGenesis` or `writeBase`. */
  get isEmpty(): boolean {
    return this.#head === undefined;
  }

  /** The newest applied block. Throws DB_NO_GENESIS before there is one. */
  get head(): ChainHead {
    if (this.#head !== undefined) return this.#head;
    throw new StorageError("DB_NO_GENESIS", "the database holds no genesis state; run init again");
  }

  /**
   * Where the chain in this store begins: 0, or the height of the block whose state a snapshot
   * brought. Of that block there are the header and the finalization, but no batches, receipts and
   * events; below it there is nothing.
   */
  get baseHeight(): number {
    return this.#baseHeight;
  }

  /** The lowest height whose block, receipts and events are all kept; may be above the head. */
  get earliestHeight(): number {
    return this.#baseHeight + 1;
  }

  /** The state before the first block, in one synced batch. Height 0; its digest is the chain id. */
  async writeGenesis(genesis: {
    readonly stateRoot: string;
    readonly state: Iterable<StateEntry>;
  }): Promise<void> {
    invariant(this.isEmpty && !this.#committing, "genesis is written once");
    const digest = this.database.chainId;
    await this.#writeHead({ height: 0, digest, stateRoot: genesis.stateRoot }, (batch) => {
      this.state.stage(batch, genesis.state);
    });
  }

  /**
   * Begins the chain at a final block instead of the genesis. The caller has verified all of it.
   * The state goes out in several synced batches and the head with the last one: where that was cut
   * short the store is still empty, and the database must be made anew.
   */
  async writeBase(base: ChainBase): Promise<void> {
    invariant(this.isEmpty && !this.#committing, "a chain begins once");
    const { digest, height, parentDigest, stateRoot, batchDigests } = this.#readHeader(base.header);
    invariant(height > 0, "the block after the genesis is the lowest base");
    for await (const entries of base.state) {
      await this.database.write((batch) => this.state.stage(batch, entries));
    }
    await this.#writeHead({ height, digest, stateRoot }, (batch) => {
      stageBlock(batch, {
        height,
        digest,
        previousDigest: parentDigest,
        header: base.header,
        finalization: base.finalization,
        batches: batchDigests,
        receipts: [],
        events: [],
        transactions: [],
        clientRefs: [],
        stateChanges: [],
        stateRoot,
      });
      for (const [epoch, end] of base.epochEnds.entries()) batch.put(epochEndKey(epoch), end);
      batch.put(BASE_KEY, u64Bytes(height));
    });
    this.#baseHeight = height;
  }

  /** What `writeBase` was told about the end of an epoch. */
  epochEnd(epoch: number): Uint8Array | undefined {
    return this.database.get(epochEndKey(epoch));
  }

  /** As `commitBlocks`, for one block. */
  async commitBlock(block: CommittedBlock): Promise<void> {
    await this.commitBlocks([block]);
  }

  /**
   * Applies the blocks after `head`, at most MAX_BLOCKS_PER_COMMIT, lowest first: all of them or,
   * after a crash, none. Throws InvariantError on a gap, on a digest that does not link, and on
   * parts that contradict one another: nothing is written then. Rejects with DB_IO. Calls run one
   * at a time.
   */
  async commitBlocks(blocks: readonly CommittedBlock[]): Promise<void> {
    invariant(!this.#committing, "one commit is under way at a time");
    invariant(
      blocks.length >= 1 && blocks.length <= MAX_BLOCKS_PER_COMMIT,
      `${blocks.length} blocks in one commit`,
    );
    let { head } = this;
    for (const block of blocks) {
      this.#checkLinks(block, head);
      checkParts(block);
      head = { height: block.height, digest: block.digest, stateRoot: block.stateRoot };
    }
    await this.#writeHead(head, (batch) => {
      this.batches.stageCommit(batch, blocks);
      for (const block of blocks) {
        stageBlock(batch, block);
        // A later block's value of a key replaces an earlier one's: a batch keeps its order.
        this.state.stage(batch, block.stateChanges);
      }
    });
  }

  header(height: number): Uint8Array | undefined {
    return this.database.get(blockKey("header", height));
  }

  /** A certificate that makes the block final: its own or that of a descendant. */
  finalization(height: number): Uint8Array | undefined {
    return this.database.get(blockKey("finalization", height));
  }

  digest(height: number): string | undefined {
    return height === 0 ? this.#head && this.database.chainId : this.record(height)?.digest;
  }

  batchDigests(height: number): readonly string[] | undefined {
    return this.record(height)?.batches;
  }

  stateRoot(height: number): string | undefined {
    return this.record(height)?.stateRoot;
  }

  record(height: number): BlockRecord | undefined {
    const bytes = this.database.get(blockKey("block", height));
    return bytes === undefined ? undefined : decodeBlockRecord(bytes, height);
  }

  heightOf(digest: string): number | undefined {
    if (digest === this.database.chainId) return this.#head && 0;
    const bytes = this.database.get(hashKey("height", digest));
    return bytes === undefined ? undefined : getU64(bytes, 0);
  }

  receipt(height: number, index: number): Uint8Array | undefined {
    return this.database.get(receiptKey(height, index));
  }

  /** Receipts in block order, or undefined for a height without them. Throws DB_CORRUPT. */
  async receipts(height: number): Promise<readonly Uint8Array[] | undefined> {
    const record = this.#fullRecord(height);
    if (record === undefined) return undefined;
    const range = { gte: receiptKey(height, 0), lte: receiptKey(height, MAX_INDEX) };
    const receipts: Uint8Array[] = [];
    for await (const [, value] of this.database.scan(range)) receipts.push(value);
    if (receipts.length === record.receiptCount) return receipts;
    throw corruptAt(height, `${receipts.length} of ${record.receiptCount} receipts are there`);
  }

  /** Events of one block, or undefined for a height without them. Throws DB_CORRUPT. */
  async eventsAt(height: number): Promise<readonly StoredEvent[] | undefined> {
    const record = this.#fullRecord(height);
    if (record === undefined) return undefined;
    const range = { gte: eventsKey(height, 0), lte: eventsKey(height, MAX_INDEX) };
    const events = await this.#events(range, undefined, Number.POSITIVE_INFINITY);
    if (events.length === record.eventCount) return events;
    throw corruptAt(height, `${events.length} of ${record.eventCount} events are there`);
  }

  /**
   * At most `limit` events strictly after a position, in chain order, up to `throughHeight` or the
   * head. The position of the last one continues the walk; fewer than `limit` means the end.
   */
  async events(
    after: EventPosition | "genesis",
    limit: number,
    throughHeight: number = this.head.height,
  ): Promise<readonly StoredEvent[]> {
    invariant(Number.isInteger(limit) && limit > 0 && limit <= MAX_EVENT_PAGE, "event page size");
    const last = Math.min(throughHeight, this.head.height);
    const lte = eventsKey(last, MAX_INDEX);
    if (after === "genesis") return this.#events({ gte: eventsKey(0, 0), lte }, undefined, limit);
    return this.#events({ gte: eventsKey(after.height, after.txIndex), lte }, after, limit);
  }

  locate(txId: string): TransactionLocation | undefined {
    const bytes = this.database.get(hashKey("transaction", txId));
    return bytes === undefined ? undefined : { height: getU64(bytes, 0), index: getU32(bytes, 8) };
  }

  /** The newest executed transaction that the member sent under this reference. */
  txIdOf(member: string, clientRef: string): string | undefined {
    const bytes = this.database.get(clientRefKey(member, clientRef));
    return bytes === undefined ? undefined : toHex(bytes);
  }

  /** Facts of header bytes, by the codec that this store was opened with. */
  readHeader(header: Uint8Array) {
    return this.#readHeader(header);
  }

  /** Of a block that is here with everything that belongs to it. */
  #fullRecord(height: number): BlockRecord | undefined {
    return height < this.earliestHeight ? undefined : this.record(height);
  }

  /**
   * Of the transactions in the range, at most `limit` events behind `after`. A record holds one
   * event at least, and all but those of `after` lie behind it.
   */
  async #events(
    range: KeyRange,
    after: EventPosition | undefined,
    limit: number,
  ): Promise<readonly StoredEvent[]> {
    const events: StoredEvent[] = [];
    for await (const [key, value] of this.database.scan(range, limit + 1)) {
      for (const event of unpackEvents(key, value)) {
        if (after === undefined || isBehind(event, after)) events.push(event);
        if (events.length === limit) return events;
      }
    }
    return events;
  }

  #checkLinks(block: CommittedBlock, head: ChainHead): void {
    invariant(
      block.height === head.height + 1,
      `block ${block.height} does not follow the head at height ${head.height}`,
    );
    invariant(
      block.previousDigest === head.digest,
      `block ${block.height} does not link to the head's digest ${head.digest}`,
    );
    const facts = this.#readHeader(block.header);
    invariant(facts.digest === block.digest, "a block's digest is that of its header");
    invariant(facts.height === block.height, "a header carries the height of its block");
    invariant(facts.parentDigest === block.previousDigest, "a header names the block before it");
    invariant(facts.stateRoot === block.stateRoot, "a header carries the root after its block");
    invariant(
      facts.batchDigests.length === block.batches.length &&
        facts.batchDigests.every((digest, i) => digest === block.batches[i]),
      "a header names the batches of its block",
    );
  }

  async #writeHead(head: ChainHead, stage: (batch: WriteBatch) => void): Promise<void> {
    this.#committing = true;
    try {
      await this.database.write((batch) => {
        stage(batch);
        batch.put(HEAD_KEY, encodeHead(head));
      });
      this.#head = Object.freeze(head);
    } finally {
      this.#committing = false;
    }
  }
}

function checkParts(block: CommittedBlock): void {
  let before = -1;
  let beforeInTx = -1;
  for (const { txIndex, eventIndex } of block.events) {
    const rises = txIndex > before || (txIndex === before && eventIndex > beforeInTx);
    invariant(rises, "events of a block rise by transaction and event index");
    before = txIndex;
    beforeInTx = eventIndex;
  }
  for (const { index } of block.transactions) {
    invariant(index >= 0 && index < block.receipts.length, "an indexed transaction has a receipt");
  }
}

function stageBlock(batch: WriteBatch, block: CommittedBlock): void {
  const { height, digest, previousDigest, stateRoot, batches, receipts, events } = block;
  const record = {
    digest,
    previousDigest,
    stateRoot,
    batches,
    receiptCount: receipts.length,
    eventCount: events.length,
  };
  batch.put(blockKey("block", height), encodeBlockRecord(record));
  batch.put(blockKey("header", height), block.header);
  batch.put(blockKey("finalization", height), block.finalization);
  batch.put(hashKey("height", digest), u64Bytes(height));
  for (const [i, receipt] of receipts.entries()) batch.put(receiptKey(height, i), receipt);
  for (const together of byTransaction(events)) {
    batch.put(eventsKey(height, together[0]?.txIndex ?? 0), packEvents(together));
  }
  for (const { txId, index } of block.transactions) {
    batch.put(hashKey("transaction", txId), location(height, index));
  }
  for (const { member, clientRef, txId } of block.clientRefs) {
    batch.put(clientRefKey(member, clientRef), hashBytes(txId));
  }
}

/** Whether a position comes after another in the chain. */
function isBehind(event: EventPosition, after: EventPosition): boolean {
  if (event.height !== after.height) return event.height > after.height;
  if (event.txIndex !== after.txIndex) return event.txIndex > after.txIndex;
  return event.eventIndex > after.eventIndex;
}

function location(height: number, index: number): Uint8Array {
  const bytes = new Uint8Array(12);
  bytes.set(u64Bytes(height));
  bytes.set(u32Bytes(index), 8);
  return bytes;
}
