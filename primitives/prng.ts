import { invariant } from "./assert.ts";
import { utf8 } from "./bytes.ts";

const MASK_64 = (1n << 64n) - 1n;

/**
 * A deterministic random generator for simulations and tests: the same seed gives the same run on
 * every machine. Never for keys, nonces or anything that an adversary must not guess.
 *
 * xoshiro128** 1.1 (Blackman and Vigna, "Scrambled linear pseudorandom number generators", 2018);
 * its 128 bits of state are the first two outputs of SplitMix64 on the seed, low word first.
 */
export class Prng {
  readonly #seed: bigint;
  #s0: number;
  #s1: number;
  #s2: number;
  #s3: number;

  /** `seed`: a safe integer >= 0, or a bigint of which the low 64 bits count. */
  constructor(seed: number | bigint) {
    if (typeof seed === "number") {
      invariant(Number.isSafeInteger(seed) && seed >= 0, "seed is a safe integer >= 0");
    }
    this.#seed = BigInt(seed) & MASK_64;
    const next = splitMix64(this.#seed);
    const low = next();
    const high = next();
    this.#s0 = Number(low & 0xffff_ffffn);
    this.#s1 = Number(low >> 32n);
    this.#s2 = Number(high & 0xffff_ffffn);
    this.#s3 = Number(high >> 32n);
  }

  /** 0 … 2^32 − 1, each equally likely. */
  nextUint32(): number {
    const result = Math.imul(rotateLeft(Math.imul(this.#s1, 5), 7), 9) >>> 0;
    const shifted = this.#s1 << 9;
    this.#s2 ^= this.#s0;
    this.#s3 ^= this.#s1;
    this.#s1 ^= this.#s2;
    this.#s0 ^= this.#s3;
    this.#s2 ^= shifted;
    this.#s3 = rotateLeft(this.#s3, 11);
    return result;
  }

  /** 0 … n − 1 without bias, for n of 1 … 2^32. */
  below(n: number): number {
    invariant(Number.isInteger(n) && n >= 1 && n <= 2 ** 32, "below(n) takes n of 1..2^32");
    // Draws from the incomplete last multiple of n are thrown away: fewer than one in two.
    const limit = 2 ** 32 - (2 ** 32 % n);
    let draw = this.nextUint32();
    while (draw >= limit) draw = this.nextUint32();
    return draw % n;
  }

  /** True with probability `p` of 0 … 1, to the nearest 2^-32. Always one draw. */
  chance(p: number): boolean {
    invariant(p >= 0 && p <= 1, "probability is 0..1");
    return this.nextUint32() < p * 2 ** 32;
  }

  /** One of a list that is not empty. */
  pick<T>(items: readonly T[]): T {
    invariant(items.length > 0, "pick from a list that is not empty");
    return items[this.below(items.length)] as T; // the index is below the length
  }

  /** A new list in random order (Fisher and Yates). */
  shuffle<T>(items: readonly T[]): T[] {
    const out = [...items];
    for (let i = out.length - 1; i > 0; i--) {
      const j = this.below(i + 1);
      const moved = out[i] as T; // both indices are below the length
      out[i] = out[j] as T;
      out[j] = moved;
    }
    return out;
  }

  /**
   * An independent generator for one part of a simulation. It depends on this generator's seed and
   * the label alone, not on how much was drawn: a part that draws more leaves the others as they
   * were. The same label gives the same generator again.
   */
  fork(label: string): Prng {
    const seed = splitMix64(this.#seed ^ fnv1a64(utf8(label)))();
    return new Prng(seed);
  }
}

function rotateLeft(word: number, bits: number): number {
  return (word << bits) | (word >>> (32 - bits));
}

/** SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014). */
export function splitMix64(seed: bigint): () => bigint {
  let state = seed & MASK_64;
  return () => {
    state = (state + 0x9e37_79b9_7f4a_7c15n) & MASK_64;
    let z = state;
    z = ((z ^ (z >> 30n)) * 0xbf58_476d_1ce4_e5b9n) & MASK_64;
    z = ((z ^ (z >> 27n)) * 0x94d0_49bb_1331_11ebn) & MASK_64;
    return z ^ (z >> 31n);
  };
}

/** FNV-1a, 64 bits: spreads labels over seeds; no security is asked of it. */
function fnv1a64(bytes: Uint8Array): bigint {
  let hash = 0xcbf2_9ce4_8422_2325n;
  for (const byte of bytes) hash = ((hash ^ BigInt(byte)) * 0x100_0000_01b3n) & MASK_64;
  return hash;
}
