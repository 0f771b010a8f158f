import { crc32 } from "node:zlib";
import { invariant } from "../../primitives/assert.ts";

/**
 * Framing of one journal record, big-endian:
 *
 *   length u32 ‖ CRC-32 u32 ‖ sequence u64 ‖ payload (length bytes)
 *
 * The CRC covers length, sequence and payload. It starts from the segment's salt, which is random
 * and written in the segment's header: bytes that a peer chose, or a block of an older file, can
 * then not pass for a record.
 */
export const RECORD_HEADER_BYTES = 16;

export interface JournalRecord {
  readonly sequence: number;
  readonly payload: Uint8Array;
  /** Offset of the first byte after the record. */
  readonly end: number;
}

export function frameBytes(payload: Uint8Array): number {
  return RECORD_HEADER_BYTES + payload.length;
}

/** Writes the record at `offset` and returns the offset after it. */
export function writeRecord(
  target: Uint8Array,
  offset: number,
  salt: number,
  sequence: number,
  payload: Uint8Array,
): number {
  invariant(Number.isSafeInteger(sequence) && sequence >= 0, "journal sequence is a safe integer");
  const view = new DataView(target.buffer, target.byteOffset, target.byteLength);
  view.setUint32(offset, payload.length);
  view.setBigUint64(offset + 8, BigInt(sequence));
  target.set(payload, offset + RECORD_HEADER_BYTES);
  view.setUint32(offset + 4, checksum(target, offset, payload.length, salt));
  return offset + RECORD_HEADER_BYTES + payload.length;
}

/** The record at `offset`, if what stands there is whole and its checksum fits. */
export function readRecord(
  bytes: Uint8Array,
  offset: number,
  salt: number,
  maxRecordBytes: number,
): JournalRecord | undefined {
  if (bytes.length - offset < RECORD_HEADER_BYTES) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = view.getUint32(offset);
  const end = offset + RECORD_HEADER_BYTES + length;
  if (length === 0 || length > maxRecordBytes || end > bytes.length) return undefined;
  const sequence = view.getBigUint64(offset + 8);
  if (sequence > BigInt(Number.MAX_SAFE_INTEGER)) return undefined;
  if (view.getUint32(offset + 4) !== checksum(bytes, offset, length, salt)) return undefined;
  const payload = bytes.subarray(offset + RECORD_HEADER_BYTES, end);
  return { sequence: Number(sequence), payload, end };
}

/** CRC-32 over length, sequence and payload of the record at `offset`, starting from `salt`. */
function checksum(bytes: Uint8Array, offset: number, length: number, salt: number): number {
  const lengthField = new Uint8Array(4);
  new DataView(lengthField.buffer).setUint32(0, length);
  const body = bytes.subarray(offset + 8, offset + RECORD_HEADER_BYTES + length);
  return crc32(body, crc32(lengthField, salt));
}

/** Sectors are written whole or not at all: the unit in which a power failure tears a write. */
const SECTOR_BYTES = 512;

/**
 * What stands at the end of a segment where no record can be read and none follows.
 *
 * - `torn`: a write that was cut short. Bytes that never were synced: nobody was promised anything.
 * - `damaged`: a whole record that changed after it was written. It may have been promised.
 *
 * A cut write leaves a prefix of what was written, possibly followed by zeros up to the file's
 * size (some file systems extend the file before the data). Anything else is damage.
 */
export function classifyTail(
  bytes: Uint8Array,
  offset: number,
  salt: number,
  maxRecordBytes: number,
): "torn" | "damaged" {
  if (endsInZeroSector(bytes, offset)) return "torn";
  const present = bytes.length - offset;
  if (present < RECORD_HEADER_BYTES) return "torn";
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = view.getUint32(offset);
  // A prefix of a record of ours carries its true length, which is in bounds and not yet reached.
  if (length === 0 || length > maxRecordBytes) return "damaged";
  if (RECORD_HEADER_BYTES + length <= present) return "damaged";
  // The length itself may be what changed: then the record is whole under the length that is left.
  const whole = checksum(bytes, offset, present - RECORD_HEADER_BYTES, salt);
  return view.getUint32(offset + 4) === whole ? "damaged" : "torn";
}

function endsInZeroSector(bytes: Uint8Array, offset: number): boolean {
  let zerosFrom = bytes.length;
  while (zerosFrom > offset && bytes[zerosFrom - 1] === 0) zerosFrom--;
  if (zerosFrom === offset) return true;
  const sector = Math.ceil(zerosFrom / SECTOR_BYTES) * SECTOR_BYTES;
  return sector > offset && sector < bytes.length;
}

/**
 * Whether any valid record with a sequence above `after` starts beyond `offset`. The sequence is
 * checked first: it must lie within the few values that the remaining bytes could hold.
 */
export function validRecordBeyond(
  bytes: Uint8Array,
  offset: number,
  salt: number,
  maxRecordBytes: number,
  after: number,
): boolean {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = offset + 1; at + RECORD_HEADER_BYTES < bytes.length; at++) {
    const highest = after + 2 + Math.floor((at - offset) / RECORD_HEADER_BYTES);
    const sequence = view.getUint32(at + 8) * 2 ** 32 + view.getUint32(at + 12);
    if (sequence <= after || sequence > highest) continue;
    if (readRecord(bytes, at, salt, maxRecordBytes) !== undefined) return true;
  }
  return false;
}
