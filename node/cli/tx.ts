import { writeFile } from "node:fs/promises";
import { type Command, Option } from "commander";
import { fromBase64, toBase64 } from "../../client/rpc/base64.ts";
import { mergeSignatures, readTransaction, sign, transactionBytes } from "../../client/signing.ts";
import { newClientRef } from "../../client/transaction-builder.ts";
import { inspect } from "../../client/transaction-text.ts";
import { receiptView, succeeded } from "../../client/views.ts";
import { type Finality, submitAndWait, waitForFinality } from "../../client/wait.ts";
import { type SignedTransaction, unsigned } from "../../ledger/envelope.ts";
import { bodyFromJson, payloadToJson } from "../../ledger/transaction-json.ts";
import { kinds } from "../../ledger/transactions/kinds.ts";
import { CodedError, messageOf } from "../../primitives/errors.ts";
import { unlockKeyFile } from "../../primitives/keystore.ts";
import { nativeSigner } from "../../primitives/native/sodium.ts";
import { EXIT } from "../exit-codes.ts";
import { codeOf } from "./exit-code-of.ts";
import { readJsonFile, readTextFile } from "./input-file.ts";
import { addPassphraseOptions, type PassphraseFlags, passphraseFrom } from "./keys.ts";
import { addRpcOption, wholeNumber } from "./option-values.ts";
import { Output } from "./output.ts";
import { rpcClientOf } from "./rpc-client-of.ts";

/** More than the network's own bound; a node names that one. */
const MAX_EXPIRES_IN = 9_999_999;
const MAX_WAIT_MS = 600_000;

const STEPS_HELP = `
A transaction is a file of base64 text, from party to party:
  $ mizan tx build --rpc http://127.0.0.1:7680 --member CUSTODIAN-A --kind settle-dvp \\
      --payload dvp.json --out dvp.tx
  $ mizan tx inspect dvp.tx
  $ mizan tx sign dvp.tx --key a.key.json --member CUSTODIAN-A --key-id ops-1 \\
      --passphrase-file a.pass --out dvp.a.tx                  each party on its own machine
  $ mizan tx merge dvp.a.tx dvp.sbp.tx --out dvp.signed.tx
  $ mizan tx submit dvp.signed.tx --rpc http://127.0.0.1:7680
Keep the file until it is final: sending the same bytes again never settles twice.
`;

const BUILD_HELP = `
The payload's fields are those of the kind. For settle-dvp, PKR 1,000,000 of face at 95.6713:
  {
    "settlementRef": "DVP-0001", "isin": "PK0PIB003015", "face": "100000000",
    "delivererAccount": "SBP-ISSUANCE", "receiverAccount": "CUSTODIAN-A-SGLA",
    "payerCashAccount": "CUSTODIAN-A-CASH", "payeeCashAccount": "FINDIV-CASH",
    "cleanAmount": "95671300", "accruedInterest": "232044"
  }
`;

/**
 * A transaction travels between institutions as a file of base64 text: build, inspect, sign by each
 * party on its own machine, merge, submit.
 */
export function addTxCommands(program: Command): void {
  const tx = program
    .command("tx")
    .description("build, inspect, sign offline, submit transactions")
    .addHelpText("after", STEPS_HELP);
  addBuild(tx);
  tx.command("inspect <file>")
    .description("what a transaction does, in words, and who has signed it")
    .action(async (file: string, _flags: object, command: Command) => {
      const transaction = await read(file);
      Output.of(command).result(
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
      reportTransaction(Output.of(command), merged, flags.out);
    });
  addSubmit(tx);
  addGet(tx);
}

function addBuild(tx: Command): void {
  addRpcOption(tx.command("build"))
    .description("build an unsigned transaction from a JSON payload")
    .requiredOption("--member <id>", "the sending member")
    .addOption(
      new Option("--kind <kind>", "kind of transaction").choices(kinds).makeOptionMandatory(),
    )
    .requiredOption("--payload <file>", "JSON payload; amounts as decimal strings of minor units")
    .requiredOption("--out <file>", "file to write")
    .option("--client-ref <reference>", "your reference, at most 35 characters; drawn if not given")
    .option(
      "--expires-in <blocks>",
      "blocks from now within which it must be executed",
      wholeNumber(1, MAX_EXPIRES_IN),
      600,
    )
    .addHelpText("after", BUILD_HELP)
    .action(async (flags: BuildFlags, command: Command) => {
      const client = rpcClientOf(flags.rpc);
      const { chainId, height } = await client.call("chain.info", {});
      const body = bodyFromJson(
        {
          chainId,
          member: flags.member,
          clientRef: flags.clientRef ?? newClientRef("CLI-"),
          expiresAtHeight: Number(height) + flags.expiresIn,
        },
        flags.kind,
        await readJsonFile(flags.payload),
      );
      const transaction = unsigned(body);
      await writeTransaction(flags.out, transaction);
      reportTransaction(Output.of(command), transaction, flags.out);
    });
}

interface BuildFlags {
  readonly rpc: string[];
  readonly member: string;
  readonly kind: string;
  readonly payload: string;
  readonly out: string;
  readonly clientRef?: string;
  readonly expiresIn: number;
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
        const output = Output.of(command);
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
    .option(
      "--wait-ms <ms>",
      "how long to wait for finality; 0: do not wait",
      wholeNumber(0, MAX_WAIT_MS),
      30_000,
    )
    .action(async (file: string, flags: { rpc: string[]; waitMs: number }, command: Command) => {
      const { waitMs } = flags;
      const client = rpcClientOf(flags.rpc);
      const transaction = await read(file);
      const finality = await submitAndWait(client, transactionBytes(transaction), { waitMs });
      conclude(Output.of(command), finality);
    });
}

function addGet(tx: Command): void {
  addRpcOption(tx.command("get <txId>"))
    .description("how a transaction stands; exit codes as of submit")
    .option(
      "--expires-at <height>",
      "the expiry that was signed: lets a node say that it never will be executed",
      wholeNumber(1, Number.MAX_SAFE_INTEGER),
    )
    .action(
      async (txId: string, flags: { rpc: string[]; expiresAt?: number }, command: Command) => {
        const output = Output.of(command);
        const client = rpcClientOf(flags.rpc);
        if (flags.expiresAt !== undefined) {
          const reference = { txId, expiresAtHeight: flags.expiresAt };
          conclude(output, await waitForFinality(client, reference, { waitMs: 0 }));
          return;
        }
        const found = await client.call("tx.get", { txId });
        if (found.receipt !== undefined) {
          conclude(output, { status: "committed", txId, receipt: receiptView(found.receipt) });
          return;
        }
        process.exitCode = EXIT.NOT_READY;
        const { from, to } = found.searched;
        output.result(found, () => `${txId} is ${found.status}; searched blocks ${from} to ${to}`);
      },
    );
}

function conclude(output: Output, finality: Finality): void {
  switch (finality.status) {
    case "committed": {
      const { outcome, height, field } = finality.receipt;
      if (!succeeded(finality.receipt)) process.exitCode = EXIT.FAILURE;
      const at = field === undefined ? "" : ` (${field})`;
      output.result(
        finality,
        () => `${finality.txId} ${outcome.code}${at} in block ${height}, final`,
      );
      break;
    }
    case "expired":
      process.exitCode = EXIT.FAILURE;
      output.result(finality, () => `${finality.txId} expired; it will never be executed`);
      break;
    case "pending":
      process.exitCode = EXIT.NOT_READY;
      output.result(pendingJson(finality), () => {
        const { txId, untilHeight, lastError } = finality;
        const why = lastError === undefined ? "" : `\nlast answer: ${messageOf(lastError)}`;
        return `${txId} is pending; definite after block ${untilHeight}${why}`;
      });
      break;
  }
}

function pendingJson(finality: Extract<Finality, { status: "pending" }>): object {
  const { status, txId, untilHeight, lastError } = finality;
  const reason = codeOf(lastError);
  return { status, txId, untilHeight, ...(reason === undefined ? {} : { lastError: reason }) };
}

async function read(file: string): Promise<SignedTransaction> {
  const bytes = fromBase64((await readTextFile(file)).trim());
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
