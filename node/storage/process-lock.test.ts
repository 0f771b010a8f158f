import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ProcessLock } from "./process-lock.ts";

let root: string;
let path: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "mizan-lock-"));
  path = join(root, "lock");
});

afterEach(async () => {
  await rm(root, { recursive: true, force: true });
});

async function otherProcess(): Promise<ChildProcess> {
  const child = spawn(process.execPath, ["-e", "console.log('up'); setInterval(() => {}, 1000)"], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  if (child.stdout !== null) await once(child.stdout, "data");
  return child;
}

async function startTimeOf(pid: number | undefined): Promise<string> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8");
  return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? "";
}

async function heldBy(pid: number | undefined, startTime: string, bootId = ""): Promise<void> {
  await writeFile(path, JSON.stringify({ pid, startTime, bootId, token: "another" }));
}

test("one holder at a time, also within a process; release makes room and leaves no file", async () => {
  const lock = await ProcessLock.acquire(path, "DB_LOCKED");
  await expect(ProcessLock.acquire(path, "DB_LOCKED")).rejects.toMatchObject({
    code: "DB_LOCKED",
    data: { pid: process.pid },
  });
  await lock.release();
  await lock.release();
  const next = await ProcessLock.acquire(path, "JOURNAL_LOCKED");
  await next.release();
  expect(await readdir(root)).toEqual([]);
});

test("a living holder is named by pid; once it is killed its lock is stale", async () => {
  const child = await otherProcess();
  await heldBy(child.pid, await startTimeOf(child.pid));
  await expect(ProcessLock.acquire(path, "DB_LOCKED")).rejects.toMatchObject({
    message: expect.stringContaining(`process ${child.pid}`),
    data: { pid: child.pid },
  });
  child.kill("SIGKILL");
  await once(child, "exit");
  const lock = await ProcessLock.acquire(path, "DB_LOCKED");
  await lock.release();
  expect(await readdir(root)).toEqual([]);
});

test("a pid that was given to another process, or comes from another boot, does not hold", async () => {
  const child = await otherProcess();
  try {
    await heldBy(child.pid, "1");
    await (await ProcessLock.acquire(path, "DB_LOCKED")).release();
    await heldBy(child.pid, await startTimeOf(child.pid), "an earlier boot");
    await (await ProcessLock.acquire(path, "DB_LOCKED")).release();
    // What is not known never makes a lock stale.
    await heldBy(child.pid, "", "");
    await expect(ProcessLock.acquire(path, "DB_LOCKED")).rejects.toMatchObject({
      code: "DB_LOCKED",
    });
  } finally {
    child.kill("SIGKILL");
  }
});

test("of many that find a stale lock at once exactly one gets it", async () => {
  await heldBy(2 ** 22 + 1, "1");
  const results = await Promise.allSettled(
    Array.from({ length: 20 }, () => ProcessLock.acquire(path, "DB_LOCKED")),
  );
  const locks = results.filter((result) => result.status === "fulfilled");
  expect(locks.length).toBe(1);
  for (const { value } of locks) await value.release();
});

test("a file that is no lock is taken over, and a lock that was replaced is not removed", async () => {
  await writeFile(path, "{ half a lo");
  const lock = await ProcessLock.acquire(path, "DB_LOCKED");
  await heldBy(1, "1");
  await lock.release();
  expect(await readdir(root)).toEqual(["lock"]);
});
