import { CodecError } from "./codec-error.ts";

/** Bounds checked on raw bytes, before a decoder allocates anything. */
export interface DecodeLimits {
  /** Whole message, bytes. */
  readonly maxBytes: number;
  /** Nesting of arrays; scalars at the top are depth 0. */
  readonly maxDepth: number;
  /** Arrays, scalars and strings in the whole message together. */
  readonly maxElements: number;
}

/**
 * What follows each type byte: a payload of 0 … 31 bytes, or one of the kinds below. MessagePack
 * types that Mizan never writes (maps, extensions, floats, the reserved 0xc1) are FORBIDDEN.
 */
const FORBIDDEN = 255;
const FIXED_ARRAY = 254; // count in the low four bits of the type byte
const ARRAY = 64; // + width of the count: 2 or 4 bytes
const BLOB = 128; // + width of the length: 1, 2 or 4 bytes; text and binary alike

const KIND = new Uint8Array(256).fill(FORBIDDEN);
KIND.fill(0, 0x00, 0x80); // positive fixint
KIND.fill(0, 0xe0, 0x100); // negative fixint
KIND.fill(FIXED_ARRAY, 0x90, 0xa0);
for (let length = 0; length < 32; length++) KIND[0xa0 + length] = length; // fixstr
for (const tag of [0xc0, 0xc2, 0xc3]) KIND[tag] = 0; // nil, false, true
for (const [i, width] of [1, 2, 4].entries()) {
  KIND[0xc4 + i] = BLOB + width; // bin 8, 16, 32
  KIND[0xd9 + i] = BLOB + width; // str 8, 16, 32
}
for (const [i, width] of [1, 2, 4, 8].entries()) {
  KIND[0xcc + i] = width; // uint 8, 16, 32, 64
  KIND[0xd0 + i] = width; // int 8, 16, 32, 64
}
KIND[0xdc] = ARRAY + 2;
KIND[0xdd] = ARRAY + 4;

/**
 * Walks one MessagePack value and refuses what Mizan never writes, lengths that run past the end,
 * trailing bytes, and anything over the limits. An 8 MB frame of empty arrays would become hundreds
 * of megabytes of heap in a decoder; here it costs one pass without allocation. That the spelling
 * is the canonical one is for `decode` to check. Format: msgpack spec, github.com/msgpack/msgpack.
 */
export function scanMessagePack(bytes: Uint8Array, limits: DecodeLimits): void {
  if (bytes.length > limits.maxBytes) throw tooLarge(bytes.length, limits.maxBytes);
  /** Elements still to read in the arrays around the current one. */
  const outer: number[] = [];
  /** Elements still to read in the current array; the message itself counts as an array of one. */
  let left = 1;
  let elements = 0;
  let position = 0;
  for (;;) {
    while (left === 0) {
      const next = outer.pop();
      if (next === undefined) {
        if (position !== bytes.length) throw trailing(bytes.length - position, position);
        return;
      }
      left = next;
    }
    left -= 1;
    elements += 1;
    const tag = bytes[position];
    if (tag === undefined) throw truncated(position);
    position += 1;
    const kind = KIND[tag] ?? FORBIDDEN;
    if (kind < 32) {
      position += kind;
    } else if (kind === FORBIDDEN) {
      throw forbidden(tag, position - 1);
    } else if (kind >= BLOB && kind !== FIXED_ARRAY) {
      const width = kind - BLOB;
      position += width + unsigned(bytes, position, width);
    } else {
      const width = kind === FIXED_ARRAY ? 0 : kind - ARRAY;
      const count = width === 0 ? tag & 0x0f : unsigned(bytes, position, width);
      position += width;
      if (count > limits.maxElements - elements) throw tooMany(count, limits.maxElements);
      if (count > 0) {
        if (outer.length >= limits.maxDepth) throw tooDeep(limits.maxDepth);
        outer.push(left);
        left = count;
      }
    }
    if (position > bytes.length) throw truncated(position);
    if (elements > limits.maxElements) throw tooMany(elements, limits.maxElements);
  }
}

/** Big-endian integer of `width` bytes; bytes past the end count as 0 and are noticed after. */
function unsigned(bytes: Uint8Array, at: number, width: number): number {
  let value = 0;
  for (let i = 0; i < width; i++) value = value * 256 + (bytes[at + i] ?? 0);
  return value;
}

function tooLarge(got: number, limit: number): CodecError {
  return new CodecError("TOO_LARGE", `message of ${got} bytes`, { got, limit });
}

function tooMany(got: number, limit: number): CodecError {
  return new CodecError("TOO_MANY_ELEMENTS", `message of ${got} elements or more`, { got, limit });
}

function tooDeep(limit: number): CodecError {
  return new CodecError("TOO_DEEP", "message nests too deep", { limit });
}

function truncated(offset: number): CodecError {
  return new CodecError("MALFORMED", "message ends inside a value", { offset });
}

function trailing(count: number, offset: number): CodecError {
  return new CodecError("MALFORMED", `${count} bytes after the message`, { offset });
}

function forbidden(tag: number, offset: number): CodecError {
  const message = `type byte 0x${tag.toString(16)} is not used here`;
  return new CodecError("MALFORMED", message, { offset, got: tag });
}
