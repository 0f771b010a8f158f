import { Packr } from "msgpackr";
import { copyBytes, equalBytes } from "../bytes.ts";
import { messageOf } from "../errors.ts";
import { CodecError } from "./codec-error.ts";
import { type DecodeLimits, scanMessagePack } from "./message-pack-scan.ts";
import type { Schema } from "./schema.ts";
import { readerOf, writerOf } from "./wire-generic.ts";
import { WireReader } from "./wire-reader.ts";
import { WireWriter } from "./wire-writer.ts";

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

const writer = new WireWriter();

/** The one byte string that stands for `value`. Throws CodecError INVALID_VALUE. */
export function encode<T>(schema: Schema<T>, value: T, name = "value"): Uint8Array {
  return encodeShort(schema, value) ?? encodeCarefully(schema, value, name);
}

/** Undefined where the value is unusual or wrong: the careful way tells which, and where. */
export function encodeShort<T>(schema: Schema<T>, value: T): Uint8Array | undefined {
  if (!writer.begin()) return undefined;
  try {
    writerOf(schema)(writer, value);
    return writer.finish();
  } catch {
    writer.abandon();
    return undefined;
  }
}

/** Through the schema's wire form and msgpackr: the reference for the short way. */
export function encodeCarefully<T>(schema: Schema<T>, value: T, name: string): Uint8Array {
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
  const short = decodeShort(schema, bytes, limits);
  return short === undefined ? decodeCarefully(schema, bytes, limits, name) : short.value;
}

/** Undefined where the bytes are unusual or wrong: the careful way tells which, and where. */
export function decodeShort<T>(
  schema: Schema<T>,
  bytes: Uint8Array,
  limits: DecodeLimits,
): { readonly value: T } | undefined {
  try {
    const input = new WireReader(bytes, limits);
    const value = readerOf(schema)(input);
    return input.isAtEnd ? { value } : undefined;
  } catch {
    return undefined;
  }
}

/** By a scan, msgpackr, the schema and an encoding of the result: the reference. */
export function decodeCarefully<T>(
  schema: Schema<T>,
  bytes: Uint8Array,
  limits: DecodeLimits,
  name: string,
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
