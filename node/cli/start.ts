import type { Command } from "commander";
import { chainIdOf } from "../../ledger/genesis.ts";
import { CodedError } from "../../primitives/errors.ts";
import {
  type ConfigSources,
  checkGenesisPin,
  type LoadedConfig,
  loadConfig,
} from "../config/load.ts";
import { readGenesisFile } from "../local-network/network-files.ts";
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
      const { createStorage } = await import("../runtime/boot.ts");
      await createStorage(config.node.dataDir, genesis, Date.now());
      Output.of(command).result(
        { dataDir: config.node.dataDir, chainId: chainIdOf(genesis) },
        () => `created ${config.node.dataDir} at the genesis of chain ${chainIdOf(genesis)}`,
      );
    });
  addConfigOptions(program.command("start"))
    .description("run a validator until SIGTERM or SIGINT")
    .addHelpText("after", START_HELP)
    .action(async (flags: ConfigFlags, command: Command) => {
      const loaded = await configFrom(flags);
      const { genesis } = await pinnedGenesis(loaded);
      // The network, the database and the API take a second to load: only where they are needed.
      const { runNode } = await import("./run-node.ts");
      await runNode(loaded, genesis, Output.of(command));
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
