import { invariant } from "../../primitives/assert.ts";

/**
 * Sharing a total among many in proportion, in whole units, so that the shares add up to the total:
 * each gets the floor of its exact share, and the units left over go one each to the largest
 * remainders, of equal ones to those that come first.
 *
 * For lists too long to sort in one step the cut between who gets a unit more and who does not is
 * found by radix selection: one pass counts the remainders by their highest digit, further passes
 * only those in the digit of the cut. A pass reads the list in any portions.
 */

/** A digit of the selection: base 1024, so that a histogram is a small record. */
export const DIGIT_BITS = 10n;
export const DIGITS = 1 << Number(DIGIT_BITS);

/** Shares of one: `weight` x numerator / denominator. */
export interface Proportion {
  readonly numerator: bigint;
  readonly denominator: bigint;
}

export interface Share {
  readonly floor: bigint;
  /** 0 … denominator − 1. */
  readonly remainder: bigint;
}

export function shareOf(weight: bigint, { numerator, denominator }: Proportion): Share {
  const exact = weight * numerator;
  return { floor: exact / denominator, remainder: exact % denominator };
}

/** How many digits remainders below the denominator have. */
export function digitsOf(denominator: bigint): number {
  let digits = 1;
  for (let rest = (denominator - 1n) >> DIGIT_BITS; rest > 0n; rest >>= DIGIT_BITS) digits += 1;
  return digits;
}

/**
 * Where the selection stands. `prefix` are the digits of the cut found so far; `level` is the place
 * of the digit that the current pass counts, 0 the lowest; `wanted` units are still to be given among
 * the remainders that begin with the prefix.
 */
export interface Selection {
  readonly level: number;
  readonly prefix: bigint;
  readonly wanted: number;
}

/** The digit of a remainder in the current pass; undefined if it does not begin with the prefix. */
export function digitIn({ level, prefix }: Selection, remainder: bigint): number | undefined {
  const shifted = remainder >> (BigInt(level) * DIGIT_BITS);
  if (shifted >> DIGIT_BITS !== prefix) return undefined;
  return Number(shifted & BigInt(DIGITS - 1));
}

/** The cut: remainders above it get a unit, and the first `ties` of those equal to it. */
export interface Cut {
  readonly remainder: bigint;
  readonly ties: number;
}

/**
 * After a whole pass: the selection with one digit more, or the cut when there is none left.
 * `counts[d]` is how many remainders had digit d.
 */
export function narrow(
  selection: Selection,
  counts: readonly number[],
): { readonly next: Selection } | { readonly cut: Cut } {
  const { level, prefix } = selection;
  let { wanted } = selection;
  let digit = DIGITS - 1;
  while ((counts[digit] ?? 0) < wanted) {
    wanted -= counts[digit] ?? 0;
    digit -= 1;
    invariant(digit >= 0, "fewer units are left over than there are shares");
  }
  const found = (prefix << DIGIT_BITS) | BigInt(digit);
  if (level === 0) return { cut: { remainder: found, ties: wanted } };
  return { next: { level: level - 1, prefix: found, wanted } };
}
