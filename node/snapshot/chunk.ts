import { concatBytes, toHex, utf8 } from "../../primitives/bytes.ts";
import { decode, encode } from "../../primitives/codec/codec.ts";
import type { DecodeLimits } from "../../primitives/codec/message-pack-scan.ts";
import { bytesUpTo, list, record, text } from "../../primitives/codec/schema.ts";
import { CodedError, messageOf } from "../../primitives/errors.ts";
import { sha256 } from "../../primitives/sha256.ts";
import type { StateEntry } from "../storage/committed-block.ts";
import { MAX_CHUNK_BYTES, MAX_CHUNK_ENTRIES, MAX_KEY_BYTES } from "./limits.ts";
import { SnapshotError } from "./snapshot-error.ts";

const CHUNK_DOMAIN = utf8("MIZAN/CHUNK/1\0");

/** Framing of an entry at most: its array, and the lengths of key and value. */
const ENTRY_OVERHEAD = 1 + 3 + 5;
/** Framing of the list. */
const LIST_OVERHEAD = 5;

const chunkSchema = list(
  record({
    key: text(MAX_KEY_BYTES, /[\x21-\x7e]+/),
    value: bytesUpTo(MAX_CHUNK_BYTES - LIST_OVERHEAD - ENTRY_OVERHEAD - MAX_KEY_BYTES),
  }),
  MAX_CHUNK_ENTRIES,
);

const LIMITS: DecodeLimits = {
  maxBytes: MAX_CHUNK_BYTES,
  maxDepth: 2,
  maxElements: 3 * MAX_CHUNK_ENTRIES + 1,
};

/** SHA-256("MIZAN/CHUNK/1\0" || chunk), hex. */
export function chunkHash(chunk: Uint8Array): string {
  return toHex(sha256(concatBytes(CHUNK_DOMAIN, chunk)));
}

/**
 * Cuts entries that come in key order into chunks. The law: a chunk takes entries as long as key
 * bytes, value bytes and 9 for each, and 5 for the list, are at most 1 MiB. So equal states have
 * equal chunks at every node, and a joiner can take them from all of them at once.
 */
export class ChunkPacker {
  #entries: StateEntry[] = [];
  #bytes = LIST_OVERHEAD;

  /** The chunk that was full before this entry, if it was. Throws CodecError on a huge entry. */
  add(entry: StateEntry): Uint8Array | undefined {
    const [key, value] = entry;
    // State keys are ASCII: a character is a byte; the codec refuses any other.
    const size = key.length + value.length + ENTRY_OVERHEAD;
    const isFull =
      this.#bytes + size > MAX_CHUNK_BYTES || this.#entries.length >= MAX_CHUNK_ENTRIES;
    const full = isFull ? this.end() : undefined;
    this.#entries.push(entry);
    this.#bytes += size;
    return full;
  }

  /** The last chunk, if any entry is left. */
  end(): Uint8Array | undefined {
    if (this.#entries.length === 0) return undefined;
    const chunk = encodeChunk(this.#entries);
    this.#entries = [];
    this.#bytes = LIST_OVERHEAD;
    return chunk;
  }
}

export function encodeChunk(entries: readonly StateEntry[]): Uint8Array {
  const records = entries.map(([key, value]) => ({ key, value }));
  return encode(chunkSchema, records, "chunk");
}

/**
 * The entries of one chunk. `after` is the last key of the chunk before. Throws SnapshotError
 * SNAPSHOT_MALFORMED or SNAPSHOT_ORDER; an empty chunk is malformed.
 */
export function decodeChunk(bytes: Uint8Array, after: string | undefined): readonly StateEntry[] {
  const records = readRecords(bytes);
  if (records.length === 0)
    throw new SnapshotError("SNAPSHOT_MALFORMED", "a chunk without entries");
  let before = after;
  for (const { key } of records) {
    // ASCII: the order of code units is that of bytes.
    if (before !== undefined && key <= before) {
      throw new SnapshotError("SNAPSHOT_ORDER", "keys of a snapshot rise from entry to entry", {
        key,
        before,
      });
    }
    before = key;
  }
  return records.map(({ key, value }) => [key, value] as const);
}

function readRecords(bytes: Uint8Array) {
  try {
    return decode(chunkSchema, bytes, LIMITS, "chunk");
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
    throw new SnapshotError("SNAPSHOT_MALFORMED", messageOf(error), {}, error);
  }
}
