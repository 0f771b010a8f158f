import { concatBytes, toHex, utf8 } from "../primitives/bytes.ts";
import { encode } from "../primitives/codec/codec.ts";
import { counter, hash, list, optional, record, uint } from "../primitives/codec/schema.ts";
import { sha256 } from "../primitives/sha256.ts";
import { type Evidence, evidenceSchema } from "./evidence.ts";
import { MAX_BATCHES_PER_BLOCK, MAX_EVIDENCE_PER_BLOCK, MAX_VALIDATORS } from "./limits.ts";

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
  /** Proofs that a validator contradicted itself, in rising order of evidenceDigest, unique. */
  readonly evidence: readonly Evidence[];
  /**
   * Present exactly in the last block of an epoch: the hash of the next epoch's validator set. Both
   * whether it is there and its value are functions of the parent's post-state.
   */
  readonly nextValidators: string | undefined;
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
  evidence: list(evidenceSchema, MAX_EVIDENCE_PER_BLOCK),
  nextValidators: optional(hash),
});

/** SHA-256("MIZAN/HDR/1\0" || canonical header), hex. Throws CodecError on a malformed header. */
export function headerDigest(header: BlockHeader): string {
  return toHex(sha256(concatBytes(HEADER_DOMAIN, encode(headerSchema, header, "header"))));
}
