import { decode, encode } from "../../primitives/codec/codec.ts";
import type { DecodeLimits } from "../../primitives/codec/message-pack-scan.ts";
import {
  bytesUpTo,
  counter,
  hash,
  type Infer,
  oneOf,
  optional,
  record,
  uint,
} from "../../primitives/codec/schema.ts";
import { MAX_CHUNK_BYTES, MAX_CHUNKS, MAX_MANIFEST_BYTES } from "./limits.ts";

const REQUEST_LIMITS: DecodeLimits = { maxBytes: 1024, maxDepth: 1, maxElements: 8 };
const ENVELOPE_BYTES = 64;
const MANIFEST_LIMITS = replyLimits(MAX_MANIFEST_BYTES);
const CHUNK_LIMITS = replyLimits(MAX_CHUNK_BYTES);

function replyLimits(payloadBytes: number): DecodeLimits {
  return { maxBytes: payloadBytes + ENVELOPE_BYTES, maxDepth: 1, maxElements: 8 };
}

/**
 * Why an answer brings nothing. NONE: no snapshot here. NOT_AVAILABLE: not this chunk, and it won't
 * come. BUSY: more was asked than this peer may; ask again later.
 */
const refusal = oneOf(["NONE", "NOT_AVAILABLE", "BUSY"]);
export type SnapshotRefusal = Infer<typeof refusal>;

/** Asks for the manifest of the newest snapshot. */
const getManifestSchema = record({ requestId: counter });
export type GetManifest = Infer<typeof getManifestSchema>;

/** Always answered: with the bytes of a manifest, or with the reason why not. */
const manifestReplySchema = record({
  requestId: counter,
  manifest: optional(bytesUpTo(MAX_MANIFEST_BYTES)),
  refusal: optional(refusal),
});
export type ManifestReply = Infer<typeof manifestReplySchema>;

/** Asks for a chunk by height, place and hash: equal states have equal chunks at every node. */
const getChunkSchema = record({
  requestId: counter,
  height: counter,
  index: uint(MAX_CHUNKS - 1),
  hash,
});
export type GetChunk = Infer<typeof getChunkSchema>;

const chunkReplySchema = record({
  requestId: counter,
  chunk: optional(bytesUpTo(MAX_CHUNK_BYTES)),
  refusal: optional(refusal),
});
export type ChunkReply = Infer<typeof chunkReplySchema>;

export function encodeGetManifest(message: GetManifest): Uint8Array {
  return encode(getManifestSchema, message, "getSnapshotManifest");
}

export function encodeManifestReply(message: ManifestReply): Uint8Array {
  return encode(manifestReplySchema, message, "snapshotManifest");
}

export function encodeGetChunk(message: GetChunk): Uint8Array {
  return encode(getChunkSchema, message, "getSnapshotChunk");
}

export function encodeChunkReply(message: ChunkReply): Uint8Array {
  return encode(chunkReplySchema, message, "snapshotChunk");
}

/** These four throw CodecError on anything but the canonical bytes of a message. */
export function decodeGetManifest(bytes: Uint8Array): GetManifest {
  return decode(getManifestSchema, bytes, REQUEST_LIMITS, "getSnapshotManifest");
}

export function decodeManifestReply(bytes: Uint8Array): ManifestReply {
  return decode(manifestReplySchema, bytes, MANIFEST_LIMITS, "snapshotManifest");
}

export function decodeGetChunk(bytes: Uint8Array): GetChunk {
  return decode(getChunkSchema, bytes, REQUEST_LIMITS, "getSnapshotChunk");
}

export function decodeChunkReply(bytes: Uint8Array): ChunkReply {
  return decode(chunkReplySchema, bytes, CHUNK_LIMITS, "snapshotChunk");
}
