import { InvariantError } from "../../primitives/assert.ts";
import { CodedError } from "../../primitives/errors.ts";
import { EXIT, type ExitCode } from "../exit-codes.ts";

const INTEGRITY: ReadonlySet<string> = new Set([
  "DB_CORRUPT",
  "DB_WRONG_CHAIN",
  "JOURNAL_CORRUPT",
  "JOURNAL_WRONG_CHAIN",
  "JOURNAL_CONTRADICTION",
  "JOURNAL_MISSING",
  "JOURNAL_VERSION",
  "DB_SCHEMA_VERSION",
  "DIVERGENCE",
  "SNAPSHOT_MALFORMED",
  "SNAPSHOT_VERSION",
  "SNAPSHOT_WRONG_CHAIN",
  "SNAPSHOT_TRAIL",
  "SNAPSHOT_CERTIFICATE",
  "SNAPSHOT_CONTRADICTION",
  "SNAPSHOT_CHUNK",
  "SNAPSHOT_ORDER",
  "SNAPSHOT_ROOT",
  "SNAPSHOT_STATE",
  "GENESIS_MISMATCH",
]);

const IO: ReadonlySet<string> = new Set(["DB_IO", "JOURNAL_FAILED", "KEYSTORE_IO"]);

const NOT_READY: ReadonlySet<string> = new Set([
  "NOT_READY",
  "NO_ANSWER",
  "TIMEOUT",
  "SYNCING",
  "PENDING",
]);

/** The exit code that tells a script what kind of failure this was. */
export function exitCodeOf(error: unknown): ExitCode {
  if (error instanceof InvariantError) return EXIT.INTERNAL;
  if (!(error instanceof CodedError)) return EXIT.FAILURE;
  if (error.code === "DB_LOCKED" || error.code === "JOURNAL_LOCKED") return EXIT.LOCKED;
  if (INTEGRITY.has(error.code)) return EXIT.INTEGRITY;
  if (IO.has(error.code)) return EXIT.IO;
  if (NOT_READY.has(error.code)) return EXIT.NOT_READY;
  return EXIT.FAILURE;
}
