import { execFileSync } from "node:child_process";
import { readdir, readFile, stat } from "node:fs/promises";
import { cpus } from "node:os";
import { join } from "node:path";
import { CodedError } from "../../primitives/errors.ts";

/** Kernel clock ticks in a second: the unit of the times in /proc/<pid>/stat. */
const TICKS_PER_SECOND = Number(execFileSync("getconf", ["CLK_TCK"], { encoding: "utf8" }));

/** utime and stime are fields 14 and 15 of proc_pid_stat(5); the list starts behind field 2. */
const UTIME = 14 - 3;
const STIME = 15 - 3;

/** CPU seconds that a process has used in all its threads, user and system. Linux only. */
export async function cpuSecondsOf(pid: number): Promise<number> {
  const text = await readFile(`/proc/${pid}/stat`, "utf8");
  // Field 2 is the program's name in brackets and may itself hold spaces and brackets.
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  const seconds = (Number(fields[UTIME]) + Number(fields[STIME])) / TICKS_PER_SECOND;
  if (Number.isFinite(seconds)) return seconds;
  throw new CodedError("PROC_FORMAT", `/proc/${pid}/stat has another form: ${text.slice(0, 80)}`);
}

/** CPU seconds of this process, the load generator. */
export function ownCpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

/** CPU seconds that this machine has worked, all processes together. */
export function machineCpuSeconds(): number {
  let milliseconds = 0;
  for (const { times } of cpus()) milliseconds += times.user + times.nice + times.sys + times.irq;
  return milliseconds / 1_000;
}

/** Bytes of all files below a folder. Files that vanish meanwhile (compaction) count as nothing. */
export async function bytesBelow(directory: string): Promise<number> {
  let total = 0;
  for (const entry of await readdir(directory, { withFileTypes: true, recursive: true })) {
    if (!entry.isFile()) continue;
    try {
      total += (await stat(join(entry.parentPath, entry.name))).size;
    } catch (error) {
      if (!(error instanceof Error && "code" in error && error.code === "ENOENT")) throw error;
    }
  }
  return total;
}

/** One sample of a counter in the text format of Prometheus. */
const SENT = /^mizan_frame_bytes_total\{[^}]*direction="out"[^}]*\} ([0-9.e+]+)$/gm;

/** Bytes of all frames that a validator has sent to others, by its own metrics. */
export async function frameBytesSent(opsUrl: string): Promise<number> {
  const text = await (await fetch(`${opsUrl}/metrics`)).text();
  let sum = 0;
  for (const [, value] of text.matchAll(SENT)) sum += Number(value);
  return sum;
}
