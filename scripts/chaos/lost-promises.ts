import { execFile } from "node:child_process";
import { mkdir, rename, rm } from "node:fs/promises";
import { promisify } from "node:util";
import type { ValidatorIndex } from "./fault.ts";
import { endingText, type FaultField } from "./fault-field.ts";

const run = promisify(execFile);

/** Votes come several times a second: who may vote does so within this time. */
const WATCH_MS = 3_000;

/**
 * The data directory is lost: with an empty one the node must not start. Made anew with `init`, it
 * must find out from its peers that its key has voted before, and follow without a vote.
 */
export async function wipeData(
  field: FaultField,
  victim: ValidatorIndex,
  downMs: number,
): Promise<void> {
  const { network } = field;
  const data = network.dataDir(victim);
  const aside = `${data}.aside`;
  await network.kill(victim);
  await rename(data, aside);
  await field.hold(downMs);
  if (downMs > 0) await mustNotStartEmpty(field, victim);
  await network.initialise(victim);
  await followsWithoutVoting(field, victim, aside);
}

/** The whole directory is put back as it was some time ago: its journal lacks later votes. */
export async function restoreOldBackup(
  field: FaultField,
  victim: ValidatorIndex,
  ageMs: number,
  downMs: number,
): Promise<void> {
  const { network } = field;
  const data = network.dataDir(victim);
  const backup = `${data}.backup`;
  const aside = `${data}.aside`;
  await network.stop(victim);
  await run("cp", ["-a", data, backup]);
  await network.start(victim);
  await field.recover();
  await field.hold(ageMs);
  await network.kill(victim);
  await rename(data, aside);
  await rename(backup, data);
  await field.hold(downMs);
  await followsWithoutVoting(field, victim, aside);
}

async function mustNotStartEmpty(field: FaultField, victim: ValidatorIndex): Promise<void> {
  const { network } = field;
  const data = network.dataDir(victim);
  await mkdir(data, { mode: 0o700 });
  await network.start(victim);
  const ending = await field.ending(victim);
  const name = network.name(victim);
  if (ending === undefined) field.problem(`${name} starts with an empty data directory`);
  else field.note(`${name} refuses an empty data directory: ${endingText(ending)}`);
  await network.kill(victim);
  await rm(data, { recursive: true, force: true });
}

/**
 * Starts the node on data that lacks votes of its key, and looks at what it does. Then its true
 * data is put back: as the node has signed nothing meanwhile, it may vote on from there. If it did
 * sign, the true data is void, and the node goes on with what it has.
 */
async function followsWithoutVoting(
  field: FaultField,
  victim: ValidatorIndex,
  trueData: string,
): Promise<void> {
  const { network } = field;
  const name = network.name(victim);
  const data = network.dataDir(victim);
  const mark = await network.logMark(victim);
  await network.start(victim);
  if (await field.comesToTip(victim)) {
    await field.hold(WATCH_MS);
    const follows = field.watch.isAtTip(victim);
    if (!follows) field.problem(`${name} does not follow: ${field.watch.describe()}`);
    else field.note(`${name} follows`);
  } else {
    const ending = network.endingOf(victim);
    const how = ending === undefined ? field.watch.describe() : endingText(ending);
    field.problem(`${name} does not come to the tip: ${how}`);
  }
  const lines = await network.logSince(victim, mark);
  const halt = lines.find((line) => line.includes('"event":"consensus.halted"'));
  const voted = lines.find((line) => line.includes('"event":"consensus.voting"'));
  if (halt?.includes('"AMNESIA"') === true) field.note(`${name} reports AMNESIA`);
  else field.problem(`${name} does not report AMNESIA: ${halt ?? "it never halted"}`);
  if (voted !== undefined) field.problem(`${name} votes with its old key: ${voted}`);
  await network.kill(victim);
  if (voted === undefined) {
    await rm(data, { recursive: true });
    await rename(trueData, data);
  } else {
    await rm(trueData, { recursive: true });
  }
  await network.start(victim);
  await field.recover();
}
