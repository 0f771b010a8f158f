import { Packr } from "msgpackr";
import { copyBytes, equalBytes } from "../bytes.ts";
import { messageOf } from "../errors.ts";
import { CodecError } from "./codec-error.ts";
import { type DecodeLimits, scanMessagePack } from "./message-pack-scan.ts";
import type { Schema } from "./schema.ts";

const packr = new Packr({
  useRecords: false,
  int64AsType: "bigint",
  mapsAsObjects: true,
  encodeUndefinedAsNil: false,
});

/** For messages without a limit of their own: 1 MiB, depth 16, 2^18 elements. */
export const DEFAULT_LIMITS: DecodeLimits = {
  maxBytes: 1 << 20,
  maxDepth: 16,
  maxElements: 1 << 18,
};

/** The one byte string that stands for `value`. Throws CodecError INVALID_VALUE. */
export function encode<T>(schema: Schema<T>, value: T, name = "value"): Uint8Array {
  // The encoder hands out slices of a pool: take a copy that nobody overwrites.
  return copyBytes(packr.pack(schema.toWire(value, name)));
}

/**
 * The value that `bytes` stand for. Bounds are checked before anything is allocated, then the
 * schema, then that the value's own encoding is these very bytes: two encodings of one value would
 * give it two hashes. Throws CodecError.
 */
export function decode<T>(
  schema: Schema<T>,
  bytes: Uint8Array,
  limits: DecodeLimits = DEFAULT_LIMITS,
  name = "value",
): T {
  scanMessagePack(bytes, limits);
  let wire: unknown;
  try {
    // A view of our own: the decoder leaves a `dataView` property on the array that it is given.
    wire = packr.unpack(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length));
  } catch (cause) {
    throw new CodecError("MALFORMED", messageOf(cause), {}, { cause });
  }
  const value = schema.fromWire(wire, name);
  if (!equalBytes(packr.pack(schema.toWire(value, name)), bytes)) {
    throw new CodecError("NOT_CANONICAL", `${name}: bytes are not the canonical encoding`);
  }
  return value;
}
