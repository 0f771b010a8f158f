import { resolve } from "node:path";
import type { Command } from "commander";
import { RpcClient } from "../../client/rpc-client.ts";
import { EXIT } from "../exit-codes.ts";
import { readLocalNetwork } from "../local-network/network-files.ts";
import { pidOf } from "../local-network/validator-process.ts";
import { codeOf } from "./exit-code-of.ts";
import { addOptionalRpcOption } from "./option-values.ts";
import { Output, table } from "./output.ts";

interface NodeStatus {
  readonly name: string;
  readonly rpc: string;
  /** `stopped` where the process of a local network does not run, `no-answer` where it may. */
  readonly state: "ok" | "syncing" | "stopped" | "no-answer";
  readonly height?: string;
  readonly stateRoot?: string;
  /** Why there is no answer. */
  readonly reason?: string;
}

/** Time for one node's answer: a status must not hang on a dead node. */
const ANSWER_MS = 3_000;
/** Digits of a root that tell two roots apart at a glance; --json has all. */
const ROOT_DIGITS = 16;

export function addStatusCommand(program: Command): void {
  addOptionalRpcOption(program.command("status"))
    .description("height, state root and health of nodes; exit code 3 if one does not answer")
    .option("--dir <directory>", "a local network made by `net up`", "./mizan-net")
    .action(async (flags: { rpc?: string[]; dir: string }, command: Command) => {
      const nodes =
        flags.rpc === undefined
          ? await localStatus(resolve(flags.dir))
          : await Promise.all(flags.rpc.map((url) => statusOf(url, url)));
      if (nodes.some(({ height }) => height === undefined)) process.exitCode = EXIT.NOT_READY;
      Output.of(command).result({ nodes }, () =>
        table(
          [
            ["node", "height", "state root", "state"],
            ...nodes.map(({ name, height, stateRoot, state, reason }) => [
              name,
              height ?? "-",
              stateRoot === undefined ? "-" : `${stateRoot.slice(0, ROOT_DIGITS)}…`,
              reason === undefined ? state : `${state} (${reason})`,
            ]),
          ],
          [1],
        ),
      );
    });
}

async function localStatus(directory: string): Promise<readonly NodeStatus[]> {
  const { validators } = await readLocalNetwork(directory);
  return Promise.all(
    validators.map(async (validator): Promise<NodeStatus> => {
      const { name, rpcUrl: rpc } = validator;
      const runs = (await pidOf(validator)) !== undefined;
      return runs ? statusOf(name, rpc) : { name, rpc, state: "stopped" };
    }),
  );
}

async function statusOf(name: string, rpc: string): Promise<NodeStatus> {
  try {
    const client = new RpcClient({ endpoints: [rpc], callTimeoutMs: ANSWER_MS });
    const { height, stateRoot, syncing } = await client.call("chain.info", {});
    return { name, rpc, state: syncing ? "syncing" : "ok", height, stateRoot };
  } catch (error) {
    return { name, rpc, state: "no-answer", reason: codeOf(error) ?? "FAILED" };
  }
}
