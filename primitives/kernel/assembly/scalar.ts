import { BYTES, element } from "./constants";

/*
 * Scalars modulo L = 2^252 + 27742317777372353535851937790883648493, the order of the subgroup, as
 * little-endian 32-bit words.
 */

const L_WORDS: usize = memory.data<u32>([
  0x5cf5d3ed, 0x5812631a, 0xa2f79cd6, 0x14def9de, 0, 0, 0, 0x10000000, 0,
]);
/** floor(2^512 / L). */
const MU_WORDS: usize = memory.data<u32>([
  0x0a2c131b, 0xed9ce5a3, 0x086329a7, 0x2106215d, 0xffffffeb, 0xffffffff, 0xffffffff, 0xffffffff,
  0xf,
]);

/** The address of the 32 bytes of L, with 8 zero bytes after them. */
export function groupOrder(): usize {
  return L_WORDS;
}

/** Whether the 32 bytes are a number below L. */
export function isReduced(bytes: usize): bool {
  for (let i: isize = 24; i >= 0; i -= 8) {
    const word = load<u64>(bytes + i);
    const limit = load<u64>(L_WORDS + i);
    if (word < limit) return true;
    if (word > limit) return false;
  }
  return false;
}

/**
 * out = x mod L: 32 bytes and 8 zero bytes; x 64 bytes. Barrett's reduction (Handbook of Applied
 * Cryptography, 14.42) with b = 2^32, k = 8: q3 = floor(floor(x / b^7) mu / b^9) is at most 2 below
 * the quotient, so x - q3 L modulo b^9 is below 3 L.
 */
export function reduce(out: usize, x: usize): void {
  const product = element(BYTES) + 384;
  multiply(product, x + 28, 9, MU_WORDS, 9);
  const q3 = product + 36;
  const back = product + 80;
  multiply(back, q3, 9, L_WORDS, 9);
  let borrow: i64 = 0;
  for (let i: usize = 0; i < 36; i += 4) {
    borrow += <i64>load<u32>(x + i) - <i64>load<u32>(back + i);
    store<u32>(out + i, <u32>borrow);
    borrow >>= 32;
  }
  store<u32>(out, 0, 36);
  while (!isReduced(out) || load<u32>(out, 32) != 0) subtractOrder(out);
}

function subtractOrder(x: usize): void {
  let borrow: i64 = 0;
  for (let i: usize = 0; i < 36; i += 4) {
    borrow += <i64>load<u32>(x + i) - <i64>load<u32>(L_WORDS + i);
    store<u32>(x + i, <u32>borrow);
    borrow >>= 32;
  }
}

/** out = x y, of xWords + yWords words; out overlaps neither. */
function multiply(out: usize, x: usize, xWords: usize, y: usize, yWords: usize): void {
  for (let i: usize = 0; i < yWords; i++) store<u32>(out + 4 * i, 0);
  for (let i: usize = 0; i < xWords; i++) {
    const factor = <u64>load<u32>(x + 4 * i);
    let carry: u64 = 0;
    for (let j: usize = 0; j < yWords; j++) {
      // At most (2^32 - 1)^2 + 2 (2^32 - 1) = 2^64 - 1.
      carry += factor * <u64>load<u32>(y + 4 * j) + <u64>load<u32>(out + 4 * (i + j));
      store<u32>(out + 4 * (i + j), <u32>carry);
      carry >>= 32;
    }
    store<u32>(out + 4 * (i + yWords), <u32>carry);
  }
}
