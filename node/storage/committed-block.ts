/** Where a transaction stands in the chain: block height and index of its receipt in the block. */
export interface TransactionLocation {
  readonly height: number;
  readonly index: number;
}

/** One transaction of a block that was executed: it becomes findable by id. */
export interface TransactionIndexEntry {
  /** 64 lower-case hex digits. */
  readonly txId: string;
  /** Place of its receipt in `receipts`. */
  readonly index: number;
}

/** The reference that the submitting member chose; the newest transaction under it wins. */
export interface ClientRefEntry {
  readonly member: string;
  readonly clientRef: string;
  readonly txId: string;
}

/** Position of one event in the chain; also the cursor that pages forward through events. */
export interface EventPosition {
  readonly height: number;
  readonly txIndex: number;
  readonly eventIndex: number;
}

export interface BlockEvent {
  readonly txIndex: number;
  readonly eventIndex: number;
  readonly bytes: Uint8Array;
}

export interface StoredEvent extends EventPosition {
  readonly bytes: Uint8Array;
}

/** A key of the ledger state with its new value; null removes the key. */
export type StateChange = readonly [key: string, value: Uint8Array | null];

export type StateEntry = readonly [key: string, value: Uint8Array];

/** A transaction batch under its digest, 64 lower-case hex digits. */
export type BatchEntry = readonly [digest: string, bytes: Uint8Array];

/** Everything that one final block leaves on disk: there entirely or not at all. */
export interface CommittedBlock {
  readonly height: number;
  /** Digest of `header`, 64 lower-case hex digits. */
  readonly digest: string;
  /** Digest of the block at `height - 1`; the chain id for the first block. */
  readonly previousDigest: string;
  /** Canonical header. */
  readonly header: Uint8Array;
  /** Finalization certificate of this block or of a descendant. */
  readonly finalization: Uint8Array;
  /** Digests of the batches in block order; each body is stored already or in `batchBodies`. */
  readonly batches: readonly string[];
  /** Bodies not stored before (catch-up): written in the same atomic batch. */
  readonly batchBodies?: readonly BatchEntry[];
  readonly receipts: readonly Uint8Array[];
  /** In rising (txIndex, eventIndex) order. */
  readonly events: readonly BlockEvent[];
  readonly transactions: readonly TransactionIndexEntry[];
  readonly clientRefs: readonly ClientRefEntry[];
  readonly stateChanges: readonly StateChange[];
  /** Root of the ledger state after this block. */
  readonly stateRoot: string;
}

/** The newest applied block. At height 0 the digest is the chain id. */
export interface ChainHead {
  readonly height: number;
  readonly digest: string;
  readonly stateRoot: string;
}

/** A final block from which a chain goes on without anything below it; its state is a snapshot's. */
export interface ChainBase {
  /** Canonical header. */
  readonly header: Uint8Array;
  /** Finalization certificate of this very block. */
  readonly finalization: Uint8Array;
  /** How each epoch before the block's own ended, from epoch 0 on; the caller's own form. */
  readonly epochEnds: readonly Uint8Array[];
  /** The whole state after the block, in pieces that fit one write each. */
  readonly state: AsyncIterable<readonly StateEntry[]> | Iterable<readonly StateEntry[]>;
}

/** What storage must know of a header to check the chain; the caller owns the header codec. */
export interface HeaderFacts {
  readonly digest: string;
  readonly height: number;
  readonly parentDigest: string;
  readonly stateRoot: string;
  readonly batchDigests: readonly string[];
}

/** Reads and hashes header bytes; throws on bytes that are no header. */
export type ReadHeader = (header: Uint8Array) => HeaderFacts;
