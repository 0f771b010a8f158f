import { fromHex, toHex, utf8 } from "../bytes.ts";
import { bytesUpTo, hash, type Infer, list, optional, record, uint } from "../codec/schema.ts";
import { sha256 } from "../sha256.ts";

/**
 * Proofs against the state tree (state-tree.ts), verified here with SHA-256 alone so that a browser
 * can do it. The path of a key is the bits of SHA-256(UTF-8 key), most significant first; a 1 goes
 * right. A proof leads to whatever stands where that path ends:
 *
 *     the leaf of the key        the key is present with that value
 *     an empty subtree           the key is absent
 *     the leaf of another key    the key is absent: its path ends in a subtree of that one leaf
 */

/** A path has 256 bits, so no leaf is deeper. */
export const STATE_DEPTH_MAX = 256;

export const EMPTY_HASH = "0".repeat(64);

const otherLeafSchema = record({ keyHash: hash, valueHash: hash });

/**
 * `depth` is the number of levels above the end of the path. `present` has one bit per level from
 * the root down, most significant first: 1 if the sibling at that level is not empty, and then its
 * hash is next in `siblings`. `otherLeaf` is there exactly if the path ends at another key's leaf.
 */
export const stateProofSchema = record({
  depth: uint(STATE_DEPTH_MAX),
  present: bytesUpTo(STATE_DEPTH_MAX / 8),
  siblings: list(hash, STATE_DEPTH_MAX),
  otherLeaf: optional(otherLeafSchema),
});

export type StateProof = Infer<typeof stateProofSchema>;

/**
 * Whether the tree with this root holds `value` under `key`, or, with `value` undefined, nothing
 * under `key`. Malformed input is false, never an exception. A proof has one form: anything added
 * to it or spelt otherwise makes it false.
 */
export function verifyStateProof(
  root: string,
  key: string,
  value: Uint8Array | undefined,
  proof: StateProof,
): boolean {
  if (!isWellFormed(proof) || !key.isWellFormed()) return false;
  const keyHash = sha256(utf8(key));
  const end = endOfPath(keyHash, value, proof);
  return end !== undefined && climb(keyHash, end, proof) === root;
}

/**
 * One buffer for all: hashing is synchronous, and a buffer for each leaf costs more than its hash.
 */
const leafPreimage = new Uint8Array(65);

/**
 * Hash of a leaf: SHA-256(0x00 ‖ keyHash ‖ valueHash). Its 65 bytes set it apart from an inner
 * node.
 */
export function leafHash(keyHash: Uint8Array, valueHash: Uint8Array): Uint8Array {
  leafPreimage.set(keyHash, 1);
  leafPreimage.set(valueHash, 33);
  return sha256(leafPreimage);
}

/** Bit `depth` of a path, from the most significant: 0 left, 1 right. */
export function pathBit(keyHash: Uint8Array, depth: number): number {
  return ((keyHash[depth >> 3] ?? 0) >> (7 - (depth & 7))) & 1;
}

/** The hash of what stands at the end of the path, or undefined if it does not show the claim. */
function endOfPath(
  keyHash: Uint8Array,
  value: Uint8Array | undefined,
  proof: StateProof,
): Uint8Array | undefined {
  const other = proof.otherLeaf;
  if (value !== undefined) {
    return other === undefined ? leafHash(keyHash, sha256(value)) : undefined;
  }
  if (other === undefined) return new Uint8Array(32);
  const otherKeyHash = fromHex(other.keyHash);
  if (other.keyHash === toHex(keyHash)) return undefined;
  for (let depth = 0; depth < proof.depth; depth++) {
    if (pathBit(otherKeyHash, depth) !== pathBit(keyHash, depth)) return undefined;
  }
  return leafHash(otherKeyHash, fromHex(other.valueHash));
}

/** The root that follows from the end of the path and the siblings. */
function climb(keyHash: Uint8Array, end: Uint8Array, proof: StateProof): string {
  const block = new Uint8Array(64);
  let node = end;
  let next = proof.siblings.length;
  for (let depth = proof.depth - 1; depth >= 0; depth--) {
    const goesRight = pathBit(keyHash, depth) === 1;
    block.fill(0);
    if (pathBit(proof.present, depth) === 1) {
      next -= 1;
      block.set(fromHex(proof.siblings[next] ?? EMPTY_HASH), goesRight ? 0 : 32);
    }
    block.set(node, goesRight ? 32 : 0);
    node = sha256(block);
  }
  return toHex(node);
}

function isWellFormed(proof: StateProof): boolean {
  try {
    // The schema's own check: types, ranges and lower-case hex, also for proofs read from JSON.
    stateProofSchema.toWire(proof, "proof");
  } catch {
    return false;
  }
  const { depth, present, siblings } = proof;
  if (present.length !== Math.ceil(depth / 8)) return false;
  let count = 0;
  for (let i = 0; i < present.length * 8; i++) {
    if (pathBit(present, i) === 0) continue;
    if (i >= depth) return false;
    count += 1;
  }
  // An empty sibling must be told by its bit, so that there is one way to write a proof.
  return count === siblings.length && !siblings.includes(EMPTY_HASH);
}
