import { invariant } from "../assert.ts";
import { hashBytes, toHex } from "../bytes.ts";
import { hash, list, type Schema } from "../codec/schema.ts";
import { sha256 } from "../sha256.ts";

/**
 * Merkle tree over an ordered list, as in RFC 9162 section 2.1 (Certificate Transparency 2.0):
 *
 *     leaf  = SHA-256(0x00 ‖ item)
 *     inner = SHA-256(0x01 ‖ left ‖ right)
 *     empty list = SHA-256 of nothing
 *
 * The left subtree of n leaves holds the largest power of two below n, so no item is ever doubled.
 * The prefixes keep an inner node from being passed off as an item.
 */

/** Items per list: 64 batches of 1,024 transactions make 65,536; this leaves room for events. */
export const LIST_ITEMS_MAX = 1 << 20;

/** Siblings from the lowest to the highest: at most log2 of LIST_ITEMS_MAX. */
const PROOF_SIBLINGS_MAX = 20;

/** Sibling hashes from the leaf upwards. */
export type ListProof = readonly string[];

export const listProofSchema: Schema<ListProof> = list(hash, PROOF_SIBLINGS_MAX);

/** Root over the items, hex. */
export function listRoot(leaves: readonly Uint8Array[]): string {
  let level = leafHashes(leaves);
  while (level.length > 1) level = parents(level);
  return toHex(level[0] ?? sha256(new Uint8Array(0)));
}

/** Proof that `leaves[index]` stands at that place. */
export function proveListItem(leaves: readonly Uint8Array[], index: number): ListProof {
  invariant(Number.isInteger(index) && index >= 0 && index < leaves.length, "index is in the list");
  const proof: string[] = [];
  let level = leafHashes(leaves);
  let place = index;
  while (level.length > 1) {
    const sibling = level[place ^ 1];
    // The last node of an odd level has no sibling and moves up as it is.
    if (sibling !== undefined) proof.push(toHex(sibling));
    level = parents(level);
    place >>= 1;
  }
  return proof;
}

/**
 * Whether `leaf` is item `index` of the list of `size` items that has this root (RFC 9162,
 * 2.1.3.2). `size` must come from the same trusted place as the root: the root alone does not bind
 * it, only that the item is in the list. Malformed input is false, never an exception.
 */
export function verifyListProof(
  root: string,
  leaf: Uint8Array,
  index: number,
  size: number,
  proof: ListProof,
): boolean {
  if (!Number.isInteger(index) || !Number.isInteger(size)) return false;
  if (index < 0 || index >= size || size > LIST_ITEMS_MAX) return false;
  if (!Array.isArray(proof) || proof.length > PROOF_SIBLINGS_MAX) return false;
  let place = index;
  let last = size - 1;
  let node = leafHash(leaf);
  for (const text of proof) {
    const sibling = typeof text === "string" ? hashBytes(text) : undefined;
    if (sibling === undefined || last === 0) return false;
    if (place % 2 === 1 || place === last) {
      node = innerHash(sibling, node);
      while (place % 2 === 0 && place !== 0) {
        place >>= 1;
        last >>= 1;
      }
    } else {
      node = innerHash(node, sibling);
    }
    place >>= 1;
    last >>= 1;
  }
  return last === 0 && toHex(node) === root;
}

function leafHashes(leaves: readonly Uint8Array[]): Uint8Array[] {
  invariant(leaves.length <= LIST_ITEMS_MAX, `a list has at most ${LIST_ITEMS_MAX} items`);
  return leaves.map(leafHash);
}

function parents(level: readonly Uint8Array[]): Uint8Array[] {
  const out: Uint8Array[] = [];
  for (let i = 0; i < level.length; i += 2) {
    const left = level[i] as Uint8Array; // i is below the length
    const right = level[i + 1];
    out.push(right === undefined ? left : innerHash(left, right));
  }
  return out;
}

function leafHash(leaf: Uint8Array): Uint8Array {
  const preimage = new Uint8Array(1 + leaf.length);
  preimage.set(leaf, 1);
  return sha256(preimage);
}

function innerHash(left: Uint8Array, right: Uint8Array): Uint8Array {
  const preimage = new Uint8Array(65);
  preimage[0] = 1;
  preimage.set(left, 1);
  preimage.set(right, 33);
  return sha256(preimage);
}
