import { execFile } from "node:child_process";
import { mkdir, open, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { EXIT } from "../../node/exit-codes.ts";
import type { ValidatorIndex } from "./fault.ts";
import { endingText, type FaultField } from "./fault-field.ts";
import { mountReadOnly, mountSmall, unmount } from "./small-file-system.ts";

const run = promisify(execFile);

/** Room for the data of a run that goes on for minutes before the ballast takes the rest. */
const SPARE_MEBIBYTES = 64;
const BALLAST_CHUNK = Buffer.alloc(1 << 20, 0x5a);
/** The last bytes of a file system come free in pages. */
const BALLAST_REST = BALLAST_CHUNK.subarray(0, 4_096);

/**
 * The victim's data moves to a small file system, which a ballast file then fills while it runs.
 * It must end with EXIT.IO, and so must a restart while the disk is full; with space it must catch
 * up. Its data is then brought back.
 */
export async function fillDisk(
  field: FaultField,
  victim: ValidatorIndex,
  holdMs: number,
): Promise<void> {
  const { network } = field;
  const data = network.dataDir(victim);
  const aside = `${data}.disk`;
  await network.stop(victim);
  await rename(data, aside);
  await mkdir(data, { mode: 0o700 });
  await mountSmall(data, (await sizeInMebibytes(aside)) + SPARE_MEBIBYTES);
  await run("cp", ["-a", `${aside}/.`, data]);
  await network.start(victim);
  await field.recover();

  const ballast = join(data, "ballast");
  const filledAt = performance.now();
  await fill(ballast);
  const ending = await field.ending(victim);
  const after = ((performance.now() - filledAt) / 1000).toFixed(1);
  const name = network.name(victim);
  if (ending === undefined) {
    const readiness = await network.readiness(victim);
    const isVoting = readiness?.checks.find((check) => check.name === "voting")?.ok;
    field.note(`${name} still runs on a full disk; voting: ${isVoting ?? "no answer"}`);
    if (readiness?.ready === true) field.problem(`${name} says that it is ready on a full disk`);
  } else if (ending.code === EXIT.IO) {
    field.note(`${name} ended with ${endingText(ending)} ${after} s after the disk was full`);
  } else {
    field.problem(`${name} ended with ${endingText(ending)} on a full disk, not ${EXIT.IO}`);
  }
  await field.holdWithQuorum(holdMs);
  if (ending !== undefined) await restartMustFail(field, victim, "on the full disk");
  await rm(ballast);
  if (!network.isRunning(victim)) await network.start(victim);
  await field.recover();

  await network.stop(victim);
  await rm(aside, { recursive: true });
  await run("cp", ["-a", `${data}/.`, aside]);
  await unmount(data);
  await rm(data, { recursive: true });
  await rename(aside, data);
  await network.start(victim);
  await field.recover();
}

/** The data directory becomes read-only while the node is down; it must not start on it. */
export async function makeReadOnly(field: FaultField, victim: ValidatorIndex): Promise<void> {
  const { network } = field;
  const data = network.dataDir(victim);
  await network.stop(victim);
  await mountReadOnly(data);
  try {
    await restartMustFail(field, victim, "on a read-only directory");
  } finally {
    await network.kill(victim);
    await unmount(data);
  }
  await network.start(victim);
  await field.recover();
}

async function restartMustFail(
  field: FaultField,
  victim: ValidatorIndex,
  where: string,
): Promise<void> {
  const { network } = field;
  const mark = await network.logMark(victim);
  await network.start(victim);
  const ending = await field.ending(victim);
  const name = network.name(victim);
  if (ending === undefined) {
    field.problem(`${name} starts and stays up ${where}`);
    return;
  }
  const text = `${name} refuses to start ${where}: ${endingText(ending)}`;
  if (ending.code === EXIT.IO) field.note(text);
  else field.problem(`${text}, not ${EXIT.IO}: ${await lastLine(field, victim, mark)}`);
}

async function lastLine(field: FaultField, victim: ValidatorIndex, mark: number): Promise<string> {
  return (await field.network.logSince(victim, mark)).at(-1) ?? "";
}

async function fill(path: string): Promise<void> {
  const file = await open(path, "w");
  try {
    for (const chunk of [BALLAST_CHUNK, BALLAST_REST]) {
      try {
        for (;;) await file.write(chunk);
      } catch (error) {
        if (!(error instanceof Error && "code" in error && error.code === "ENOSPC")) throw error;
      }
    }
  } finally {
    await file.close();
  }
}

async function sizeInMebibytes(directory: string): Promise<number> {
  const { stdout } = await run("du", ["-sm", directory]);
  return Number.parseInt(stdout, 10);
}
