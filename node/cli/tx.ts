import { readFile, writeFile } from "node:fs/promises";
import type { Command } from "commander";
import { fromBase64, toBase64 } from "../../client/rpc/base64.ts";
import { RpcClient } from "../../client/rpc-client.ts";
import { mergeSignatures, readTransaction, sign, transactionBytes } from "../../client/signing.ts";
import { newClientRef } from "../../client/transaction-builder.ts";
import { inspect } from "../../client/transaction-text.ts";
import { type Finality, submitAndWait, waitForFinality } from "../../client/wait.ts";
import { type SignedTransaction, unsigned } from "../../ledger/envelope.ts";
import { bodyFromJson, payloadToJson } from "../../ledger/transaction-json.ts";
import { CodedError } from "../../primitives/errors.ts";
import { unlockKeyFile } from "../../primitives/keystore.ts";
import { nativeSigner } from "../../primitives/native/sodium.ts";
import { EXIT } from "../exit-codes.ts";
import { addRpcOption } from "./account.ts";
import { addPassphraseOptions, type PassphraseFlags, passphraseFrom } from "./keys.ts";
import { Output } from "./output.ts";

/**
 * A transaction travels between institutions as a file of base64 text: build, inspect, sign by each
 * party on its own machine, merge, submit.
 */
export function addTxCommands(program: Command): void {
  const tx = program.command("tx").description("build, inspect, sign offline, submit transactions");
  addBuild(tx);
  tx.command("inspect <file>")
    .description("what a transaction does, in words, and who has signed it")
    .action(async (file: string, _flags: object, command: Command) => {
      const transaction = await read(file);
      new Output(command).result(
        {
          txId: transaction.txId,
          body: { ...transaction.body, payload: payloadToJson(transaction.body) },
          signedBy: transaction.signatures.map(({ member, keyId }) => ({ member, keyId })),
        },
        () => inspect(transaction),
      );
    });
  addSign(tx);
  tx.command("merge <files...>")
    .description("one transaction from copies that different parties signed")
    .requiredOption("--out <file>", "file to write")
    .action(async (files: string[], flags: { out: string }, command: Command) => {
      const merged = mergeSignatures(await Promise.all(files.map(read)));
      await writeTransaction(flags.out, merged);
      reportTransaction(new Output(command), merged, flags.out);
    });
  addSubmit(tx);
  addGet(tx);
}

function addBuild(tx: Command): void {
  addRpcOption(tx.command("build"))
    .description("build an unsigned transaction from a JSON payload")
    .requiredOption("--member <id>", "the sending member")
    .requiredOption("--kind <kind>", "kind of transaction, as settle-dvp")
    .requiredOption("--payload <file>", "JSON payload; amounts as decimal strings of minor units")
    .requiredOption("--out <file>", "file to write")
    .option("--client-ref <reference>", "your reference, at most 35 characters; drawn if not given")
    .option("--expires-in <blocks>", "blocks it may wait for", "600")
    .action(async (flags: BuildFlags, command: Command) => {
      const client = new RpcClient({ endpoints: flags.rpc });
      const { chainId, height } = await client.call("chain.info", {});
      const body = bodyFromJson(
        {
          chainId,
          member: flags.member,
          clientRef: flags.clientRef ?? newClientRef("CLI-"),
          expiresAtHeight: Number(height) + blocksOf(flags.expiresIn),
        },
        flags.kind,
        JSON.parse(await readFile(flags.payload, "utf8")),
      );
      const transaction = unsigned(body);
      await writeTransaction(flags.out, transaction);
      reportTransaction(new Output(command), transaction, flags.out);
    });
}

interface BuildFlags {
  readonly rpc: string[];
  readonly member: string;
  readonly kind: string;
  readonly payload: string;
  readonly out: string;
  readonly clientRef?: string;
  readonly expiresIn: string;
}

function blocksOf(text: string): number {
  if (/^[1-9][0-9]{0,6}$/.test(text)) return Number(text);
  throw new CodedError("EXPIRY_RANGE", `--expires-in: got ${text}, expected a number of blocks`, {
    field: "expires-in",
    got: text,
    expected: "1..9999999",
  });
}

function addSign(tx: Command): void {
  addPassphraseOptions(tx.command("sign <file>"))
    .description("add the signature of one member's key; shows what is signed first")
    .requiredOption("--key <file>", "encrypted key file of the member")
    .requiredOption("--member <id>", "the signing member")
    .requiredOption("--key-id <id>", "id of the key in the member registry")
    .option("--out <file>", "file to write; default: the file itself")
    .action(
      async (
        file: string,
        flags: PassphraseFlags & { key: string; member: string; keyId: string; out?: string },
        command: Command,
      ) => {
        const output = new Output(command);
        const transaction = await read(file);
        output.progress(inspect(transaction));
        const { seed } = await unlockKeyFile(flags.key, await passphraseFrom(flags), "member");
        const signed = sign(transaction, {
          member: flags.member,
          keyId: flags.keyId,
          signer: nativeSigner(seed),
        });
        seed.fill(0);
        await writeTransaction(flags.out ?? file, signed);
        reportTransaction(output, signed, flags.out ?? file);
      },
    );
}

function addSubmit(tx: Command): void {
  addRpcOption(tx.command("submit <file>"))
    .description("submit and wait; exit code 3 while it is pending, 1 if it failed or expired")
    .option("--wait-ms <ms>", "how long to wait for finality", "30000")
    .action(async (file: string, flags: { rpc: string[]; waitMs: string }, command: Command) => {
      const client = new RpcClient({ endpoints: flags.rpc });
      const transaction = await read(file);
      const waitMs = Number(flags.waitMs);
      const finality = await submitAndWait(client, transactionBytes(transaction), { waitMs });
      conclude(new Output(command), finality);
    });
}

function addGet(tx: Command): void {
  addRpcOption(tx.command("get <txId>"))
    .description("how a transaction stands")
    .requiredOption("--expires-at <height>", "the expiry that was signed")
    .action(async (txId: string, flags: { rpc: string[]; expiresAt: string }, command: Command) => {
      const client = new RpcClient({ endpoints: flags.rpc });
      const expiresAtHeight = Number(flags.expiresAt);
      const finality = await waitForFinality(client, { txId, expiresAtHeight }, { waitMs: 0 });
      conclude(new Output(command), finality);
    });
}

function conclude(output: Output, finality: Finality): void {
  switch (finality.status) {
    case "committed": {
      const { outcome, height } = finality.receipt;
      const succeeded = outcome.code === "SETTLED" || outcome.code === "APPLIED";
      if (!succeeded) process.exitCode = EXIT.FAILURE;
      output.result(finality, () => `${finality.txId} ${outcome.code} in block ${height}, final`);
      break;
    }
    case "expired":
      process.exitCode = EXIT.FAILURE;
      output.result(finality, () => `${finality.txId} expired; it will never be executed`);
      break;
    case "pending":
      process.exitCode = EXIT.NOT_READY;
      output.result(
        { status: finality.status, txId: finality.txId, untilHeight: finality.untilHeight },
        () => `${finality.txId} is pending, at the longest until block ${finality.untilHeight}`,
      );
      break;
  }
}

async function read(file: string): Promise<SignedTransaction> {
  const bytes = fromBase64((await readFile(file, "utf8")).trim());
  if (bytes === undefined) {
    throw new CodedError("NOT_BASE64", `${file} does not hold base64 text`, {
      field: "file",
      got: file,
    });
  }
  return readTransaction(bytes);
}

/** Writes a transaction as the base64 text that the other commands read. */
export function writeTransaction(file: string, transaction: SignedTransaction): Promise<void> {
  return writeFile(file, `${toBase64(transactionBytes(transaction))}\n`, { mode: 0o600 });
}

export function reportTransaction(
  output: Output,
  transaction: SignedTransaction,
  file: string,
): void {
  const signers = transaction.signatures.map(({ member, keyId }) => `${member}/${keyId}`);
  output.result(
    { txId: transaction.txId, file, signedBy: signers },
    () => `${transaction.txId} in ${file}, signed by ${signers.join(", ") || "nobody yet"}`,
  );
}
