import { decode, encode } from "../../primitives/codec/codec.ts";
import { counter, hash, type Infer, list, record, uint } from "../../primitives/codec/schema.ts";
import { messageOf } from "../../primitives/errors.ts";
import type { ChainHead } from "./committed-block.ts";
import { StorageError } from "./storage-error.ts";

/** Four times what a header may name today: storage does not decide that bound. */
const MAX_BATCHES = 256;

const blockRecordSchema = record({
  digest: hash,
  previousDigest: hash,
  stateRoot: hash,
  batches: list(hash, MAX_BATCHES),
  receiptCount: uint(),
  eventCount: uint(),
});

/** What storage itself notes about a block, beside the bytes that it was given. */
export type BlockRecord = Infer<typeof blockRecordSchema>;

const headSchema = record({ height: counter, digest: hash, stateRoot: hash });

export function encodeBlockRecord(value: BlockRecord): Uint8Array {
  return encode(blockRecordSchema, value);
}

export function decodeBlockRecord(bytes: Uint8Array, height: number): BlockRecord {
  try {
    return decode(blockRecordSchema, bytes);
  } catch (error) {
    throw corruptAt(height, `its record cannot be read: ${messageOf(error)}`, error);
  }
}

export function encodeHead(head: ChainHead): Uint8Array {
  return encode(headSchema, head);
}

export function decodeHead(bytes: Uint8Array): ChainHead {
  try {
    return decode(headSchema, bytes);
  } catch (error) {
    throw new StorageError("DB_CORRUPT", `the head cannot be read: ${messageOf(error)}`, {}, error);
  }
}

/** DB_CORRUPT that names the first bad height. */
export function corruptAt(height: number, why: string, cause?: unknown): StorageError {
  return new StorageError(
    "DB_CORRUPT",
    `block ${height}: ${why}. Do not vote from this database: restore a snapshot and resync`,
    { height },
    cause,
  );
}
