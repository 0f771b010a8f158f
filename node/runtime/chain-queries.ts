import { setImmediate as nextTurn } from "node:timers/promises";
import { headerDigest, headerSchema } from "../../consensus/header.ts";
import { currentEpochOf } from "../../ledger/closing.ts";
import { decodeEvent, type PlacedEvent } from "../../ledger/events.ts";
import { present } from "../../primitives/assert.ts";
import { decode } from "../../primitives/codec/codec.ts";
import type {
  BlockReference,
  BlockTransaction,
  BlockView,
  ChainFacts,
  ChainHeadView,
  ChainPort,
  EpochEndView,
  EventPlace,
  EventPort,
} from "../api/ports.ts";
import { readStoredBatch } from "../dissemination/batch.ts";
import { endOfEpoch } from "../snapshot/epoch-trail.ts";
import type { BlockStore } from "../storage/block-store.ts";
import type { CommittedState } from "./committed-state.ts";
import type { HeadSignal } from "./head-signal.ts";

/** Version of the peer protocol: both ends of a link must speak the same. */
export const PROTOCOL_VERSION = 1;

/** Name and version told to peers and in chain.info. */
export const SOFTWARE = "mizan/0.1.0";

export interface ChainQueryOptions {
  readonly chainId: string;
  readonly blocks: BlockStore;
  readonly committed: CommittedState;
  readonly heads: HeadSignal;
  /** Height that this node knows to be final, at or above its head. */
  readonly finalHeight: () => number;
  readonly maxExpiryBlocks: () => number;
}

/** Reads of the committed chain for the API. */
export class ChainQueries implements ChainPort, EventPort {
  readonly #options: ChainQueryOptions;

  constructor(options: ChainQueryOptions) {
    this.#options = options;
  }

  head(): ChainHeadView {
    const { head } = this.#options.committed;
    // The genesis has a time but no header that says it.
    return head.height === 0 ? { ...head, timestampMs: 0 } : head;
  }

  facts(): ChainFacts {
    const head = this.head();
    return {
      chainId: this.#options.chainId,
      protocol: PROTOCOL_VERSION,
      software: SOFTWARE,
      head,
      syncing: this.#options.finalHeight() > head.height + 1,
      earliestHeight: this.#options.blocks.earliestHeight,
      maxExpiryBlocks: this.#options.maxExpiryBlocks(),
    };
  }

  async block(reference: BlockReference): Promise<BlockView | undefined> {
    const { blocks, committed } = this.#options;
    const height = "height" in reference ? reference.height : blocks.heightOf(reference.digest);
    // Of the block that a snapshot began this chain with there is the header, of those below nothing.
    const lowest = Math.max(1, blocks.baseHeight);
    if (height === undefined || height < lowest || height > committed.head.height) return undefined;
    const headerBytes = present(blocks.header(height), `header of block ${height}`);
    const header = decode(headerSchema, headerBytes, undefined, "header");
    const finalization = present(blocks.finalization(height), `finalization of block ${height}`);
    return { header, digest: headerDigest(header), headerBytes, finalization };
  }

  async blockTransactions(height: number): Promise<readonly BlockTransaction[] | undefined> {
    const { blocks, committed } = this.#options;
    if (height < blocks.earliestHeight || height > committed.head.height) return undefined;
    const digests = present(blocks.batchDigests(height), `batches of block ${height}`);
    const transactions: BlockTransaction[] = [];
    for (const digest of digests) {
      const bytes = present(blocks.batches.getBatch(digest), `batch ${digest}`);
      for (const { transaction, bytes: wire } of readStoredBatch(digest, bytes).transactions) {
        transactions.push({ txId: transaction.txId, bytes: wire });
      }
      // A full batch takes milliseconds to decode, a block has up to 64.
      await nextTurn();
    }
    return transactions;
  }

  epochEnds(from: number, limit: number): readonly EpochEndView[] {
    const { blocks, committed } = this.#options;
    const { epoch: current } = currentEpochOf(committed);
    const views: EpochEndView[] = [];
    for (let epoch = from; epoch < current && views.length < limit; epoch++) {
      const { header, finalization, validators } = endOfEpoch(blocks, committed, epoch);
      views.push({ epoch, header, finalization, validators });
    }
    return views;
  }

  onHead(listener: (head: ChainHeadView) => void): () => void {
    return this.#options.heads.listen(listener);
  }

  async after(place: EventPlace | "genesis", limit: number): Promise<readonly PlacedEvent[]> {
    const { blocks, committed } = this.#options;
    const stored = await blocks.events(place, limit, committed.head.height);
    return stored.map(({ bytes }) => decodeEvent(bytes));
  }
}
