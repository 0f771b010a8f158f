import { RpcCallError, TransportError } from "../../client/call-errors.ts";
import { InvariantError } from "../../primitives/assert.ts";
import { CodedError } from "../../primitives/errors.ts";
import { ConfigError } from "../config/config-error.ts";
import { EXIT, type ExitCode } from "../exit-codes.ts";
import { Interrupted } from "./interruption.ts";
import { UsageError } from "./usage-error.ts";

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

/** Codes of ours, and those of the system for a disk that does not take a write. */
const IO: ReadonlySet<string> = new Set([
  "DB_IO",
  "JOURNAL_FAILED",
  "EIO",
  "ENOSPC",
  "EDQUOT",
  "EROFS",
]);

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
  if (error instanceof Interrupted) return error.exitCode;
  if (error instanceof UsageError || error instanceof ConfigError) return EXIT.USAGE;
  if (error instanceof TransportError) {
    // Another chain stays another chain; an answer may come later.
    return error.code === "WRONG_CHAIN" ? EXIT.FAILURE : EXIT.NOT_READY;
  }
  if (error instanceof RpcCallError) {
    return error.retry === "later" || error.retry === "same" ? EXIT.NOT_READY : EXIT.FAILURE;
  }
  const code = isKeyFileError(error) ? String(error.data["reason"]) : codeOf(error);
  if (code === undefined) return EXIT.FAILURE;
  if (code === "DB_LOCKED" || code === "JOURNAL_LOCKED") return EXIT.LOCKED;
  if (INTEGRITY.has(code)) return EXIT.INTEGRITY;
  if (IO.has(code)) return EXIT.IO;
  return NOT_READY.has(code) ? EXIT.NOT_READY : EXIT.FAILURE;
}

/** One code for all that the system has against a key file; its reason tells a full disk apart. */
function isKeyFileError(error: unknown): error is CodedError {
  return error instanceof CodedError && error.code === "KEYSTORE_IO";
}

/** The stable code of one of our errors, or that of the system (`ENOENT`). */
export function codeOf(error: unknown): string | undefined {
  if (error instanceof CodedError) return error.code;
  return isSystemError(error) ? error.code : undefined;
}

export function isSystemError(error: unknown): error is Error & { readonly code: string } {
  return (
    error instanceof Error &&
    "syscall" in error &&
    "code" in error &&
    typeof error.code === "string"
  );
}
