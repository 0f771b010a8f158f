import { rm } from "node:fs/promises";
import { resolve } from "node:path";
import type { Command } from "commander";
import {
  createLocalNetwork,
  type LocalNetwork,
  readLocalNetwork,
} from "../local-network/network-files.ts";
import {
  logFile,
  pidOf,
  startValidator,
  stopValidator,
  waitUntilReady,
} from "../local-network/validator-process.ts";
import { Output } from "./output.ts";

const DEFAULT_DIRECTORY = "./mizan-net";

export function addNetCommands(program: Command): void {
  const net = program.command("net").description("a network of validators on this machine");
  net
    .command("up")
    .description("make keys, genesis and configuration, start every validator, wait until ready")
    .option("--nodes <count>", "validators, 4 to 10", "4")
    .option("--dir <directory>", "where everything is kept", DEFAULT_DIRECTORY)
    .action(async (flags: { nodes: string; dir: string }, command: Command) => {
      const output = new Output(command);
      const directory = resolve(flags.dir);
      const network = await openOrCreate(directory, Number(flags.nodes), output);
      for (const validator of network.validators) {
        if ((await pidOf(validator)) === undefined) await startValidator(validator);
      }
      for (const validator of network.validators) {
        await waitUntilReady(validator);
        output.progress(`${validator.name} is ready: ${validator.rpcUrl}`);
      }
      output.result(network, () => nextSteps(network, flags.dir));
    });
  net
    .command("down")
    .description("stop every validator of the network")
    .option("--dir <directory>", "where the network is kept", DEFAULT_DIRECTORY)
    .option("--purge", "delete keys and data as well")
    .action(async (flags: { dir: string; purge?: boolean }, command: Command) => {
      const output = new Output(command);
      const network = await readLocalNetwork(resolve(flags.dir));
      const stopped = await Promise.all(
        network.validators.map(async (validator) => ({
          name: validator.name,
          orderly: await stopValidator(validator),
        })),
      );
      if (flags.purge === true) await rm(network.directory, { recursive: true });
      output.result({ stopped, purged: flags.purge === true }, () =>
        stopped.map(({ name, orderly }) => `${name} ${orderly ? "stopped" : "killed"}`).join("\n"),
      );
    });
}

async function openOrCreate(
  directory: string,
  count: number,
  output: Output,
): Promise<LocalNetwork> {
  try {
    return await readLocalNetwork(directory);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "NO_NETWORK")) throw error;
  }
  output.progress(`making keys and genesis for ${count} validators in ${directory}`);
  return createLocalNetwork({
    directory,
    validators: count,
    networkName: "local",
    genesisTimeMs: Date.now(),
    clockOffsetMs: 0,
  });
}

function nextSteps(network: LocalNetwork, dir: string): string {
  const [first] = network.validators;
  return [
    `${network.validators.length} validators run chain ${network.chainId}`,
    "",
    "What next:",
    `  mizan status --dir ${dir}`,
    `  curl -s ${first?.rpcUrl}/v1/rpc -H 'content-type: application/json' \\`,
    `    -d '{"jsonrpc":"2.0","id":1,"method":"chain.info","params":{}}'`,
    `  mizan net down --dir ${dir} --purge`,
    "",
    `Logs: ${network.validators.map(logFile).join(" ")}`,
  ].join("\n");
}
