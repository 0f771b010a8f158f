import { availableParallelism } from "node:os";
import { Command, InvalidArgumentError, Option } from "commander";
import { mergeCounts } from "../consensus/simulation/coverage.ts";
import { type Cuts, simulate } from "../consensus/simulation/simulation.ts";
import { CALMABLE, type Calmable } from "../consensus/simulation/simulation-options.ts";
import { WEIGHT_MODES, type WeightMode } from "../consensus/simulation/validator-weights.ts";
import { installNativeHashing } from "../primitives/native/hashing.ts";
import type { Campaign, ChunkResult } from "./simulate/chunk.ts";
import { runCampaign } from "./simulate/pool.ts";
import {
  describeResult,
  printCoverage,
  printViolations,
  replayCommand,
  reportFailure,
} from "./simulate/report.ts";

/** Progress is printed this often, ms. */
const PROGRESS_MS = 2_000;

/** Most processes of one campaign. */
const MAX_JOBS = 256;

interface Flags {
  readonly seeds: number;
  readonly from: number;
  readonly n: number;
  readonly epochs?: boolean;
  readonly weights: WeightMode;
  readonly jobs: number;
  readonly seed?: number;
  readonly trace?: boolean;
  readonly keepGoing?: boolean;
  readonly coverage?: boolean;
  readonly shrink: boolean;
  readonly keepFaults?: readonly number[];
  readonly keepAdversaries?: readonly number[];
  readonly keepBursts?: readonly number[];
  readonly calm?: readonly Calmable[];
  readonly untilMs?: number;
}

function whole(text: string): number {
  const value = Number(text);
  if (text === "" || !Number.isSafeInteger(value) || value < 0) {
    throw new InvalidArgumentError("must be a whole number of at least 0");
  }
  return value;
}

function within(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = whole(text);
    if (value < least || value > most) {
      throw new InvalidArgumentError(`must be ${least} to ${most}`);
    }
    return value;
  };
}

function numbers(text: string): readonly number[] {
  return text === "none" ? [] : text.split(",").map(whole);
}

function calmParts(text: string): readonly Calmable[] {
  return text.split(",").map((name) => {
    const part = CALMABLE.find((each) => each === name);
    if (part === undefined) throw new InvalidArgumentError(`is made of ${CALMABLE.join(", ")}`);
    return part;
  });
}

function cutsOf(flags: Flags): Cuts | undefined {
  const { keepFaults, keepAdversaries, keepBursts, calm, untilMs } = flags;
  const cuts: Cuts = {
    ...(keepFaults === undefined ? {} : { keepFaults }),
    ...(keepAdversaries === undefined ? {} : { keepAdversaries }),
    ...(keepBursts === undefined ? {} : { keepBursts }),
    ...(calm === undefined ? {} : { calm }),
    ...(untilMs === undefined ? {} : { untilMs }),
  };
  return Object.keys(cuts).length === 0 ? undefined : cuts;
}

/** One seed again, with every event if asked. */
function replay(seed: number, campaign: Campaign, flags: Flags): boolean {
  const cuts = cutsOf(flags);
  const trace = flags.trace === true ? (line: string) => console.log(line) : undefined;
  const result = simulate({
    seed,
    ...campaign,
    ...(cuts === undefined ? {} : { cuts }),
    ...(trace === undefined ? {} : { trace }),
  });
  console.log(describeResult(result));
  if (flags.coverage === true) printCoverage(result.coverage);
  if (result.violations.length === 0) return true;
  if (flags.trace === true || cuts !== undefined) {
    printViolations(result);
    console.error(`  replay: ${replayCommand(seed, campaign, cuts)}`);
  } else reportFailure(seed, campaign, flags.shrink);
  return false;
}

/** Sums of a campaign so far. */
class Tally {
  readonly #startedAt = performance.now();
  readonly #flags: Flags;
  readonly failedSeeds: number[] = [];
  coverage: ReadonlyMap<string, number> = new Map();
  #ran = 0;
  #blocks = 0;
  #epochs = 0;
  #events = 0;
  #virtualMs = 0;
  #printedAt = performance.now();

  constructor(flags: Flags) {
    this.#flags = flags;
  }

  add(result: ChunkResult): void {
    this.#ran += result.ran;
    this.#blocks += result.blocks;
    this.#epochs += result.epochs;
    this.#events += result.events;
    this.#virtualMs += result.virtualMs;
    this.failedSeeds.push(...result.failedSeeds);
    this.coverage = mergeCounts([this.coverage, new Map(result.coverage)]);
    if (performance.now() - this.#printedAt > PROGRESS_MS) this.print();
  }

  print(): void {
    this.#printedAt = performance.now();
    const { seeds, n, epochs, weights, jobs } = this.#flags;
    const seconds = (performance.now() - this.#startedAt) / 1000;
    console.log(
      `${this.#ran} of ${seeds} seeds, n ${n}, ${weights} weights: ` +
        `${this.failedSeeds.length} failed, ${this.#blocks} blocks, ` +
        (epochs === true ? `${this.#epochs} epochs, ` : "") +
        `${this.#events} events; ${(this.#ran / seconds).toFixed(1)} seeds/s with ${jobs} jobs, ` +
        `${(this.#virtualMs / 1000 / seconds).toFixed(0)} times real time`,
    );
  }
}

/** Many seeds; stops at the first that fails unless told otherwise. */
async function sweep(campaign: Campaign, flags: Flags): Promise<boolean> {
  const tally = new Tally(flags);
  await runCampaign({
    campaign,
    from: flags.from,
    seeds: flags.seeds,
    jobs: flags.jobs,
    onResult: (result) => {
      tally.add(result);
      return flags.keepGoing === true || tally.failedSeeds.length === 0;
    },
  });
  tally.print();
  if (flags.coverage === true) printCoverage(tally.coverage);
  for (const seed of tally.failedSeeds) reportFailure(seed, campaign, flags.shrink);
  return tally.failedSeeds.length === 0;
}

const program = new Command("simulate")
  .description("Runs the consensus core in a deterministic simulation of network, disks and clocks")
  .option("--seeds <count>", "how many seeds to run", within(1, 2 ** 31), 100)
  .option("--from <seed>", "the first of them", whole, 1)
  .option("--n <validators>", "size of the validator set, 4 to 25", within(4, 25), 4)
  .option("--epochs", "end an epoch every few blocks and change the validators")
  .addOption(
    new Option("--weights <mode>", "weights of the validators")
      .choices([...WEIGHT_MODES])
      .default("mixed"),
  )
  .option("--jobs <count>", "processes", within(1, MAX_JOBS), availableParallelism())
  .option("--seed <seed>", "run this seed alone", whole)
  .option("--trace", "with --seed: print every event")
  .option("--coverage", "print how often each kind of thing happened")
  .option("--keep-going", "do not stop at the first seed that fails")
  .option("--no-shrink", "do not look for a shorter history of a failure")
  .option("--keep-faults <numbers>", "with --seed: only these faults, or none", numbers)
  .option("--keep-adversaries <nodes>", "with --seed: the others say nothing", numbers)
  .option("--keep-bursts <numbers>", "with --seed: clients' bursts before stabilisation", numbers)
  .option("--calm <parts>", `with --seed: healthy ${CALMABLE.join(", ")}`, calmParts)
  .option("--until-ms <time>", "with --seed: stabilisation comes then already", whole)
  .action(async (flags: Flags) => {
    installNativeHashing();
    // Refusals are errors by the thousand; stacks are for the one seed that is looked at.
    if (flags.trace !== true) Error.stackTraceLimit = 0;
    const { n, epochs = false, weights } = flags;
    const campaign = { n, epochs, weights };
    const passed =
      flags.seed === undefined ? await sweep(campaign, flags) : replay(flags.seed, campaign, flags);
    process.exitCode = passed ? 0 : 1;
  });

await program.parseAsync();
