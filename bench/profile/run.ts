// First of all imports: libp2p needs it before any of its own code is called.
import "../../node/polyfill.ts";
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { Command } from "commander";
import { MAX_SITES, MIN_SITES } from "../../node/local-network/institutions.ts";
import { installNativeHashing } from "../../primitives/native/hashing.ts";
import { describeMachine, machineFacts } from "../machine-facts.ts";
import { whole } from "../network/flags.ts";
import type { Bench, RateResult } from "../network/rate-step.ts";
import { describeFailure, inSession, progress } from "../network/session.ts";
import type { ProcessProfile } from "./profile-window.ts";
import { profiledRate } from "./profiled-rate.ts";
import { describeStages, stageCosts } from "./stage-table.ts";

interface Flags {
  readonly rate: number;
  readonly seconds: number;
  readonly warmup: number;
  readonly validators: number;
  readonly workers: number;
  readonly accounts: number;
  readonly atOnce: number;
  readonly functions: number;
  readonly out: string;
  readonly json?: string;
}

await new Command("bench:profile")
  .description("Profiles every validator under load: CPU time of a settlement by stage")
  .option("--rate <rate>", "settlements a second", whole(1, 100_000), 400)
  .option("--seconds <seconds>", "length of the profiled step", whole(1, 120), 10)
  .option("--warmup <seconds>", "step before it, not profiled", whole(0, 120), 8)
  .option("--validators <count>", "validator processes", whole(MIN_SITES, MAX_SITES), MIN_SITES)
  .option("--workers <count>", "verification threads of each", whole(1, 64), 1)
  .option("--accounts <count>", "accounts of each kind and custodian", whole(1, 256), 16)
  .option("--at-once <count>", "transactions in one call", whole(1, 512), 128)
  .option("--functions <count>", "dearest functions to list", whole(0, 400), 40)
  .option("--out <directory>", "where the .cpuprofile files go", "bench/results/profiles")
  .option("--json <file>", "write the table, with all functions")
  .action(main)
  .parseAsync();

async function main(flags: Flags): Promise<void> {
  const machine = machineFacts();
  installNativeHashing();
  const directory = resolve(flags.out);
  try {
    const { measured } = await inSession(
      { ...flags, warmupRate: flags.rate, mix: "dvp", profileDir: directory, keepFiles: false },
      (bench) => profiled(bench, directory, flags),
    );
    const { result, profiles } = measured;
    const costs = stageCosts(profiles, result.settled);
    process.stdout.write(
      `${describeMachine(machine)}\n${flags.rate}/s offered for ${flags.seconds} s: ` +
        `${result.settled} settled in ${result.chain.blocks} blocks, ` +
        `p99 ${result.finalityMs?.p99.toFixed(0) ?? "-"} ms while profiled\n\n` +
        `${describeStages(costs, flags.functions)}\n\n` +
        `${profiles.map(({ name, file }) => `${name} ${file}`).join("\n")}\n`,
    );
    if (flags.json === undefined) return;
    const file = resolve(flags.json);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, `${JSON.stringify({ machine, result, costs }, null, 2)}\n`);
  } catch (error) {
    process.stderr.write(`${describeFailure("bench:profile", error)}\n`);
    process.exitCode = 1;
  }
}

async function profiled(
  bench: Bench,
  directory: string,
  flags: Flags,
): Promise<{ readonly result: RateResult; readonly profiles: readonly ProcessProfile[] }> {
  progress(`${flags.rate}/s for ${flags.seconds} s, profiled`);
  return profiledRate(bench, directory, flags.rate, flags.seconds);
}
