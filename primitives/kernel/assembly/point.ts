import { D, D2, element, ONE, POINT, SQRT_MINUS_ONE, BYTES } from "./constants";
import { add, copy, fromBytes, mul, PAIR_BYTES, recall, STORED_BYTES, spread, square, sub, tighten, toBytes } from "./field";
import { powerP58 } from "./power";

/*
 * Points of the curve -x^2 + y^2 = 1 + d x^2 y^2 in extended coordinates (Hisil, Wong, Carter,
 * Dawson: "Twisted Edwards Curves Revisited", ASIACRYPT 2008): X, Y, Z, T, each a pair of tight
 * elements, with x = X / Z, y = Y / Z, T = X Y / Z. The formulas are complete on this curve: they
 * hold for equal points, opposite ones and the neutral one.
 */

export const Y: usize = PAIR_BYTES;
export const Z: usize = 2 * PAIR_BYTES;
export const T: usize = 3 * PAIR_BYTES;
export const POINT_BYTES: usize = 4 * PAIR_BYTES;

/**
 * Entry of a table, for the point (x, y): (y + x) / 2, (y - x) / 2, d x y, stored elements at 0, 40
 * and 80. The halves save the doubling of Z in each addition. Padded to two cache lines.
 */
export const ENTRY_BYTES: usize = 128;
const MINUS: usize = STORED_BYTES;
const PRODUCT: usize = 2 * STORED_BYTES;

/** Lanes with bit 0 of the address set take the negative of the entry. */
// @ts-ignore: decorator
@inline
function signsOf(lane0: u32, lane1: u32): v128 {
  return i64x2.replace_lane(i64x2.splat(<i64>(<u64>lane0 << 63)), 1, <i64>(<u64>lane1 << 63));
}

// @ts-ignore: decorator
@inline
function noSigns(): v128 {
  return i64x2.splat(0);
}

/**
 * point += the entries at two addresses, bit 0 of which says that the entry is subtracted: -(x, y)
 * = (-x, y) swaps the first two elements and negates the third. 7 multiplications; 6 without T.
 */
export function addEntries(point: usize, lane0: u32, lane1: u32, withT: bool): void {
  const e = element(POINT);
  const f = element(POINT + 1);
  const g = element(POINT + 2);
  const h = element(POINT + 3);
  const q = element(POINT + 4);
  const address0: usize = lane0 & ~1;
  const address1: usize = lane1 & ~1;
  const swap0: usize = MINUS * (lane0 & 1);
  const swap1: usize = MINUS * (lane1 & 1);
  sub(e, point + Y, point);
  recall(q, address0 + MINUS - swap0, address1 + MINUS - swap1, noSigns());
  mul(e, e, q);
  add(f, point + Y, point);
  recall(q, address0 + swap0, address1 + swap1, noSigns());
  mul(f, f, q);
  recall(q, address0 + PRODUCT, address1 + PRODUCT, signsOf(lane0, lane1));
  mul(q, point + T, q);
  add(h, f, e);
  sub(e, f, e);
  sub(f, point + Z, q);
  add(g, point + Z, q);
  mul(point, e, f);
  mul(point + Y, g, h);
  mul(point + Z, f, g);
  if (withT) mul(point + T, e, h);
}

/** point = the entries at two addresses, as in `addEntries`. */
export function setEntries(point: usize, lane0: u32, lane1: u32): void {
  const h = element(POINT);
  const e = element(POINT + 1);
  const address0: usize = lane0 & ~1;
  const address1: usize = lane1 & ~1;
  const swap0: usize = MINUS * (lane0 & 1);
  const swap1: usize = MINUS * (lane1 & 1);
  recall(h, address0 + swap0, address1 + swap1, noSigns());
  recall(e, address0 + MINUS - swap0, address1 + MINUS - swap1, noSigns());
  add(point + Y, h, e);
  sub(point, h, e);
  mul(point + T, point, point + Y);
  tighten(point, point);
  tighten(point + Y, point + Y);
  copy(point + Z, element(ONE));
}

/**
 * What `addCached` takes, of a point: Y - X, Y + X, 2 d T, 2 Z; the third tight, the others loose.
 */
export function cache(out: usize, point: usize): void {
  sub(out, point + Y, point);
  add(out + Y, point + Y, point);
  mul(out + Z, point + T, element(D2));
  add(out + T, point + Z, point + Z);
}

/** point += the point of which `cached` was made. */
export function addCached(point: usize, cached: usize): void {
  const e = element(POINT);
  const f = element(POINT + 1);
  const g = element(POINT + 2);
  const h = element(POINT + 3);
  const q = element(POINT + 4);
  sub(e, point + Y, point);
  mul(e, e, cached);
  add(f, point + Y, point);
  mul(f, f, cached + Y);
  mul(q, point + T, cached + Z);
  mul(g, point + Z, cached + T);
  add(h, f, e);
  sub(e, f, e);
  sub(f, g, q);
  add(g, g, q);
  mul(point, e, f);
  mul(point + Y, g, h);
  mul(point + Z, f, g);
  mul(point + T, e, h);
}

/** point = 2 point, by the complete addition. */
export function double(point: usize): void {
  const cached = element(POINT + 6);
  cache(cached, point);
  addCached(point, cached);
}

/** Whether the elements, loose, are equal modulo p in lane 0. */
function areEqual(a: usize, b: usize): bool {
  const bytes = element(BYTES);
  toBytes(bytes, a, 0);
  toBytes(bytes + 32, b, 0);
  return areBytesEqual(bytes, bytes + 32);
}

export function areBytesEqual(a: usize, b: usize): bool {
  let difference = load<u64>(a) ^ load<u64>(b);
  difference |= load<u64>(a, 8) ^ load<u64>(b, 8);
  difference |= load<u64>(a, 16) ^ load<u64>(b, 16);
  difference |= load<u64>(a, 24) ^ load<u64>(b, 24);
  return difference == 0;
}

/**
 * The point with this encoding, in both lanes, if `bytes` is the canonical encoding of one other
 * than the neutral point (RFC 8032, 5.1.3): y < p, on the curve, no sign bit with x = 0. Negated if
 * `negate`.
 */
export function decode(point: usize, bytes: usize, negate: bool): bool {
  const u = element(POINT);
  const v = element(POINT + 1);
  const v3 = element(POINT + 2);
  const t = element(POINT + 3);
  const x = element(POINT + 4);
  const encoding = element(BYTES) + 64;
  const sign = load<u8>(bytes, 31) >> 7;
  fromBytes(point + Y, bytes);
  toBytes(encoding, point + Y, 0);
  store<u8>(encoding, load<u8>(encoding, 31) | (sign << 7), 31);
  if (!areBytesEqual(encoding, bytes)) return false;
  // x^2 = u / v, u = y^2 - 1, v = d y^2 + 1: x = u v^3 (u v^7)^((p - 5) / 8), times sqrt(-1) or not.
  square(t, point + Y);
  sub(u, t, element(ONE));
  mul(v, t, element(D));
  add(v, v, element(ONE));
  square(t, v);
  mul(v3, t, v);
  square(t, v3);
  mul(t, t, v);
  mul(t, t, u);
  powerP58(t, t);
  mul(t, t, v3);
  mul(x, t, u);
  square(t, x);
  mul(t, t, v);
  if (!areEqual(t, u)) {
    tighten(u, u);
    sub(v, element(ONE), element(ONE));
    sub(u, v, u);
    if (!areEqual(t, u)) return false;
    mul(x, x, element(SQRT_MINUS_ONE));
  }
  toBytes(encoding, x, 0);
  const isZero = (load<u64>(encoding) | load<u64>(encoding, 8) | load<u64>(encoding, 16) | load<u64>(encoding, 24)) == 0;
  // x = 0 with y = 1 is the neutral point, with y = -1 the point of order 2.
  if (isZero) return false;
  if (((load<u8>(encoding) & 1) == sign) == negate) {
    sub(t, element(ONE), element(ONE));
    sub(x, t, x);
  }
  tighten(point, x);
  copy(point + Z, element(ONE));
  mul(point + T, point, point + Y);
  return true;
}

/** Whether lane 0 is the neutral point: x = 0 and y = 1. */
export function isNeutral(point: usize): bool {
  const zero = element(POINT);
  sub(zero, element(ONE), element(ONE));
  return areEqual(point, zero) && areEqual(point + Y, point + Z);
}
