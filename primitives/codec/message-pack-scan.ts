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
 * Walks one MessagePack value and refuses what Mizan never writes: maps, extensions, floats,
 * reserved bytes, lengths that run past the end, trailing bytes, and anything over the limits.
 * An 8 MB frame of empty arrays would become hundreds of megabytes of heap in a decoder; here it
 * costs one pass without allocation. Format: github.com/msgpack/msgpack/blob/master/spec.md.
 */
export function scanMessagePack(bytes: Uint8Array, limits: DecodeLimits): void {
  if (bytes.length > limits.maxBytes) {
    throw new CodecError("TOO_LARGE", `message of ${bytes.length} bytes`, {
      got: bytes.length,
      limit: limits.maxBytes,
    });
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  /** Elements still to read at each open level. */
  const open: number[] = [];
  let position = 0;
  let elements = 0;

  const need = (count: number): void => {
    if (position + count > bytes.length) {
      throw new CodecError("MALFORMED", "message ends inside a value", { offset: position });
    }
  };
  const length = (width: 1 | 2 | 4): number => {
    need(width);
    const value =
      width === 1
        ? view.getUint8(position)
        : width === 2
          ? view.getUint16(position)
          : view.getUint32(position);
    position += width;
    return value;
  };
  const skip = (count: number): void => {
    need(count);
    position += count;
  };
  const openArray = (count: number): void => {
    if (count > limits.maxElements - elements) {
      throw new CodecError("TOO_MANY_ELEMENTS", `array of ${count} elements`, {
        got: count,
        limit: limits.maxElements,
      });
    }
    if (count === 0) return;
    if (open.length >= limits.maxDepth) {
      throw new CodecError("TOO_DEEP", "message nests too deep", { limit: limits.maxDepth });
    }
    open.push(count);
  };

  do {
    elements += 1;
    if (elements > limits.maxElements) {
      throw new CodecError("TOO_MANY_ELEMENTS", "message has too many elements", {
        limit: limits.maxElements,
      });
    }
    const level = open.length - 1;
    if (level >= 0) open[level] = (open[level] ?? 0) - 1;
    const tag = length(1);
    if (tag <= 0x7f || tag >= 0xe0) {
      // fixint: the tag is the value
    } else if (tag >= 0x90 && tag <= 0x9f) openArray(tag & 0x0f);
    else if (tag >= 0xa0 && tag <= 0xbf) skip(tag & 0x1f);
    else if (tag === 0xc0 || tag === 0xc2 || tag === 0xc3) {
      // nil, false, true
    } else if (tag === 0xc4 || tag === 0xd9) skip(length(1));
    else if (tag === 0xc5 || tag === 0xda) skip(length(2));
    else if (tag === 0xc6 || tag === 0xdb) skip(length(4));
    else if (tag === 0xcc || tag === 0xd0) skip(1);
    else if (tag === 0xcd || tag === 0xd1) skip(2);
    else if (tag === 0xce || tag === 0xd2) skip(4);
    else if (tag === 0xcf || tag === 0xd3) skip(8);
    else if (tag === 0xdc) openArray(length(2));
    else if (tag === 0xdd) openArray(length(4));
    else {
      throw new CodecError("MALFORMED", `type byte 0x${tag.toString(16)} is not used here`, {
        offset: position - 1,
        got: tag,
      });
    }
    while (open.length > 0 && open[open.length - 1] === 0) open.pop();
  } while (open.length > 0);

  if (position !== bytes.length) {
    throw new CodecError("MALFORMED", `${bytes.length - position} bytes after the message`, {
      offset: position,
    });
  }
}
