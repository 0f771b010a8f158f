import { decode, encode } from "../../primitives/codec/codec.ts";
import type { DecodeLimits } from "../../primitives/codec/message-pack-scan.ts";
import { counter, hash, type Infer, list, record } from "../../primitives/codec/schema.ts";

/** Digests in one message: a block names at most 64 batches. */
export const MAX_DIGESTS = 64;

const LIMITS: DecodeLimits = { maxBytes: 4096, maxDepth: 2, maxElements: MAX_DIGESTS + 8 };

/** "I hold these batches, verified": counted by leaders that choose what to propose. */
const haveSchema = record({ digests: list(hash, MAX_DIGESTS) });

const getSchema = record({ requestId: counter, digests: list(hash, MAX_DIGESTS) });
export type GetBatches = Infer<typeof getSchema>;

/**
 * Ends the answer to a GetBatches: the batches found were sent before it, a `batch` frame each, on
 * the same stream; these were not found or did not fit.
 */
const endSchema = record({ requestId: counter, missing: list(hash, MAX_DIGESTS) });
export type BatchesEnd = Infer<typeof endSchema>;

export function encodeHave(digests: readonly string[]): Uint8Array {
  return encode(haveSchema, { digests }, "batchHave");
}

/** These three throw CodecError on anything but the canonical bytes of a message. */
export function decodeHave(bytes: Uint8Array): readonly string[] {
  return decode(haveSchema, bytes, LIMITS, "batchHave").digests;
}

export function encodeGet(request: GetBatches): Uint8Array {
  return encode(getSchema, request, "getBatches");
}

export function decodeGet(bytes: Uint8Array): GetBatches {
  return decode(getSchema, bytes, LIMITS, "getBatches");
}

export function encodeEnd(end: BatchesEnd): Uint8Array {
  return encode(endSchema, end, "batches");
}

export function decodeEnd(bytes: Uint8Array): BatchesEnd {
  return decode(endSchema, bytes, LIMITS, "batches");
}
