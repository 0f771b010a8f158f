import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { EXIT } from "../exit-codes.ts";
import { runProgram } from "./program.ts";

/** The program in this process: what it prints on either stream, and its exit code. */
interface Result {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

let exitCode: typeof process.exitCode;

beforeEach(() => {
  exitCode = process.exitCode;
});

afterEach(() => {
  process.exitCode = exitCode;
});

async function run(args: readonly string[]): Promise<Result> {
  const printed = { stdout: "", stderr: "" };
  const spies = (["stdout", "stderr"] as const).map((stream) =>
    vi.spyOn(process[stream], "write").mockImplementation((text) => {
      printed[stream] += String(text);
      return true;
    }),
  );
  process.exitCode = EXIT.OK;
  try {
    await runProgram(["node", "mizan", ...args]);
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
  return { ...printed, code: Number(process.exitCode) };
}

/** The one document that a command printed with --json: more or less than one does not parse. */
function documentOf({ stdout }: Result): unknown {
  expect(stdout.endsWith("\n")).toBe(true);
  return JSON.parse(stdout);
}

describe("a wrong command line", () => {
  test.each([
    { args: ["frob"], says: "unknown command 'frob'" },
    { args: ["status", "--frob"], says: "unknown option '--frob'" },
    { args: ["keys", "new", "--role", "member"], says: "required option '--out <file>'" },
    { args: ["keys", "new", "--role", "boss", "--out", "x"], says: "Allowed choices are" },
    { args: ["keys", "new", "--role", "member", "--out", "x"], says: "--passphrase-file" },
    { args: ["net", "up", "--nodes", "3"], says: "Expected a whole number, 4 to 10" },
    { args: ["net", "up", "--nodes", "four"], says: "Expected a whole number, 4 to 10" },
    { args: ["status", "--rpc", "not a url"], says: "Expected an address such as" },
    { args: ["tx"], says: "a command is missing" },
    { args: ["tx", "submit"], says: "required option '--rpc <url>'" },
    { args: ["keys", "show"], says: "missing required argument 'file'" },
    {
      args: ["tx", "submit", "f", "--rpc", "http://127.0.0.1:1", "--wait-ms", "1e3"],
      says: "whole",
    },
  ])("$args: exit code 2, and one document with --json", async ({ args, says }) => {
    const result = await run([...args, "--json"]);
    expect(documentOf(result)).toMatchObject({
      error: { code: "USAGE", message: expect.stringContaining(says) },
    });
    expect(result).toMatchObject({ code: EXIT.USAGE, stderr: "" });
  });
});

describe("what is asked for and cannot be had", () => {
  test.each([
    { args: ["tx", "inspect", "absent.tx"], code: "FILE_UNREADABLE", exit: EXIT.FAILURE },
    { args: ["keys", "show", "absent.key"], code: "KEYSTORE_IO", exit: EXIT.FAILURE },
    { args: ["status", "--dir", "absent"], code: "NO_NETWORK", exit: EXIT.FAILURE },
    {
      args: ["account", "get", "A", "--rpc", "http://127.0.0.1:1"],
      code: "UNREACHABLE",
      exit: EXIT.NOT_READY,
    },
  ])("$args: $code", async ({ args, code, exit }) => {
    const asJson = await run([...args, "--json"]);
    expect(documentOf(asJson)).toMatchObject({ error: { code } });
    expect(asJson).toMatchObject({ code: exit, stderr: "" });
    const asText = await run(args);
    expect(asText).toMatchObject({ code: exit, stdout: "" });
    expect(asText.stderr).toContain(`mizan: ${code}: `);
    // One line: no stack of what is foreseen.
    expect(asText.stderr.trimEnd().split("\n")).toHaveLength(1);
  });
});

describe("help", () => {
  test("of the program names every command and every exit code", async () => {
    const { stdout, code } = await run(["--help"]);
    expect(code).toBe(EXIT.OK);
    for (const name of [
      "demo",
      "net",
      "status",
      "tx",
      "account",
      "keys",
      "init",
      "start",
      "config",
    ]) {
      expect(stdout).toMatch(new RegExp(`^ {2}${name}\\b`, "m"));
    }
    for (const exit of Object.values(EXIT)) expect(stdout).toMatch(new RegExp(`\\b${exit}\\b`));
  });

  test.each([
    ["net", "up"],
    ["net", "down"],
    ["tx", "build"],
    ["keys", "new"],
    ["account", "proof"],
    ["account", "verify-proof"],
    ["start"],
    ["init"],
  ])("of %s %s has an example", async (...names) => {
    const { stdout, code } = await run([...names, "--help"]);
    expect(code).toBe(EXIT.OK);
    expect(stdout).toContain(`Usage: mizan ${names.join(" ")}`);
    expect(stdout).toMatch(/Examples?:|settle-dvp/);
  });

  test("and version are one document each with --json", async () => {
    const help = documentOf(await run(["tx", "--help", "--json"]));
    expect(help).toMatchObject({ help: expect.stringContaining("Usage: mizan tx") });
    expect(documentOf(await run(["--version", "--json"]))).toEqual({
      version: expect.stringMatching(/^\d+\.\d+\.\d+$/),
    });
  });
});
