import { RpcClient } from "../../client/rpc-client.ts";
import { CodedError, messageOf } from "../../primitives/errors.ts";
import { FinalityLog } from "./finality-log.ts";
import { countEverywhere, type LedgerCount } from "./ledger-count.ts";
import { Market, type Mix } from "./market.ts";
import { NetworkUnderTest } from "./network-under-test.ts";
import { Parties } from "./parties.ts";
import { type Bench, runRate } from "./rate-step.ts";

/** Before anything is reported, so that the validators' code is compiled. */
const WARM_UP_RATE = 200;
const EXIT_INTERRUPTED = 130;

export interface SessionOptions {
  readonly validators: number;
  /** Verification threads of each. */
  readonly workers: number;
  /** Accounts of each kind and custodian. */
  readonly accounts: number;
  /** Seconds of warming up, and at how many transactions a second. */
  readonly warmup: number;
  readonly warmupRate?: number;
  readonly mix: Mix;
  /** Transactions in one call of `tx.submitBatch` at most. */
  readonly atOnce: number;
  /** Validators can be profiled, and write what they find here. */
  readonly profileDir?: string;
  readonly keepFiles: boolean;
}

export interface SessionResult<T> {
  readonly measured: T;
  /** Read from every node's ledger after the measurement. */
  readonly count: LedgerCount;
}

/**
 * Starts a network, sets its market up, warms it up, measures, and closes the run by the count in
 * every node's ledger. All validators have ended when it returns or throws, and their files are
 * gone. After a failure the ends of their logs are on standard error.
 */
export async function inSession<T>(
  options: SessionOptions,
  measure: (bench: Bench) => Promise<T>,
): Promise<SessionResult<T>> {
  const underTest = await NetworkUnderTest.prepare({
    validators: options.validators,
    workers: options.workers,
    profileDir: options.profileDir,
    keepFiles: options.keepFiles,
  });
  const interrupted = closeOnSignals(underTest);
  try {
    const result = await run(underTest, options, measure);
    progress("stopping the validators");
    return result;
  } catch (error) {
    // The log of what a signal has just stopped says nothing.
    if (!interrupted.aborted) process.stderr.write(`${await underTest.logEnds()}\n`);
    throw error;
  } finally {
    await underTest.close();
    if (options.keepFiles) progress(`files are in ${underTest.directory}`);
  }
}

async function run<T>(
  underTest: NetworkUnderTest,
  options: SessionOptions,
  measure: (bench: Bench) => Promise<T>,
): Promise<SessionResult<T>> {
  progress(`starting ${options.validators} validators`);
  const network = await underTest.start();
  const client = new RpcClient({
    endpoints: network.validators.map(({ rpcUrl }) => rpcUrl),
    chainId: network.chainId,
  });
  const parties = await Parties.open(network);
  progress(`opening ${4 * options.accounts + 2} accounts and filling them`);
  const market = await Market.open(client, parties, options.accounts);
  // At the last node: the set-up speaks to the first, and submissions go to all alike.
  const log = new FinalityLog(network.validators.at(-1)?.rpcUrl ?? "", options.mix);
  try {
    const { mix, atOnce } = options;
    const bench = { underTest, network, parties, market, log, mix, atOnce };
    if (options.warmup > 0) {
      progress(`warming up for ${options.warmup} s`);
      await runRate(bench, options.warmupRate ?? WARM_UP_RATE, options.warmup);
    }
    const measured = await measure(bench);
    progress("counting the settlements in every node's ledger");
    for (const txId of market.primaryTxIds) {
      if (log.seenAt(txId) === undefined) {
        throw new CodedError("NOT_SEEN", `the client never saw primary settlement ${txId}`);
      }
    }
    const count = await countEverywhere(network.validators, log.txIds, log.highest, mix);
    return { measured, count };
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

export function progress(line: string): void {
  process.stderr.write(`${line}\n`);
}

/** What a bench command says when it fails. */
export function describeFailure(command: string, error: unknown): string {
  const code = error instanceof CodedError ? `${error.code}: ` : "";
  return `${command}: ${code}${messageOf(error)}`;
}
