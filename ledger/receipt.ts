import { decode, encode } from "../primitives/codec/codec.ts";
import {
  bool,
  counter,
  hash,
  type Infer,
  optional,
  record,
  text,
  uint,
} from "../primitives/codec/schema.ts";
import { MAX_BLOCK_TRANSACTIONS } from "./limits.ts";
import { type Outcome, type OutcomeCode, outcomeSchema } from "./outcome.ts";
import { clientRef, memberId } from "./types.ts";

/**
 * The three moments of settlement finality, as heights. Entry: the instruction stands in a
 * committed block (SF1). Irrevocability: matched, no side can withdraw alone (SF2). Finality: the
 * settlement is committed by quorum (SF3). For a pre-matched settlement they are one block.
 */
export const finalityMomentsSchema = record({
  entryHeight: counter,
  irrevocabilityHeight: counter,
  finalityHeight: counter,
});
export type FinalityMoments = Infer<typeof finalityMomentsSchema>;

/** What an earlier use of the same client reference came to. */
export const firstResultSchema = record({
  txId: hash,
  outcome: outcomeSchema,
  height: counter,
  /** Place in that block. */
  index: uint(MAX_BLOCK_TRANSACTIONS),
});
export interface FirstResult {
  readonly txId: string;
  readonly outcome: Outcome;
  readonly height: number;
  readonly index: number;
}

/**
 * What a block made of one transaction. `executed` false means refused at admission: no write, no
 * event, the client reference stays free; `outcome` then is an admission code. A node that indexes
 * receipts by txId keeps the executed one: the same bytes in a later block are a DUPLICATE.
 */
export const receiptSchema = record({
  txId: hash,
  member: memberId,
  clientRef,
  kind: text(64),
  height: counter,
  index: uint(MAX_BLOCK_TRANSACTIONS),
  executed: bool,
  outcome: outcomeSchema,
  /** The payload or body field at fault, where one can be named. */
  field: optional(text(128)),
  /** For DUPLICATE and IDEMPOTENCY_CONFLICT: the transaction that holds the reference. */
  first: optional(firstResultSchema),
  eventCount: uint(),
  /** Settlements only. */
  moments: optional(finalityMomentsSchema),
});
export type Receipt = Infer<typeof receiptSchema>;

export function encodeReceipt(receipt: Receipt): Uint8Array {
  return encode(receiptSchema, receipt, "receipt");
}

/** Throws CodecError on bytes that are not one canonical receipt. */
export function decodeReceipt(bytes: Uint8Array): Receipt {
  return decode(receiptSchema, bytes, undefined, "receipt");
}

export function succeeded(receipt: { readonly outcome: { readonly code: OutcomeCode } }): boolean {
  return receipt.outcome.code === "SETTLED" || receipt.outcome.code === "APPLIED";
}
