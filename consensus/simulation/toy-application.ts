import { invariant } from "../../primitives/assert.ts";
import { toHex, utf8 } from "../../primitives/bytes.ts";
import { sha256 } from "../../primitives/sha256.ts";

/** A packet of transactions as one validator disseminates it. A transaction is its own id. */
export interface ToyBatch {
  readonly author: number;
  readonly sequence: number;
  readonly transactions: readonly string[];
}

const batchDigests = new WeakMap<ToyBatch, string>();

/** Computed once for each object: one object passes from node to node. */
export function batchDigest(batch: ToyBatch): string {
  const known = batchDigests.get(batch);
  if (known !== undefined) return known;
  const { author, sequence, transactions } = batch;
  const digest = hashText(`batch ${author} ${sequence} ${transactions.join(" ")}`);
  batchDigests.set(batch, digest);
  return digest;
}

/** The state after one block: a link in a chain of executions, the older links shared. */
export interface ToyState {
  readonly height: number;
  readonly stateRoot: string;
  readonly receiptsRoot: string;
  /** What this block executed: each transaction once, those executed before it left out. */
  readonly applied: readonly string[];
  readonly batches: readonly string[];
  /** Digests of the evidence that this block records. */
  readonly evidence: readonly string[];
  /** Absent where everything below is committed: the application's committed set answers for it. */
  parent: ToyState | undefined;
}

const NO_RECEIPTS = hashText("receipts");

export const GENESIS_STATE: ToyState = {
  height: 0,
  stateRoot: hashText("toy genesis"),
  receiptsRoot: NO_RECEIPTS,
  applied: [],
  batches: [],
  evidence: [],
  parent: undefined,
};

/**
 * Executes the batches in order upon `parent`. A transaction that an earlier block or batch executed
 * is skipped with a receipt, never a reason to refuse the block. The state root is a hash chain over
 * all that was ever executed: one difference shows for ever.
 *
 * `isCommitted` answers for what lies below the links that are still in memory.
 */
export function execute(
  parent: ToyState,
  batches: readonly ToyBatch[],
  isCommitted: (transaction: string) => boolean,
  evidence: readonly string[] = [],
): ToyState {
  const applied: string[] = [];
  const receipts: string[] = [];
  for (const batch of batches) {
    for (const transaction of batch.transactions) {
      const stale =
        applied.includes(transaction) ||
        isExecuted(parent, transaction) ||
        isCommitted(transaction);
      receipts.push(`${transaction}${stale ? " skipped" : ""}`);
      if (!stale) applied.push(transaction);
    }
  }
  return {
    height: parent.height + 1,
    stateRoot:
      applied.length === 0
        ? parent.stateRoot
        : hashText(`state ${parent.stateRoot} ${applied.join(" ")}`),
    receiptsRoot: receipts.length === 0 ? NO_RECEIPTS : hashText(`receipts ${receipts.join(" ")}`),
    applied,
    batches: batches.map(batchDigest),
    evidence,
    parent,
  };
}

/** Whether one of the links in memory records this evidence. */
export function isRecorded(state: ToyState, evidence: string): boolean {
  for (let link: ToyState | undefined = state; link !== undefined; link = link.parent) {
    if (link.evidence.includes(evidence)) return true;
  }
  return false;
}

/** Whether one of the links in memory executed it. */
export function isExecuted(state: ToyState, transaction: string): boolean {
  for (let link: ToyState | undefined = state; link !== undefined; link = link.parent) {
    if (link.applied.includes(transaction)) return true;
  }
  return false;
}

export function hashText(text: string): string {
  const digest = sha256(utf8(text));
  invariant(digest.length === 32, "SHA-256 gives 32 bytes");
  return toHex(digest);
}
