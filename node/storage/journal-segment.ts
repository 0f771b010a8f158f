import {
  compareBytes,
  copyBytes,
  FixedWriter,
  fromHex,
  toHex,
  utf8,
} from "../../primitives/bytes.ts";
import {
  classifyTail,
  frameBytes,
  type JournalRecord,
  readRecord,
  validRecordBeyond,
  writeRecord,
} from "./journal-record.ts";
import { StorageError } from "./storage-error.ts";

/**
 * First record of every segment file, 61 bytes of payload, big-endian:
 *
 *   magic "MIZANJNL" 8 ‖ version u32 ‖ segment number u64 ‖ live count u32 ‖ checkpoint u8 ‖
 *   salt u32 ‖ chainId 32
 *
 * A checkpoint begins with `liveCount` records that replace every older segment. The header takes
 * a sequence number of its own, so that sequences run without a gap through all segments.
 */
export interface SegmentHeader {
  readonly number: number;
  readonly checkpoint: boolean;
  readonly liveCount: number;
  readonly salt: number;
  readonly chainId: string;
}

const MAGIC = utf8("MIZANJNL");
const VERSION = 1;
const PAYLOAD_BYTES = 61;
/** The header is read before the salt is known. */
const HEADER_SALT = 0;

export const SEGMENT_HEADER_BYTES = frameBytes(new Uint8Array(PAYLOAD_BYTES));

export function segmentName(number: number): string {
  return `journal-${String(number).padStart(16, "0")}.seg`;
}

/** A segment that is being written under this name is not part of the journal yet. */
export function unfinishedName(number: number): string {
  return `${segmentName(number)}.unfinished`;
}

export function segmentNumber(name: string): number | undefined {
  const match = /^journal-([0-9]{16})\.seg$/.exec(name);
  return match?.[1] === undefined ? undefined : Number(match[1]);
}

export function isUnfinished(name: string): boolean {
  return /^journal-[0-9]{16}\.seg\.unfinished$/.test(name);
}

export function writeSegmentHeader(
  target: Uint8Array,
  sequence: number,
  header: SegmentHeader,
): number {
  const payload = new FixedWriter(PAYLOAD_BYTES)
    .put(MAGIC)
    .u32(VERSION)
    .u64(header.number)
    .u32(header.liveCount)
    .u8(header.checkpoint ? 1 : 0)
    .u32(header.salt)
    .put(fromHex(header.chainId))
    .finish();
  return writeRecord(target, 0, HEADER_SALT, sequence, payload);
}

/** Header of the segment in `bytes`. Throws JOURNAL_CORRUPT, _VERSION or _WRONG_CHAIN. */
export function readSegmentHeader(
  name: string,
  bytes: Uint8Array,
  chainId: string,
): SegmentHeader & { readonly sequence: number } {
  const record = readRecord(bytes, 0, HEADER_SALT, PAYLOAD_BYTES);
  if (record === undefined || record.payload.length !== PAYLOAD_BYTES) {
    throw corrupt(name, 0, "its header record is damaged");
  }
  const { payload } = record;
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
  if (compareBytes(payload.subarray(0, 8), MAGIC) !== 0) {
    throw corrupt(name, 0, "it does not begin with the magic of a journal");
  }
  const version = view.getUint32(8);
  if (version !== VERSION) {
    throw new StorageError(
      "JOURNAL_VERSION",
      `${name} is journal version ${version}; this release reads version ${VERSION}`,
      { segment: name, got: version, expected: VERSION },
    );
  }
  const found = toHex(payload.subarray(29, 61));
  if (found !== chainId) {
    throw new StorageError(
      "JOURNAL_WRONG_CHAIN",
      `${name} belongs to chain ${found}, not to ${chainId}`,
      { segment: name, got: found, expected: chainId },
    );
  }
  return {
    number: Number(view.getBigUint64(12)),
    liveCount: view.getUint32(20),
    checkpoint: payload[24] === 1,
    salt: view.getUint32(25),
    chainId: found,
    sequence: record.sequence,
  };
}

export interface ScannedSegment {
  readonly header: SegmentHeader & { readonly sequence: number };
  readonly records: readonly Uint8Array[];
  readonly lastSequence: number;
  /** Bytes up to the end of the last valid record. */
  readonly validBytes: number;
  /** Bytes of a write that was cut short, after `validBytes`. */
  readonly tornBytes: number;
}

/**
 * Reads every record of one segment. Only the newest segment may end in a torn write, and never
 * inside its live records: those were synced before the segment got its name.
 * Throws JOURNAL_CORRUPT.
 */
export function scanSegment(
  name: string,
  bytes: Uint8Array,
  options: { readonly chainId: string; readonly maxRecordBytes: number; readonly newest: boolean },
): ScannedSegment {
  const header = readSegmentHeader(name, bytes, options.chainId);
  const { salt } = header;
  const records: Uint8Array[] = [];
  let offset = SEGMENT_HEADER_BYTES;
  let sequence = header.sequence;
  while (offset < bytes.length) {
    const record = readRecord(bytes, offset, salt, options.maxRecordBytes);
    if (record === undefined) break;
    checkSequence(name, offset, record, sequence + 1);
    records.push(copyBytes(record.payload));
    sequence = record.sequence;
    offset = record.end;
  }
  if (offset < bytes.length) {
    if (validRecordBeyond(bytes, offset, salt, options.maxRecordBytes, sequence)) {
      throw corrupt(name, offset, "a bad record is followed by valid ones");
    }
    if (!options.newest) throw corrupt(name, offset, "an older segment ends in a bad record");
    if (classifyTail(bytes, offset, salt, options.maxRecordBytes) === "damaged") {
      throw corrupt(name, offset, "the last record is whole but damaged");
    }
  }
  if (header.checkpoint && records.length < header.liveCount) {
    throw corrupt(name, offset, "records that were synced before its first use are missing");
  }
  return {
    header,
    records,
    lastSequence: sequence,
    validBytes: offset,
    tornBytes: bytes.length - offset,
  };
}

function checkSequence(
  name: string,
  offset: number,
  record: JournalRecord,
  expected: number,
): void {
  if (record.sequence === expected) return;
  throw corrupt(name, offset, `sequence ${record.sequence} stands where ${expected} must be`);
}

export function corrupt(name: string, offset: number, why: string): StorageError {
  return new StorageError(
    "JOURNAL_CORRUPT",
    `${name} at byte ${offset}: ${why}. Votes that this key promised may be lost: do not delete or ` +
      "edit the journal; start as an observer and rotate the consensus key",
    { segment: name, offset },
  );
}
