import { resolve } from "node:path";
import type { Command } from "commander";
import { RpcClient } from "../../client/rpc-client.ts";
import { messageOf } from "../../primitives/errors.ts";
import { EXIT } from "../exit-codes.ts";
import { readLocalNetwork } from "../local-network/network-files.ts";
import { Output, table } from "./output.ts";

interface NodeStatus {
  readonly name: string;
  readonly rpc: string;
  readonly height?: string;
  readonly stateRoot?: string;
  readonly syncing?: boolean;
  readonly error?: string;
}

/** Time for one node's answer: a status must not hang on a dead node. */
const ANSWER_MS = 3_000;

export function addStatusCommand(program: Command): void {
  program
    .command("status")
    .description("height, state root and health of nodes; exit code 3 if one does not answer")
    .option("--rpc <url...>", "RPC address of a node; may be repeated")
    .option("--dir <directory>", "a local network made by `net up`", "./mizan-net")
    .action(async (flags: { rpc?: string[]; dir: string }, command: Command) => {
      const targets =
        flags.rpc?.map((url) => ({ name: url, rpc: url })) ??
        (await readLocalNetwork(resolve(flags.dir))).validators.map(({ name, rpcUrl }) => ({
          name,
          rpc: rpcUrl,
        }));
      const nodes = await Promise.all(targets.map(({ name, rpc }) => statusOf(name, rpc)));
      if (nodes.some(({ error }) => error !== undefined)) process.exitCode = EXIT.NOT_READY;
      new Output(command).result({ nodes }, () =>
        table([
          ["node", "height", "state root", "state"],
          ...nodes.map((node) => [
            node.name,
            node.height ?? "-",
            node.stateRoot?.slice(0, 16) ?? "-",
            node.error ?? (node.syncing === true ? "syncing" : "ok"),
          ]),
        ]),
      );
    });
}

async function statusOf(name: string, rpc: string): Promise<NodeStatus> {
  try {
    const client = new RpcClient({ endpoints: [rpc], callTimeoutMs: ANSWER_MS });
    const { height, stateRoot, syncing } = await client.call("chain.info", {});
    return { name, rpc, height, stateRoot, syncing };
  } catch (error) {
    return { name, rpc, error: messageOf(error) };
  }
}
