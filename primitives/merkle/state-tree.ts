import { invariant } from "../assert.ts";
import { toHex } from "../bytes.ts";
import { hashBlocks, sha256 } from "../sha256.ts";
import { pathBit, STATE_DEPTH_MAX, type StateProof } from "./state-proof.ts";

/**
 * A binary sparse Merkle tree over a flat map of keys to bytes (after Dahlberg, Pulls and Peeters,
 * "Efficient sparse Merkle trees", 2016, with single-leaf subtrees collapsed):
 *
 *     path of a key = SHA-256(UTF-8 key), most significant bit first, 1 goes right
 *     empty         = 32 zero bytes
 *     leaf          = SHA-256(0x00 ‖ SHA-256(key) ‖ SHA-256(value))     65 bytes
 *     inner         = SHA-256(left ‖ right)                             64 bytes
 *
 * A subtree with one leaf is that leaf, so a leaf stands at the first depth where it is alone. The
 * root is a function of the set of entries only. Leaves and inner nodes cannot be mistaken for one
 * another because their preimages differ in length.
 *
 * Trees are immutable. `update` gives a new tree that shares every node that it did not touch; the
 * inner nodes on the touched paths are hashed together, one `hashBlocks` call for each depth from
 * the bottom. The values themselves are not kept.
 */
export class StateTree {
  static readonly empty = new StateTree(null, 0);

  static from(entries: Iterable<readonly [string, Uint8Array]>): StateTree {
    return StateTree.empty.update(entries);
  }

  /** Number of keys. */
  readonly size: number;
  readonly #top: Subtree;
  #root: string | undefined;

  private constructor(top: Subtree, size: number) {
    this.#top = top;
    this.size = size;
  }

  /** Root hash, hex; 64 zeros for the empty tree. */
  get root(): string {
    this.#root ??= toHex(digestBytes(this.#top));
    return this.#root;
  }

  /** The tree after these changes; null deletes. Of two changes to one key the later one counts. */
  update(changes: Iterable<readonly [key: string, value: Uint8Array | null]>): StateTree {
    // The ledger's overlay is a map already; anything else may name a key twice.
    const latest: typeof changes = changes instanceof Map ? changes : new Map(changes);
    const pending: Change[] = [];
    for (const [key, value] of latest) pending.push(changeOf(key, value));
    const rebuild = new Rebuild(pending);
    const top = rebuild.apply(this.#top, 0, pending.length, 0);
    rebuild.hashInnerNodes();
    return new StateTree(top, this.size + rebuild.growth);
  }

  /** Proof of what stands at the end of the key's path: its leaf, or that the key is absent. */
  prove(key: string): StateProof {
    const keyHash = hashKey(key);
    const siblings: string[] = [];
    const present = new Uint8Array(STATE_DEPTH_MAX / 8);
    let node = this.#top;
    let depth = 0;
    while (node instanceof Inner) {
      const goesRight = pathBit(keyHash, depth) === 1;
      const sibling = goesRight ? node.left : node.right;
      if (sibling !== null) {
        present[depth >> 3] = (present[depth >> 3] ?? 0) | (0x80 >> (depth & 7));
        siblings.push(toHex(digestBytes(sibling)));
      }
      node = goesRight ? node.right : node.left;
      depth += 1;
    }
    return {
      depth,
      present: present.slice(0, Math.ceil(depth / 8)),
      siblings,
      otherLeaf:
        node === null || node.isOf(keyHash)
          ? undefined
          : { keyHash: node.keyHash, valueHash: node.valueHash },
    };
  }
}

/**
 * Inner nodes hashed in one call at most: 256 KiB of blocks, which stay in the second-level cache.
 */
const CHUNK_NODES = 4096;

/**
 * Working memory, used within one synchronous call only. Typed arrays of more than 64 bytes, and
 * those whose `buffer` is looked at, live outside the heap: making one for each node or leaf would
 * cost more than the hash.
 */
const scratchBytes = new Uint8Array(64 * CHUNK_NODES);
const scratchWords = new Int32Array(scratchBytes.buffer);
const leafPreimage = new Uint8Array(65);
const keyBytes = new Uint8Array(256);
const encoder = new TextEncoder();

/** Printable ASCII, at most 256 characters: every state key of the ledger. */
const STATE_KEY = /^[\x21-\x7e]{1,256}$/;

type Subtree = Inner | Leaf | null;

/** A leaf to put, or a key to remove (null). Gone when the update is done. */
interface Change {
  readonly keyHash: Uint8Array;
  readonly leaf: Leaf | null;
}

/**
 * A node's hash is kept as eight words in the object itself: a Uint8Array of its own would be three
 * times the memory and an allocation more. Words are in the machine's byte order and leave this
 * file only through a byte view.
 */
class Digest {
  h0 = 0;
  h1 = 0;
  h2 = 0;
  h3 = 0;
  h4 = 0;
  h5 = 0;
  h6 = 0;
  h7 = 0;

  /** Written once, before the tree that holds the node is handed out. */
  setWords(words: Int32Array, at: number): void {
    this.h0 = words[at] ?? 0;
    this.h1 = words[at + 1] ?? 0;
    this.h2 = words[at + 2] ?? 0;
    this.h3 = words[at + 3] ?? 0;
    this.h4 = words[at + 4] ?? 0;
    this.h5 = words[at + 5] ?? 0;
    this.h6 = words[at + 6] ?? 0;
    this.h7 = words[at + 7] ?? 0;
  }

  copyWords(words: Int32Array, at: number): void {
    words[at] = this.h0;
    words[at + 1] = this.h1;
    words[at + 2] = this.h2;
    words[at + 3] = this.h3;
    words[at + 4] = this.h4;
    words[at + 5] = this.h5;
    words[at + 6] = this.h6;
    words[at + 7] = this.h7;
  }
}

/**
 * Hashes of key and value as sixteen big-endian words in the object, for the same reason: a typed
 * array of 64 bytes costs more than 250, and there is a leaf for every record of the state.
 */
class Leaf extends Digest {
  readonly k0: number;
  readonly k1: number;
  readonly k2: number;
  readonly k3: number;
  readonly k4: number;
  readonly k5: number;
  readonly k6: number;
  readonly k7: number;
  readonly v0: number;
  readonly v1: number;
  readonly v2: number;
  readonly v3: number;
  readonly v4: number;
  readonly v5: number;
  readonly v6: number;
  readonly v7: number;

  constructor(keyHash: Uint8Array, valueHash: Uint8Array) {
    super();
    this.k0 = bigEndian(keyHash, 0);
    this.k1 = bigEndian(keyHash, 4);
    this.k2 = bigEndian(keyHash, 8);
    this.k3 = bigEndian(keyHash, 12);
    this.k4 = bigEndian(keyHash, 16);
    this.k5 = bigEndian(keyHash, 20);
    this.k6 = bigEndian(keyHash, 24);
    this.k7 = bigEndian(keyHash, 28);
    this.v0 = bigEndian(valueHash, 0);
    this.v1 = bigEndian(valueHash, 4);
    this.v2 = bigEndian(valueHash, 8);
    this.v3 = bigEndian(valueHash, 12);
    this.v4 = bigEndian(valueHash, 16);
    this.v5 = bigEndian(valueHash, 20);
    this.v6 = bigEndian(valueHash, 24);
    this.v7 = bigEndian(valueHash, 28);
    leafPreimage.set(keyHash, 1);
    leafPreimage.set(valueHash, 33);
    scratchBytes.set(sha256(leafPreimage));
    this.setWords(scratchWords, 0);
  }

  isOf(keyHash: Uint8Array): boolean {
    return (
      this.k0 === bigEndian(keyHash, 0) &&
      this.k1 === bigEndian(keyHash, 4) &&
      this.k2 === bigEndian(keyHash, 8) &&
      this.k3 === bigEndian(keyHash, 12) &&
      this.k4 === bigEndian(keyHash, 16) &&
      this.k5 === bigEndian(keyHash, 20) &&
      this.k6 === bigEndian(keyHash, 24) &&
      this.k7 === bigEndian(keyHash, 28)
    );
  }

  /** As pathBit on the bytes of the key's hash. */
  pathBit(depth: number): number {
    return (this.#keyWord(depth >> 5) >>> (31 - (depth & 31))) & 1;
  }

  get keyHash(): string {
    const { k0, k1, k2, k3, k4, k5, k6, k7 } = this;
    return hexOfWords([k0, k1, k2, k3, k4, k5, k6, k7]);
  }

  get valueHash(): string {
    const { v0, v1, v2, v3, v4, v5, v6, v7 } = this;
    return hexOfWords([v0, v1, v2, v3, v4, v5, v6, v7]);
  }

  #keyWord(place: number): number {
    switch (place) {
      case 0:
        return this.k0;
      case 1:
        return this.k1;
      case 2:
        return this.k2;
      case 3:
        return this.k3;
      case 4:
        return this.k4;
      case 5:
        return this.k5;
      case 6:
        return this.k6;
      default:
        return this.k7;
    }
  }
}

/** Four bytes as a signed word: compared and shifted only. */
function bigEndian(bytes: Uint8Array, at: number): number {
  const high = ((bytes[at] ?? 0) << 24) | ((bytes[at + 1] ?? 0) << 16);
  return high | ((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0);
}

function hexOfWords(words: readonly number[]): string {
  return words.map((word) => (word >>> 0).toString(16).padStart(8, "0")).join("");
}

class Inner extends Digest {
  readonly left: Subtree;
  readonly right: Subtree;

  constructor(left: Subtree, right: Subtree) {
    super();
    this.left = left;
    this.right = right;
  }
}

/** One update: which nodes are new, by depth, and how many keys were gained or lost. */
class Rebuild {
  growth = 0;
  readonly #changes: Change[];
  /** New inner nodes whose hash is still to come, by depth. */
  readonly #unhashed: Inner[][] = [];

  constructor(changes: Change[]) {
    this.#changes = changes;
  }

  /** `node` after changes `from` … `to − 1`, all of which have the path down to `node`. */
  apply(node: Subtree, from: number, to: number, depth: number): Subtree {
    if (from === to) return node;
    const first = this.#changes[from];
    if (to - from === 1 && first !== undefined && !(node instanceof Inner)) {
      if (node === null || node.isOf(first.keyHash)) return this.#replace(node, first.leaf);
      if (first.leaf === null) return node;
    }
    invariant(depth < STATE_DEPTH_MAX, "two keys with one SHA-256 hash");
    const middle = this.#partition(from, to, depth);
    const [left, right] = childrenOf(node, depth);
    return this.#join(
      node,
      this.apply(left, from, middle, depth + 1),
      this.apply(right, middle, to, depth + 1),
      depth,
    );
  }

  #replace(old: Leaf | null, leaf: Leaf | null): Leaf | null {
    if (leaf !== null && old === null) this.growth += 1;
    if (leaf === null && old !== null) this.growth -= 1;
    return leaf;
  }

  /** Brings the changes that go left at this depth before those that go right. */
  #partition(from: number, to: number, depth: number): number {
    const changes = this.#changes;
    let low = from;
    let high = to;
    while (low < high) {
      const change = changes[low] as Change; // from <= low < high <= to
      if (pathBit(change.keyHash, depth) === 0) {
        low += 1;
      } else {
        high -= 1;
        changes[low] = changes[high] as Change;
        changes[high] = change;
      }
    }
    return low;
  }

  #join(node: Subtree, left: Subtree, right: Subtree, depth: number): Subtree {
    if (node instanceof Inner && node.left === left && node.right === right) return node;
    if (left === null && !(right instanceof Inner)) return right;
    if (right === null && !(left instanceof Inner)) return left;
    const inner = new Inner(left, right);
    const sameDepth = this.#unhashed[depth];
    if (sameDepth === undefined) this.#unhashed[depth] = [inner];
    else sameDepth.push(inner);
    return inner;
  }

  hashInnerNodes(): void {
    for (let depth = this.#unhashed.length - 1; depth >= 0; depth--) {
      const nodes = this.#unhashed[depth];
      if (nodes !== undefined) hashLevel(nodes);
    }
  }
}

/** Hashes nodes of one depth whose children have their hashes. */
function hashLevel(nodes: readonly Inner[]): void {
  for (let start = 0; start < nodes.length; start += CHUNK_NODES) {
    hashChunk(nodes, start, Math.min(start + CHUNK_NODES, nodes.length));
  }
}

function hashChunk(nodes: readonly Inner[], from: number, to: number): void {
  for (let i = from; i < to; i++) {
    const node = nodes[i] as Inner; // to <= nodes.length
    copyDigest(node.left, 16 * (i - from));
    copyDigest(node.right, 16 * (i - from) + 8);
  }
  const hashes = hashBlocks(scratchBytes.subarray(0, 64 * (to - from)));
  invariant(hashes.length === 32 * (to - from), "one hash for each block");
  scratchBytes.set(hashes);
  for (let i = from; i < to; i++) (nodes[i] as Inner).setWords(scratchWords, 8 * (i - from));
}

function copyDigest(node: Subtree, at: number): void {
  if (node === null) scratchWords.fill(0, at, at + 8);
  else node.copyWords(scratchWords, at);
}

function childrenOf(node: Subtree, depth: number): readonly [Subtree, Subtree] {
  if (node instanceof Inner) return [node.left, node.right];
  if (node === null) return [null, null];
  return node.pathBit(depth) === 0 ? [node, null] : [null, node];
}

function changeOf(key: string, value: Uint8Array | null): Change {
  const keyHash = hashKey(key);
  return { keyHash, leaf: value === null ? null : new Leaf(keyHash, sha256(value)) };
}

function hashKey(key: string): Uint8Array {
  invariant(STATE_KEY.test(key), "a state key is 1..256 printable ASCII characters, no space");
  const length = encoder.encodeInto(key, keyBytes).written;
  return sha256(keyBytes.subarray(0, length));
}

function digestBytes(node: Subtree): Uint8Array {
  copyDigest(node, 0);
  return scratchBytes.slice(0, 32);
}
