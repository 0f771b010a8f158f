// First of all imports: libp2p needs it before any of its own code is called.
import "../../node/polyfill.ts";
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { Command, InvalidArgumentError } from "commander";
import { RpcClient } from "../../client/rpc-client.ts";
import { MAX_SITES, MIN_SITES } from "../../node/local-network/institutions.ts";
import { CodedError, messageOf } from "../../primitives/errors.ts";
import { installNativeHashing } from "../../primitives/native/hashing.ts";
import { machineFacts } from "../machine-facts.ts";
import { FinalityLog } from "./finality-log.ts";
import { countEverywhere, type LedgerCount } from "./ledger-count.ts";
import { Market } from "./market.ts";
import { NetworkUnderTest } from "./network-under-test.ts";
import { Parties } from "./parties.ts";
import { type RateResult, runRate } from "./rate-step.ts";
import { describeReport, type NetworkReport } from "./report.ts";
import { measureCeiling } from "./verification-ceiling.ts";

interface Flags {
  readonly rates: readonly number[];
  readonly seconds: number;
  readonly warmup: number;
  readonly validators: number;
  readonly workers: number;
  readonly accounts: number;
  readonly json?: string;
  readonly profile?: string;
  readonly keep?: boolean;
  readonly smoke?: boolean;
}

const MAX_RATE = 100_000;
/**
 * A step is signed before it begins, and a transaction may wait for 3,600 blocks: at 20 blocks a
 * second, that is long enough for a step of two minutes and its backlog.
 */
const MAX_SECONDS = 120;
const MAX_WORKERS = 64;
const MAX_ACCOUNTS = 256;
/** Before the first rate, so that the validators' code is compiled: counted, not reported. */
const WARM_UP_RATE = 100;
/** How long all cores verify for the ceiling, ms. */
const CEILING_MS = 4_000;
/** A smoke run shows that everything works; its figures mean little. */
const SMOKE = { rates: [25], seconds: 2, warmup: 0, accounts: 2 } as const;
const SMOKE_CEILING_MS = 300;
const EXIT_INTERRUPTED = 130;

const program = new Command("bench:network")
  .description("Settles DvP transactions on a local network of validator processes at stated rates")
  .option(
    "--rates <list>",
    "settlements a second, one step each",
    rates,
    [100, 200, 400, 800, 1200],
  )
  .option("--seconds <seconds>", "length of each step", whole(1, MAX_SECONDS), 10)
  .option("--warmup <seconds>", "unreported step before the first", whole(0, MAX_SECONDS), 10)
  .option("--validators <count>", "validator processes", whole(MIN_SITES, MAX_SITES), MIN_SITES)
  .option("--workers <count>", "verification threads of each", whole(1, MAX_WORKERS), 1)
  .option("--accounts <count>", "accounts of each kind and custodian", whole(1, MAX_ACCOUNTS), 16)
  .option("--json <file>", "write everything that was measured")
  .option("--profile <directory>", "write a CPU profile of each validator's main thread")
  .option("--keep", "leave keys, data and logs of the network behind")
  .option("--smoke", "ten seconds in all, for CI: only the ledger's count is of interest")
  .action(main);

await program.parseAsync();

async function main(given: Flags): Promise<void> {
  const flags: Flags = given.smoke === true ? { ...given, ...SMOKE } : given;
  const { validators, workers } = flags;
  // Before the network is there: what else runs on this machine.
  const machine = machineFacts();
  installNativeHashing();
  const underTest = await NetworkUnderTest.prepare({
    validators,
    workers,
    profileDir: flags.profile === undefined ? undefined : resolve(flags.profile),
    keepFiles: flags.keep === true,
  });
  const interrupted = closeOnSignals(underTest);
  try {
    const { results, count } = await measure(underTest, flags);
    progress("stopping the validators, then measuring verification alone");
    await underTest.stopValidators();
    const milliseconds = flags.smoke === true ? SMOKE_CEILING_MS : CEILING_MS;
    const ceiling = await measureCeiling(validators, milliseconds);
    const best = Math.max(...results.map(({ settledPerSecond }) => settledPerSecond));
    const report: NetworkReport = {
      machine,
      validators,
      verificationWorkers: workers,
      rates: results,
      count,
      ceiling,
      best,
      shareOfCeiling: best / ceiling.settlementsPerSecond,
    };
    process.stdout.write(`${describeReport(report)}\n`);
    if (flags.json !== undefined) await writeJson(resolve(flags.json), report);
    // A node took them and the ledger does not have them: no figure makes up for that.
    if (results.some(({ open }) => Object.keys(open).length > 0)) process.exitCode = 1;
  } catch (error) {
    if (!interrupted.aborted) {
      const code = error instanceof CodedError ? `${error.code}: ` : "";
      process.stderr.write(`bench:network: ${code}${messageOf(error)}\n`);
      process.stderr.write(`${await underTest.logEnds()}\n`);
      process.exitCode = 1;
    }
  } finally {
    await underTest.close();
    if (flags.keep === true) progress(`files are in ${underTest.directory}`);
  }
}

async function measure(
  underTest: NetworkUnderTest,
  flags: Flags,
): Promise<{ readonly results: readonly RateResult[]; readonly count: LedgerCount }> {
  progress(`starting ${flags.validators} validators`);
  const network = await underTest.start();
  const client = new RpcClient({
    endpoints: network.validators.map(({ rpcUrl }) => rpcUrl),
    chainId: network.chainId,
  });
  const parties = await Parties.open(network);
  progress(`opening ${4 * flags.accounts + 2} accounts and filling them`);
  const market = await Market.open(client, parties, flags.accounts);
  // At the last node: the set-up speaks to the first, and submissions go to all alike.
  const log = new FinalityLog(network.validators.at(-1)?.rpcUrl ?? "");
  try {
    const bench = { underTest, network, parties, market, log };
    const results: RateResult[] = [];
    let first = 0;
    if (flags.warmup > 0) {
      progress(`warming up for ${flags.warmup} s`);
      first += (await runRate(bench, WARM_UP_RATE, flags.warmup, first)).offered;
    }
    for (const rate of flags.rates) {
      progress(`${rate}/s for ${flags.seconds} s`);
      const result = await runRate(bench, rate, flags.seconds, first);
      first += result.offered;
      results.push(result);
    }
    progress("counting the settlements in every node's ledger");
    for (const txId of market.primaryTxIds) {
      if (log.seenAt(txId) === undefined) {
        throw new CodedError("NOT_SEEN", `the client never saw primary settlement ${txId}`);
      }
    }
    const count = await countEverywhere(network.validators, log.txIds, log.highest);
    return { results, count };
  } finally {
    await log.close();
  }
}

/** Ctrl-C stops and removes everything; a second one does not wait for an orderly stop. */
function closeOnSignals(underTest: NetworkUnderTest): AbortSignal {
  const controller = new AbortController();
  const onSignal = (): void => {
    if (controller.signal.aborted) process.exit(EXIT_INTERRUPTED);
    controller.abort();
    progress("stopping");
    const exit = (): never => process.exit(EXIT_INTERRUPTED);
    underTest.close().then(exit, exit);
  };
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(name, onSignal);
  return controller.signal;
}

async function writeJson(file: string, report: NetworkReport): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, `${JSON.stringify(report, null, 2)}\n`);
  progress(`wrote ${file}`);
}

function progress(line: string): void {
  process.stderr.write(`${line}\n`);
}

function rates(list: string): readonly number[] {
  return list.split(",").map(whole(1, MAX_RATE));
}

function whole(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (Number.isInteger(value) && value >= least && value <= most) return value;
    throw new InvalidArgumentError(`must be a whole number, ${least} to ${most}`);
  };
}
