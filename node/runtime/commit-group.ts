import { certificateSchema } from "../../consensus/certificate.ts";
import { headerSchema } from "../../consensus/header.ts";
import type { Certificate } from "../../consensus/types.ts";
import { encodeEvent } from "../../ledger/events.ts";
import { invariant } from "../../primitives/assert.ts";
import { encode } from "../../primitives/codec/codec.ts";
import { MAX_BLOCKS_PER_COMMIT } from "../storage/block-store.ts";
import type { CommittedBlock } from "../storage/committed-block.ts";
import type { ExecutedBlock } from "./executed-blocks.ts";

/**
 * Bytes of transactions from which on a group waits for no more: it bounds what a node that catches
 * up holds in memory, and what LevelDB logs in one piece. The last block may exceed it by its size.
 */
export const MAX_GROUP_BYTES = 4 << 20;

export interface FinalBlock extends ExecutedBlock {
  /** Makes the block final: its own or that of a descendant. */
  readonly finalization: Certificate;
}

/**
 * Final blocks that are executed and wait for one synced write. A disk takes as long for one block
 * as for many, so a node that lags behind catches up faster the slower its disk is.
 */
export class CommitGroup {
  #blocks: FinalBlock[] = [];
  #bytes = 0;

  get isEmpty(): boolean {
    return this.#blocks.length === 0;
  }

  /** One more block must wait for the next write. */
  get isFull(): boolean {
    return this.#blocks.length >= MAX_BLOCKS_PER_COMMIT || this.#bytes >= MAX_GROUP_BYTES;
  }

  get last(): FinalBlock | undefined {
    return this.#blocks.at(-1);
  }

  digestAt(height: number): string | undefined {
    return this.#blocks.find(({ header }) => header.height === height)?.digest;
  }

  add(block: FinalBlock): void {
    this.#blocks.push(block);
    for (const { batch } of block.batches) this.#bytes += batch.bytes.length;
  }

  /** All of them, lowest first; the group is empty then. */
  take(): readonly FinalBlock[] {
    const blocks = this.#blocks;
    this.#blocks = [];
    this.#bytes = 0;
    return blocks;
  }
}

/** What a final block leaves on disk. */
export function committedBlockOf(block: FinalBlock): CommittedBlock {
  const { header, digest, batches, result } = block;
  const transactions = batches.reduce((sum, { batch }) => sum + batch.transactions.length, 0);
  invariant(result.receipts.length === transactions, "a receipt a transaction");
  const executed = result.receipts.filter((receipt) => receipt.executed);
  return {
    height: header.height,
    digest,
    previousDigest: header.parentDigest,
    header: encode(headerSchema, header, "header"),
    finalization: encode(certificateSchema, block.finalization, "finalization"),
    batches: header.batchDigests,
    batchBodies: batches.map(({ batch }) => [batch.digest, batch.bytes] as const),
    receipts: result.receiptBytes,
    events: result.events.map((placed) => ({
      txIndex: placed.txIndex,
      eventIndex: placed.eventIndex,
      bytes: encodeEvent(placed),
    })),
    // A refused one leaves no trace: the same transaction may still be executed by a later block.
    transactions: executed.map(({ txId, index }) => ({ txId, index })),
    clientRefs: executed.map(({ member, clientRef, txId }) => ({ member, clientRef, txId })),
    stateChanges: result.changes,
    stateRoot: header.stateRoot,
  };
}
