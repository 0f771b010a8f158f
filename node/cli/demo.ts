import { rmSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { Command } from "commander";
import { type RehearsalReport, rehearse } from "../demo/rehearsal.ts";
import { createLocalNetwork } from "../local-network/network-files.ts";
import {
  killNow,
  startValidator,
  stopValidator,
  waitUntilReady,
} from "../local-network/validator-process.ts";
import { interruptible } from "./interruption.ts";
import { Output } from "./output.ts";
import { rehearsalText } from "./rehearsal-text.ts";

const NODES = 4;

/** 4 March 2021, 09:30 in Karachi: the settlement date of the auction. */
const REHEARSAL_START_MS = Date.UTC(2021, 2, 4, 4, 30);

const HELP = `
Takes about twenty seconds. Keys, genesis and data are made for the occasion and removed at the end,
also after Ctrl-C; with --dir they stay, and \`mizan net up --dir\` runs the network again.
`;

export function addDemoCommand(program: Command): void {
  program
    .command("demo")
    .description("settle a real government bond auction on four validators, one of them killed")
    .option("--dir <directory>", "keep the network's files here; a new or empty directory")
    .addHelpText("after", HELP)
    .action(async (flags: { dir?: string }, command: Command) => {
      const output = Output.of(command);
      const report = await interruptible((signal) =>
        flags.dir === undefined
          ? inTemporaryDirectory((directory) => runDemo(directory, output, signal))
          : runDemo(resolve(flags.dir), output, signal),
      );
      output.result(report, () => rehearsalText(report));
    });
}

/** Removed in the end, also when the process is ended at once. */
async function inTemporaryDirectory<T>(run: (directory: string) => Promise<T>): Promise<T> {
  const parent = await mkdtemp(join(tmpdir(), "mizan-demo-"));
  const onExit = (): void => rmSync(parent, { recursive: true, force: true });
  process.once("exit", onExit);
  try {
    return await run(join(parent, "net"));
  } finally {
    process.off("exit", onExit);
    await rm(parent, { recursive: true, force: true });
  }
}

/** Whatever happens, no validator is left running. */
async function runDemo(
  directory: string,
  output: Output,
  signal: AbortSignal,
): Promise<RehearsalReport> {
  output.progress(`making keys and genesis for ${NODES} validators`);
  const { validators, ...network } = await createLocalNetwork({
    directory,
    validators: NODES,
    networkName: "rehearsal-pib-2021-03",
    genesisTimeMs: REHEARSAL_START_MS,
    // A second behind, so that the first block is later than the genesis.
    clockOffsetMs: REHEARSAL_START_MS + 1_000 - Date.now(),
  });
  const onExit = (): void => validators.forEach(killNow);
  // Before the handler that removes the files: the pids stand in them.
  process.prependOnceListener("exit", onExit);
  try {
    for (const validator of validators) {
      signal.throwIfAborted();
      await startValidator(validator);
    }
    for (const validator of validators) await waitUntilReady(validator, signal);
    output.progress(`${validators.map(({ name }) => name).join(", ")} are ready`);
    return await rehearse({ ...network, validators }, (line) => output.progress(line), signal);
  } finally {
    await Promise.all(validators.map(stopValidator));
    process.off("exit", onExit);
  }
}
