import type { Command } from "commander";
import pinoPretty from "pino-pretty";
import { chainIdOf } from "../../ledger/genesis.ts";
import { CodedError, messageOf } from "../../primitives/errors.ts";
import { readPassphrase, unlockKeyFile } from "../../primitives/keystore.ts";
import { nativeSigner } from "../../primitives/native/sodium.ts";
import {
  type ConfigSources,
  checkGenesisPin,
  type LoadedConfig,
  loadConfig,
} from "../config/load.ts";
import { EXIT } from "../exit-codes.ts";
import { readGenesisFile } from "../local-network/network-files.ts";
import { LogRoot } from "../observability/logger.ts";
import { Metrics } from "../observability/metrics.ts";
import { createStorage } from "../runtime/boot.ts";
import { MizanNode } from "../runtime/node.ts";
import type { NodeOptions } from "../runtime/node-options.ts";
import { Shutdown, stopOnSignals } from "../runtime/shutdown.ts";
import { exitCodeOf } from "./exit-code-of.ts";
import { Output } from "./output.ts";

interface ConfigFlags {
  readonly config?: string;
  readonly set?: readonly string[];
}

export function addConfigOptions(command: Command): Command {
  return command
    .option("-c, --config <file>", "configuration file (TOML)")
    .option(
      "--set <path=value>",
      "one value of the configuration, as rpc.listen=127.0.0.1:7680; may be repeated",
      (value: string, earlier: readonly string[]) => [...earlier, value],
      [] as readonly string[],
    );
}

/** Reads the configuration that the flags name: default < file < MIZAN_* < --set. */
export function configFrom(flags: ConfigFlags): Promise<LoadedConfig> {
  const values: Record<string, string> = {};
  for (const entry of flags.set ?? []) {
    const at = entry.indexOf("=");
    values[at < 0 ? entry : entry.slice(0, at)] = at < 0 ? "" : entry.slice(at + 1);
  }
  const sources: ConfigSources = {
    env: process.env,
    flags: values,
    ...(flags.config === undefined ? {} : { file: flags.config }),
  };
  return loadConfig(sources);
}

export function addStartCommands(program: Command): void {
  addConfigOptions(program.command("init"))
    .description("create the database and the journal of a new validator; never overwrites")
    .action(async (flags: ConfigFlags, command: Command) => {
      const loaded = await configFrom(flags);
      const { config } = loaded;
      const { genesis } = await pinnedGenesis(loaded);
      await createStorage(config.node.dataDir, genesis, Date.now());
      new Output(command).result(
        { dataDir: config.node.dataDir, chainId: chainIdOf(genesis) },
        () => `created ${config.node.dataDir} at the genesis of chain ${chainIdOf(genesis)}`,
      );
    });
  addConfigOptions(program.command("start"))
    .description("run a validator until SIGTERM or SIGINT")
    .action(async (flags: ConfigFlags) => {
      await runNode(await configFrom(flags));
    });
}

/** The genesis document, after its pin. Throws GENESIS_MISMATCH, CLOCK_OFFSET. */
export async function pinnedGenesis(loaded: LoadedConfig): ReturnType<typeof readGenesisFile> {
  const { config } = loaded;
  const read = await readGenesisFile(config.chain.genesisPath);
  checkGenesisPin(loaded, chainIdOf(read.genesis));
  const { clockOffsetMs } = config.chain;
  if (clockOffsetMs !== 0 && !read.genesis.networkName.startsWith("rehearsal")) {
    throw new CodedError("CLOCK_OFFSET", "only a rehearsal network may run on another clock", {
      field: "chain.clockOffsetMs",
      got: clockOffsetMs,
      expected: "0, or a genesis whose networkName begins with rehearsal",
    });
  }
  return read;
}

async function runNode(loaded: LoadedConfig): Promise<void> {
  const { config, hash } = loaded;
  const { genesis } = await pinnedGenesis(loaded);
  const root = new LogRoot({
    level: config.log.level,
    base: { validator: config.node.name },
    ...(config.log.format === "pretty" ? { destination: pinoPretty({ destination: 1 }) } : {}),
  });
  const logger = root.module("node");
  const passphrase = await readPassphrase({ file: config.node.passphraseFile });
  const consensusKey = await unlockKeyFile(config.node.consensusKeyFile, passphrase, "consensus");
  const networkKey = await unlockKeyFile(config.node.networkKeyFile, passphrase, "network");
  passphrase.fill(0);
  logger.info("node.starting", {
    chainId: chainIdOf(genesis),
    networkName: genesis.networkName,
    config: hash,
    consensusKey: consensusKey.publicKey,
    pid: process.pid,
    node: process.version,
  });
  if (config.chain.clockOffsetMs !== 0) {
    logger.warn("node.rehearsal-clock", { clockOffsetMs: config.chain.clockOffsetMs });
  }
  const signer = nativeSigner(consensusKey.seed);
  consensusKey.seed.fill(0);
  const options: Omit<NodeOptions, "metrics"> = {
    genesis,
    name: config.node.name,
    dataDir: config.node.dataDir,
    signer,
    networkSeed: networkKey.seed,
    listen: config.net.listen,
    peerAddresses: new Map(config.net.peers.map(({ name, addresses }) => [name, addresses])),
    rpc: config.rpc.listen,
    ops: config.ops.listen,
    verificationThreads: config.verification.workers,
    consensus: config.consensus,
    mempool: config.mempool,
    snapshot: config.snapshot,
    clockOffsetMs: config.chain.clockOffsetMs,
    logger,
  };
  process.on("unhandledRejection", (error) => {
    logger.fatal("node.unhandled-rejection", { err: error });
    if (running === undefined) process.exit(EXIT.INTERNAL);
    void running.request("unhandled rejection", EXIT.INTERNAL);
  });
  process.on("uncaughtException", (error) => {
    logger.fatal("node.uncaught-exception", { err: error });
    if (running === undefined) process.exit(EXIT.INTERNAL);
    void running.request("uncaught exception", EXIT.INTERNAL);
  });
  await launch(options, root, config.shutdown.deadlineMs);
}

/** The stop of the node that runs now: one that falls far behind is followed by another. */
let running: Shutdown | undefined;

/** A node that found no snapshot when it started over goes on with blocks for this long. */
const START_OVER_PAUSE_MS = 3_600_000;
let startedOverAtMs = Number.NEGATIVE_INFINITY;

/** Runs one node to its end. Where that is for a snapshot's sake, the next one begins with it. */
async function launch(
  base: Omit<NodeOptions, "metrics">,
  root: LogRoot,
  deadlineMs: number,
): Promise<void> {
  const { logger } = base;
  let shutdown: Shutdown | undefined;
  let startsOver = false;
  const stop = (error: unknown): void => {
    if (shutdown === undefined) {
      root.flush();
      process.exit(exitCodeOf(error));
    }
    void shutdown.request(`fatal: ${messageOf(error)}`, exitCodeOf(error));
  };
  const onResync = (): void => {
    if (performance.now() - startedOverAtMs < START_OVER_PAUSE_MS) return;
    startedOverAtMs = performance.now();
    startsOver = true;
    void shutdown?.request("far behind: a snapshot instead of blocks");
  };
  const options: NodeOptions = { ...base, metrics: new Metrics(), onResync };
  const node = await MizanNode.create(options, stop);
  shutdown = new Shutdown({
    steps: node.shutdownSteps(),
    deadlineMs,
    log: (event) => logger.info("node.shutdown", { ...event }),
    exit: (code) => {
      if (code === EXIT.OK && startsOver) {
        ignoreSignals();
        running = undefined;
        launch({ ...base, resync: true }, root, deadlineMs).catch((error: unknown) => {
          logger.fatal("node.not-started-over", { err: error });
          root.flush();
          process.exit(exitCodeOf(error));
        });
        return;
      }
      root.flush();
      process.exit(code);
    },
  });
  running = shutdown;
  const ignoreSignals = stopOnSignals(process, shutdown);
  await node.start();
}
