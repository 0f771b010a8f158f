import { randomInt } from "node:crypto";
import { join } from "node:path";
import { invariant } from "../../primitives/assert.ts";
import { frameBytes, writeRecord } from "./journal-record.ts";
import type { JournalScan } from "./journal-scan.ts";
import {
  SEGMENT_HEADER_BYTES,
  segmentName,
  unfinishedName,
  writeSegmentHeader,
} from "./journal-segment.ts";
import { ProcessLock } from "./process-lock.ts";
import { type SegmentFiles, type SegmentWriter, segmentFilesIn } from "./segment-files.ts";

/** Votes and certificates are a few kB; a proposal with 64 full justifications stays far below. */
const MAX_RECORD_BYTES = 1 << 20;
/** A segment is read into memory at start; sixteen of the largest records fit. */
const MAX_SEGMENT_BYTES = 16 << 20;

export interface JournalOptions {
  readonly directory: string;
  /** 64 lower-case hex digits. A journal of another chain is refused. */
  readonly chainId: string;
  readonly maxRecordBytes?: number;
  readonly maxSegmentBytes?: number;
  /** Replaces the directory by another store, which is not locked: for fault injection. */
  readonly files?: SegmentFiles;
}

/** The segment that is written on. */
export interface OpenSegment {
  readonly name: string;
  readonly number: number;
  readonly salt: number;
  readonly writer: SegmentWriter;
  bytes: number;
}

/** What a journal was opened with. */
export interface JournalSetup {
  readonly files: SegmentFiles;
  readonly lock: ProcessLock | undefined;
  readonly chainId: string;
  readonly maxRecordBytes: number;
  readonly maxSegmentBytes: number;
}

export async function setUpJournal(options: JournalOptions): Promise<JournalSetup> {
  const maxRecordBytes = options.maxRecordBytes ?? MAX_RECORD_BYTES;
  const maxSegmentBytes = options.maxSegmentBytes ?? MAX_SEGMENT_BYTES;
  const largest = SEGMENT_HEADER_BYTES + frameBytes(new Uint8Array(0)) + maxRecordBytes;
  invariant(maxSegmentBytes >= 2 * largest, "a journal segment holds at least two records");
  const files = options.files ?? segmentFilesIn(options.directory);
  await files.makeDirectory();
  const lock =
    options.files === undefined
      ? await ProcessLock.acquire(join(options.directory, "lock"), "JOURNAL_LOCKED")
      : undefined;
  return { files, lock, chainId: options.chainId, maxRecordBytes, maxSegmentBytes };
}

/**
 * A segment gets its name only when header and live records are durable under another one, so a
 * segment of that name is always whole. The name is new: nothing is ever replaced.
 */
export async function writeSegment(
  setup: JournalSetup,
  order: {
    readonly number: number;
    readonly sequence: number;
    readonly checkpoint: boolean;
    readonly live: readonly Uint8Array[];
  },
): Promise<OpenSegment> {
  const { number, sequence, checkpoint, live } = order;
  const { files, chainId } = setup;
  const salt = randomInt(2 ** 32);
  const bytes = live.reduce((sum, record) => sum + frameBytes(record), SEGMENT_HEADER_BYTES);
  const content = new Uint8Array(bytes);
  const header = { number, checkpoint, liveCount: live.length, salt, chainId };
  let offset = writeSegmentHeader(content, sequence, header);
  for (const [i, record] of live.entries()) {
    offset = writeRecord(content, offset, salt, sequence + 1 + i, record);
  }
  invariant(offset === bytes, "segment header and live records fill their buffer");
  const name = segmentName(number);
  const writer = await files.create(unfinishedName(number));
  try {
    await writer.write(content);
    await writer.sync();
    await files.rename(unfinishedName(number), name);
    await files.syncDirectory();
  } catch (error) {
    await writer.close();
    throw error;
  }
  return { name, number, salt, writer, bytes };
}

/** Cuts the torn end off, clears leftovers away and syncs what a killed process left unsynced. */
export async function continueSegment(
  setup: JournalSetup,
  scan: JournalScan,
): Promise<OpenSegment> {
  const { files } = setup;
  const { header, validBytes, tornBytes } = scan.newest;
  const name = segmentName(header.number);
  if (tornBytes > 0) await files.truncate(name, validBytes);
  const writer = await files.openAt(name, validBytes);
  try {
    await writer.sync();
    // The newest segment's name must be durable before what it replaces goes.
    await files.syncDirectory();
    for (const leftover of scan.leftovers) await files.remove(leftover);
    if (scan.leftovers.length > 0) await files.syncDirectory();
  } catch (error) {
    await writer.close();
    throw error;
  }
  return { name, number: header.number, salt: header.salt, writer, bytes: validBytes };
}
