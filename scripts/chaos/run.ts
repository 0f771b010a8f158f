import { Command, InvalidArgumentError } from "commander";
import { describeMachine, machineFacts } from "../../bench/machine-facts.ts";
import { messageOf } from "../../primitives/errors.ts";
import { Campaign } from "./campaign.ts";
import { ChaosNetwork } from "./chaos-network.ts";
import { DEFAULT_PROGRAM } from "./compiled-program.ts";
import { FAULT_NAMES, type FaultName, isFaultName } from "./fault.ts";
import { faultLabel } from "./inject.ts";
import { type ResultRow, resultTable } from "./result-table.ts";
import { scheduleOf } from "./schedule.ts";
import { mayMount } from "./small-file-system.ts";

const FULL_CYCLES = 50;
const QUICK_CYCLES = 5;
const DEFAULT_RATE = 20;
const MAX_RATE = 500;
const INTERRUPTED = 130;

interface Flags {
  readonly validators: number;
  readonly only?: readonly FaultName[];
  readonly cycles?: number;
  readonly seed: number;
  readonly rate: number;
  readonly quick?: boolean;
  readonly keep?: boolean;
  readonly program: string;
  readonly plan?: boolean;
}

function whole(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text === "" || !Number.isSafeInteger(value) || value < least || value > most) {
      throw new InvalidArgumentError(`must be a whole number of ${least} to ${most}`);
    }
    return value;
  };
}

function faultNames(text: string, earlier: readonly FaultName[] = []): readonly FaultName[] {
  const names = text.split(",").map((part) => part.trim());
  for (const name of names) {
    if (!isFaultName(name)) {
      throw new InvalidArgumentError(`no fault ${name}; there are ${FAULT_NAMES.join(", ")}`);
    }
  }
  return [...earlier, ...names.filter(isFaultName)];
}

const command = new Command("chaos")
  .description("inject faults into a network of real validators under load, and judge the ledger")
  .option("--validators <count>", "4 to 7", whole(4, 7), 4)
  .option("--only <faults>", `some of ${FAULT_NAMES.join(", ")}`, faultNames)
  .option("--cycles <count>", `kills of kill-one (default: ${FULL_CYCLES})`, whole(1, 10_000))
  .option("--seed <number>", "victims, times and transactions derive from it", whole(0, 2 ** 48), 1)
  .option("--rate <tx/s>", "transactions offered a second", whole(1, MAX_RATE), DEFAULT_RATE)
  .option("--quick", `every fault once, as short as it goes, ${QUICK_CYCLES} kills`)
  .option("--keep", "leave keys, data and logs behind")
  .option("--program <folder>", "compiled program", DEFAULT_PROGRAM)
  .option("--plan", "print the schedule and stop");

async function main(flags: Flags): Promise<number> {
  const startedAt = performance.now();
  const say = (line: string): void => {
    const seconds = ((performance.now() - startedAt) / 1000).toFixed(1).padStart(7);
    console.log(`${seconds}  ${line}`);
  };
  const quick = flags.quick === true;
  const { seed, validators, rate } = flags;
  const cycles = flags.cycles ?? (quick ? QUICK_CYCLES : FULL_CYCLES);
  const names = FAULT_NAMES.filter((name) => flags.only?.includes(name) ?? true);
  const schedule = scheduleOf({ seed, validators, names, cycles, quick });
  console.log(`seed ${seed}, ${validators} validators, ${rate} tx/s, ${schedule.length} faults`);
  if (flags.plan === true) {
    for (const fault of schedule) console.log(`  ${faultLabel(fault, (i) => `#${i}`)}`);
    return 0;
  }
  const facts = describeMachine(machineFacts());
  // The commit is the harness's; another program than the one built here may be of any other.
  const isOwn = flags.program === DEFAULT_PROGRAM;
  const machine = isOwn ? facts : `${facts}, program of ${flags.program}`;
  console.log(machine);
  const abort = new AbortController();
  interruptWith(abort, say);
  const keepFiles = flags.keep === true;
  const network = await ChaosNetwork.create({
    validators,
    seed,
    program: flags.program,
    keepFiles,
  });
  const rows: ResultRow[] = [];
  let campaign: Campaign | undefined;
  try {
    const mounts = await mayMount(network.directory);
    say("links: a TCP proxy for each pair of validators, in this process");
    say(`disk faults: ${mounts ? "tmpfs and bind mounts" : "left out, mounting is not allowed"}`);
    const { signal } = abort;
    const options = { network, seed, perSecond: rate, mayMount: mounts, signal, say };
    campaign = await Promise.race([Campaign.open(options), rejection(signal)]);
    for (const fault of schedule) rows.push(await campaign.run(fault));
  } catch (error) {
    if (!abort.signal.aborted) throw error;
  } finally {
    await network.close();
    await campaign?.close();
    if (keepFiles) say(`files are kept in ${network.directory}`);
  }
  print(rows, machine, flags, (performance.now() - startedAt) / 1000);
  if (abort.signal.aborted) return INTERRUPTED;
  return rows.some(({ verdict }) => verdict.kind === "failed") ? 1 : 0;
}

/** Rejects with the interrupt. */
function rejection(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}

/** The first interrupt ends the run in order; the second leaves it to the exit handlers. */
function interruptWith(abort: AbortController, say: (line: string) => void): void {
  for (const name of ["SIGINT", "SIGTERM"] as const) {
    process.on(name, () => {
      if (abort.signal.aborted) process.exit(INTERRUPTED);
      say(`${name}: cleaning up`);
      abort.abort();
    });
  }
}

function print(rows: readonly ResultRow[], machine: string, flags: Flags, seconds: number): void {
  console.log(`\nseed ${flags.seed}, ${Math.round(seconds)} s, ${machine}`);
  console.log(resultTable(rows));
}

command.parse();
try {
  process.exitCode = await main(command.opts<Flags>());
} catch (error) {
  console.error(messageOf(error));
  process.exitCode = 1;
}
process.exit();
