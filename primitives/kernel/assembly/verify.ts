import { BYTES, element, TABLE, writeConstants } from "./constants";
import { isFused, toBytes } from "./field";
import { areBytesEqual } from "./point";
import { isReduced, reduce } from "./scalar";
import { hashPadded, messageOf, pad } from "./sha512";
import { addDigits, build, invertProduct, popPoint, pushPoint, tableBytes, writeDigits } from "./table";
import { DIGITS, setWork, work, WORKSPACE_BYTES } from "./workspace";

/*
 * What the host calls. A record is 32 bytes of little-endian 32-bit words:
 *
 *   0 address of R, S (64 bytes)   4 address of A (32)     8 address of the message   12 its length
 *  16 address of the table of -A  20 bits of its window   24 the verdict, 1 or 0      28 unused
 */

const RECORD_BYTES: usize = 32;
const TABLE_OF: usize = 16;
const WIDTH: usize = 20;
const VERDICT: usize = 24;
/** Widths of a window: the workspace holds the digits and the entries of a window of these. */
const MIN_WIDTH: u32 = 4;
const MAX_WIDTH: u32 = 10;
/** Signatures of a call. */
const MAX_RECORDS: i32 = 256;

let baseTable: usize = 0;
let baseWidth: usize = 0;

export function workspaceBytes(): usize {
  return WORKSPACE_BYTES;
}

export function bytesOfTable(width: usize): usize {
  return tableBytes(width);
}

/** Sets this instance up in a workspace of its own. False: this machine must not use the kernel. */
export function start(workspace: usize): bool {
  setWork(workspace);
  if (!isFused(workspace)) return false;
  writeConstants();
  return true;
}

/** Says where the table of the base point B is. */
export function useBase(table: usize, width: usize): void {
  baseTable = table;
  baseWidth = width;
}

/** Builds the table of B. False: a defect. */
export function buildBase(table: usize, width: usize): bool {
  const encoding = element(BYTES) + 192;
  memory.fill(encoding, 0x66, 32);
  store<u8>(encoding, 0x58);
  return build(table, width, encoding, false);
}

/** Builds the table of the negative of a key. False: not a key that may be registered. */
export function buildKey(table: usize, width: usize, encoding: usize): bool {
  return build(table, width, encoding, true);
}

/** R || A || M as the message of a lane, padded; its blocks. */
function layOut(record: usize, lane: usize): usize {
  const at = messageOf(lane);
  const length = load<u32>(record, 12);
  memory.copy(at, load<u32>(record), 32);
  memory.copy(at + 32, load<u32>(record, 4), 32);
  memory.copy(at + 64, load<u32>(record, 8), length);
  return pad(lane, 64 + length);
}

/** Rules 1 and 2 of the criterion: S < L, and R is not the encoding of the neutral point. */
function isAdmissible(signature: usize): bool {
  const isNeutralR =
    load<u64>(signature) == 1 &&
    (load<u64>(signature, 8) | load<u64>(signature, 16) | load<u64>(signature, 24)) == 0;
  return !isNeutralR && isReduced(signature + 32);
}

/** Digits of S in the table of B and of k in that of -A. Returns how many. */
function layOutDigits(record: usize, lane: usize, hash: usize): usize {
  const digits = work + DIGITS + 4 * lane;
  const scalar = element(BYTES) + 320;
  const signature: usize = load<u32>(record);
  const admissible = isAdmissible(signature);
  store<u32>(record, u32(admissible), VERDICT);
  if (admissible) memory.copy(scalar, signature + 32, 32);
  else memory.fill(scalar, 0, 32);
  store<u64>(scalar, 0, 32);
  const middle = writeDigits(digits, scalar, baseTable, baseWidth);
  reduce(scalar, hash);
  const end = writeDigits(middle, scalar, load<u32>(record, TABLE_OF), load<u32>(record, WIDTH));
  return (end - digits) / 8;
}

/** S B - k A of two records whose windows are equally wide, kept as number `pair` of the batch. */
function accumulate(record0: usize, record1: usize, pair: usize): void {
  const hash0 = element(BYTES) + 192;
  const hash1 = hash0 + 64;
  const blocks0 = layOut(record0, 0);
  const blocks1 = layOut(record1, 1);
  hashPadded(hash0, blocks0, hash1, blocks1);
  layOutDigits(record0, 0, hash0);
  const count = layOutDigits(record1, 1, hash1);
  const point = element(TABLE + 8);
  addDigits(point, work + DIGITS, count);
  pushPoint(pair, point);
  store<u32>(pairsAt(pair), <u32>record0);
  store<u32>(pairsAt(pair), <u32>record1, 4);
}

/** The records of a pair. */
function pairsAt(pair: usize): usize {
  return work + DIGITS + 1024 + 8 * pair;
}

function compare(record: usize, x: usize, y: usize, lane: usize): void {
  const encoding = element(BYTES);
  toBytes(encoding + 32, x, lane);
  toBytes(encoding, y, lane);
  store<u8>(encoding, load<u8>(encoding, 31) | (load<u8>(encoding, 32) << 7), 31);
  if (!areBytesEqual(encoding, load<u32>(record))) store<u32>(record, 0, VERDICT);
}

/** Writes the verdict of each of `count` records, at most MAX_RECORDS, in any order. */
export function verify(records: usize, count: i32): void {
  assert(count <= MAX_RECORDS);
  const end = records + RECORD_BYTES * count;
  let pairs: usize = 0;
  // Records are paired with the next one of the same window; `open` waits for its partner.
  for (let width: u32 = MIN_WIDTH; width <= MAX_WIDTH; width++) {
    let open: usize = 0;
    for (let record = records; record < end; record += RECORD_BYTES) {
      if (load<u32>(record, WIDTH) != width) continue;
      if (open == 0) {
        open = record;
        continue;
      }
      accumulate(open, record, pairs++);
      open = 0;
    }
    if (open != 0) accumulate(open, open, pairs++);
  }
  if (pairs == 0) return;
  const inverse = element(TABLE + 1);
  const x = element(TABLE + 2);
  const y = element(TABLE + 3);
  invertProduct(inverse, pairs);
  for (let pair: isize = pairs - 1; pair >= 0; pair--) {
    popPoint(pair, inverse, x, y);
    compare(load<u32>(pairsAt(pair)), x, y, 0);
    compare(load<u32>(pairsAt(pair), 4), x, y, 1);
  }
}

/** For tests and measurements of the arithmetic. */
export { add, fromBytes, mul, square, sub, tighten, toBytes } from "./field";
export { invert } from "./power";
export { hashPadded, messageOf, pad } from "./sha512";
export { reduce, isReduced } from "./scalar";
