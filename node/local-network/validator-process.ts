import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync, readFileSync } from "node:fs";
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { CodedError } from "../../primitives/errors.ts";
import type { LocalValidator } from "./network-files.ts";

/** A node answers within seconds; a machine that builds something else may take a minute. */
const READY_DEADLINE_MS = 60_000;
/** Above the 15 s in which a node ends by itself, below the 30 s of supervisors. */
const STOP_DEADLINE_MS = 20_000;
/** A killed process is gone at once, unless the disk under it hangs. */
const KILL_DEADLINE_MS = 10_000;
const POLL_MS = 50;
/** What a log's end is worth in an error. */
const LOG_LINES = 5;

/** How this very program runs: the compiled file, or the source through tsx. */
function ownProgram(): readonly string[] {
  const isSource = import.meta.url.endsWith(".ts");
  const main = fileURLToPath(new URL(isSource ? "../main.ts" : "../main.js", import.meta.url));
  return isSource ? ["--import", "tsx", main] : [main];
}

function pidFile(validator: LocalValidator): string {
  return join(validator.directory, "pid");
}

export function logFile(validator: LocalValidator): string {
  return join(validator.directory, "log.jsonl");
}

/**
 * Starts a validator in a process of its own; its log goes to a file, it outlives its parent.
 * `program` is what Node runs, without the command: by default the program that calls.
 */
export async function startValidator(
  validator: LocalValidator,
  program: readonly string[] = ownProgram(),
): Promise<ChildProcess> {
  const log = openSync(logFile(validator), "a", 0o600);
  const child = spawn(process.execPath, [...program, "start", "--config", validator.configFile], {
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
  return (await isRunning(validator, pid)) ? pid : undefined;
}

/**
 * Whether the process is this validator. A pid gets used again, after a restart of the machine
 * soon: the command line tells, where the system shows it.
 */
async function isRunning(validator: LocalValidator, pid: number): Promise<boolean> {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  if (process.platform !== "linux") return true;
  try {
    if (hasEnded(await readFile(`/proc/${pid}/stat`, "utf8"))) return false;
    const commandLine = await readFile(`/proc/${pid}/cmdline`, "utf8");
    // Empty while the process is ending: its files may still be open.
    return commandLine === "" || commandLine.split("\0").includes(validator.configFile);
  } catch {
    // It ended between two looks, or belongs to another user: not ours to signal.
    return false;
  }
}

/**
 * Whether a process is a mere entry that its parent has not collected, with no thread left. The
 * name in field 2 of proc(5) `stat` may hold spaces: counted from its closing bracket, state is
 * the first field and the number of threads the 18th.
 */
function hasEnded(stat: string): boolean {
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return fields[0] === "Z" && Number(fields[17]) <= 1;
}

/**
 * Resolves when the validator votes and sees a quorum. Throws NOT_READY with the end of its log if
 * it died or takes too long, and the signal's reason.
 */
export async function waitUntilReady(
  validator: LocalValidator,
  signal?: AbortSignal,
): Promise<void> {
  const deadline = performance.now() + READY_DEADLINE_MS;
  for (;;) {
    signal?.throwIfAborted();
    if (await isReady(validator)) return;
    const dead = (await pidOf(validator)) === undefined;
    if (dead || performance.now() > deadline) {
      const log = await readFile(logFile(validator), "utf8");
      const end = log.trimEnd().split("\n").slice(-LOG_LINES).join("\n");
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

/** How a validator was stopped. */
export type Stop =
  /** It did not run. */
  | "not-running"
  /** By itself, after SIGTERM. */
  | "stopped"
  /** With SIGKILL, because it did not end in time. */
  | "killed";

/** SIGTERM, then SIGKILL at the deadline. */
export async function stopValidator(validator: LocalValidator): Promise<Stop> {
  const pid = await pidOf(validator);
  if (pid === undefined) {
    await rm(pidFile(validator), { force: true });
    return "not-running";
  }
  sendSignal(pid, "SIGTERM");
  const orderly = await isGone(validator, pid, STOP_DEADLINE_MS);
  if (!orderly) await killValidator(validator);
  await rm(pidFile(validator), { force: true });
  return orderly ? "stopped" : "killed";
}

/** SIGKILL: no flush, no goodbye. Resolves when the process is gone. */
export async function killValidator(validator: LocalValidator): Promise<void> {
  const pid = await pidOf(validator);
  if (pid === undefined) return;
  sendSignal(pid, "SIGKILL");
  if (await isGone(validator, pid, KILL_DEADLINE_MS)) return;
  throw new CodedError("NOT_KILLED", `${validator.name} (process ${pid}) does not end`, { pid });
}

/** SIGKILL without waiting: for the last moments of the process that started the validator. */
export function killNow(validator: LocalValidator): void {
  try {
    process.kill(Number.parseInt(readFileSync(pidFile(validator), "utf8"), 10), "SIGKILL");
  } catch {
    // No pid file, or no such process: it has ended by itself.
  }
}

function sendSignal(pid: number, signal: "SIGTERM" | "SIGKILL"): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    // It ended by itself a moment ago.
    if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
  }
}

async function isGone(validator: LocalValidator, pid: number, withinMs: number): Promise<boolean> {
  const deadline = performance.now() + withinMs;
  while (await isRunning(validator, pid)) {
    if (performance.now() > deadline) return false;
    await pause(POLL_MS);
  }
  return true;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
