import { describe, expect, test } from "vitest";
import { RpcCallError, TransportError } from "../../client/call-errors.ts";
import type { RetryClass } from "../../client/rpc/errors.ts";
import { InvariantError } from "../../primitives/assert.ts";
import { CodedError } from "../../primitives/errors.ts";
import { KeystoreError } from "../../primitives/keystore.ts";
import { ConfigError } from "../config/config-error.ts";
import { EXIT } from "../exit-codes.ts";
import { StorageError } from "../storage/storage-error.ts";
import { codeOf, exitCodeOf } from "./exit-code-of.ts";
import { Interrupted } from "./interruption.ts";
import { UsageError } from "./usage-error.ts";

function refusal(retry: RetryClass): RpcCallError {
  const about = { retry, detail: {}, requestId: undefined, endpoint: "http://127.0.0.1:1" };
  return new RpcCallError("A_REASON", "text", about);
}

function keyFile(reason: string): KeystoreError {
  return new KeystoreError("KEYSTORE_IO", "text", { reason });
}

function system(code: string): Error {
  return Object.assign(new Error(`${code}: text`), { code, syscall: "open" });
}

describe("exit codes", () => {
  test.each([
    { error: new UsageError("--nodes", "x", "4..10"), exit: EXIT.USAGE },
    { error: new ConfigError([]), exit: EXIT.USAGE },
    { error: new InvariantError("text"), exit: EXIT.INTERNAL },
    { error: new Interrupted("SIGINT"), exit: EXIT.INTERRUPTED },
    { error: new Interrupted("SIGTERM"), exit: EXIT.TERMINATED },
    { error: new StorageError("DB_LOCKED", "text"), exit: EXIT.LOCKED },
    { error: new StorageError("JOURNAL_LOCKED", "text"), exit: EXIT.LOCKED },
    { error: new StorageError("DB_CORRUPT", "text"), exit: EXIT.INTEGRITY },
    { error: new StorageError("JOURNAL_MISSING", "text"), exit: EXIT.INTEGRITY },
    { error: new StorageError("DB_IO", "text"), exit: EXIT.IO },
    { error: new CodedError("GENESIS_MISMATCH", "text"), exit: EXIT.INTEGRITY },
    { error: new CodedError("ANYTHING_ELSE", "text"), exit: EXIT.FAILURE },
    { error: new TransportError("UNREACHABLE", "http://x", "text"), exit: EXIT.NOT_READY },
    { error: new TransportError("WRONG_CHAIN", "http://x", "text"), exit: EXIT.FAILURE },
    { error: refusal("later"), exit: EXIT.NOT_READY },
    { error: refusal("same"), exit: EXIT.NOT_READY },
    { error: refusal("never"), exit: EXIT.FAILURE },
    { error: refusal("rebuild"), exit: EXIT.FAILURE },
    { error: keyFile("ENOENT"), exit: EXIT.FAILURE },
    { error: keyFile("ENOSPC"), exit: EXIT.IO },
    { error: system("ENOSPC"), exit: EXIT.IO },
    { error: system("EADDRINUSE"), exit: EXIT.FAILURE },
    { error: new Error("text"), exit: EXIT.FAILURE },
    { error: "text", exit: EXIT.FAILURE },
  ])("$error ends with $exit", ({ error, exit }) => {
    expect(exitCodeOf(error)).toBe(exit);
  });

  test("only ours and the system's errors have a code", () => {
    expect(codeOf(system("ENOENT"))).toBe("ENOENT");
    expect(codeOf(new UsageError("a", "b", "c"))).toBe("USAGE");
    expect(codeOf(Object.assign(new Error("text"), { code: "SOMETHING" }))).toBeUndefined();
    expect(codeOf(undefined)).toBeUndefined();
  });
});
