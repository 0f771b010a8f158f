import type { Command } from "commander";
import type { ResultOf } from "../../client/rpc/methods.ts";
import { newClientRef } from "../../client/transaction-builder.ts";
import { buildBody, unsigned } from "../../ledger/envelope.ts";
import { readyStatement } from "../../ledger/ready-statement.ts";
import { CodedError } from "../../primitives/errors.ts";
import { readPassphrase, unlockKeyFile } from "../../primitives/keystore.ts";
import { nativeSigner } from "../../primitives/native/sodium.ts";
import { EXIT } from "../exit-codes.ts";
import { readGenesisFile } from "../local-network/network-files.ts";
import { addRpcOption } from "./option-values.ts";
import { Output, table } from "./output.ts";
import { rpcClientOf } from "./rpc-client-of.ts";
import { addConfigOptions, configFrom } from "./start.ts";
import { reportTransaction, writeTransaction } from "./tx.ts";
import { type Idea, type Plan, parseAdmission, planOf, type SetFacts } from "./validator-plan.ts";

/** Blocks for which a ready statement may wait for its signature and a block. */
const READY_EXPIRY_BLOCKS = 600;

export function addValidatorCommands(program: Command): void {
  const validators = program
    .command("validators")
    .description("who votes, and what a change of that would mean");
  addRpcOption(validators.command("list"))
    .description("validators of the current epoch and the changes that wait")
    .option("--epoch <number>", "of another epoch")
    .action(async (flags: { rpc: string[]; epoch?: string }, command: Command) => {
      const client = rpcClientOf(flags.rpc);
      const { epoch } = flags;
      const facts = await client.call("chain.validators", epoch === undefined ? {} : { epoch });
      Output.of(command).result(facts, () => describe(facts));
    });
  addPlan(validators);
  addReady(validators);
}

interface PlanFlags {
  readonly rpc: string[];
  readonly genesis: string;
  readonly admit: readonly string[];
  readonly remove: readonly string[];
  readonly rotate: readonly string[];
}

function addPlan(validators: Command): void {
  const collect = (value: string, earlier: readonly string[]): readonly string[] => [
    ...earlier,
    value,
  ];
  addRpcOption(validators.command("plan"))
    .description("what the next epoch's set would be, by the ledger's rules; sends nothing")
    .requiredOption("--genesis <file>", "genesis document: it says which members are offices")
    .option("--admit <name:member:weight>", "a validator to admit; may be repeated", collect, [])
    .option("--remove <name>", "a validator to remove; may be repeated", collect, [])
    .option("--rotate <name>", "a validator whose keys to rotate; may be repeated", collect, [])
    .action(async (flags: PlanFlags, command: Command) => {
      const client = rpcClientOf(flags.rpc);
      const { genesis } = await readGenesisFile(flags.genesis);
      const facts = await client.call("chain.validators", {});
      const ideas: readonly Idea[] = [
        ...flags.remove.map((name) => ({ action: "REMOVE" as const, name })),
        ...flags.rotate.map((name) => ({ action: "ROTATE" as const, name })),
        ...flags.admit.map(parseAdmission),
      ];
      const plan = planOf(facts, genesis, ideas);
      if (plan.changes.some(({ fault }) => fault !== undefined)) process.exitCode = EXIT.FAILURE;
      Output.of(command).result(plan, () => describePlan(plan));
    });
}

function addReady(validators: Command): void {
  addRpcOption(addConfigOptions(validators.command("ready")))
    .description("make the ready statement of this node's consensus key, for its operator to sign")
    .requiredOption("--member <id>", "the operating member, which then signs the transaction")
    .requiredOption("--out <file>", "transaction file to write")
    .action(
      async (
        flags: Parameters<typeof configFrom>[0] & { rpc: string[]; member: string; out: string },
        command: Command,
      ) => {
        const { config } = await configFrom(flags);
        const client = rpcClientOf(flags.rpc);
        const { chainId, height } = await client.call("chain.info", {});
        const { epoch, checkpoint } = await client.call("chain.validators", {});
        if (checkpoint === undefined) {
          throw new CodedError("NOT_READY", "the chain has no block to speak of yet");
        }
        const passphrase = await readPassphrase({ file: config.node.passphraseFile });
        const file = config.node.consensusKeyFile;
        const { seed } = await unlockKeyFile(file, passphrase, "consensus");
        const claim = {
          chainId,
          epoch: Number(epoch),
          height: Number(checkpoint.height),
          blockDigest: checkpoint.digest,
        };
        const signature = nativeSigner(seed).sign(readyStatement(claim));
        seed.fill(0);
        const body = buildBody(
          {
            chainId,
            member: flags.member,
            clientRef: newClientRef("READY-"),
            expiresAtHeight: Number(height) + READY_EXPIRY_BLOCKS,
          },
          "validator-ready",
          {
            name: config.node.name,
            member: flags.member,
            epoch: claim.epoch,
            height: claim.height,
            blockDigest: claim.blockDigest,
            signature,
          },
        );
        const transaction = unsigned(body);
        await writeTransaction(flags.out, transaction);
        reportTransaction(Output.of(command), transaction, flags.out);
      },
    );
}

function describe(facts: ResultOf<"chain.validators">): string {
  const { validators, pending } = facts;
  const lines = [
    `epoch ${facts.epoch} since block ${facts.startHeight}; it ends at the latest with the next ` +
      `multiple of ${facts.epochLengthBlocks}`,
    `weight ${facts.totalWeight}, quorum ${facts.quorum}, up to ${facts.faultBound} may be down`,
    "",
    table(
      [
        ["index", "name", "member", "weight", "consensus key"],
        ...validators.map(({ name, member, weight, consensusKey }, i) => [
          String(i),
          name,
          member,
          String(weight),
          consensusKey.slice(0, 16),
        ]),
      ],
      [0, 3],
    ),
  ];
  if (pending.length === 0) return lines.join("\n");
  const rows = pending.map(({ action, name, member, timing, ready }) => [
    action.toLowerCase(),
    name,
    member,
    timing === "WHEN_READY" ? "as soon as ready" : "with the epoch's end",
    ready ? "ready" : "waits for its ready statement",
  ]);
  return [...lines, "", "Changes that wait:", table(rows)].join("\n");
}

function describePlan(plan: Plan): string {
  const { before, after, changes, remainingWeight, indispensable } = plan;
  const line = (name: string, set: SetFacts): string[] => [
    name,
    String(set.validators.length),
    String(set.totalWeight),
    String(set.quorum),
    String(set.faultBound),
  ];
  const rows = changes.map(({ action, name, proposed, ready, fault }) => [
    action.toLowerCase(),
    name,
    proposed ? "proposed" : "planned",
    ready ? "ready" : "not ready yet",
    fault ?? "would take effect",
  ]);
  const spare = after.totalWeight - after.quorum;
  const lag = remainingWeight - after.quorum;
  return [
    table(
      [
        ["", "validators", "weight", "quorum", "may be down"],
        line(`epoch ${plan.epoch}`, before),
        line("the next", after),
      ],
      [1, 2, 3, 4],
    ),
    "",
    ...(rows.length === 0 ? ["No change waits and none is planned."] : [table(rows)]),
    "",
    `Must be up: validators of weight ${after.quorum} of ${after.totalWeight}; ${spare} may be missing.`,
    lag >= 0
      ? `While the new keys are not up yet, ${lag} of the others may be missing.`
      : `The new keys must be up at once: the others miss the quorum by ${-lag}.`,
    ...(indispensable.length === 0
      ? ["No single validator is indispensable."]
      : [`Indispensable: ${indispensable.join(", ")}.`]),
  ].join("\n");
}
