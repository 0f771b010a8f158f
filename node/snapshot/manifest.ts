import { validatorRegistrySchema } from "../../consensus/validator-registry.ts";
import { decode, encode } from "../../primitives/codec/codec.ts";
import type { DecodeLimits } from "../../primitives/codec/message-pack-scan.ts";
import {
  bytesUpTo,
  counter,
  hash,
  type Infer,
  list,
  record,
  uint,
} from "../../primitives/codec/schema.ts";
import { CodedError, messageOf } from "../../primitives/errors.ts";
import {
  MAX_CHUNKS,
  MAX_EPOCHS,
  MAX_FINALIZATION_BYTES,
  MAX_HEADER_BYTES,
  MAX_MANIFEST_BYTES,
} from "./limits.ts";
import { SnapshotError } from "./snapshot-error.ts";

/** Version of the manifest's layout and of the chunking law; another one is refused. */
export const SNAPSHOT_VERSION = 1;

const epochEndSchema = record({
  /** Canonical header of the epoch's last block; it names the hash of `validators`. */
  header: bytesUpTo(MAX_HEADER_BYTES),
  /** Canonical finalization of that block by the epoch's own set. */
  finalization: bytesUpTo(MAX_FINALIZATION_BYTES),
  /** The set of the next epoch. */
  validators: validatorRegistrySchema,
});
/** How an epoch ended, and who votes from there on. */
export type EpochEnd = Infer<typeof epochEndSchema>;

const manifestSchema = record({
  version: uint(0xff),
  chainId: hash,
  /** Of the block whose state this is. */
  height: counter,
  /** Canonical header of that block. */
  header: bytesUpTo(MAX_HEADER_BYTES),
  /** Canonical finalization of that very block. */
  finalization: bytesUpTo(MAX_FINALIZATION_BYTES),
  /** The ends of all epochs before the block's own, from epoch 0 on; empty in epoch 0. */
  epochTrail: list(epochEndSchema, MAX_EPOCHS),
  stateRoot: hash,
  /** Entries of all chunks together. */
  entryCount: counter,
  /** In key order. */
  chunkHashes: list(hash, MAX_CHUNKS),
});

/** What a snapshot is; it proves itself to whoever knows the genesis (`manifest-check.ts`). */
export type Manifest = Infer<typeof manifestSchema>;

const LIMITS: DecodeLimits = {
  maxBytes: MAX_MANIFEST_BYTES,
  maxDepth: 5,
  // Each epoch has 25 validators of six elements at most.
  maxElements: MAX_CHUNKS + 160 * MAX_EPOCHS + 64,
};

/** Throws SnapshotError SNAPSHOT_TOO_LARGE where the bytes would be more than a peer takes. */
export function encodeManifest(manifest: Manifest): Uint8Array {
  const bytes = encode(manifestSchema, manifest, "manifest");
  if (bytes.length <= MAX_MANIFEST_BYTES) return bytes;
  throw new SnapshotError("SNAPSHOT_TOO_LARGE", `a manifest of ${bytes.length} bytes`, {
    got: bytes.length,
    limit: MAX_MANIFEST_BYTES,
  });
}

/** The manifest that the bytes are; nothing in it is proven. Throws SNAPSHOT_MALFORMED. */
export function decodeManifest(bytes: Uint8Array): Manifest {
  return malformedUnless(() => decode(manifestSchema, bytes, LIMITS, "manifest"));
}

export function encodeEpochEnd(end: EpochEnd): Uint8Array {
  return encode(epochEndSchema, end, "epochEnd");
}

/** Throws SNAPSHOT_MALFORMED. */
export function decodeEpochEnd(bytes: Uint8Array): EpochEnd {
  return malformedUnless(() => decode(epochEndSchema, bytes, undefined, "epochEnd"));
}

/** Runs a decoder of what others sent; what it refuses is a malformed snapshot. */
export function malformedUnless<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
    throw new SnapshotError("SNAPSHOT_MALFORMED", messageOf(error), {}, error);
  }
}
