import { invariant } from "../../primitives/assert.ts";
import { fromUtf8, toHex } from "../../primitives/bytes.ts";

/**
 * Every key of the database begins with one of these bytes. A number that was ever used is never
 * given to something else: an old database would be read wrongly.
 *
 * | prefix | rest of the key | value |
 * |---|---|---|
 * | sentinel | | schema version, chain id, time of creation |
 * | head | | height, digest and state root of the newest applied block |
 * | base | | height u64 of the block whose state a snapshot brought; absent: the genesis |
 * | block | height u64 | digest, parent digest, state root, batch digests, counts |
 * | header | height u64 | canonical header |
 * | finalization | height u64 | certificate of this block or of a descendant |
 * | receipt | height u64 ‖ index u32 | receipt |
 * | events | height u64 ‖ transaction u32 | its events, each with index and length |
 * | height | block digest 32 | height u64 |
 * | epochEnd | epoch u64 | how the epoch ended, as a snapshot told it |
 * | transaction | txId 32 | height u64 ‖ index u32 |
 * | clientRef | member length u8 ‖ member ‖ client reference | txId 32 |
 * | state | state key, UTF-8 | state value |
 * | batch | batch digest 32 | batch |
 * | batchUnreferenced | height when stored u64 ‖ batch digest 32 | size u32 |
 * | batchCommitted | batch digest 32 | height of the first block that names it u64 |
 *
 * Integers are big-endian, so that keys sort by height.
 */
export const PREFIX = {
  sentinel: 0x00,
  head: 0x01,
  base: 0x02,
  block: 0x10,
  header: 0x11,
  finalization: 0x12,
  receipt: 0x13,
  // 0x14 was one event each.
  height: 0x15,
  transaction: 0x16,
  clientRef: 0x17,
  epochEnd: 0x18,
  events: 0x19,
  state: 0x20,
  batch: 0x30,
  batchUnreferenced: 0x31,
  batchCommitted: 0x32,
} as const;

type Prefix = (typeof PREFIX)[keyof typeof PREFIX];

/** Bounds of a scan; what is not given is open. */
export interface KeyRange {
  readonly gte?: Uint8Array;
  readonly gt?: Uint8Array;
  readonly lt?: Uint8Array;
  readonly lte?: Uint8Array;
}

export const SENTINEL_KEY = Uint8Array.of(PREFIX.sentinel);
export const HEAD_KEY = Uint8Array.of(PREFIX.head);
export const BASE_KEY = Uint8Array.of(PREFIX.base);

/** All keys under one prefix. */
export function prefixRange(prefix: Prefix): KeyRange {
  return { gte: Uint8Array.of(prefix), lt: Uint8Array.of(prefix + 1) };
}

/** From Buffer's pool, which is several times faster: keys are small and soon gone. */
function keyOf(prefix: Prefix, length: number): Buffer {
  const key = Buffer.allocUnsafe(length);
  key[0] = prefix;
  return key;
}

type PerBlock = "block" | "header" | "finalization";

export function blockKey(kind: PerBlock, height: number): Uint8Array {
  const key = keyOf(PREFIX[kind], 9);
  putU64(key, 1, height);
  return key;
}

export function epochEndKey(epoch: number): Uint8Array {
  const key = keyOf(PREFIX.epochEnd, 9);
  putU64(key, 1, epoch);
  return key;
}

export function receiptKey(height: number, index: number): Uint8Array {
  const key = keyOf(PREFIX.receipt, 13);
  putU64(key, 1, height);
  putU32(key, 9, index);
  return key;
}

export function eventsKey(height: number, txIndex: number): Uint8Array {
  const key = keyOf(PREFIX.events, 13);
  putU64(key, 1, height);
  putU32(key, 9, txIndex);
  return key;
}

export function eventsPosition(key: Uint8Array): { height: number; txIndex: number } {
  invariant(key.length === 13, "a key of events has 13 bytes");
  return { height: getU64(key, 1), txIndex: getU32(key, 9) };
}

type PerHash = "height" | "transaction" | "batch" | "batchCommitted";

/** `hash` is 64 lower-case hex digits. */
export function hashKey(kind: PerHash, hash: string): Uint8Array {
  const key = keyOf(PREFIX[kind], 33);
  key.set(hashBytes(hash), 1);
  return key;
}

/** The member's length comes first: "AB" + "C" and "A" + "BC" are different keys. */
export function clientRefKey(member: string, clientRef: string): Uint8Array {
  const memberLength = Buffer.byteLength(member);
  invariant(memberLength <= 0xff, "a member id has at most 255 bytes");
  const key = keyOf(PREFIX.clientRef, 2 + memberLength + Buffer.byteLength(clientRef));
  key[1] = memberLength;
  key.write(member, 2);
  key.write(clientRef, 2 + memberLength);
  return key;
}

export function stateKey(key: string): Uint8Array {
  const out = keyOf(PREFIX.state, 1 + Buffer.byteLength(key));
  out.write(key, 1);
  return out;
}

export function stateKeyText(key: Uint8Array): string {
  return fromUtf8(key.subarray(1));
}

export function batchUnreferencedKey(storedAtHeight: number, digest: string): Uint8Array {
  const key = keyOf(PREFIX.batchUnreferenced, 41);
  putU64(key, 1, storedAtHeight);
  key.set(hashBytes(digest), 9);
  return key;
}

export function batchUnreferencedParts(key: Uint8Array): { storedAt: number; digest: string } {
  invariant(key.length === 41, "the key of an unreferenced batch has 41 bytes");
  return { storedAt: getU64(key, 1), digest: toHex(key.subarray(9)) };
}

export function hashBytes(hash: string): Uint8Array {
  // Buffer stops at the first character that is no hex digit: the length then shows it.
  const bytes = Buffer.from(hash, "hex");
  invariant(hash.length === 64 && bytes.length === 32, "a hash has 64 hex digits");
  return bytes;
}

export function u64Bytes(value: number): Uint8Array {
  const bytes = Buffer.allocUnsafe(8);
  putU64(bytes, 0, value);
  return bytes;
}

export function u32Bytes(value: number): Uint8Array {
  const bytes = Buffer.allocUnsafe(4);
  putU32(bytes, 0, value);
  return bytes;
}

export function getU64(bytes: Uint8Array, offset: number): number {
  const value = getU32(bytes, offset) * 2 ** 32 + getU32(bytes, offset + 4);
  invariant(Number.isSafeInteger(value), "a stored counter is a safe integer");
  return value;
}

export function getU32(bytes: Uint8Array, offset: number): number {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(offset);
}

function putU64(bytes: Buffer, offset: number, value: number): void {
  invariant(Number.isSafeInteger(value) && value >= 0, "a stored counter is a safe integer");
  bytes.writeUInt32BE(Math.floor(value / 2 ** 32), offset);
  bytes.writeUInt32BE(value % 2 ** 32, offset + 4);
}

function putU32(bytes: Buffer, offset: number, value: number): void {
  invariant(Number.isInteger(value) && value >= 0 && value < 2 ** 32, "u32 in range");
  bytes.writeUInt32BE(value, offset);
}
