import type { AdmissionReason, RefusalDetail } from "../../client/rpc/errors.ts";
import type { BlockHeader } from "../../consensus/header.ts";
import type { RegisteredValidator } from "../../consensus/validator-registry.ts";
import type { PlacedEvent } from "../../ledger/events.ts";
import type { Receipt } from "../../ledger/receipt.ts";
import type { StateReader } from "../../ledger/state-reader.ts";
import type { StateProof } from "../../primitives/merkle/state-proof.ts";

/**
 * What the API needs from the node. Every read is of committed state at the head; a method that
 * answers with several things of one height takes them from one and the same head. A port that
 * cannot answer from verified state throws RpcRefusal with the reason (SYNCING, NODE_INTEGRITY,
 * HALTED …); anything else it throws becomes INTERNAL and is logged, never shown.
 */
export interface NodePorts {
  readonly chain: ChainPort;
  readonly transactions: TransactionPort;
  readonly state: StatePort;
  readonly events: EventPort;
}

export interface ChainHeadView {
  readonly height: number;
  /** Digest of the head block; the chain id at height 0. */
  readonly digest: string;
  readonly stateRoot: string;
  /** UTC milliseconds of the head's header; 0 at height 0. */
  readonly timestampMs: number;
  readonly epoch: number;
}

export interface ChainFacts {
  readonly chainId: string;
  /** Version of the peer protocol. */
  readonly protocol: number;
  /** Name and version of the software. */
  readonly software: string;
  readonly head: ChainHeadView;
  /** True while the node knows of a finalization above its head. */
  readonly syncing: boolean;
  /**
   * Lowest height whose block, receipts and events are all still kept; 1 if nothing is pruned. On a
   * chain that a snapshot began it is the height above the snapshot's, and may be above the head.
   */
  readonly earliestHeight: number;
  /** Furthest expiry ahead of the head that a transaction may carry. */
  readonly maxExpiryBlocks: number;
}

export type BlockReference = { readonly height: number } | { readonly digest: string };

export interface BlockView {
  readonly header: BlockHeader;
  readonly digest: string;
  /** Canonical header. */
  readonly headerBytes: Uint8Array;
  /** Canonical finalization certificate of this block or of a descendant. */
  readonly finalization: Uint8Array;
}

/** One transaction of a block, in order of execution. */
export interface BlockTransaction {
  readonly txId: string;
  /** Canonical signed transaction. */
  readonly bytes: Uint8Array;
}

/** The block that ended an epoch, and the next one's validators. */
export interface EpochEndView {
  readonly epoch: number;
  /** Canonical header. */
  readonly header: Uint8Array;
  /** Canonical finalization by the epoch's own validators. */
  readonly finalization: Uint8Array;
  readonly validators: readonly RegisteredValidator[];
}

export interface ChainPort {
  facts(): ChainFacts;
  /** Undefined where no such block exists at or below the head, or it is pruned. */
  block(reference: BlockReference): Promise<BlockView | undefined>;
  /** Transactions of a committed block, undefined where it is pruned. */
  blockTransactions(height: number): Promise<readonly BlockTransaction[] | undefined>;
  /** Ends of at most `limit` epochs from `from` on; fewer where fewer have ended. */
  epochEnds(from: number, limit: number): readonly EpochEndView[];
  /**
   * Calls `listener` after each commit, once its receipts and events can be read. Returns the
   * function that ends the subscription. A listener never throws.
   */
  onHead(listener: (head: ChainHeadView) => void): () => void;
}

export type Admission =
  /** In the pool, from now on or already before this call. */
  | { readonly kind: "pending"; readonly txId: string; readonly expiresAtHeight: number }
  /** Executed before, as a success or as a failure: the first result stands. */
  | {
      readonly kind: "duplicate";
      readonly txId: string;
      readonly expiresAtHeight: number;
      /** Undefined where it was executed below the heights that this node keeps. */
      readonly receipt: Receipt | undefined;
    }
  /**
   * Not taken. Of several faults the one named first in ADMISSION_REASONS is given. `detail` may
   * carry `txId` (IDEMPOTENCY_CONFLICT: the stored one), `field`, `limit`, `got`, `head`,
   * `retryAfterMs` (MEMPOOL_FULL, OVERLOADED).
   */
  | {
      readonly kind: "refused";
      readonly reason: AdmissionReason;
      readonly detail?: RefusalDetail;
    };

/**
 * Only an executed transaction is committed: a receipt with `executed` false leaves the client
 * reference free, so the same bytes may still be executed by a later block until they expire.
 */
export type WaitResult =
  | { readonly kind: "committed"; readonly receipt: Receipt }
  /** The head is past its expiry and no block within its validity holds it. */
  | { readonly kind: "expired" }
  /** The time is over, or the signal was raised, or the node has no place for a waiter. */
  | { readonly kind: "elapsed" };

export type TransactionReference =
  | { readonly txId: string }
  | { readonly member: string; readonly clientRef: string };

/** Heights, both included, whose receipts this node holds without a gap; empty if from > to. */
export interface SearchedRange {
  readonly from: number;
  readonly to: number;
}

export type TransactionStatus =
  | { readonly kind: "committed"; readonly receipt: Receipt; readonly searched: SearchedRange }
  | {
      readonly kind: "pending";
      readonly txId: string;
      readonly expiresAtHeight: number;
      readonly searched: SearchedRange;
    }
  /**
   * Neither in the pool nor in a block of `searched`, which ends at the head. `expiresAtHeight` is
   * given where the node remembers the transaction although it left the pool.
   */
  | {
      readonly kind: "absent";
      readonly searched: SearchedRange;
      readonly expiresAtHeight?: number;
    };

export interface TransactionPort {
  /** Bounded decode, canonical check, signatures and admission of a signed transaction. */
  submit(bytes: Uint8Array): Promise<Admission>;
  /** The same for each of many, in order; their signatures are verified together. */
  submitAll(transactions: readonly Uint8Array[]): Promise<readonly Admission[]>;
  /** Resolves after `ms` at the latest, or soon after `signal` is raised, which is no failure. */
  waitFor(txId: string, ms: number, signal: AbortSignal): Promise<WaitResult>;
  find(reference: TransactionReference): Promise<TransactionStatus>;
}

/** A state entry with everything that proves it against the genesis validators. */
export interface ProvenEntry {
  readonly height: number;
  readonly key: string;
  /** Undefined proves that there is no such entry. */
  readonly value: Uint8Array | undefined;
  readonly path: StateProof;
  /** Canonical header whose stateRoot the path leads to. */
  readonly headerBytes: Uint8Array;
  /** Canonical headers from its child to the certified block; empty if certified itself. */
  readonly descendants: readonly Uint8Array[];
  /** Canonical finalization certificate. */
  readonly finalization: Uint8Array;
}

export interface StatePort {
  /** The head and its state. The reader is used within the same turn and not kept. */
  atHead(): { readonly head: ChainHeadView; readonly reader: StateReader };
  /**
   * Proof of one key at the newest height that has one: the head, unless its certificate is still
   * to come. Throws RpcRefusal NOT_FOUND before the first block, which nothing certifies.
   */
  prove(key: string): Promise<ProvenEntry>;
}

/** Place of an event in the chain. */
export interface EventPlace {
  readonly height: number;
  readonly txIndex: number;
  readonly eventIndex: number;
}

export interface EventPort {
  /**
   * At most `limit` events after the place (exclusive), in order, none above the head. The place
   * need not be that of an event: both indexes may be END_OF_BLOCK, and height 0 is the genesis.
   */
  after(place: EventPlace, limit: number): Promise<readonly PlacedEvent[]>;
}

/** An index above every real one: with both indexes so, a place is after its whole block. */
export const END_OF_BLOCK = 0xffff_ffff;
