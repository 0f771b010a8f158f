import { readFile, writeFile } from "node:fs/promises";
import type { Command } from "commander";
import { EpochTrail } from "../../client/epoch-trail.ts";
import { pinGenesis } from "../../client/genesis-pin.ts";
import { checkBalanceProof, epochOfProof } from "../../client/proof-check.ts";
import { LedgerReads } from "../../client/reads.ts";
import type { EpochEndJson, ProofJson } from "../../client/rpc/methods.ts";
import { RpcClient } from "../../client/rpc-client.ts";
import { CodedError } from "../../primitives/errors.ts";
import { Output, table } from "./output.ts";

export function addRpcOption(command: Command): Command {
  return command.requiredOption("--rpc <url...>", "RPC address of a node; more for failover");
}

export function addAccountCommands(program: Command): void {
  const account = program
    .command("account")
    .description("accounts, balances and proofs of holding");
  addRpcOption(account.command("get <account>"))
    .description("an account and its balances at the head")
    .action(async (id: string, flags: { rpc: string[] }, command: Command) => {
      const reads = new LedgerReads(new RpcClient({ endpoints: flags.rpc }));
      const view = await reads.account(id);
      if (view === undefined) throw new CodedError("NOT_FOUND", `no account ${id}`, { got: id });
      new Output(command).result(view, () =>
        [
          `${view.account}: ${view.kind} of ${view.member}, ${view.status}, at block ${view.height}`,
          table(
            [
              ["asset", "total", "available", "reserved", "pledged", "blocked"],
              ...view.balances.map((balance) => [
                balance.asset,
                String(balance.total),
                String(balance.available),
                String(balance.reserved),
                String(balance.pledged),
                String(balance.blocked),
              ]),
            ],
            [1, 2, 3, 4, 5],
          ),
        ].join("\n"),
      );
    });
  addRpcOption(account.command("proof <account> <asset>"))
    .description("write a proof of holding that anyone can check against the genesis")
    .requiredOption("--out <file>", "file to write")
    .action(
      async (
        id: string,
        asset: string,
        flags: { rpc: string[]; out: string },
        command: Command,
      ) => {
        const client = new RpcClient({ endpoints: flags.rpc });
        const proof = await client.call("account.proof", { account: id, asset });
        const epochs = await epochsUpTo(client, epochOfProof(proof));
        const content = { account: id, asset, proof, epochs };
        await writeFile(flags.out, `${JSON.stringify(content, null, 2)}\n`);
        new Output(command).result(
          { file: flags.out, height: proof.height },
          () => `proof at block ${proof.height} in ${flags.out}`,
        );
      },
    );
  account
    .command("verify-proof <file>")
    .description("check a proof of holding offline; needs the genesis and no node")
    .requiredOption("--genesis <file>", "genesis document")
    .requiredOption("--chain-id <hash>", "genesis hash from a source you trust")
    .action(async (file: string, flags: { genesis: string; chainId: string }, command: Command) => {
      const pin = pinGenesis(JSON.parse(await readFile(flags.genesis, "utf8")), flags.chainId);
      // checkBalanceProof takes nothing in the file for granted.
      const {
        account: id,
        asset,
        proof,
        epochs,
      } = JSON.parse(await readFile(file, "utf8")) as {
        account: string;
        asset: string;
        proof: ProofJson;
        epochs?: readonly EpochEndJson[];
      };
      const trail = new EpochTrail(pin);
      trail.extend(epochs ?? []);
      const { at, value } = checkBalanceProof(trail, proof, id, asset);
      new Output(command).result(
        { account: id, asset, at, balance: value },
        () => `${id} held ${value.total} of ${asset} at block ${at.height} (${at.blockDigest})`,
      );
    });
}

/** The ends of the epochs before this one: what a proof needs to be checked offline. */
async function epochsUpTo(client: RpcClient, epoch: number): Promise<readonly EpochEndJson[]> {
  const ends: EpochEndJson[] = [];
  while (ends.length < epoch) {
    const page = await client.call("chain.epochs", { from: String(ends.length) });
    if (page.ends.length === 0) throw new CodedError("SYNCING", "the node is behind its own proof");
    ends.push(...page.ends);
  }
  return ends.slice(0, epoch);
}
