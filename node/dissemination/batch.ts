import { decodeOwnTransaction, type SignedTransaction } from "../../ledger/envelope.ts";
import { MAX_TRANSACTION_BYTES, MAX_VALIDATOR_NUMBER } from "../../ledger/limits.ts";
import { concatBytes, utf8 } from "../../primitives/bytes.ts";
import { decode, encode } from "../../primitives/codec/codec.ts";
import type { DecodeLimits } from "../../primitives/codec/message-pack-scan.ts";
import { borrowedBytes, counter, list, record, uint } from "../../primitives/codec/schema.ts";
import { CodedError } from "../../primitives/errors.ts";
import { sha256Hex } from "../../primitives/sha256.ts";

/** Large enough to amortise a frame and an fsync, small enough not to delay the next block. */
export const MAX_BATCH_BYTES = 256 * 1024;
export const MAX_BATCH_TRANSACTIONS = 1024;

/** Bytes of a batch beside its transactions: array headers, author, sequence, bin headers. */
const ENVELOPE_BYTES = 32;
const PER_TRANSACTION_BYTES = 5;

const DOMAIN = utf8("MIZAN/BATCH/1\0");

const batchSchema = record({
  /** Number of the validator that packed the batch: it is the same in every epoch. */
  author: uint(MAX_VALIDATOR_NUMBER),
  /** Rises with each batch of one process of the author; tells two equal batches apart. */
  sequence: counter,
  transactions: list(borrowedBytes(MAX_TRANSACTION_BYTES), MAX_BATCH_TRANSACTIONS),
});

const BATCH_LIMITS: DecodeLimits = {
  maxBytes: MAX_BATCH_BYTES,
  maxDepth: 2,
  maxElements: MAX_BATCH_TRANSACTIONS + 4,
};

/** A transaction with its bytes on the wire. */
export interface WireTransaction {
  readonly bytes: Uint8Array;
  readonly transaction: SignedTransaction;
}

/** Transactions as validators hand them on: decoded and checked once, signatures not yet. */
export interface Batch {
  /** SHA-256("MIZAN/BATCH/1\0" || bytes), hex. */
  readonly digest: string;
  readonly bytes: Uint8Array;
  readonly author: number;
  readonly transactions: readonly WireTransaction[];
}

export function batchDigest(bytes: Uint8Array): string {
  return sha256Hex(concatBytes(DOMAIN, bytes));
}

/** What one transaction of `length` bytes adds to a batch. */
export function packedSize(length: number): number {
  return length + PER_TRANSACTION_BYTES;
}

/** Payload bytes that fit one batch, measured by packedSize. */
export const BATCH_CAPACITY = MAX_BATCH_BYTES - ENVELOPE_BYTES;

export function packBatch(
  author: number,
  sequence: number,
  transactions: readonly WireTransaction[],
): Batch {
  const bytes = encode(
    batchSchema,
    { author, sequence, transactions: transactions.map((transaction) => transaction.bytes) },
    "batch",
  );
  return { digest: batchDigest(bytes), bytes, author, transactions };
}

/**
 * A batch from a peer or from disk. A pure function of the bytes: every node admits the same
 * batches, so an admitted batch never makes a block bad. The batch and its transactions are views
 * of the bytes: nobody may write to them any more. Throws CodedError.
 * `digest` is that of the bytes, where the caller has it already.
 */
export function readBatch(bytes: Uint8Array, digest: string = batchDigest(bytes)): Batch {
  const { author, transactions } = decode(batchSchema, bytes, BATCH_LIMITS, "batch");
  if (transactions.length === 0) {
    throw new CodedError("BATCH_EMPTY", "a batch holds at least one transaction", { author });
  }
  return {
    digest,
    bytes,
    author,
    transactions: transactions.map((wire) => ({
      bytes: wire,
      transaction: decodeOwnTransaction(wire),
    })),
  };
}

/** A batch from this node's own disk. Throws CodedError BATCH_CORRUPT when it is another one. */
export function readStoredBatch(digest: string, bytes: Uint8Array): Batch {
  if (batchDigest(bytes) === digest) return readBatch(bytes, digest);
  throw new CodedError("BATCH_CORRUPT", `the bytes stored under ${digest} are another batch`);
}
