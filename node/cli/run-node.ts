import type { DestinationStream } from "pino";
import pinoPretty from "pino-pretty";
import { chainIdOf, type Genesis } from "../../ledger/genesis.ts";
import { messageOf } from "../../primitives/errors.ts";
import { readPassphrase, unlockKeyFile } from "../../primitives/keystore.ts";
import { nativeSigner } from "../../primitives/native/sodium.ts";
import type { LoadedConfig } from "../config/load.ts";
import { EXIT } from "../exit-codes.ts";
import { type Logger, LogRoot } from "../observability/logger.ts";
import { Metrics } from "../observability/metrics.ts";
import { MizanNode } from "../runtime/node.ts";
import type { NodeOptions } from "../runtime/node-options.ts";
import { Shutdown, type ShutdownEvent, startUnder, stopOnSignals } from "../runtime/shutdown.ts";
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
    endOnFaults(logger);
    await launch(await nodeOptions(loaded, genesis, logger), root, config.shutdown.deadlineMs);
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
): Promise<Omit<NodeOptions, "metrics">> {
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
    snapshot: config.snapshot,
    clockOffsetMs: config.chain.clockOffsetMs,
    logger,
  };
}

function endOnFaults(logger: Logger): void {
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
}

/** The stop of the node that runs now: one that falls far behind is followed by another. */
let running: Shutdown | undefined;

/** A node that found no snapshot when it started over goes on with blocks for this long. */
const START_OVER_PAUSE_MS = 3_600_000;
let startedOverAtMs = Number.NEGATIVE_INFINITY;

/** Steps have an event of their own: the limit on repeated lines must not swallow the last one. */
function logShutdown(logger: Logger, event: ShutdownEvent): void {
  if (event.type === "step-started") logger.debug("node.shutdown-step", { ...event });
  else if (event.type === "step-ended") logger.info("node.shutdown-step", { ...event });
  else logger.info("node.shutdown", { ...event });
}

/**
 * Until the node is built there is nothing to stop in order: no vote has left, and every write so
 * far survives being cut. Returns the way to undo it.
 */
function endAtOnceOnSignals(logger: Logger, root: LogRoot): () => void {
  const end = (signal: NodeJS.Signals): void => {
    logger.info("node.shutdown", { type: "finished", reason: signal, beforeStart: true });
    root.flush();
    process.exit(EXIT.OK);
  };
  process.once("SIGINT", end).once("SIGTERM", end);
  return () => {
    process.off("SIGINT", end).off("SIGTERM", end);
  };
}

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
  const built = endAtOnceOnSignals(logger, root);
  const node = await MizanNode.create(options, stop);
  shutdown = new Shutdown({
    steps: node.shutdownSteps(),
    deadlineMs,
    log: (event) => logShutdown(logger, event),
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
  built();
  await startUnder(
    shutdown,
    () => node.start(),
    (error) => logger.info("node.start-cut-short", { err: error }),
  );
}
