import { CodedError, type ErrorData } from "../../primitives/errors.ts";

/**
 * Why storage refuses.
 *
 * - DB_MISSING: no database where one must be; only `init` creates one.
 * - DB_EXISTS: creation would touch something that is already there.
 * - DB_LOCKED: another opener holds it; `data.pid` names the process where it is known.
 * - DB_WRONG_CHAIN: the sentinel names another chain.
 * - DB_SCHEMA_VERSION: written by a release with another layout.
 * - DB_CORRUPT: what is stored is not what was written; `data.height` names the first bad block.
 * - DB_NO_GENESIS: created, but the genesis state was never written.
 * - DB_CLOSED: used after or during close().
 * - DB_IO: the disk refused; after a failed write the database takes no further write.
 * - BATCH_LIMIT: too many batches that no committed block names.
 * - JOURNAL_MISSING, JOURNAL_EXISTS, JOURNAL_LOCKED, JOURNAL_WRONG_CHAIN, JOURNAL_VERSION: likewise.
 * - JOURNAL_CORRUPT: records that were promised are damaged or gone; do not vote with this key.
 * - JOURNAL_FAILED: a write or a sync failed; the journal refuses everything until a restart.
 * - JOURNAL_CLOSED: used after close().
 * - JOURNAL_RECORD_SIZE: a record is empty or above the bound, or live records overfill a segment.
 * - JOURNAL_FULL: the segments together reached their bound; rotate.
 */
export type StorageErrorCode =
  | "DB_MISSING"
  | "DB_EXISTS"
  | "DB_LOCKED"
  | "DB_WRONG_CHAIN"
  | "DB_SCHEMA_VERSION"
  | "DB_CORRUPT"
  | "DB_NO_GENESIS"
  | "DB_CLOSED"
  | "DB_IO"
  | "BATCH_LIMIT"
  | "JOURNAL_MISSING"
  | "JOURNAL_EXISTS"
  | "JOURNAL_LOCKED"
  | "JOURNAL_WRONG_CHAIN"
  | "JOURNAL_VERSION"
  | "JOURNAL_CORRUPT"
  | "JOURNAL_FAILED"
  | "JOURNAL_CLOSED"
  | "JOURNAL_RECORD_SIZE"
  | "JOURNAL_FULL";

export class StorageError extends CodedError<StorageErrorCode> {
  override readonly name = "StorageError";

  constructor(code: StorageErrorCode, message: string, data: ErrorData = {}, cause?: unknown) {
    super(code, message, data, cause === undefined ? undefined : { cause });
  }
}
