import type { DestinationStream } from "pino";
import pinoPretty from "pino-pretty";
import { chainIdOf, type Genesis } from "../../ledger/genesis.ts";
import { messageOf } from "../../primitives/errors.ts";
import { readPassphrase, unlockKeyFile } from "../../primitives/keystore.ts";
import { nativeSigner } from "../../primitives/native/sodium.ts";
import type { LoadedConfig } from "../config/load.ts";
import { EXIT, type ExitCode } from "../exit-codes.ts";
import { type Logger, LogRoot } from "../observability/logger.ts";
import { Metrics } from "../observability/metrics.ts";
import { MizanNode } from "../runtime/node.ts";
import type { NodeOptions } from "../runtime/node-options.ts";
import { Shutdown, stopOnSignals } from "../runtime/shutdown.ts";
import { exitCodeOf } from "./exit-code-of.ts";
import type { Output } from "./output.ts";

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

/**
 * Runs a validator with a configuration and the genesis that it pins. Resolves when the node runs;
 * signals and failures end the process from then on, and a failure to start ends it at once.
 */
export async function runNode(
  loaded: LoadedConfig,
  genesis: Genesis,
  output: Output,
): Promise<void> {
  const { config } = loaded;
  const root = new LogRoot({
    level: config.log.level,
    base: { validator: config.node.name },
    ...(config.log.format === "pretty" ? { destination: prettyDestination() } : {}),
  });
  const logger = root.module("node");
  try {
    await startNode(await nodeOptions(loaded, genesis, logger), config.shutdown, root);
  } catch (error) {
    // What is told on the terminal must stand in the log as well.
    logger.fatal("node.not-started", { err: error });
    root.flush();
    output.error(error);
    // Threads and sockets of the half that did start must not keep the process alive.
    process.exit(exitCodeOf(error));
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
async function startNode(
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
