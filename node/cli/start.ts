import type { Command } from "commander";
import type { DestinationStream } from "pino";
import pinoPretty from "pino-pretty";
import { chainIdOf, type Genesis } from "../../ledger/genesis.ts";
import { CodedError, messageOf } from "../../primitives/errors.ts";
import { readPassphrase, unlockKeyFile } from "../../primitives/keystore.ts";
import { nativeSigner } from "../../primitives/native/sodium.ts";
import {
  type ConfigSources,
  checkGenesisPin,
  type LoadedConfig,
  loadConfig,
} from "../config/load.ts";
import { EXIT, type ExitCode } from "../exit-codes.ts";
import { readGenesisFile } from "../local-network/network-files.ts";
import { type Logger, LogRoot } from "../observability/logger.ts";
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

const INIT_HELP = `
Only for a validator that never voted: to start one that did from empty data makes it forget what it
promised. Run it once, before the first \`start\`.

Example:
  $ mizan init --config node.toml
`;

const START_HELP = `
The log goes to standard output, one JSON document a line (log.format = "pretty" for people). The
first SIGTERM or SIGINT stops the node in order, within shutdown.deadlineMs; a second one at once.

Values: default < file < MIZAN_* variable < --set. \`mizan config show\` prints all of them.

Examples:
  $ mizan start --config node.toml
  $ mizan start --config node.toml --set log.level=debug --set log.format=pretty
`;

export function addStartCommands(program: Command): void {
  addConfigOptions(program.command("init"))
    .description("create the database and the journal of a new validator; never overwrites")
    .addHelpText("after", INIT_HELP)
    .action(async (flags: ConfigFlags, command: Command) => {
      const loaded = await configFrom(flags);
      const { config } = loaded;
      const { genesis } = await pinnedGenesis(loaded);
      await createStorage(config.node.dataDir, genesis, Date.now());
      Output.of(command).result(
        { dataDir: config.node.dataDir, chainId: chainIdOf(genesis) },
        () => `created ${config.node.dataDir} at the genesis of chain ${chainIdOf(genesis)}`,
      );
    });
  addConfigOptions(program.command("start"))
    .description("run a validator until SIGTERM or SIGINT")
    .addHelpText("after", START_HELP)
    .action(async (flags: ConfigFlags) => {
      await runNode(await configFrom(flags));
    });
}

async function pinnedGenesis(loaded: LoadedConfig): ReturnType<typeof readGenesisFile> {
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

/** Text for people. Written at once, so that the last line of a process is not lost. */
function prettyDestination(): DestinationStream {
  return pinoPretty({
    destination: 1,
    sync: true,
    messageFormat: "{module} {event} {msg}",
    ignore: "module,event,validator",
    singleLine: true,
  });
}

async function runNode(loaded: LoadedConfig): Promise<void> {
  const { config } = loaded;
  const { genesis } = await pinnedGenesis(loaded);
  const root = new LogRoot({
    level: config.log.level,
    base: { validator: config.node.name },
    ...(config.log.format === "pretty" ? { destination: prettyDestination() } : {}),
  });
  const logger = root.module("node");
  try {
    await runUntilStopped(await nodeOptions(loaded, genesis, logger), config.shutdown, root);
  } catch (error) {
    // What is told on the terminal must stand in the log as well.
    logger.fatal("node.not-started", { err: error });
    root.flush();
    throw error;
  }
}

/** Unlocks the keys and says under which identity, chain and configuration the node starts. */
async function nodeOptions(
  loaded: LoadedConfig,
  genesis: Genesis,
  logger: Logger,
): Promise<NodeOptions> {
  const { config, hash } = loaded;
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
  return {
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
    clockOffsetMs: config.chain.clockOffsetMs,
    logger,
    metrics: new Metrics(),
  };
}

/** Resolves when the node runs; from then on signals and failures end the process. */
async function runUntilStopped(
  options: NodeOptions,
  { deadlineMs }: LoadedConfig["config"]["shutdown"],
  root: LogRoot,
): Promise<void> {
  const { logger } = options;
  const exit = (code: ExitCode): never => {
    root.flush();
    return process.exit(code);
  };
  let shutdown: Shutdown | undefined;
  const stop = (error: unknown): void => {
    if (shutdown === undefined) exit(exitCodeOf(error));
    void shutdown?.request(`fatal: ${messageOf(error)}`, exitCodeOf(error));
  };
  const node = await MizanNode.create(options, stop);
  shutdown = new Shutdown({
    steps: node.shutdownSteps(),
    deadlineMs,
    log: (event) => logger.info("node.shutdown", { ...event }),
    exit,
  });
  stopOnSignals(process, shutdown);
  process.on("unhandledRejection", (error) => {
    logger.fatal("node.unhandled-rejection", { err: error });
    void shutdown?.request("unhandled rejection", EXIT.INTERNAL);
  });
  process.on("uncaughtException", (error) => {
    logger.fatal("node.uncaught-exception", { err: error });
    void shutdown?.request("uncaught exception", EXIT.INTERNAL);
  });
  await node.start();
}
