/*
 * Arithmetic modulo p = 2^255 - 19 on two field elements at once, one in each lane of a v128, by
 * fused multiply-add on doubles (the method of N. Emmart, "Faster Modular Exponentiation Using
 * Double Precision Floating Point Arithmetic on the GPU", ARITH 2018, with signed digits).
 *
 * An element is 5 limbs a0 … a4, integers held as doubles, worth the sum of ai * 2^(51 i).
 *
 *   tight: |ai| <= 2^50. What `mul`, `square` and `tighten` return and what tables hold.
 *   loose: |ai| <= 2^51. The sum or difference of two tight elements; `mul` takes these.
 *
 * One product of limbs, |x y| <= 2^102, is split exactly into n * 2^51 + r:
 *
 *   h = fma(x, y, C1), C1 = 1.5 * 2^103. From 2^103 to 2^104 neighbouring doubles are 2^51 apart,
 *       and x y + C1 lies in that range, both ends included, so h = C1 + n * 2^51 where n is x y /
 *       2^51 rounded to the nearest, |n| <= 2^51. The bit patterns of neighbours differ by one, also
 *       across to 2^104: bits(h) = bits(C1) + n.
 *   t = C3 - h, C3 = C1 + C2, C2 = 1.5 * 2^52: exact, all three are multiples of 2^51 below 2^104.
 *   l = fma(x, y, t) = C2 + r with |r| <= 2^50: exact, doubles from 2^52 to 2^53 are the integers:
 *       bits(l) = bits(C2) + r.
 *
 * So columns are summed as 64-bit integers of bit patterns, and the known multiples of bits(C1) and
 * bits(C2) are taken off modulo 2^64. The module relies on the multiply-add being fused, which the
 * instruction `f64x2.relaxed_madd` leaves to the machine: the host checks it (`isFused`) and refuses
 * the kernel where it is not.
 */

import { work } from "./workspace";

/** Bytes of a pair of elements in memory: limb i of both lanes at 16 i. */
export const PAIR_BYTES: usize = 80;
/** Bytes of one element of a table: limb i at 8 i. */
export const STORED_BYTES: usize = 40;

const BITS_C1: u64 = (((1023 + 103) << 52) as u64) | ((1 as u64) << 51);
const BITS_C2: u64 = (((1023 + 52) << 52) as u64) | ((1 as u64) << 51);
const C1: f64 = reinterpret<f64>(BITS_C1);
const C2: f64 = reinterpret<f64>(BITS_C2);
const C3: f64 = C1 + C2;
const MASK: u64 = ((1 as u64) << 51) - 1;
/** Makes digits balanced: a masked digit u stands for u - 2^50. */
const HALF: u64 = (1 as u64) << 50;

/*
 * Carrying. Column sums before it: `low` terms |r| <= 2^50 and `high` terms |n| <= 2^51; column k has
 * at most 5 low and 5 high ones, and the folded columns count 19 times, so that
 *   |s| <= (5 + 10 + 19 * (4 + 10)) * 2^50 = 281 * 2^50 < 2^58.2.
 * To each is added 2^50 (balance) + 2^59 (so that logical shifts do for signed ones), which carries
 * 2^8 too much into the next column and is taken off there; out of column 4, 2^8 * 2^255 is worth
 * 2^8 * 19 and taken off column 0. Each sum is then in [0, 2^60) even with the carry into it, which
 * is below 2^9. The carry out of column 4 is not negative, so the second carry out of column 0
 * (u0 + 19 c < 2^51 + 2^14) is 0 or 1 and limb 1 ends in [-2^50, 2^50]: tight, not a bit more. That
 * is needed: two loose limbs of 2^51 just make 2^102.
 */
const LIFT: u64 = (1 as u64) << 59;
const LIFT_CARRY: u64 = LIFT >> 51;
const BIAS_0: u64 = HALF + LIFT - 19 * LIFT_CARRY;
const BIAS: u64 = HALF + LIFT - LIFT_CARRY;

/** Takes off what bit patterns add to column k, `low` and `high` terms, folded ones 19 times. */
// @ts-ignore: decorator
@inline
function startOf(bias: u64, low: u64, high: u64, foldedLow: u64, foldedHigh: u64): v128 {
  return i64x2.splat(
    bias - (low + 19 * foldedLow) * BITS_C2 - (high + 19 * foldedHigh) * BITS_C1,
  );
}

// @ts-ignore: decorator
@inline
function high(x: v128, y: v128): v128 {
  return f64x2.relaxed_madd(x, y, f64x2.splat(C1));
}

// @ts-ignore: decorator
@inline
function low(x: v128, y: v128, h: v128): v128 {
  return f64x2.relaxed_madd(x, y, f64x2.sub(f64x2.splat(C3), h));
}

// @ts-ignore: decorator
@inline
function plus(x: v128, y: v128): v128 {
  return i64x2.add(x, y);
}

// @ts-ignore: decorator
@inline
function times19(x: v128): v128 {
  return plus(i64x2.shl(plus(i64x2.shl(x, 3), x), 1), x);
}

/** A digit u in [0, 2^51], less 2^50, as a double. */
// @ts-ignore: decorator
@inline
function toLimb(u: v128): v128 {
  const magic = f64x2.splat(4503599627370496.0);
  return f64x2.sub(v128.or(u, magic), f64x2.splat(4503599627370496.0 + 1125899906842624.0));
}

/** Carries five biased columns and stores the tight element. */
// @ts-ignore: decorator
@inline
function storeCarried(out: usize, s0: v128, s1: v128, s2: v128, s3: v128, s4: v128): void {
  const mask = i64x2.splat(MASK);
  s1 = plus(s1, i64x2.shr_u(s0, 51));
  s2 = plus(s2, i64x2.shr_u(s1, 51));
  s3 = plus(s3, i64x2.shr_u(s2, 51));
  s4 = plus(s4, i64x2.shr_u(s3, 51));
  const u0 = plus(v128.and(s0, mask), times19(i64x2.shr_u(s4, 51)));
  const u1 = plus(v128.and(s1, mask), i64x2.shr_u(u0, 51));
  v128.store(out, toLimb(v128.and(u0, mask)), 0);
  v128.store(out, toLimb(u1), 16);
  v128.store(out, toLimb(v128.and(s2, mask)), 32);
  v128.store(out, toLimb(v128.and(s3, mask)), 48);
  v128.store(out, toLimb(v128.and(s4, mask)), 64);
}

/**
 * out = a b, tight. a and b loose.
 *
 * Column by column, a line a product: `H` and `G` gather the upper halves for the next column, and
 * finished columns go to the workspace, for it is registers that are scarce. Upper columns come just
 * before the lower ones that they fold into. Loads are written out at each use: cheaper than what
 * the compiler spills if it is left to keep ten limbs in registers.
 */
export function mul(out: usize, a: usize, b: usize): void {
  let x: v128, y: v128, h: v128, H: v128, G: v128;
  let s4 = startOf(BIAS, 5, 4, 0, 1);
  x = v128.load(a, 0); y = v128.load(b, 64); h = high(x, y); s4 = plus(s4, low(x, y, h)); H = h;
  x = v128.load(a, 16); y = v128.load(b, 48); h = high(x, y); s4 = plus(s4, low(x, y, h)); H = plus(H, h);
  x = v128.load(a, 32); y = v128.load(b, 32); h = high(x, y); s4 = plus(s4, low(x, y, h)); H = plus(H, h);
  x = v128.load(a, 48); y = v128.load(b, 16); h = high(x, y); s4 = plus(s4, low(x, y, h)); H = plus(H, h);
  x = v128.load(a, 64); y = v128.load(b, 0); h = high(x, y); s4 = plus(s4, low(x, y, h)); H = plus(H, h);
  v128.store(work, s4);
  let r = H;
  x = v128.load(a, 16); y = v128.load(b, 64); h = high(x, y); r = plus(r, low(x, y, h)); H = h;
  x = v128.load(a, 32); y = v128.load(b, 48); h = high(x, y); r = plus(r, low(x, y, h)); H = plus(H, h);
  x = v128.load(a, 48); y = v128.load(b, 32); h = high(x, y); r = plus(r, low(x, y, h)); H = plus(H, h);
  x = v128.load(a, 64); y = v128.load(b, 16); h = high(x, y); r = plus(r, low(x, y, h)); H = plus(H, h);
  let s0 = plus(times19(r), startOf(BIAS_0, 1, 0, 4, 5));
  x = v128.load(a, 0); y = v128.load(b, 0); h = high(x, y); s0 = plus(s0, low(x, y, h)); G = h;
  v128.store(work, s0, 16);
  r = H;
  x = v128.load(a, 32); y = v128.load(b, 64); h = high(x, y); r = plus(r, low(x, y, h)); H = h;
  x = v128.load(a, 48); y = v128.load(b, 48); h = high(x, y); r = plus(r, low(x, y, h)); H = plus(H, h);
  x = v128.load(a, 64); y = v128.load(b, 32); h = high(x, y); r = plus(r, low(x, y, h)); H = plus(H, h);
  let s1 = plus(G, plus(times19(r), startOf(BIAS, 2, 1, 3, 4)));
  x = v128.load(a, 0); y = v128.load(b, 16); h = high(x, y); s1 = plus(s1, low(x, y, h)); G = h;
  x = v128.load(a, 16); y = v128.load(b, 0); h = high(x, y); s1 = plus(s1, low(x, y, h)); G = plus(G, h);
  v128.store(work, s1, 32);
  r = H;
  x = v128.load(a, 48); y = v128.load(b, 64); h = high(x, y); r = plus(r, low(x, y, h)); H = h;
  x = v128.load(a, 64); y = v128.load(b, 48); h = high(x, y); r = plus(r, low(x, y, h)); H = plus(H, h);
  let s2 = plus(G, plus(times19(r), startOf(BIAS, 3, 2, 2, 3)));
  x = v128.load(a, 0); y = v128.load(b, 32); h = high(x, y); s2 = plus(s2, low(x, y, h)); G = h;
  x = v128.load(a, 16); y = v128.load(b, 16); h = high(x, y); s2 = plus(s2, low(x, y, h)); G = plus(G, h);
  x = v128.load(a, 32); y = v128.load(b, 0); h = high(x, y); s2 = plus(s2, low(x, y, h)); G = plus(G, h);
  v128.store(work, s2, 48);
  r = H;
  x = v128.load(a, 64); y = v128.load(b, 64); h = high(x, y); r = plus(r, low(x, y, h)); H = h;
  let s3 = plus(G, plus(times19(r), startOf(BIAS, 4, 3, 1, 2)));
  x = v128.load(a, 0); y = v128.load(b, 48); h = high(x, y); s3 = plus(s3, low(x, y, h)); G = h;
  x = v128.load(a, 16); y = v128.load(b, 32); h = high(x, y); s3 = plus(s3, low(x, y, h)); G = plus(G, h);
  x = v128.load(a, 32); y = v128.load(b, 16); h = high(x, y); s3 = plus(s3, low(x, y, h)); G = plus(G, h);
  x = v128.load(a, 48); y = v128.load(b, 0); h = high(x, y); s3 = plus(s3, low(x, y, h)); G = plus(G, h);
  v128.store(work, s3, 64);
  storeCarried(
    out,
    v128.load(work, 16),
    v128.load(work, 32),
    v128.load(work, 48),
    v128.load(work, 64),
    plus(plus(G, times19(H)), v128.load(work)),
  );
}

/**
 * out = a^2, tight. a loose. Squarings come in chains, each waiting for the one before: 15 products
 * instead of 25 were measured and made a batch of one 4 % faster, larger ones not at all.
 */
export function square(out: usize, a: usize): void {
  mul(out, a, a);
}

/** out = a + b, loose. a and b tight. */
export function add(out: usize, a: usize, b: usize): void {
  v128.store(out, f64x2.add(v128.load(a, 0), v128.load(b, 0)), 0);
  v128.store(out, f64x2.add(v128.load(a, 16), v128.load(b, 16)), 16);
  v128.store(out, f64x2.add(v128.load(a, 32), v128.load(b, 32)), 32);
  v128.store(out, f64x2.add(v128.load(a, 48), v128.load(b, 48)), 48);
  v128.store(out, f64x2.add(v128.load(a, 64), v128.load(b, 64)), 64);
}

/** out = a - b, loose. a and b tight. */
export function sub(out: usize, a: usize, b: usize): void {
  v128.store(out, f64x2.sub(v128.load(a, 0), v128.load(b, 0)), 0);
  v128.store(out, f64x2.sub(v128.load(a, 16), v128.load(b, 16)), 16);
  v128.store(out, f64x2.sub(v128.load(a, 32), v128.load(b, 32)), 32);
  v128.store(out, f64x2.sub(v128.load(a, 48), v128.load(b, 48)), 48);
  v128.store(out, f64x2.sub(v128.load(a, 64), v128.load(b, 64)), 64);
}

/** A limb of a loose element as a biased column: a + C2 lies in [2^52, 2^53], where bits count. */
// @ts-ignore: decorator
@inline
function column(limb: v128, bias: u64): v128 {
  return plus(f64x2.add(limb, f64x2.splat(C2)), i64x2.splat(bias - BITS_C2));
}

/** out = a, tight. a loose. */
export function tighten(out: usize, a: usize): void {
  storeCarried(
    out,
    column(v128.load(a, 0), BIAS_0),
    column(v128.load(a, 16), BIAS),
    column(v128.load(a, 32), BIAS),
    column(v128.load(a, 48), BIAS),
    column(v128.load(a, 64), BIAS),
  );
}

/** The same element in both lanes: out = (a, a) for lane 0 of a, or lane 1. */
export function spread(out: usize, a: usize, lane: usize): void {
  for (let i: usize = 0; i < PAIR_BYTES; i += 16) {
    v128.store(out + i, v128.load64_splat(a + i + 8 * lane));
  }
}

/** Puts lane `lane` of a into that lane of out. */
export function copyLane(out: usize, a: usize, lane: usize): void {
  for (let i: usize = 8 * lane; i < PAIR_BYTES; i += 16) store<u64>(out + i, load<u64>(a + i));
}

export function copy(out: usize, a: usize): void {
  for (let i: usize = 0; i < PAIR_BYTES; i += 16) v128.store(out + i, v128.load(a + i));
}

/** One lane to the format of tables. */
export function keep(out: usize, a: usize, lane: usize): void {
  for (let i: usize = 0; i < 5; i++) store<u64>(out + 8 * i, load<u64>(a + 16 * i + 8 * lane));
}

/** Elements of two tables, negated in the lanes where `signs` has the top bit set. */
export function recall(out: usize, lane0: usize, lane1: usize, signs: v128): void {
  v128.store(out, v128.xor(pairOf(lane0, lane1, 0), signs), 0);
  v128.store(out, v128.xor(pairOf(lane0, lane1, 8), signs), 16);
  v128.store(out, v128.xor(pairOf(lane0, lane1, 16), signs), 32);
  v128.store(out, v128.xor(pairOf(lane0, lane1, 24), signs), 48);
  v128.store(out, v128.xor(pairOf(lane0, lane1, 32), signs), 64);
}

// @ts-ignore: decorator
@inline
function pairOf(lane0: usize, lane1: usize, offset: usize): v128 {
  return v128.load64_lane(lane1 + offset, v128.load64_zero(lane0 + offset), 1);
}

/**
 * Both lanes from 32 little-endian bytes, the top bit ignored; tight. Any 255-bit number, reduced
 * or not.
 */
export function fromBytes(out: usize, bytes: usize): void {
  const w0 = load<u64>(bytes);
  const w1 = load<u64>(bytes, 8);
  const w2 = load<u64>(bytes, 16);
  const w3 = load<u64>(bytes, 24);
  // Digits from 0 to 2^51 - 1: loose.
  setLimb(out, 0, w0 & MASK);
  setLimb(out, 16, ((w0 >> 51) | (w1 << 13)) & MASK);
  setLimb(out, 32, ((w1 >> 38) | (w2 << 26)) & MASK);
  setLimb(out, 48, ((w2 >> 25) | (w3 << 39)) & MASK);
  setLimb(out, 64, (w3 >> 12) & MASK);
  tighten(out, out);
}

// @ts-ignore: decorator
@inline
function setLimb(out: usize, offset: usize, digit: u64): void {
  v128.store(out + offset, f64x2.splat(<f64>digit));
}

// @ts-ignore: decorator
@inline
function limb(a: usize, i: usize, lane: usize): u64 {
  return <u64>(<i64>load<f64>(a + 16 * i + 8 * lane));
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

/** Whether the machine fuses the multiply-add: unfused, 2^-104 is lost. `a`: 48 spare bytes. */
export function isFused(a: usize): bool {
  store<f64>(a, 1.0 + f64.EPSILON);
  store<f64>(a, -1.0 - 2.0 * f64.EPSILON, 8);
  // Through memory, so that the compiler can't work it out.
  const x = v128.load64_splat(a);
  v128.store(a, f64x2.relaxed_madd(x, x, v128.load64_splat(a, 8)), 16);
  const square = f64.EPSILON * f64.EPSILON;
  return load<f64>(a, 16) == square && load<f64>(a, 24) == square;
}
