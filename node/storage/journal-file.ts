import { invariant } from "../../primitives/assert.ts";
import { copyBytes } from "../../primitives/bytes.ts";
import { messageOf } from "../../primitives/errors.ts";
import { frameBytes, writeRecord } from "./journal-record.ts";
import { scanJournal } from "./journal-scan.ts";
import { SEGMENT_HEADER_BYTES, segmentNumber, unfinishedName } from "./journal-segment.ts";
import {
  continueSegment,
  type JournalOptions,
  type JournalSetup,
  type OpenSegment,
  setUpJournal,
  writeSegment,
} from "./journal-setup.ts";
import { segmentFilesIn } from "./segment-files.ts";
import { StorageError } from "./storage-error.ts";

export type { JournalOptions } from "./journal-setup.ts";

/** A journal that nobody rotates stops at 1 GiB instead of filling the disk. */
const MAX_SEGMENTS = 64;
/** One write and one sync carry at most this much, so that the first waiter is not held up. */
const MAX_GROUP_BYTES = 4 << 20;
/** Consensus waits for its own records; more than this in the queue means that it does not. */
const MAX_PENDING_BYTES = 64 << 20;

export interface JournalReport {
  readonly records: number;
  readonly segments: number;
  /** Bytes of a cut-short write that were removed from the end: nobody was promised them. */
  readonly truncatedBytes: number;
  /** Files of an interrupted rotation that were removed. */
  readonly removedFiles: readonly string[];
}

export interface OpenedJournal {
  readonly journal: JournalFile;
  /** Every record since the newest checkpoint, oldest first, the live records included. */
  readonly records: readonly Uint8Array[];
  readonly report: JournalReport;
}

interface Append {
  readonly kind: "append";
  readonly records: readonly Uint8Array[];
  readonly bytes: number;
  resolve(): void;
  reject(error: StorageError): void;
}

interface Rotate {
  readonly kind: "rotate";
  readonly records: readonly Uint8Array[];
  readonly bytes: number;
  resolve(): void;
  reject(error: StorageError): void;
}

type Order = Append | Rotate;

/**
 * Append-only journal of what consensus promised. `append` resolves only when the records survive
 * a power failure; a signature may leave the node after that and not before. Appends that arrive
 * during a sync share the next one. Orders run in the sequence of the calls.
 *
 * A failed write or sync is final: after a failed fsync nobody knows what reached the disk, and a
 * second fsync that succeeds proves nothing (Rebello et al., "Can Applications Recover from fsync
 * Failures?", USENIX ATC 2020). The journal then answers JOURNAL_FAILED until the process restarts.
 */
export class JournalFile {
  readonly #setup: JournalSetup;
  readonly #older: { readonly name: string; readonly bytes: number }[];
  #segment: OpenSegment;
  #nextSequence: number;
  #queue: Order[] = [];
  #pendingBytes = 0;
  #running: Promise<void> | undefined;
  #failure: StorageError | undefined;
  #closed = false;

  private constructor(
    setup: JournalSetup,
    segment: OpenSegment,
    nextSequence: number,
    older: readonly { name: string; bytes: number }[],
  ) {
    this.#setup = setup;
    this.#segment = segment;
    this.#nextSequence = nextSequence;
    this.#older = [...older];
  }

  /** A new, empty journal. Throws JOURNAL_EXISTS where one is: never start a validator's twice. */
  static async create(options: JournalOptions): Promise<JournalFile> {
    const setup = await setUpJournal(options);
    try {
      const taken = (await setup.files.list()).filter((name) => segmentNumber(name) !== undefined);
      if (taken.length > 0) {
        throw new StorageError(
          "JOURNAL_EXISTS",
          `${options.directory} holds a consensus journal; a second one could promise the opposite`,
          { directory: options.directory },
        );
      }
      const unfinished = unfinishedName(1);
      if ((await setup.files.list()).includes(unfinished)) await setup.files.remove(unfinished);
      const order = { number: 1, sequence: 0, checkpoint: true, live: [] };
      return new JournalFile(setup, await writeSegment(setup, order), 1, []);
    } catch (error) {
      await setup.lock?.release();
      throw error;
    }
  }

  /** Throws JOURNAL_MISSING, _LOCKED, _WRONG_CHAIN, _VERSION, _CORRUPT. */
  static async open(options: JournalOptions): Promise<OpenedJournal> {
    const files = options.files ?? segmentFilesIn(options.directory);
    const seen = (await files.list()).some((name) => segmentNumber(name) !== undefined);
    if (!seen) {
      throw new StorageError(
        "JOURNAL_MISSING",
        `${options.directory} holds no consensus journal; a validator that voted before must not ` +
          "start without it",
        { directory: options.directory },
      );
    }
    const setup = await setUpJournal(options);
    try {
      const scan = await scanJournal(files, setup);
      const segment = await continueSegment(setup, scan);
      const older = scan.segments.slice(0, -1);
      const journal = new JournalFile(setup, segment, scan.nextSequence, older);
      const report = {
        records: scan.records.length,
        segments: scan.segments.length,
        truncatedBytes: scan.tornBytes,
        removedFiles: scan.leftovers,
      };
      return { journal, records: scan.records, report };
    } catch (error) {
      await setup.lock?.release();
      throw error;
    }
  }

  /** Size of all segments in bytes. Rotate when it passes a limit of your own. */
  get bytes(): number {
    return this.#older.reduce((sum, { bytes }) => sum + bytes, this.#segment.bytes);
  }

  /** Set once the journal failed: the node must stop voting and exit. */
  get failure(): StorageError | undefined {
    return this.#failure;
  }

  /**
   * Resolves when the records, and all before them, are durable. Without records it waits for
   * those before. Rejects with JOURNAL_RECORD_SIZE or JOURNAL_FULL, which leave the journal as it
   * was, or with JOURNAL_FAILED or JOURNAL_CLOSED.
   */
  append(records: readonly Uint8Array[]): Promise<void> {
    return this.#order("append", records);
  }

  /**
   * Starts a new segment with `liveRecords` and then deletes all older ones. Records of earlier
   * `append` calls go with the old segments, resolved or not, unless they are among the live ones.
   */
  rotate(liveRecords: readonly Uint8Array[]): Promise<void> {
    return this.#order("rotate", liveRecords);
  }

  /** Waits for what was ordered, then releases the files. Later orders get JOURNAL_CLOSED. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    while (this.#running !== undefined) await this.#running;
    await this.#segment.writer.close();
    await this.#setup.lock?.release();
  }

  async #order(kind: Order["kind"], records: readonly Uint8Array[]): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#closed) throw new StorageError("JOURNAL_CLOSED", "the journal is closed");
    let bytes = 0;
    for (const record of records) bytes += this.#checkedSize(record);
    const limit =
      kind === "rotate" ? this.#setup.maxSegmentBytes - SEGMENT_HEADER_BYTES : undefined;
    if (limit !== undefined && bytes > limit) {
      throw new StorageError("JOURNAL_RECORD_SIZE", "the live records do not fit one segment", {
        got: bytes,
        limit,
      });
    }
    if (this.#pendingBytes + bytes > MAX_PENDING_BYTES) {
      throw new StorageError("JOURNAL_FULL", "too many records wait to be written", {
        got: this.#pendingBytes + bytes,
        limit: MAX_PENDING_BYTES,
      });
    }
    const copies = records.map(copyBytes);
    this.#pendingBytes += bytes;
    const settled = new Promise<void>((resolve, reject) => {
      this.#queue.push({ kind, records: copies, bytes, resolve, reject });
    });
    this.#running ??= this.#run();
    await settled;
  }

  #checkedSize(record: Uint8Array): number {
    if (record.length > 0 && record.length <= this.#setup.maxRecordBytes) return frameBytes(record);
    throw new StorageError(
      "JOURNAL_RECORD_SIZE",
      `a journal record has 1 to ${this.#setup.maxRecordBytes} bytes, not ${record.length}`,
      { got: record.length, limit: this.#setup.maxRecordBytes },
    );
  }

  /** Works the queue off. Never rejects: every order is settled one way or the other. */
  async #run(): Promise<void> {
    // Calls of one turn of the event loop meet in one group.
    await Promise.resolve();
    while (this.#queue.length > 0) {
      const group = this.#nextGroup();
      const bytes = group.reduce((sum, order) => sum + order.bytes, 0);
      try {
        await this.#execute(group);
        for (const order of group) order.resolve();
      } catch (error) {
        this.#settleFailure(group, error);
      }
      this.#pendingBytes -= bytes;
    }
    this.#running = undefined;
  }

  #settleFailure(group: readonly Order[], error: unknown): void {
    if (error instanceof StorageError && error.code === "JOURNAL_FULL") {
      for (const order of group) order.reject(error);
      return;
    }
    this.#failure = new StorageError(
      "JOURNAL_FAILED",
      `a journal write failed and is not retried: ${messageOf(error)}`,
      {},
      error,
    );
    for (const order of [...group, ...this.#queue]) order.reject(this.#failure);
    this.#queue = [];
    this.#pendingBytes = group.reduce((sum, order) => sum + order.bytes, 0);
  }

  /** One rotation, or as many appends as one write may carry. */
  #nextGroup(): readonly Order[] {
    const group: Order[] = [];
    let bytes = 0;
    for (const order of this.#queue) {
      const fits = group.length === 0 || bytes + order.bytes <= MAX_GROUP_BYTES;
      if (!fits || (order.kind === "rotate" && group.length > 0)) break;
      group.push(order);
      bytes += order.bytes;
      if (order.kind === "rotate") break;
    }
    this.#queue = this.#queue.slice(group.length);
    return group;
  }

  async #execute(group: readonly Order[]): Promise<void> {
    const [first] = group;
    invariant(first !== undefined, "a journal group holds an order");
    if (first.kind === "rotate") return this.#startCheckpoint(first.records);
    return this.#write(group.flatMap((order) => order.records));
  }

  /** Writes and syncs the records, over several segments where one does not hold them. */
  async #write(records: readonly Uint8Array[]): Promise<void> {
    const parts = this.#divide(records);
    if (this.#older.length + parts.length > MAX_SEGMENTS) {
      throw new StorageError("JOURNAL_FULL", "the journal reached its bound; rotate it", {
        limit: MAX_SEGMENTS * this.#setup.maxSegmentBytes,
      });
    }
    for (const [i, part] of parts.entries()) {
      if (i > 0) await this.#roll();
      if (part.length > 0) await this.#writeToSegment(part);
    }
  }

  /** The records per segment: what still fits into the current one, then the following ones. */
  #divide(records: readonly Uint8Array[]): readonly (readonly Uint8Array[])[] {
    let current: Uint8Array[] = [];
    const parts = [current];
    let bytes = this.#segment.bytes;
    for (const record of records) {
      if (bytes + frameBytes(record) > this.#setup.maxSegmentBytes) {
        current = [];
        parts.push(current);
        bytes = SEGMENT_HEADER_BYTES;
      }
      current.push(record);
      bytes += frameBytes(record);
    }
    return parts;
  }

  async #writeToSegment(records: readonly Uint8Array[]): Promise<void> {
    const segment = this.#segment;
    const frames = new Uint8Array(records.reduce((sum, record) => sum + frameBytes(record), 0));
    let offset = 0;
    for (const record of records) {
      offset = writeRecord(frames, offset, segment.salt, this.#nextSequence, record);
      this.#nextSequence += 1;
    }
    invariant(offset === frames.length, "journal frames fill their buffer");
    await segment.writer.write(frames);
    await segment.writer.sync();
    segment.bytes += frames.length;
  }

  /** The segment is full: the next one continues it. */
  async #roll(): Promise<void> {
    const { name, bytes, number, writer } = this.#segment;
    const order = { number: number + 1, sequence: this.#nextSequence, checkpoint: false, live: [] };
    this.#segment = await writeSegment(this.#setup, order);
    this.#nextSequence += 1;
    this.#older.push({ name, bytes });
    await writer.close();
  }

  async #startCheckpoint(live: readonly Uint8Array[]): Promise<void> {
    const { name, number, writer } = this.#segment;
    const order = { number: number + 1, sequence: this.#nextSequence, checkpoint: true, live };
    const obsolete = [...this.#older.map((older) => older.name), name];
    this.#segment = await writeSegment(this.#setup, order);
    this.#nextSequence += 1 + live.length;
    await writer.close();
    for (const old of obsolete) await this.#setup.files.remove(old);
    this.#older.length = 0;
    await this.#setup.files.syncDirectory();
  }
}
