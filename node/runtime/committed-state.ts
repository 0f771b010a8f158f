import type { StateReader } from "../../ledger/state-reader.ts";
import { invariant } from "../../primitives/assert.ts";
import { StateTree } from "../../primitives/merkle/state-tree.ts";
import { ValueArena } from "./value-arena.ts";

/** The newest block that is final and applied. At height 0 the digest is the chain id. */
export interface Head {
  readonly height: number;
  readonly digest: string;
  readonly timestampMs: number;
  readonly epoch: number;
  readonly stateRoot: string;
}

export type Changes = ReadonlyMap<string, Uint8Array | null>;

/**
 * The ledger's state at the head, in memory, with its tree. LevelDB holds the same entries; they
 * are read once at start, where the root over them is compared with the head's header. A
 * register of government securities is small: a hundred thousand accounts with three assets each
 * are about 400,000 entries and 300 MB.
 */
export class CommittedState implements StateReader {
  readonly #entries: Map<string, Uint8Array>;
  #tree: StateTree;
  #head: Head;

  constructor(entries: Iterable<readonly [string, Uint8Array]>, head: Head) {
    const arena = new ValueArena();
    this.#entries = new Map();
    for (const [key, value] of entries) this.#entries.set(key, arena.keep(value));
    this.#tree = StateTree.from(this.#entries);
    this.#head = head;
    invariant(
      this.#tree.root === head.stateRoot,
      `state entries have root ${this.#tree.root}, the head says ${head.stateRoot}`,
    );
  }

  get head(): Head {
    return this.#head;
  }

  get tree(): StateTree {
    return this.#tree;
  }

  get size(): number {
    return this.#entries.size;
  }

  get(key: string): Uint8Array | undefined {
    return this.#entries.get(key);
  }

  entries(): Iterable<readonly [string, Uint8Array]> {
    return this.#entries;
  }

  /** Moves the head one block on. */
  advance(head: Head, changes: Changes, tree: StateTree): void {
    invariant(head.height === this.#head.height + 1, "the head moves one block at a time");
    invariant(tree.root === head.stateRoot, "the tree belongs to the new head");
    for (const [key, value] of changes) {
      if (value === null) this.#entries.delete(key);
      else this.#entries.set(key, value);
    }
    this.#tree = tree;
    this.#head = head;
  }
}
