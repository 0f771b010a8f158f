import { writeFile } from "node:fs/promises";
import type { Command } from "commander";
import { EpochTrail } from "../../client/epoch-trail.ts";
import { pinGenesis } from "../../client/genesis-pin.ts";
import { checkBalanceProof, epochOfProof } from "../../client/proof-check.ts";
import { LedgerReads } from "../../client/reads.ts";
import type { EpochEndJson } from "../../client/rpc/methods.ts";
import type { RpcClient } from "../../client/rpc-client.ts";
import type { AccountView } from "../../client/views.ts";
import { CodedError } from "../../primitives/errors.ts";
import { readJsonFile } from "./input-file.ts";
import { addRpcOption } from "./option-values.ts";
import { Output, table } from "./output.ts";
import { type ProofFile, readProofFile } from "./proof-file.ts";
import { rpcClientOf } from "./rpc-client-of.ts";

const PROOF_HELP = `
Example:
  $ mizan account proof CUSTODIAN-A-SGLA PK0PIB003015 --rpc http://127.0.0.1:7680 --out proof.json

Whoever has the genesis document and its hash checks the file with \`account verify-proof\`.
`;

const VERIFY_HELP = `
Trusts neither the file nor the node that made it: the path must lead from the balance to the state
root of a block that a quorum of the genesis validators has certified. Take the hash of the genesis
from another source than the document: a circular, or the log of your own node.

Example:
  $ mizan account verify-proof proof.json --genesis genesis.json --chain-id 20577af6…
`;

export function addAccountCommands(program: Command): void {
  const account = program
    .command("account")
    .description("accounts, balances and proofs of holding");
  addRpcOption(account.command("get <account>"))
    .description("an account and its balances at the head")
    .action(async (id: string, flags: { rpc: string[] }, command: Command) => {
      const reads = new LedgerReads(rpcClientOf(flags.rpc));
      const view = await reads.account(id);
      if (view === undefined) throw new CodedError("NOT_FOUND", `no account ${id}`, { got: id });
      Output.of(command).result(view, () =>
        [
          `${view.account}: ${view.kind} of ${view.member}, ${view.status}, at block ${view.height}`,
          ...balanceLines(view),
        ].join("\n"),
      );
    });
  addRpcOption(account.command("proof <account> <asset>"))
    .description("write a proof of holding that anyone can check against the genesis")
    .requiredOption("--out <file>", "file to write")
    .addHelpText("after", PROOF_HELP)
    .action(
      async (
        id: string,
        asset: string,
        flags: { rpc: string[]; out: string },
        command: Command,
      ) => {
        const client = rpcClientOf(flags.rpc);
        const proof = await client.call("account.proof", { account: id, asset });
        const epochs = await epochsUpTo(client, epochOfProof(proof));
        const file: ProofFile = { account: id, asset, proof, epochs: [...epochs] };
        await writeFile(flags.out, `${JSON.stringify(file, null, 2)}\n`);
        Output.of(command).result(
          { file: flags.out, account: id, asset, height: proof.height },
          () => `proof of ${id} at block ${proof.height} written to ${flags.out}`,
        );
      },
    );
  account
    .command("verify-proof <file>")
    .description("check a proof of holding offline; needs the genesis and no node")
    .requiredOption("--genesis <file>", "genesis document")
    .requiredOption("--chain-id <hash>", "genesis hash from a source you trust")
    .addHelpText("after", VERIFY_HELP)
    .action(async (file: string, flags: { genesis: string; chainId: string }, command: Command) => {
      const pin = pinGenesis(await readJsonFile(flags.genesis), flags.chainId);
      const { account: id, asset, proof, epochs } = await readProofFile(file);
      const trail = new EpochTrail(pin);
      trail.extend(epochs);
      const { at, value } = checkBalanceProof(trail, proof, id, asset);
      Output.of(command).result({ account: id, asset, at, balance: value }, () =>
        [
          `valid: ${id} held ${value.total} minor units of ${asset} at block ${at.height},`,
          `${new Date(at.timestampMs).toISOString()}, block ${at.blockDigest}`,
        ].join("\n"),
      );
    });
}

function balanceLines({ balances }: AccountView): readonly string[] {
  if (balances.length === 0) return ["no balances"];
  const rows = balances.map(({ asset, total, available, reserved, pledged, blocked }) => [
    asset,
    ...[total, available, reserved, pledged, blocked].map(String),
  ]);
  const head = ["asset", "total", "available", "reserved", "pledged", "blocked"];
  return ["amounts in minor units (paisa)", table([head, ...rows], [1, 2, 3, 4, 5])];
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
