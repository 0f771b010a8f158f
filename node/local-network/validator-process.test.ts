import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { LocalValidator } from "./network-files.ts";
import {
  killValidator,
  pidOf,
  startValidator,
  stopValidator,
  waitUntilReady,
} from "./validator-process.ts";

/** Stands in for the program, to see what the process control does with it. */
const PATIENT = 'process.on("SIGTERM", () => process.exit(0)); setInterval(() => {}, 1000);';
const DEAD_AT_ONCE = 'console.log("no such key file"); process.exit(1);';

let directory: string;
let validator: LocalValidator;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "mizan-process-"));
  validator = {
    name: "sbp-karachi",
    member: "SBP",
    directory,
    configFile: join(directory, "node.toml"),
    peerPort: 1,
    // Port 1 of this machine: nothing listens there.
    rpcUrl: "http://127.0.0.1:1",
    opsUrl: "http://127.0.0.1:1",
  };
});

afterEach(async () => {
  await killValidator(validator);
  await rm(directory, { recursive: true, force: true });
});

async function program(text: string): Promise<readonly string[]> {
  const file = join(directory, "program.mjs");
  await writeFile(file, text);
  return [file];
}

describe("a validator's process", () => {
  test("is found by its pid while it runs, and stopped once", async () => {
    expect(await pidOf(validator)).toBeUndefined();
    expect(await stopValidator(validator)).toBe("not-running");
    const child = await startValidator(validator, await program(PATIENT));
    expect(await pidOf(validator)).toBe(child.pid);
    expect(await stopValidator(validator)).toMatch(/^stopped$|^killed$/);
    expect(await pidOf(validator)).toBeUndefined();
    expect(await stopValidator(validator)).toBe("not-running");
  });

  test("that is killed is gone when the promise resolves", async () => {
    await startValidator(validator, await program(PATIENT));
    await killValidator(validator);
    expect(await pidOf(validator)).toBeUndefined();
  });

  test("that dies at once is reported with the end of its log", async () => {
    await startValidator(validator, await program(DEAD_AT_ONCE));
    await expect(waitUntilReady(validator)).rejects.toMatchObject({
      code: "NOT_READY",
      message: expect.stringContaining("no such key file"),
    });
  });

  test("is not waited for once the signal aborts", async () => {
    await startValidator(validator, await program(PATIENT));
    const reason = new Error("interrupted");
    await expect(waitUntilReady(validator, AbortSignal.abort(reason))).rejects.toBe(reason);
  });

  test.runIf(process.platform === "linux")(
    "is never mistaken for another process that got its number",
    async () => {
      const stranger = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"]);
      try {
        await writeFile(join(directory, "pid"), `${stranger.pid}\n`);
        expect(await pidOf(validator)).toBeUndefined();
        expect(await stopValidator(validator)).toBe("not-running");
        expect(stranger.exitCode).toBeNull();
        expect(await readFile(`/proc/${stranger.pid}/cmdline`, "utf8")).toContain("setInterval");
      } finally {
        stranger.kill("SIGKILL");
      }
    },
  );
});
