import { concatBytes, toHex, utf8 } from "../primitives/bytes.ts";
import { encode } from "../primitives/codec/codec.ts";
import { counter, hash, list, record, uint } from "../primitives/codec/schema.ts";
import { sha256 } from "../primitives/sha256.ts";
import { MAX_BATCHES_PER_BLOCK, MAX_VALIDATORS } from "./limits.ts";

/** Version of the header layout; another one is refused. */
export const HEADER_VERSION = 1;

const HEADER_DOMAIN = utf8("MIZAN/HDR/1\0");

/**
 * What a block is: its digest covers exactly these fields. Views, votes and certificates stand
 * outside, so the same block keeps its identity however it came to be final.
 */
export interface BlockHeader {
  readonly version: number;
  /** SHA-256 of the canonical genesis, hex. */
  readonly chainId: string;
  readonly epoch: number;
  /** Genesis is 0, the first block 1. */
  readonly height: number;
  readonly parentDigest: string;
  /** Index of the leader that built it. */
  readonly proposer: number;
  /** Milliseconds since 1970-01-01 UTC, strictly above the parent's. */
  readonly timestampMs: number;
  /** Digests of the transaction batches, in order of execution. */
  readonly batchDigests: readonly string[];
  /** Root of the state after this block. */
  readonly stateRoot: string;
  readonly receiptsRoot: string;
}

export const headerSchema = record({
  version: uint(255),
  chainId: hash,
  epoch: counter,
  height: counter,
  parentDigest: hash,
  proposer: uint(MAX_VALIDATORS - 1),
  timestampMs: counter,
  batchDigests: list(hash, MAX_BATCHES_PER_BLOCK),
  stateRoot: hash,
  receiptsRoot: hash,
});

/** SHA-256("MIZAN/HDR/1\0" || canonical header), hex. Throws CodecError on a malformed header. */
export function headerDigest(header: BlockHeader): string {
  return toHex(sha256(concatBytes(HEADER_DOMAIN, encode(headerSchema, header, "header"))));
}
