import { randomUUID } from "node:crypto";
import { link, open, readFile, unlink, writeFile } from "node:fs/promises";
import { invariant } from "../../primitives/assert.ts";
import { errnoOf, isMissing } from "./segment-files.ts";
import { StorageError } from "./storage-error.ts";

/** Who holds a lock. The process is identified beyond its pid, which gets used again. */
interface Holder {
  readonly pid: number;
  /** Kernel start time of the process in clock ticks since boot; "" where there is no /proc. */
  readonly startTime: string;
  /** Identity of this boot of the machine; "" where there is no /proc. */
  readonly bootId: string;
  /** Distinguishes two locks of one process. */
  readonly token: string;
}

export type LockCode = "DB_LOCKED" | "JOURNAL_LOCKED";

/** Tokens of the locks that this process holds, whatever the process table says. */
const heldHere = new Set<string>();

/**
 * An exclusive lock file that names its holder. It appears with its content in one step (link), so
 * that nobody reads half of it, and it outlives a crash: a lock whose process is gone is taken over.
 *
 * Processes in different containers cannot see each other's pids; there LevelDB's own kernel
 * lock decides, which is why a node opens its database before its journal.
 */
export class ProcessLock {
  readonly #path: string;
  readonly #token: string;

  private constructor(path: string, token: string) {
    this.#path = path;
    this.#token = token;
  }

  /** Throws `code` with the holder's pid in `data.pid`. */
  static async acquire(path: string, code: LockCode): Promise<ProcessLock> {
    const token = randomUUID();
    const holder: Holder = { pid: process.pid, ...(await identityOf(process.pid)), token };
    const draft = `${path}.${token}`;
    await writeFile(draft, JSON.stringify(holder), { flag: "wx", mode: 0o600 });
    try {
      if (!(await linkNew(draft, path))) await takeOver(path, draft, code);
    } finally {
      await unlink(draft);
    }
    heldHere.add(token);
    return new ProcessLock(path, token);
  }

  /** Removes the file if it is still ours. Safe to call twice. */
  async release(): Promise<void> {
    if (!heldHere.delete(this.#token)) return;
    const holder = parseHolder(await readText(this.#path));
    if (holder?.token === this.#token) await unlink(this.#path);
  }
}

/**
 * The path was held. Whoever takes a stale lock over holds a second file meanwhile, so that nobody
 * removes a lock that has just been taken over by another. Throws if the holder lives.
 */
async function takeOver(path: string, draft: string, code: LockCode): Promise<void> {
  const guard = `${path}.takeover`;
  if (!(await linkNew(draft, guard))) {
    const other = parseHolder(await readText(guard));
    if (other !== undefined && (await isAlive(other))) throw locked(path, code, other.pid);
    await removeIfThere(guard);
    if (!(await linkNew(draft, guard))) throw locked(path, code, undefined);
  }
  try {
    const holder = parseHolder(await readText(path));
    if (holder !== undefined && (await isAlive(holder))) throw locked(path, code, holder.pid);
    await removeIfThere(path);
    if (await linkNew(draft, path)) return;
    throw locked(path, code, parseHolder(await readText(path))?.pid);
  } finally {
    await removeIfThere(guard);
  }
}

async function removeIfThere(path: string): Promise<void> {
  try {
    await unlink(path);
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
}

function locked(path: string, code: LockCode, pid: number | undefined): StorageError {
  const who = pid === undefined ? "another process" : `process ${pid}`;
  const own = pid === process.pid ? " (this process: it is open already)" : "";
  return new StorageError(code, `${path} is held by ${who}${own}; two nodes must never share it`, {
    path,
    ...(pid === undefined ? {} : { pid }),
  });
}

async function linkNew(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if (errnoOf(error) === "EEXIST") return false;
    throw error;
  }
}

async function readText(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

function parseHolder(text: string | undefined): Holder | undefined {
  if (text === undefined) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // Locks appear whole, so this is no lock of ours that a living process holds.
    return undefined;
  }
  if (typeof value !== "object" || value === null) return undefined;
  if (!("pid" in value && "startTime" in value && "bootId" in value && "token" in value)) {
    return undefined;
  }
  const { pid, startTime, bootId, token } = value;
  if (typeof pid !== "number" || !Number.isSafeInteger(pid) || pid <= 0) return undefined;
  if (typeof startTime !== "string" || typeof bootId !== "string") return undefined;
  return typeof token === "string" ? { pid, startTime, bootId, token } : undefined;
}

async function isAlive(holder: Holder): Promise<boolean> {
  if (heldHere.has(holder.token)) return true;
  try {
    process.kill(holder.pid, 0);
  } catch (error) {
    // EPERM: it lives and belongs to another user.
    if (errnoOf(error) === "ESRCH") return false;
  }
  const now = await identityOf(holder.pid);
  return agree(now.bootId, holder.bootId) && agree(now.startTime, holder.startTime);
}

/** What cannot be read (no /proc, or another user's process is hidden) never makes a lock stale. */
function agree(now: string, then: string): boolean {
  return now === "" || then === "" || now === then;
}

async function identityOf(pid: number): Promise<{ startTime: string; bootId: string }> {
  const stat = await readProc(`/proc/${pid}/stat`);
  // The command name in field 2 may hold spaces and brackets: count from its closing bracket.
  const startTime = stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? "";
  const bootId = (await readProc("/proc/sys/kernel/random/boot_id")).trim();
  invariant(stat === "" || startTime !== "", "/proc names the start time of a process");
  return { startTime, bootId };
}

/** "" where the system has no such file. */
async function readProc(path: string): Promise<string> {
  try {
    const handle = await open(path, "r");
    try {
      return await handle.readFile("utf8");
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (isMissing(error) || errnoOf(error) === "ESRCH" || errnoOf(error) === "EACCES") return "";
    throw error;
  }
}
