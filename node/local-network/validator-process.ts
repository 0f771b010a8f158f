import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { CodedError } from "../../primitives/errors.ts";
import type { LocalValidator } from "./network-files.ts";

/** A node answers within seconds; a machine that builds something else may take a minute. */
const READY_DEADLINE_MS = 60_000;
const STOP_DEADLINE_MS = 20_000;
const POLL_MS = 50;

/** How this very program runs a validator: the compiled file, or the source through tsx. */
function startCommand(configFile: string): readonly string[] {
  const isSource = import.meta.url.endsWith(".ts");
  const main = fileURLToPath(new URL(isSource ? "../main.ts" : "../main.js", import.meta.url));
  const loader = isSource ? ["--import", "tsx"] : [];
  return [...loader, main, "start", "--config", configFile];
}

function pidFile(validator: LocalValidator): string {
  return join(validator.directory, "pid");
}

export function logFile(validator: LocalValidator): string {
  return join(validator.directory, "log.jsonl");
}

/** Starts a validator in a process of its own; its log goes to a file, it outlives its parent. */
export async function startValidator(validator: LocalValidator): Promise<ChildProcess> {
  const log = openSync(logFile(validator), "a", 0o600);
  const child = spawn(process.execPath, startCommand(validator.configFile), {
    stdio: ["ignore", log, log],
    detached: true,
  });
  closeSync(log);
  child.unref();
  if (child.pid === undefined) {
    throw new CodedError("NOT_STARTED", `${validator.name} could not be started`);
  }
  await writeFile(pidFile(validator), `${child.pid}\n`, { mode: 0o600 });
  return child;
}

/** Process id of a running validator. */
export async function pidOf(validator: LocalValidator): Promise<number | undefined> {
  let pid: number;
  try {
    pid = Number.parseInt(await readFile(pidFile(validator), "utf8"), 10);
  } catch {
    return undefined;
  }
  return isAlive(pid) ? pid : undefined;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Resolves when the validator votes and sees a quorum; throws with the end of its log if it died. */
export async function waitUntilReady(validator: LocalValidator): Promise<void> {
  const deadline = performance.now() + READY_DEADLINE_MS;
  for (;;) {
    if (await isReady(validator)) return;
    const dead = (await pidOf(validator)) === undefined;
    if (dead || performance.now() > deadline) {
      const log = await readFile(logFile(validator), "utf8");
      const end = log.trimEnd().split("\n").slice(-5).join("\n");
      const what = dead ? "has ended" : `is not ready after ${READY_DEADLINE_MS / 1000} s`;
      throw new CodedError("NOT_READY", `${validator.name} ${what}; its log ends:\n${end}`, {
        got: validator.name,
      });
    }
    await pause(POLL_MS);
  }
}

async function isReady(validator: LocalValidator): Promise<boolean> {
  try {
    const response = await fetch(`${validator.opsUrl}/readyz`, {
      signal: AbortSignal.timeout(2_000),
    });
    await response.arrayBuffer();
    return response.ok;
  } catch {
    // Not listening yet.
    return false;
  }
}

/** SIGTERM, then SIGKILL at the deadline. True when the process ended by itself. */
export async function stopValidator(validator: LocalValidator): Promise<boolean> {
  const pid = await pidOf(validator);
  if (pid === undefined) return true;
  process.kill(pid, "SIGTERM");
  const deadline = performance.now() + STOP_DEADLINE_MS;
  while (isAlive(pid) && performance.now() < deadline) await pause(POLL_MS);
  const orderly = !isAlive(pid);
  if (!orderly) await killValidator(validator);
  await rm(pidFile(validator), { force: true });
  return orderly;
}

/** SIGKILL: no flush, no goodbye. Resolves when the process is gone. */
export async function killValidator(validator: LocalValidator): Promise<void> {
  const pid = await pidOf(validator);
  if (pid === undefined) return;
  process.kill(pid, "SIGKILL");
  while (isAlive(pid)) await pause(POLL_MS);
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
