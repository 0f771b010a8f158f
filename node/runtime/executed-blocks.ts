import type { BlockHeader } from "../../consensus/header.ts";
import type { BlockResult } from "../../ledger/apply-block.ts";
import type { StateReader } from "../../ledger/state-reader.ts";
import { invariant } from "../../primitives/assert.ts";
import type { StateTree } from "../../primitives/merkle/state-tree.ts";
import type { BatchBody } from "../dissemination/dissemination.ts";
import type { Changes, CommittedState } from "./committed-state.ts";

/**
 * Blocks executed and not yet final, all branches together. The core keeps far fewer alive; only
 * while views pass for hours without finality are there more, and then the oldest give way.
 */
export const MAX_EXECUTED = 1024;

export interface ExecutedBlock {
  readonly digest: string;
  readonly header: BlockHeader;
  readonly batches: readonly BatchBody[];
  readonly result: BlockResult;
  readonly changes: Changes;
}

/** A state to execute on: the head's, or that of an executed block above it. */
export interface ParentState {
  readonly reader: StateReader;
  readonly tree: StateTree;
}

interface Waiter {
  readonly height: number;
  readonly resolve: () => void;
}

/** The tree of executed blocks above the head; each holds what it changes, nothing is copied. */
export class ExecutedBlocks {
  readonly #committed: CommittedState;
  readonly #blocks = new Map<string, ExecutedBlock>();
  readonly #waiting = new Map<string, Waiter[]>();
  /** Final and not yet written: they never give way. */
  readonly #final = new Set<string>();

  constructor(committed: CommittedState) {
    this.#committed = committed;
  }

  get(digest: string): ExecutedBlock | undefined {
    return this.#blocks.get(digest);
  }

  get size(): number {
    return this.#blocks.size;
  }

  values(): Iterable<ExecutedBlock> {
    return this.#blocks.values();
  }

  /** The state after `digest`; undefined while that block is neither executed nor the head. */
  stateAfter(digest: string): ParentState | undefined {
    const chain = this.chainTo(digest);
    if (chain === undefined) return undefined;
    const tree = chain[0]?.result.tree ?? this.#committed.tree;
    if (chain.length === 0) return { reader: this.#committed, tree };
    const committed = this.#committed;
    return {
      tree,
      reader: {
        get(key) {
          for (const { changes } of chain) {
            const value = changes.get(key);
            if (value !== undefined) return value === null ? undefined : value;
          }
          return committed.get(key);
        },
      },
    };
  }

  /** The executed blocks from `digest` down to the head (exclusive), newest first. */
  chainTo(digest: string): readonly ExecutedBlock[] | undefined {
    const chain: ExecutedBlock[] = [];
    let at = digest;
    while (at !== this.#committed.head.digest) {
      const block = this.#blocks.get(at);
      if (block === undefined) return undefined;
      chain.push(block);
      at = block.header.parentDigest;
    }
    return chain;
  }

  /**
   * Resolves to true when the state after the block of that digest and height can be had, to false
   * once the head has come to its height with another block or has passed it.
   */
  async whenExecuted(digest: string, height: number): Promise<boolean> {
    while (this.chainTo(digest) === undefined) {
      if (this.#committed.head.height >= height) return false;
      await new Promise<void>((resolve) => {
        const waiting = this.#waiting.get(digest) ?? [];
        waiting.push({ height, resolve });
        this.#waiting.set(digest, waiting);
      });
    }
    return true;
  }

  add(block: ExecutedBlock): void {
    if (this.#blocks.size >= MAX_EXECUTED) this.#dropOldestLeaf(block.header.parentDigest);
    this.#blocks.set(block.digest, block);
    this.#wake(block.digest);
  }

  /** The block will be applied: it stays until the head has come to it. */
  keepUntilApplied(digest: string): void {
    invariant(this.#blocks.has(digest), "a block is executed before it is applied");
    this.#final.add(digest);
  }

  /** The head has moved: blocks at or below it are final or out of the race. */
  prune(): void {
    const { height } = this.#committed.head;
    for (const [key, { header }] of this.#blocks) {
      if (header.height > height) continue;
      this.#blocks.delete(key);
      this.#final.delete(key);
    }
    for (const [digest, waiting] of this.#waiting) {
      if (waiting.some((waiter) => waiter.height <= height)) this.#wake(digest);
    }
  }

  /** A block that others stand on stays. */
  #dropOldestLeaf(parentOfNext: string): void {
    const parents = new Set([...this.#blocks.values()].map(({ header }) => header.parentDigest));
    parents.add(parentOfNext);
    for (const digest of this.#blocks.keys()) {
      if (parents.has(digest) || this.#final.has(digest)) continue;
      this.#blocks.delete(digest);
      return;
    }
  }

  #wake(digest: string): void {
    const waiting = this.#waiting.get(digest) ?? [];
    this.#waiting.delete(digest);
    for (const { resolve } of waiting) resolve();
  }
}
