import { decode, encode } from "../primitives/codec/codec.ts";
import { CodecError } from "../primitives/codec/codec-error.ts";
import type { DecodeLimits } from "../primitives/codec/message-pack-scan.ts";
import {
  bool,
  counter,
  hash,
  oneOf,
  record,
  text,
  uint,
  union,
} from "../primitives/codec/schema.ts";
import { certificateSchema, voteRecordSchema, voteSchema } from "./certificate.ts";
import { type Evidence, evidenceSchema } from "./evidence.ts";
import { type BlockHeader, headerSchema } from "./header.ts";
import type { Certificate, Halt, Vote, VoteRecord } from "./types.ts";

/** Layout of a record; records of another version are ignored like those of another chain. */
export const JOURNAL_VERSION = 1;

/** Where finality stood: nothing at or below `view` may ever be signed again. */
export interface FloorRecord {
  readonly view: number;
  readonly height: number;
  readonly digest: string;
}

/** Evidence that this node holds, also of the epoch before; settled: on the ledger by now. */
export interface EvidenceRecord {
  readonly evidence: Evidence;
  readonly settled: boolean;
}

/**
 * What a node promised or must not forget. Replay takes the set of entries; their order says
 * nothing. `vote`: own vote, durable before it is signed. `header`: a block that a vote of ours or
 * a certificate names. `witness`: first proposal vote of a leader, so that equivocation is seen
 * across a restart. `halt`: this node must not vote any more. `evidence`: proofs to be put into a
 * block, and those that are; settled stands.
 */
export type JournalEntry =
  | { readonly type: "vote"; readonly body: VoteRecord }
  | { readonly type: "certificate"; readonly body: Certificate }
  | { readonly type: "header"; readonly body: BlockHeader }
  | { readonly type: "floor"; readonly body: FloorRecord }
  | { readonly type: "halt"; readonly body: Halt }
  | { readonly type: "witness"; readonly body: Vote }
  | { readonly type: "evidence"; readonly body: EvidenceRecord };

/** Tags follow this order: only ever append. */
const entrySchema = union({
  vote: voteRecordSchema,
  certificate: certificateSchema,
  header: headerSchema,
  floor: record({ view: counter, height: counter, digest: hash }),
  halt: record({
    code: oneOf(["FOREIGN_SELF_VOTE", "AMNESIA", "DIVERGENCE", "SAFETY_VIOLATION"]),
    view: counter,
    detail: text(1024),
  }),
  witness: voteSchema,
  evidence: record({ evidence: evidenceSchema, settled: bool }),
});

const recordSchema = record({
  version: uint(255),
  chainId: hash,
  epoch: counter,
  entry: entrySchema,
});

const RECORD_LIMITS: DecodeLimits = { maxBytes: 16_384, maxDepth: 8, maxElements: 512 };

/**
 * Canonical bytes of one record: [version, chainId, epoch, [tag, body]]. Framing, checksum and
 * sequence number are the file's.
 */
export function encodeRecord(chainId: string, epoch: number, entry: JournalEntry): Uint8Array {
  return encode(recordSchema, { version: JOURNAL_VERSION, chainId, epoch, entry }, "record");
}

/**
 * The entry, or undefined for a record of another chain, epoch or version: a signature given there
 * is over other bytes and binds nobody here. Throws CodecError on bytes that are no record at all.
 */
export function decodeRecord(
  chainId: string,
  epoch: number,
  bytes: Uint8Array,
): JournalEntry | undefined {
  const decoded = decode(recordSchema, bytes, RECORD_LIMITS, "record");
  const belongs =
    decoded.version === JOURNAL_VERSION && decoded.chainId === chainId && decoded.epoch === epoch;
  if (!belongs) return undefined;
  const entry: JournalEntry = decoded.entry;
  if ("epoch" in entry.body && entry.body.epoch !== epoch) {
    throw new CodecError("INVALID_VALUE", "record and entry name different epochs", {
      field: "record.entry.epoch",
      got: entry.body.epoch,
      expected: epoch,
    });
  }
  return entry;
}
