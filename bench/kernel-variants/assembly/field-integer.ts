/*
 * Measured against the kernel's field and slower: 32-bit integer products. An element is 10 limbs of
 * 26 and 25 bits in turns, as 32-bit integers of both lanes beside each other, worth the sum of
 * ai * 2^ceil(25.5 i); products by `i64x2.extmul_low_i32x4_s`. Same interface and same bounds in
 * their kind: tight limbs are at most 2^25 (even) and 2^24 (odd) in size but for a carry, loose ones
 * twice that, so that 100 products of loose limbs, 19 and 2 included, stay below 2^63.
 */

export const PAIR_BYTES: usize = 80;
export const STORED_BYTES: usize = 40;

const MASK: u64 = ((1 as u64) << 51) - 1;
const LIFT: i64 = (1 as i64) << 62;

// @ts-ignore: decorator
@inline
function p(x: v128, y: v128): v128 {
  return i64x2.extmul_low_i32x4_s(x, y);
}

// @ts-ignore: decorator
@inline
function plus(x: v128, y: v128): v128 {
  return i64x2.add(x, y);
}

/** x / 2^bits rounded to the nearest, for signed x: lifted, for logical shifts are cheaper. */
// @ts-ignore: decorator
@inline
function carryOf(x: v128, bits: i32): v128 {
  const lifted = plus(x, i64x2.splat(LIFT + ((1 as i64) << (bits - 1))));
  return i64x2.sub(i64x2.shr_u(lifted, bits), i64x2.splat(LIFT >> bits));
}

// @ts-ignore: decorator
@inline
function times19(x: v128): v128 {
  return plus(i64x2.shl(plus(i64x2.shl(x, 3), x), 1), x);
}

// @ts-ignore: decorator
@inline
function storeLimb(out: usize, i: usize, x: v128): void {
  const packed = v128.shuffle<u8>(x, x, 0, 1, 2, 3, 8, 9, 10, 11, 0, 1, 2, 3, 8, 9, 10, 11);
  v128.store64_lane(out + 8 * i, packed, 0);
}

function storeCarried(out: usize, h0: v128, h1: v128, h2: v128, h3: v128, h4: v128, h5: v128, h6: v128, h7: v128, h8: v128, h9: v128): void {
  let c0 = carryOf(h0, 26);
  h1 = plus(h1, c0);
  h0 = i64x2.sub(h0, i64x2.shl(c0, 26));
  let c4 = carryOf(h4, 26);
  h5 = plus(h5, c4);
  h4 = i64x2.sub(h4, i64x2.shl(c4, 26));
  let c1 = carryOf(h1, 25);
  h2 = plus(h2, c1);
  h1 = i64x2.sub(h1, i64x2.shl(c1, 25));
  let c5 = carryOf(h5, 25);
  h6 = plus(h6, c5);
  h5 = i64x2.sub(h5, i64x2.shl(c5, 25));
  let c2 = carryOf(h2, 26);
  h3 = plus(h3, c2);
  h2 = i64x2.sub(h2, i64x2.shl(c2, 26));
  let c6 = carryOf(h6, 26);
  h7 = plus(h7, c6);
  h6 = i64x2.sub(h6, i64x2.shl(c6, 26));
  let c3 = carryOf(h3, 25);
  h4 = plus(h4, c3);
  h3 = i64x2.sub(h3, i64x2.shl(c3, 25));
  let c7 = carryOf(h7, 25);
  h8 = plus(h8, c7);
  h7 = i64x2.sub(h7, i64x2.shl(c7, 25));
  const c4b = carryOf(h4, 26);
  h5 = plus(h5, c4b);
  h4 = i64x2.sub(h4, i64x2.shl(c4b, 26));
  let c8 = carryOf(h8, 26);
  h9 = plus(h9, c8);
  h8 = i64x2.sub(h8, i64x2.shl(c8, 26));
  const c9 = carryOf(h9, 25);
  h0 = plus(h0, times19(c9));
  h9 = i64x2.sub(h9, i64x2.shl(c9, 25));
  const last = carryOf(h0, 26);
  h1 = plus(h1, last);
  h0 = i64x2.sub(h0, i64x2.shl(last, 26));
  storeLimb(out, 0, h0);
  storeLimb(out, 1, h1);
  storeLimb(out, 2, h2);
  storeLimb(out, 3, h3);
  storeLimb(out, 4, h4);
  storeLimb(out, 5, h5);
  storeLimb(out, 6, h6);
  storeLimb(out, 7, h7);
  storeLimb(out, 8, h8);
  storeLimb(out, 9, h9);
}

export function mul(out: usize, a: usize, b: usize): void {
  const f0 = v128.load64_zero(a, 0);
  const f1 = v128.load64_zero(a, 8);
  const f2 = v128.load64_zero(a, 16);
  const f3 = v128.load64_zero(a, 24);
  const f4 = v128.load64_zero(a, 32);
  const f5 = v128.load64_zero(a, 40);
  const f6 = v128.load64_zero(a, 48);
  const f7 = v128.load64_zero(a, 56);
  const f8 = v128.load64_zero(a, 64);
  const f9 = v128.load64_zero(a, 72);
  const g0 = v128.load64_zero(b, 0);
  const g1 = v128.load64_zero(b, 8);
  const g2 = v128.load64_zero(b, 16);
  const g3 = v128.load64_zero(b, 24);
  const g4 = v128.load64_zero(b, 32);
  const g5 = v128.load64_zero(b, 40);
  const g6 = v128.load64_zero(b, 48);
  const g7 = v128.load64_zero(b, 56);
  const g8 = v128.load64_zero(b, 64);
  const g9 = v128.load64_zero(b, 72);
  const nineteen = i32x4.splat(19);
  const n1 = i32x4.mul(g1, nineteen);
  const n2 = i32x4.mul(g2, nineteen);
  const n3 = i32x4.mul(g3, nineteen);
  const n4 = i32x4.mul(g4, nineteen);
  const n5 = i32x4.mul(g5, nineteen);
  const n6 = i32x4.mul(g6, nineteen);
  const n7 = i32x4.mul(g7, nineteen);
  const n8 = i32x4.mul(g8, nineteen);
  const n9 = i32x4.mul(g9, nineteen);
  const d1 = i32x4.shl(f1, 1);
  const d3 = i32x4.shl(f3, 1);
  const d5 = i32x4.shl(f5, 1);
  const d7 = i32x4.shl(f7, 1);
  const d9 = i32x4.shl(f9, 1);
  const h0 = plus(plus(plus(plus(plus(plus(plus(plus(plus(p(f0, g0), p(d1, n9)), p(f2, n8)), p(d3, n7)), p(f4, n6)), p(d5, n5)), p(f6, n4)), p(d7, n3)), p(f8, n2)), p(d9, n1));
  const h1 = plus(plus(plus(plus(plus(plus(plus(plus(plus(p(f0, g1), p(f1, g0)), p(f2, n9)), p(f3, n8)), p(f4, n7)), p(f5, n6)), p(f6, n5)), p(f7, n4)), p(f8, n3)), p(f9, n2));
  const h2 = plus(plus(plus(plus(plus(plus(plus(plus(plus(p(f0, g2), p(d1, g1)), p(f2, g0)), p(d3, n9)), p(f4, n8)), p(d5, n7)), p(f6, n6)), p(d7, n5)), p(f8, n4)), p(d9, n3));
  const h3 = plus(plus(plus(plus(plus(plus(plus(plus(plus(p(f0, g3), p(f1, g2)), p(f2, g1)), p(f3, g0)), p(f4, n9)), p(f5, n8)), p(f6, n7)), p(f7, n6)), p(f8, n5)), p(f9, n4));
  const h4 = plus(plus(plus(plus(plus(plus(plus(plus(plus(p(f0, g4), p(d1, g3)), p(f2, g2)), p(d3, g1)), p(f4, g0)), p(d5, n9)), p(f6, n8)), p(d7, n7)), p(f8, n6)), p(d9, n5));
  const h5 = plus(plus(plus(plus(plus(plus(plus(plus(plus(p(f0, g5), p(f1, g4)), p(f2, g3)), p(f3, g2)), p(f4, g1)), p(f5, g0)), p(f6, n9)), p(f7, n8)), p(f8, n7)), p(f9, n6));
  const h6 = plus(plus(plus(plus(plus(plus(plus(plus(plus(p(f0, g6), p(d1, g5)), p(f2, g4)), p(d3, g3)), p(f4, g2)), p(d5, g1)), p(f6, g0)), p(d7, n9)), p(f8, n8)), p(d9, n7));
  const h7 = plus(plus(plus(plus(plus(plus(plus(plus(plus(p(f0, g7), p(f1, g6)), p(f2, g5)), p(f3, g4)), p(f4, g3)), p(f5, g2)), p(f6, g1)), p(f7, g0)), p(f8, n9)), p(f9, n8));
  const h8 = plus(plus(plus(plus(plus(plus(plus(plus(plus(p(f0, g8), p(d1, g7)), p(f2, g6)), p(d3, g5)), p(f4, g4)), p(d5, g3)), p(f6, g2)), p(d7, g1)), p(f8, g0)), p(d9, n9));
  const h9 = plus(plus(plus(plus(plus(plus(plus(plus(plus(p(f0, g9), p(f1, g8)), p(f2, g7)), p(f3, g6)), p(f4, g5)), p(f5, g4)), p(f6, g3)), p(f7, g2)), p(f8, g1)), p(f9, g0));
  storeCarried(out, h0, h1, h2, h3, h4, h5, h6, h7, h8, h9);
}

export function square(out: usize, a: usize): void {
  mul(out, a, a);
}

export function add(out: usize, a: usize, b: usize): void {
  for (let i: usize = 0; i < PAIR_BYTES; i += 16) {
    v128.store(out + i, i32x4.add(v128.load(a + i), v128.load(b + i)));
  }
}

export function sub(out: usize, a: usize, b: usize): void {
  for (let i: usize = 0; i < PAIR_BYTES; i += 16) {
    v128.store(out + i, i32x4.sub(v128.load(a + i), v128.load(b + i)));
  }
}

// @ts-ignore: decorator
@inline
function wide(a: usize, i: usize): v128 {
  return i64x2.extend_low_i32x4_s(v128.load64_zero(a + 8 * i));
}

export function tighten(out: usize, a: usize): void {
  storeCarried(out, wide(a, 0), wide(a, 1), wide(a, 2), wide(a, 3), wide(a, 4), wide(a, 5), wide(a, 6), wide(a, 7), wide(a, 8), wide(a, 9));
}

export function spread(out: usize, a: usize, lane: usize): void {
  for (let i: usize = 0; i < PAIR_BYTES; i += 8) {
    const limb = load<u32>(a + i + 4 * lane);
    store<u32>(out + i, limb);
    store<u32>(out + i, limb, 4);
  }
}

export function copyLane(out: usize, a: usize, lane: usize): void {
  for (let i: usize = 4 * lane; i < PAIR_BYTES; i += 8) store<u32>(out + i, load<u32>(a + i));
}

export function copy(out: usize, a: usize): void {
  for (let i: usize = 0; i < PAIR_BYTES; i += 16) v128.store(out + i, v128.load(a + i));
}

export function keep(out: usize, a: usize, lane: usize): void {
  for (let i: usize = 0; i < 10; i++) store<u32>(out + 4 * i, load<u32>(a + 8 * i + 4 * lane));
}

export function recall(out: usize, lane0: usize, lane1: usize, signs: v128): void {
  const spread = i32x4.shr_s(signs, 31);
  const mask = v128.shuffle<u8>(spread, spread, 4, 5, 6, 7, 12, 13, 14, 15, 4, 5, 6, 7, 12, 13, 14, 15);
  for (let i: usize = 0; i < 10; i++) {
    const pair = v128.load32_lane(lane1 + 4 * i, v128.load32_zero(lane0 + 4 * i), 1);
    v128.store64_lane(out + 8 * i, i32x4.sub(v128.xor(pair, mask), mask), 0);
  }
}

// @ts-ignore: decorator
@inline
function setLimb(out: usize, i: usize, digit: u64): void {
  store<u32>(out + 8 * i, <u32>digit);
  store<u32>(out + 8 * i, <u32>digit, 4);
}

export function fromBytes(out: usize, bytes: usize): void {
  const w0 = load<u64>(bytes);
  const w1 = load<u64>(bytes, 8);
  const w2 = load<u64>(bytes, 16);
  const w3 = load<u64>(bytes, 24);
  setLimb(out, 0, w0 & 0x3ffffff);
  setLimb(out, 1, (w0 >> 26) & 0x1ffffff);
  setLimb(out, 2, ((w0 >> 51) | (w1 << 13)) & 0x3ffffff);
  setLimb(out, 3, (w1 >> 13) & 0x1ffffff);
  setLimb(out, 4, (w1 >> 38) & 0x3ffffff);
  setLimb(out, 5, w2 & 0x1ffffff);
  setLimb(out, 6, (w2 >> 25) & 0x3ffffff);
  setLimb(out, 7, ((w2 >> 51) | (w3 << 13)) & 0x1ffffff);
  setLimb(out, 8, (w3 >> 12) & 0x3ffffff);
  setLimb(out, 9, (w3 >> 38) & 0x1ffffff);
  tighten(out, out);
}

// @ts-ignore: decorator
@inline
function limb(a: usize, i: usize, lane: usize): u64 {
  const even = <i64>load<i32>(a + 16 * i + 4 * lane);
  return <u64>(even + ((<i64>load<i32>(a + 16 * i + 4 * lane, 8)) << 26));
}

/** Four words of the canonical encoding (the number modulo p) of one lane. a loose. */
export function toBytes(out: usize, a: usize, lane: usize): void {
  // |a| < 2^256, so with 4 p added it is positive and below 2^258; and each limb is positive.
  let l0 = limb(a, 0, lane) + 4 * (MASK - 18);
  let l1 = limb(a, 1, lane) + 4 * MASK + (l0 >> 51);
  let l2 = limb(a, 2, lane) + 4 * MASK + (l1 >> 51);
  let l3 = limb(a, 3, lane) + 4 * MASK + (l2 >> 51);
  let l4 = limb(a, 4, lane) + 4 * MASK + (l3 >> 51);
  l0 = (l0 & MASK) + 19 * (l4 >> 51);
  l1 = (l1 & MASK) + (l0 >> 51);
  l2 = (l2 & MASK) + (l1 >> 51);
  l3 = (l3 & MASK) + (l2 >> 51);
  // Below 2^255 + 2^51 now. Once more than p exactly if adding 19 carries past bit 255.
  l4 = (l4 & MASK) + (l3 >> 51);
  l0 &= MASK;
  l1 &= MASK;
  l2 &= MASK;
  l3 &= MASK;
  let over = (l0 + 19) >> 51;
  over = (l1 + over) >> 51;
  over = (l2 + over) >> 51;
  over = (l3 + over) >> 51;
  over = (l4 + over) >> 51;
  l0 += 19 * over;
  l1 += l0 >> 51;
  l2 += l1 >> 51;
  l3 += l2 >> 51;
  l4 += l3 >> 51;
  l0 &= MASK;
  l1 &= MASK;
  l2 &= MASK;
  l3 &= MASK;
  l4 &= MASK;
  store<u64>(out, l0 | (l1 << 51));
  store<u64>(out, (l1 >> 13) | (l2 << 38), 8);
  store<u64>(out, (l2 >> 26) | (l3 << 25), 16);
  store<u64>(out, (l3 >> 39) | (l4 << 12), 24);
}


export function isFused(a: usize): bool {
  return true;
}
