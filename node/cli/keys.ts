import { type Command, Option } from "commander";
import { toHex } from "../../primitives/bytes.ts";
import {
  createKeyFile,
  newSeed,
  type PassphraseSource,
  readKeyFileHeader,
  readPassphrase,
} from "../../primitives/keystore.ts";
import { Output } from "./output.ts";
import { UsageError } from "./usage-error.ts";

const NEW_HELP = `
Examples:
  $ mizan keys new --role member --out ops-1.key.json --passphrase-file ops-1.pass
  $ mizan keys new --role consensus --out consensus.key.json --passphrase-fd 3 3< <(pass show mizan)

Register the public key that it prints; the file never leaves the machine that signs.
`;

export interface PassphraseFlags {
  readonly passphraseFile?: string;
  readonly passphraseFd?: string;
}

/** A passphrase never comes by argument or environment: both show in process lists. */
export function addPassphraseOptions(command: Command): Command {
  return command
    .option("--passphrase-file <file>", "file with the passphrase, mode 0600")
    .option("--passphrase-fd <number>", "open file descriptor to read the passphrase from");
}

export function passphraseFrom(flags: PassphraseFlags): Promise<Uint8Array> {
  return readPassphrase(sourceOf(flags));
}

function sourceOf({ passphraseFile, passphraseFd }: PassphraseFlags): PassphraseSource {
  if (passphraseFile !== undefined) return { file: passphraseFile };
  if (passphraseFd !== undefined && /^\d{1,4}$/.test(passphraseFd)) {
    return { fd: Number(passphraseFd) };
  }
  throw new UsageError(
    "--passphrase-file or --passphrase-fd",
    passphraseFd ?? "neither",
    "a file, or the number of an open file descriptor",
  );
}

export function addKeysCommands(program: Command): void {
  const keys = program.command("keys").description("encrypted key files");
  addPassphraseOptions(keys.command("new"))
    .description("make a key and write it encrypted (scrypt, AES-256-GCM), mode 0600")
    .requiredOption("--out <file>", "key file to write; an existing one is never touched")
    .addOption(
      new Option("--role <role>", "what the key is for")
        .choices(["consensus", "network", "member"])
        .makeOptionMandatory(),
    )
    .addHelpText("after", NEW_HELP)
    .action(async (flags: PassphraseFlags & { out: string; role: string }, command: Command) => {
      const passphrase = await passphraseFrom(flags);
      const seed = newSeed();
      const { role, publicKey } = await createKeyFile(flags.out, {
        role: flags.role,
        seed,
        passphrase,
      });
      seed.fill(0);
      const result = { file: flags.out, role, publicKey: toHex(publicKey) };
      Output.of(command).result(result, () => `${role} key ${result.publicKey} in ${flags.out}`);
    });
  keys
    .command("show <file>")
    .description("print role and public key of a key file; needs no passphrase")
    .action(async (file: string, _flags: object, command: Command) => {
      const { role, publicKey } = await readKeyFileHeader(file);
      const result = { file, role, publicKey: toHex(publicKey) };
      Output.of(command).result(result, () => `${role} ${result.publicKey}`);
    });
}
