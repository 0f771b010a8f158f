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
      otherLeaf: node === null || isLeafOf(node, keyHash) ? undefined : otherLeaf(node),
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

/** A leaf to put, or a key to remove. */
type Change = Leaf | Tombstone;

class Tombstone {
  /** keyHash, then 32 bytes that mean nothing. */
  readonly content: Uint8Array;

  constructor(content: Uint8Array) {
    this.content = content;
  }
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

class Leaf extends Digest {
  /** keyHash ‖ valueHash. */
  readonly content: Uint8Array;

  constructor(content: Uint8Array) {
    super();
    this.content = content;
    leafPreimage.set(content, 1);
    scratchBytes.set(sha256(leafPreimage));
    this.setWords(scratchWords, 0);
  }
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
      if (node === null || isLeafOf(node, first.content)) return this.#replace(node, first);
      if (first instanceof Tombstone) return node;
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

  #replace(old: Leaf | null, change: Change): Leaf | null {
    if (change instanceof Leaf) {
      if (old === null) this.growth += 1;
      return change;
    }
    if (old !== null) this.growth -= 1;
    return null;
  }

  /** Brings the changes that go left at this depth before those that go right. */
  #partition(from: number, to: number, depth: number): number {
    const changes = this.#changes;
    let low = from;
    let high = to;
    while (low < high) {
      const change = changes[low] as Change; // from <= low < high <= to
      if (pathBit(change.content, depth) === 0) {
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
  return pathBit(node.content, depth) === 0 ? [node, null] : [null, node];
}

function changeOf(key: string, value: Uint8Array | null): Change {
  const content = new Uint8Array(64);
  content.set(hashKey(key));
  if (value === null) return new Tombstone(content);
  content.set(sha256(value), 32);
  return new Leaf(content);
}

function hashKey(key: string): Uint8Array {
  invariant(STATE_KEY.test(key), "a state key is 1..256 printable ASCII characters, no space");
  const length = encoder.encodeInto(key, keyBytes).written;
  return sha256(keyBytes.subarray(0, length));
}

function isLeafOf(leaf: Leaf, keyHash: Uint8Array): boolean {
  for (let i = 0; i < 32; i++) if (leaf.content[i] !== keyHash[i]) return false;
  return true;
}

function otherLeaf(leaf: Leaf): { keyHash: string; valueHash: string } {
  return {
    keyHash: toHex(leaf.content.subarray(0, 32)),
    valueHash: toHex(leaf.content.subarray(32)),
  };
}

function digestBytes(node: Subtree): Uint8Array {
  copyDigest(node, 0);
  return scratchBytes.slice(0, 32);
}
