import { D4, element, HALF, NEUTRAL, TABLE } from "./constants";
import { add, copy, copyLane, keep, mul, STORED_BYTES, sub, tighten } from "./field";
import {
  addCached,
  addEntries,
  areBytesEqual,
  cache,
  decode,
  double,
  ENTRY_BYTES,
  isNeutral,
  POINT_BYTES,
  setEntries,
  Y,
  Z,
} from "./point";
import { invert } from "./power";
import { groupOrder } from "./scalar";
import { BATCH, BATCH_STRIDE, DIGITS, SPARE, work } from "./workspace";

/*
 * A table of a point P for signed windows of w bits: for each window i, the entries of j 2^(w i) P,
 * j = 1 … 2^(w-1). A scalar below 2^253 is then at most `windowsOf(w)` additions, no doubling.
 */

/** Windows for scalars of 253 bits: one bit more, so that the top digit carries nothing out. */
export function windowsOf(width: usize): usize {
  return (253 + width) / width;
}

export function tableBytes(width: usize): usize {
  return windowsOf(width) * (ENTRY_BYTES << (width - 1));
}

/** Bytes from a digit's address to that of the same window in the other lane. */
const DIGIT_STRIDE: usize = 8;

/**
 * Addresses of the entries of a scalar's digits in [-2^(w-1), 2^(w-1)), least significant window
 * first, as `addEntries` takes them; a digit 0 is the neutral entry. `scalar`: 32 bytes below 2^253
 * and 8 zero bytes.
 */
export function writeDigits(out: usize, scalar: usize, table: usize, width: usize): usize {
  const windows = windowsOf(width);
  const half: u64 = (1 as u64) << (width - 1);
  const mask = 2 * half - 1;
  const neutral = <u32>element(NEUTRAL);
  let carry: u64 = 0;
  for (let i: usize = 0; i < windows; i++) {
    const bit = i * width;
    const digit = ((load<u64>(scalar + (bit >> 3)) >> (bit & 7)) & mask) + carry;
    carry = u64(digit >= half);
    const size = carry ? 2 * half - digit : digit;
    const entry = table + (((i << (width - 1)) + <usize>size - 1) * ENTRY_BYTES);
    store<u32>(out, size == 0 ? neutral : <u32>entry | <u32>carry);
    out += DIGIT_STRIDE;
  }
  return out;
}

/**
 * Reads a word of both cache lines of every entry. The reads don't depend on each other, so the
 * processor waits for memory once and not once an addition: worth a quarter of the whole time with
 * few keys, nearly half with many.
 */
function fetchEntries(digits: usize, count: usize): void {
  let seen: u32 = 0;
  for (let i: usize = 0; i < 2 * count; i++) {
    const entry = load<u32>(digits + 4 * i) & ~1;
    seen |= load<u32>(entry) | load<u32>(entry, 64);
  }
  // Used, or else the compiler would leave the reads out.
  store<u32>(work, seen, SPARE);
}

/** point = sum of the entries of both lanes' digits. T is left undefined. */
export function addDigits(point: usize, digits: usize, count: usize): void {
  fetchEntries(digits, count);
  setEntries(point, load<u32>(digits), load<u32>(digits, 4));
  for (let i: usize = 1; i < count; i++) {
    const at = digits + DIGIT_STRIDE * i;
    addEntries(point, load<u32>(at), load<u32>(at, 4), i + 1 < count);
  }
}

/** Keeps (X, Y, Z) and the running product of all Z so far, in both lanes. */
export function pushPoint(index: usize, point: usize): void {
  const at = work + BATCH + BATCH_STRIDE * index;
  copy(at, point);
  copy(at + Y, point + Y);
  copy(at + Z, point + Z);
  if (index == 0) copy(at + 3 * Y, point + Z);
  else mul(at + 3 * Y, at + 3 * Y - BATCH_STRIDE, point + Z);
}

/** 1 / (product of the `count` kept Z), to start `popPoint` with. */
export function invertProduct(out: usize, count: usize): void {
  invert(out, work + BATCH + BATCH_STRIDE * (count - 1) + 3 * Y);
}

/**
 * x and y of a kept point, tight, times what `inverse` was multiplied by; from the last to the
 * first (Montgomery's trick: `inverse` is that of the product up to this one).
 */
export function popPoint(index: usize, inverse: usize, x: usize, y: usize): void {
  const at = work + BATCH + BATCH_STRIDE * index;
  const own = element(TABLE);
  if (index == 0) copy(own, inverse);
  else mul(own, inverse, at + 3 * Y - BATCH_STRIDE);
  mul(inverse, inverse, at + Z);
  mul(x, at, own);
  mul(y, at + Y, own);
}

/** Writes the entries of the `count` kept points, one window in each lane. */
function writeEntries(lane0: usize, lane1: usize, count: usize): void {
  const inverse = element(TABLE + 1);
  const x = element(TABLE + 2);
  const y = element(TABLE + 3);
  const plus = element(TABLE + 4);
  const minus = element(TABLE + 5);
  invertProduct(inverse, count);
  mul(inverse, inverse, element(HALF));
  for (let i: isize = count - 1; i >= 0; i--) {
    popPoint(i, inverse, x, y);
    add(plus, y, x);
    tighten(plus, plus);
    sub(minus, y, x);
    tighten(minus, minus);
    mul(x, x, y);
    mul(x, x, element(D4));
    writeEntry(lane0 + ENTRY_BYTES * i, plus, minus, x, 0);
    if (lane1 != 0) writeEntry(lane1 + ENTRY_BYTES * i, plus, minus, x, 1);
  }
}

function writeEntry(at: usize, plus: usize, minus: usize, product: usize, lane: usize): void {
  keep(at, plus, lane);
  keep(at + STORED_BYTES, minus, lane);
  keep(at + 2 * STORED_BYTES, product, lane);
}

/** base: lane 0 times 2^a, lane 1 times 2^(a + width), from one point in both lanes. */
function shiftLane1(base: usize, width: usize): void {
  const shifted = element(TABLE + 8);
  for (let i: usize = 0; i < POINT_BYTES; i += Y) copy(shifted + i, base + i);
  for (let i: usize = 0; i < width; i++) double(shifted);
  for (let i: usize = 0; i < POINT_BYTES; i += Y) copyLane(base + i, shifted + i, 1);
}

function fill(table: usize, width: usize, base: usize): void {
  const windows = windowsOf(width);
  const count: usize = 1 << (width - 1);
  const windowBytes = count * ENTRY_BYTES;
  const cached = element(TABLE + 12);
  const multiple = element(TABLE + 16);
  shiftLane1(base, width);
  for (let window: usize = 0; window < windows; window += 2) {
    cache(cached, base);
    for (let i: usize = 0; i < POINT_BYTES; i += Y) copy(multiple + i, base + i);
    for (let j: usize = 0; j < count; j++) {
      pushPoint(j, multiple);
      addCached(multiple, cached);
    }
    const lane0 = table + window * windowBytes;
    writeEntries(lane0, window + 1 < windows ? lane0 + windowBytes : 0, count);
    for (let i: usize = 0; i < 2 * width; i++) double(base);
  }
}

/**
 * Builds the table of the point with this encoding, or of its negative. Returns whether it is a key
 * that may be registered: a canonical encoding, not the neutral point, and of order L, which the new
 * table shows: [L]P is the neutral point.
 */
export function build(table: usize, width: usize, encoding: usize, negate: bool): bool {
  const base = element(TABLE + 20);
  if (!decode(base, encoding, negate)) return false;
  fill(table, width, base);
  const digits = work + DIGITS;
  writeDigits(digits, groupOrder(), table, width);
  writeDigits(digits + 4, groupOrder(), table, width);
  addDigits(base, digits, windowsOf(width));
  return isNeutral(base);
}
