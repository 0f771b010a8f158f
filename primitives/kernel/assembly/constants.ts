import { fromBytes, keep, mul, PAIR_BYTES, STORED_BYTES, spread, square } from "./field";
import { ELEMENTS, work } from "./workspace";

/** Elements of the workspace: fixed ones first, then the temporary ones of one room each. */
// @ts-ignore: decorator
@inline
export function element(i: usize): usize {
  return work + ELEMENTS + PAIR_BYTES * i;
}

export const ONE: usize = 0;
export const HALF: usize = 1;
/** d of the curve -x^2 + y^2 = 1 + d x^2 y^2, its double and its fourfold. */
export const D: usize = 2;
export const D2: usize = 3;
export const D4: usize = 4;
export const SQRT_MINUS_ONE: usize = 5;
/** Two elements' room: the table entry of the neutral point. */
export const NEUTRAL: usize = 6;
/** First temporary of `power.ts`; five of them. */
export const POWER: usize = 8;
/** First temporary of `point.ts`; twelve of them. */
export const POINT: usize = 16;
/** First temporary of `table.ts` and `verify.ts`. */
export const TABLE: usize = 32;
/** State and schedule of `sha512.ts`: five elements' room. */
export const SHA: usize = 58;
/** Encodings, products of scalars and digests, by address. */
export const BYTES: usize = 64;

function setWords(out: usize, w0: u64, w1: u64, w2: u64, w3: u64): void {
  const bytes = element(BYTES);
  store<u64>(bytes, w0);
  store<u64>(bytes, w1, 8);
  store<u64>(bytes, w2, 16);
  store<u64>(bytes, w3, 24);
  fromBytes(out, bytes);
}

/** Writes the fixed elements. Once for each workspace. */
export function writeConstants(): void {
  setWords(element(ONE), 1, 0, 0, 0);
  // 2^254 - 9
  setWords(element(HALF), 0xffff_ffff_ffff_fff7, -1, -1, 0x3fff_ffff_ffff_ffff);
  setWords(
    element(D),
    0x75eb_4dca_1359_78a3,
    0x0070_0a4d_4141_d8ab,
    0x8cc7_4079_7779_e898,
    0x5203_6cee_2b6f_fe73,
  );
  setWords(element(TABLE), 2, 0, 0, 0);
  mul(element(D2), element(D), element(TABLE));
  mul(element(D4), element(D2), element(TABLE));
  setWords(
    element(SQRT_MINUS_ONE),
    0xc4ee_1b27_4a0e_a0b0,
    0x2f43_1806_ad2f_e478,
    0x2b4d_0099_3dfb_d7a7,
    0x2b83_2480_4fc1_df0b,
  );
  const neutral = element(NEUTRAL);
  keep(neutral, element(HALF), 0);
  keep(neutral + STORED_BYTES, element(HALF), 0);
  setWords(element(TABLE), 0, 0, 0, 0);
  keep(neutral + 2 * STORED_BYTES, element(TABLE), 0);
}
