// First of all imports: libp2p needs it before any of its own code is called.
import "../../node/polyfill.ts";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { Command, Option } from "commander";
import { table } from "../../node/cli/output.ts";
import { MAX_SITES, MIN_SITES } from "../../node/local-network/institutions.ts";
import { installNativeHashing } from "../../primitives/native/hashing.ts";
import { machineFacts } from "../machine-facts.ts";
import { profiledRate } from "../profile/profiled-rate.ts";
import { type StageCosts, stageCosts } from "../profile/stage-table.ts";
import { latencyChart } from "./chart.ts";
import { findLimit } from "./find-limit.ts";
import { whole, wholes } from "./flags.ts";
import { MIXES, type Mix, SIGNATURES } from "./market.ts";
import { type Bench, type RateResult, runRate } from "./rate-step.ts";
import { bestOf, describeReport, keepsUp, type NetworkReport } from "./report.ts";
import { describeFailure, inSession, progress } from "./session.ts";
import { measureCeiling } from "./verification-ceiling.ts";

interface Flags {
  readonly rates: readonly number[];
  readonly findLimit?: boolean;
  readonly seconds: number;
  readonly warmup: number;
  readonly validators: number;
  readonly workers: number;
  readonly accounts: number;
  readonly atOnce: number;
  readonly mix: Mix;
  readonly sweep?: Sweep;
  readonly stages: boolean;
  readonly json?: string;
  readonly svg?: string;
  readonly keep?: boolean;
  readonly smoke?: boolean;
}

/** What a sweep changes from one network to the next. */
const SWEEPS = {
  workers: [{ workers: 1 }, { workers: 2 }, { workers: 4 }],
  batch: [{ atOnce: 1 }, { atOnce: 16 }, { atOnce: 64 }, { atOnce: 512 }],
  validators: [{ validators: 4 }, { validators: 7 }, { validators: 10 }],
  mix: MIXES.map((mix) => ({ mix })),
} as const satisfies Readonly<Record<string, readonly Partial<Flags>[]>>;
type Sweep = keyof typeof SWEEPS;

const MAX_RATE = 100_000;
/**
 * A step is signed before it begins, and a transaction may wait for 3,600 blocks: at 20 blocks a
 * second, that is long enough for a step of two minutes and its backlog.
 */
const MAX_SECONDS = 120;
const MAX_WORKERS = 64;
const MAX_ACCOUNTS = 256;
/** How long all cores verify for the ceiling, ms. */
const CEILING_MS = 4_000;
/** A smoke run shows that everything works; its figures mean little. */
const SMOKE = { rates: [25], seconds: 2, warmup: 0, accounts: 2, stages: false } as const;
const SMOKE_CEILING_MS = 300;

const program = new Command("bench:network")
  .description("Settles transactions on a local network of validator processes at stated rates")
  .option(
    "--rates <list>",
    "settlements a second, one step each",
    wholes(1, MAX_RATE),
    [200, 400, 800, 1_600],
  )
  .option("--find-limit", "instead: look for the highest rate with p99 to finality under a second")
  .option("--seconds <seconds>", "length of each step", whole(1, MAX_SECONDS), 10)
  .option("--warmup <seconds>", "unreported step before the first", whole(0, MAX_SECONDS), 10)
  .option("--validators <count>", "validator processes", whole(MIN_SITES, MAX_SITES), MIN_SITES)
  .option("--workers <count>", "verification threads of each", whole(1, MAX_WORKERS), 1)
  .option("--accounts <count>", "accounts of each kind and custodian", whole(1, MAX_ACCOUNTS), 16)
  .option("--at-once <count>", "transactions in one call at most", whole(1, 512), 128)
  .addOption(new Option("--mix <mix>", "what is settled").choices([...MIXES]).default("dvp"))
  .addOption(
    new Option("--sweep <what>", "a network for each of several settings").choices(
      Object.keys(SWEEPS),
    ),
  )
  .option("--no-stages", "without the profiled step at the best rate")
  .option("--json <file>", "write everything that was measured")
  .option("--svg <file>", "where the chart goes", "bench/results/latency.svg")
  .option("--keep", "leave keys, data and logs of the network behind")
  .option("--smoke", "ten seconds in all, for CI: only the ledger's count is of interest")
  .action(main);

await program.parseAsync();

async function main(given: Flags): Promise<void> {
  const flags: Flags = given.smoke === true ? { ...given, ...SMOKE } : given;
  const variants: readonly Partial<Flags>[] =
    flags.sweep === undefined ? [{}] : SWEEPS[flags.sweep];
  installNativeHashing();
  try {
    const reports: (readonly [name: string, report: NetworkReport])[] = [];
    for (const variant of variants) {
      const name =
        Object.entries(variant).map(([key, value]) => `${key} ${String(value)}`)[0] ?? "";
      if (name !== "") progress(`-- ${name}`);
      const report = await measureNetwork({ ...flags, ...variant });
      process.stdout.write(`${name === "" ? "" : `== ${name}\n`}${describeReport(report)}\n\n`);
      reports.push([name, report]);
    }
    if (reports.length > 1) process.stdout.write(`${describeSweep(reports)}\n`);
    await writeResults(flags, reports);
    // A node took them and the ledger does not have them: no figure makes up for that.
    const lost = reports.some(([, { rates }]) =>
      rates.some(({ open }) => Object.keys(open).length > 0),
    );
    if (lost) process.exitCode = 1;
  } catch (error) {
    process.stderr.write(`${describeFailure("bench:network", error)}\n`);
    process.exitCode = 1;
  }
}

async function measureNetwork(flags: Flags): Promise<NetworkReport> {
  const { validators, workers, mix, atOnce } = flags;
  // Before the network is there: what else runs on this machine.
  const machine = machineFacts();
  const profileDir = await mkdtemp(join(tmpdir(), "mizan-bench-profile-"));
  try {
    const session = { ...flags, profileDir, keepFiles: flags.keep === true };
    const { measured, count } = await inSession(session, async (bench) => {
      const rates = await measureRates(bench, flags);
      const stages = flags.stages
        ? await measureStages(bench, profileDir, rates, flags)
        : undefined;
      return { rates, stages };
    });
    progress("measuring verification alone");
    const milliseconds = flags.smoke === true ? SMOKE_CEILING_MS : CEILING_MS;
    const ceiling = await measureCeiling(validators, SIGNATURES[mix], milliseconds);
    const best = bestOf(measured.rates);
    return {
      machine,
      validators,
      verificationWorkers: workers,
      mix,
      atOnce,
      ...measured,
      count,
      ceiling,
      best,
      shareOfCeiling: best / ceiling.settlementsPerSecond,
    };
  } finally {
    await rm(profileDir, { recursive: true, force: true });
  }
}

async function measureRates(bench: Bench, flags: Flags): Promise<readonly RateResult[]> {
  const step = (rate: number): Promise<RateResult> => {
    progress(`${rate}/s for ${flags.seconds} s`);
    return runRate(bench, rate, flags.seconds);
  };
  if (flags.findLimit === true) return findLimit(step);
  const results: RateResult[] = [];
  for (const rate of flags.rates) results.push(await step(rate));
  return results;
}

/** One more step, at the best rate or at the lowest where none was kept up with. */
async function measureStages(
  bench: Bench,
  directory: string,
  rates: readonly RateResult[],
  flags: Flags,
): Promise<StageCosts> {
  const kept = rates.filter(keepsUp).map(({ rate }) => rate);
  const rate = kept.length > 0 ? Math.max(...kept) : Math.min(...rates.map((each) => each.rate));
  progress(`${rate}/s for ${flags.seconds} s, profiled`);
  const { result, profiles } = await profiledRate(bench, directory, rate, flags.seconds);
  return stageCosts(profiles, result.settled);
}

function describeSweep(reports: readonly (readonly [string, NetworkReport])[]): string {
  const rows = reports.map(([name, { best, ceiling, shareOfCeiling, stages }]) => [
    name,
    best.toFixed(0),
    ceiling.settlementsPerSecond.toFixed(0),
    `${(100 * shareOfCeiling).toFixed(1)} %`,
    stages?.total.toFixed(0) ?? "-",
    stages?.withoutSignatures.toFixed(0) ?? "-",
  ]);
  const header = [
    "setting",
    "best/s",
    "ceiling/s",
    "share",
    "us/settlement and validator",
    "without signatures",
  ];
  return table([header, ...rows], [1, 2, 3, 4, 5]);
}

async function writeResults(
  flags: Flags,
  reports: readonly (readonly [string, NetworkReport])[],
): Promise<void> {
  if (flags.svg !== undefined && flags.smoke !== true) {
    const title = `Settlements a second and time to finality, ${flags.validators} validators`;
    const series = reports.map(([name, { rates }]) => ({ name, rates }));
    await write(resolve(flags.svg), latencyChart(title, series));
  }
  if (flags.json === undefined) return;
  const all = reports.map(([setting, report]) => ({ setting, ...report }));
  await write(resolve(flags.json), `${JSON.stringify(all, null, 2)}\n`);
}

async function write(file: string, text: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, text);
  progress(`wrote ${file}`);
}
