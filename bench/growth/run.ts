import { execFile } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { Command } from "commander";
import { table } from "../../node/cli/output.ts";
import { describeMachine, machineFacts } from "../machine-facts.ts";
import { wholes } from "../network/flags.ts";
import { describeFailure, progress } from "../network/session.ts";
import type { GrowthResult } from "./measure.ts";

interface Flags {
  readonly accounts: readonly number[];
  readonly history: readonly number[];
  readonly json?: string;
}

/** What the other dimension is while one grows. */
const FEW_ACCOUNTS = 1_000;
const NO_HISTORY = 0;
/** Growth may cost no more than a quarter of the throughput. */
const LEAST_RATIO = 0.75;
const MOST = 10_000_000;

await new Command("bench:growth")
  .description("What a settlement costs as accounts and history grow; one process a size")
  .option(
    "--accounts <list>",
    "accounts in the state",
    wholes(4, MOST),
    [1_000, 10_000, 100_000, 1_000_000],
  )
  .option(
    "--history <list>",
    "settlements in the store",
    wholes(0, MOST),
    [10_000, 100_000, 1_000_000],
  )
  .option("--json <file>", "write the figures")
  .action(main)
  .parseAsync();

async function main(flags: Flags): Promise<void> {
  const machine = machineFacts();
  try {
    const accounts: GrowthResult[] = [];
    for (const size of flags.accounts) accounts.push(await measured(size, NO_HISTORY));
    const history: GrowthResult[] = [];
    for (const size of flags.history) history.push(await measured(FEW_ACCOUNTS, size));
    process.stdout.write(
      `${describeMachine(machine)}\n\n${describe("accounts", accounts)}\n\n` +
        `${describe("history", history)}\n`,
    );
    if (flags.json === undefined) return;
    const file = resolve(flags.json);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, `${JSON.stringify({ machine, accounts, history }, null, 2)}\n`);
  } catch (error) {
    process.stderr.write(`${describeFailure("bench:growth", error)}\n`);
    process.exitCode = 1;
  }
}

async function measured(accounts: number, history: number): Promise<GrowthResult> {
  progress(`${accounts} accounts, ${history} settlements of history`);
  const file = fileURLToPath(new URL("./measure.ts", import.meta.url));
  const args = ["--expose-gc", "--import", "tsx", file, String(accounts), String(history)];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  // Our own program printed it.
  return JSON.parse(stdout) as GrowthResult;
}

function describe(what: "accounts" | "history", results: readonly GrowthResult[]): string {
  const base = results[0]?.cpuMicroseconds ?? 0;
  const header = [
    what,
    "state entries",
    "us/settlement",
    "throughput",
    "state root us",
    "load s",
    "RSS MiB",
    "live MiB",
    "grown MiB",
  ];
  const rows = results.map((result) => [
    String(result[what]),
    String(result.entries),
    result.cpuMicroseconds.toFixed(1),
    `${((100 * base) / result.cpuMicroseconds).toFixed(0)} %`,
    result.treeMicroseconds.toFixed(1),
    result.loadSeconds.toFixed(1),
    String(result.rssMiB),
    String(result.heapMiB),
    String(result.grownMiB),
  ]);
  const least = Math.min(...results.map(({ cpuMicroseconds }) => base / cpuMicroseconds));
  const verdict = least >= LEAST_RATIO ? "within" : "NOT within";
  return (
    `${table([header, ...rows], [...Array(header.length).keys()])}\n` +
    `least throughput ${(100 * least).toFixed(0)} % of the smallest size's: ${verdict} a quarter`
  );
}
