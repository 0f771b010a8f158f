import { rm } from "node:fs/promises";
import { resolve } from "node:path";
import type { Command } from "commander";
import { CodedError } from "../../primitives/errors.ts";
import { MAX_SITES, MIN_SITES } from "../local-network/institutions.ts";
import {
  createLocalNetwork,
  type LocalNetwork,
  type LocalValidator,
  readLocalNetwork,
} from "../local-network/network-files.ts";
import {
  killNow,
  pidOf,
  type Stop,
  startValidator,
  stopValidator,
  waitUntilReady,
} from "../local-network/validator-process.ts";
import { interruptible } from "./interruption.ts";
import { wholeNumber } from "./option-values.ts";
import { Output, table } from "./output.ts";
import { UsageError } from "./usage-error.ts";

const DEFAULT_DIRECTORY = "./mizan-net";
const DEFAULT_NODES = 4;

const UP_HELP = `
Where the directory holds a network already, its validators are started again with their data.

Examples:
  $ mizan net up
  $ mizan net up --nodes 7 --dir /tmp/seven
`;

const DOWN_HELP = `
Safe to repeat: a validator that does not run is left as it is.

Examples:
  $ mizan net down              stop; \`net up\` goes on with the same chain
  $ mizan net down --purge      stop and delete keys and data
`;

export function addNetCommands(program: Command): void {
  const net = program.command("net").description("a network of validators on this machine");
  net
    .command("up")
    .description("make keys, genesis and configuration, start every validator, wait until ready")
    .option(
      "--nodes <count>",
      `validators of a new network, ${MIN_SITES} to ${MAX_SITES}; ${DEFAULT_NODES} if not given`,
      wholeNumber(MIN_SITES, MAX_SITES),
    )
    .option("--dir <directory>", "where everything is kept", DEFAULT_DIRECTORY)
    .addHelpText("after", UP_HELP)
    .action(async (flags: { nodes?: number; dir: string }, command: Command) => {
      const output = Output.of(command);
      const network = await interruptible((signal) =>
        bringUp(resolve(flags.dir), flags.nodes, output, signal),
      );
      output.result(network, () => nextSteps(network, flags.dir));
    });
  net
    .command("down")
    .description("stop every validator of the network")
    .option("--dir <directory>", "where the network is kept", DEFAULT_DIRECTORY)
    .option("--purge", "delete keys and data as well")
    .addHelpText("after", DOWN_HELP)
    .action(async (flags: { dir: string; purge?: boolean }, command: Command) => {
      const directory = resolve(flags.dir);
      const purge = flags.purge === true;
      const { stopped, purged } = await bringDown(directory, purge);
      Output.of(command).result({ stopped, purged }, () => {
        if (stopped.length === 0) return `no network in ${directory}: nothing to stop`;
        const lines = stopped.map(({ name, how }) => `${name}: ${STOP_TEXT[how]}`);
        return [...lines, ...(purged ? [`deleted ${directory}`] : [])].join("\n");
      });
    });
}

const STOP_TEXT: Readonly<Record<Stop, string>> = {
  stopped: "stopped",
  "not-running": "was not running",
  killed: "killed, it did not stop in time",
};

async function bringUp(
  directory: string,
  count: number | undefined,
  output: Output,
  signal: AbortSignal,
): Promise<LocalNetwork> {
  const network = await openOrCreate(directory, count, output);
  const started: LocalValidator[] = [];
  const onExit = (): void => started.forEach(killNow);
  process.once("exit", onExit);
  try {
    for (const validator of network.validators) {
      signal.throwIfAborted();
      if ((await pidOf(validator)) !== undefined) continue;
      await startValidator(validator);
      started.push(validator);
    }
    for (const validator of network.validators) {
      await waitUntilReady(validator, signal);
      output.progress(`${validator.name} is ready`);
    }
    return network;
  } catch (error) {
    // Half a network is no use to anybody; what ran before goes on.
    await Promise.all(started.map(stopValidator));
    throw error;
  } finally {
    process.off("exit", onExit);
  }
}

async function openOrCreate(
  directory: string,
  count: number | undefined,
  output: Output,
): Promise<LocalNetwork> {
  const existing = await networkIn(directory);
  if (existing !== undefined) {
    const has = existing.validators.length;
    if (count === undefined || count === has) return existing;
    throw new UsageError(
      "--nodes",
      String(count),
      `${has}: ${directory} holds a network of ${has}`,
    );
  }
  const validators = count ?? DEFAULT_NODES;
  output.progress(`making keys and genesis for ${validators} validators in ${directory}`);
  return createLocalNetwork({
    directory,
    validators,
    networkName: "local",
    genesisTimeMs: Date.now(),
    clockOffsetMs: 0,
  });
}

async function bringDown(
  directory: string,
  purge: boolean,
): Promise<{
  readonly stopped: readonly { readonly name: string; readonly how: Stop }[];
  readonly purged: boolean;
}> {
  const network = await networkIn(directory);
  if (network === undefined) return { stopped: [], purged: false };
  const stopped = await Promise.all(
    network.validators.map(async (validator) => ({
      name: validator.name,
      how: await stopValidator(validator),
    })),
  );
  if (purge) await rm(directory, { recursive: true });
  return { stopped, purged: purge };
}

async function networkIn(directory: string): Promise<LocalNetwork | undefined> {
  try {
    return await readLocalNetwork(directory);
  } catch (error) {
    if (error instanceof CodedError && error.code === "NO_NETWORK") return undefined;
    throw error;
  }
}

function nextSteps(network: LocalNetwork, dir: string): string {
  const at = dir === DEFAULT_DIRECTORY ? "" : ` --dir ${dir}`;
  const rpc = network.validators[0]?.rpcUrl ?? "";
  return [
    `${network.validators.length} validators run chain ${network.chainId}`,
    "",
    table([
      ["validator", "run by", "RPC", "metrics and health"],
      ...network.validators.map(({ name, member, rpcUrl, opsUrl }) => [
        name,
        member,
        rpcUrl,
        opsUrl,
      ]),
    ]),
    "",
    `Keys of the members: ${network.directory}/members; their passphrase: ${network.passphraseFile}`,
    `Logs: ${network.directory}/nodes/*/log.jsonl`,
    "",
    "What next:",
    `  mizan status${at}`,
    `  mizan tx build --help`,
    `  curl -s ${rpc}/v1/rpc -H 'content-type: application/json' \\`,
    `    -d '{"jsonrpc":"2.0","id":1,"method":"chain.info","params":{}}'`,
    `  mizan net down${at} --purge`,
  ].join("\n");
}
