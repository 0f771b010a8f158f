import { Command, CommanderError } from "commander";
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

const VERSION = "0.1.0";

const AFTER_HELP = `
Exit codes:
  ${EXIT.OK}    done, or stopped in order
  ${EXIT.FAILURE}    failed; the last line says why
  ${EXIT.USAGE}    the command line or the configuration is wrong; nothing was done
  ${EXIT.NOT_READY}    no answer, or not there yet: try again later
  ${EXIT.SHUTDOWN_INCOMPLETE}    stopped, but a step did not end in time
  ${EXIT.INTEGRITY}   stored data is damaged, or of another chain
  ${EXIT.LOCKED}   the data directory is in use
  ${EXIT.INTERNAL}   a defect: an invariant did not hold
  ${EXIT.IO}   the disk refused a write
  ${EXIT.INTERRUPTED}  stopped by Ctrl-C (${EXIT.TERMINATED}: by SIGTERM)

First steps:
  $ mizan demo                  settle a real auction on four validators, then tidy up
  $ mizan net up                a local network of four validators that stays
  $ mizan net down --purge      stop it and delete its keys and data
`;

/** What commander has to say in JSON mode: it becomes part of the one document. */
interface Said {
  text: string;
}

/** The `mizan` program. Every command takes --json; what it prints then is one JSON document. */
export function createProgram(said?: Said): Command {
  const program = new Command("mizan")
    .description("Mizan: settlement of tokenised sovereign assets in central-bank money")
    .version(VERSION)
    .option("--json", "print one JSON document instead of text, for errors too")
    .configureHelp({ showGlobalOptions: true })
    .addHelpText("after", AFTER_HELP)
    .exitOverride();
  if (said === undefined) program.showHelpAfterError("(--help shows what is possible)");
  else program.configureOutput({ writeOut: (text) => (said.text += text), writeErr: () => {} });
  // Commands that are added from here on report and exit the way the program does.
  addDemoCommand(program);
  addNetCommands(program);
  addStatusCommand(program);
  addSnapshotCommands(program);
  addTxCommands(program);
  addValidatorCommands(program);
  addAccountCommands(program);
  addKeysCommands(program);
  addStartCommands(program);
  addConfigCommands(program);
  return program;
}

export async function runProgram(argv: readonly string[]): Promise<void> {
  const json = argv.includes("--json");
  const said: Said = { text: "" };
  const output = new Output(json);
  try {
    await createProgram(json ? said : undefined).parseAsync(argv);
  } catch (error) {
    if (error instanceof CommanderError) {
      process.exitCode = error.exitCode === 0 ? EXIT.OK : EXIT.USAGE;
      // As text, commander has printed it.
      if (json) output.result(documentOf(error, said.text.trimEnd()), () => "");
      return;
    }
    output.error(error);
    process.exitCode = exitCodeOf(error);
  }
}

/** Help and version are asked for, and no errors; everything else is a wrong command line. */
function documentOf(error: CommanderError, said: string): object {
  if (error.exitCode === 0)
    return error.code === "commander.version" ? { version: said } : { help: said };
  const missing = error.code === "commander.help";
  const message = missing ? "a command is missing; --help lists them" : error.message;
  return { error: { code: "USAGE", message: message.replace(/^error: /, ""), data: {} } };
}
