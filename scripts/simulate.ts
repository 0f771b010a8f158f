import { Command, InvalidArgumentError } from "commander";
import { mergeCounts } from "../consensus/simulation/coverage.ts";
import { type SimulationResult, simulate } from "../consensus/simulation/simulation.ts";

/** Progress is printed this often, ms. */
const PROGRESS_MS = 2_000;

interface Flags {
  readonly seeds: number;
  readonly from: number;
  readonly n: number;
  readonly epochs?: boolean;
  readonly seed?: number;
  readonly trace?: boolean;
  readonly keepGoing?: boolean;
  readonly coverage?: boolean;
}

function whole(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 0) {
    throw new InvalidArgumentError("must be a whole number of at least 0");
  }
  return value;
}

function validators(text: string): number {
  const value = whole(text);
  if (value < 4 || value > 25) throw new InvalidArgumentError("must be 4 to 25");
  return value;
}

function replayCommand(result: SimulationResult): string {
  const epochs = result.withEpochs ? " --epochs" : "";
  return `npm run simulate -- --seed ${result.seed} --n ${result.n}${epochs}`;
}

function printViolations(result: SimulationResult): void {
  console.error(`seed ${result.seed}, n ${result.n}: the run breaks an invariant`);
  for (const { invariant, atMs, detail } of result.violations) {
    console.error(`  ${invariant} at ${(atMs / 1000).toFixed(3)} s: ${detail}`);
  }
  console.error(`  replay: ${replayCommand(result)} --trace`);
}

function printCoverage(counts: ReadonlyMap<string, number>): void {
  for (const [name, count] of counts) console.log(`${String(count).padStart(10)} ${name}`);
}

function describe(result: SimulationResult): string {
  const { seed, n, blocks, views, epochs, events, virtualMs, eventLogHash } = result;
  const seconds = (virtualMs / 1000).toFixed(1);
  return (
    `seed ${seed}, n ${n}: ${blocks} blocks, ${views} views, ${epochs} epochs, ${events} events, ` +
    `${seconds} s of virtual time, event log ${eventLogHash}`
  );
}

/** One seed again, with every event if asked. */
function replay(seed: number, flags: Flags): boolean {
  const trace = flags.trace === true ? (line: string) => console.log(line) : undefined;
  const { n, epochs = false } = flags;
  const result = simulate({ seed, n, epochs, ...(trace === undefined ? {} : { trace }) });
  console.log(describe(result));
  if (flags.coverage === true) printCoverage(result.coverage);
  if (result.violations.length > 0) printViolations(result);
  return result.violations.length === 0;
}

/** Many seeds; stops at the first that fails unless told otherwise. */
function sweep(flags: Flags): boolean {
  const startedAt = performance.now();
  let printedAt = startedAt;
  let failed = 0;
  let ran = 0;
  let blocks = 0;
  let ended = 0;
  let virtualMs = 0;
  let coverage: ReadonlyMap<string, number> = new Map();
  const progress = (): void => {
    const seconds = (performance.now() - startedAt) / 1000;
    const rate = (ran / seconds).toFixed(1);
    const faster = (virtualMs / 1000 / seconds).toFixed(0);
    console.log(
      `${ran} of ${flags.seeds} seeds, n ${flags.n}: ${failed} failed, ${blocks} blocks, ` +
        (flags.epochs === true ? `${ended} epochs, ` : "") +
        `${rate} seeds/s, ${faster} times real time`,
    );
  };
  for (let seed = flags.from; seed < flags.from + flags.seeds; seed++) {
    const result = simulate({ seed, n: flags.n, epochs: flags.epochs === true });
    ran += 1;
    blocks += result.blocks;
    ended += result.epochs;
    virtualMs += result.virtualMs;
    coverage = mergeCounts([coverage, result.coverage]);
    if (result.violations.length > 0) {
      failed += 1;
      printViolations(result);
      if (flags.keepGoing !== true) break;
    }
    if (performance.now() - printedAt > PROGRESS_MS) {
      printedAt = performance.now();
      progress();
    }
  }
  progress();
  if (flags.coverage === true) printCoverage(coverage);
  return failed === 0;
}

const program = new Command("simulate")
  .description("Runs the consensus core in a deterministic simulation of network, disks and clocks")
  .option("--seeds <count>", "how many seeds to run", whole, 100)
  .option("--from <seed>", "the first of them", whole, 1)
  .option("--n <validators>", "size of the validator set, 4 to 25", validators, 4)
  .option("--epochs", "end an epoch every few blocks and change the validators")
  .option("--seed <seed>", "run this seed alone", whole)
  .option("--trace", "with --seed: print every event")
  .option("--coverage", "print how often each kind of thing happened")
  .option("--keep-going", "do not stop at the first seed that fails")
  .action((flags: Flags) => {
    const passed = flags.seed === undefined ? sweep(flags) : replay(flags.seed, flags);
    process.exitCode = passed ? 0 : 1;
  });

program.parse();
