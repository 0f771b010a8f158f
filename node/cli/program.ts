import { Command, CommanderError } from "commander";
import { ConfigError } from "../config/config-error.ts";
import { EXIT } from "../exit-codes.ts";
import { addAccountCommands } from "./account.ts";
import { addConfigCommands } from "./config.ts";
import { addDemoCommand } from "./demo.ts";
import { exitCodeOf } from "./exit-code-of.ts";
import { addKeysCommands } from "./keys.ts";
import { addNetCommands } from "./net.ts";
import { Output } from "./output.ts";
import { addSnapshotCommands } from "./snapshot.ts";
import { addStartCommands } from "./start.ts";
import { addStatusCommand } from "./status.ts";
import { addTxCommands } from "./tx.ts";
import { addValidatorCommands } from "./validators.ts";

const AFTER_HELP = `
Exit codes:
  ${EXIT.OK}   done
  ${EXIT.FAILURE}   failed; the last line says why
  ${EXIT.USAGE}   the command line or the configuration is wrong
  ${EXIT.NOT_READY}   no answer or not ready: try again later
  ${EXIT.SHUTDOWN_INCOMPLETE}   stopped, but a step did not end in time
  ${EXIT.INTEGRITY}  stored data is damaged or of another chain
  ${EXIT.LOCKED}  the data directory is in use
  ${EXIT.INTERNAL}  a defect: an invariant did not hold
  ${EXIT.IO}  the disk refused a write

First steps:
  mizan net up --nodes 4      a local network of four validators
  mizan demo                  settle a real auction on a network of its own
`;

/** The `mizan` program. Every command takes --json; what it prints then is one JSON document. */
export function createProgram(): Command {
  const program = new Command("mizan")
    .description("Mizan: settlement of tokenised sovereign assets in central-bank money")
    .version("0.1.0")
    .option("--json", "print one JSON document instead of text")
    .showHelpAfterError("(--help shows what is possible)")
    .configureHelp({ showGlobalOptions: true })
    .addHelpText("after", AFTER_HELP)
    .exitOverride();
  addNetCommands(program);
  addStartCommands(program);
  addStatusCommand(program);
  addSnapshotCommands(program);
  addKeysCommands(program);
  addTxCommands(program);
  addValidatorCommands(program);
  addAccountCommands(program);
  addConfigCommands(program);
  addDemoCommand(program);
  for (const command of program.commands) inherit(command);
  return program;
}

/** Sub-commands report errors the way the program does. */
function inherit(command: Command): void {
  command.exitOverride();
  for (const child of command.commands) inherit(child);
}

export async function runProgram(argv: readonly string[]): Promise<void> {
  const program = createProgram();
  try {
    await program.parseAsync(argv);
  } catch (error) {
    if (error instanceof CommanderError) {
      // Help and version are no errors; commander has printed whatever there is to say.
      process.exitCode = error.exitCode === 0 ? EXIT.OK : EXIT.USAGE;
      return;
    }
    new Output(program).error(error);
    process.exitCode = error instanceof ConfigError ? EXIT.USAGE : exitCodeOf(error);
  }
}
