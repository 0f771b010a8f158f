import { access, cp, mkdir, symlink, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { CodedError } from "../../primitives/errors.ts";

export type ProcessControl = typeof import("../../node/local-network/validator-process.ts");

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
export const DEFAULT_PROGRAM = join(ROOT, "dist");

/**
 * A copy of the compiled program in `directory`, so that a build during the run does not change
 * what restarts, and the functions that start validators from it. Throws CodedError NOT_BUILT.
 */
export async function pinProgram(program: string, directory: string): Promise<ProcessControl> {
  try {
    await access(join(program, "node", "main.js"));
  } catch (cause) {
    const message = `no compiled program in ${program}: run \`npm run build\` first`;
    throw new CodedError("NOT_BUILT", message, {}, { cause });
  }
  const copy = join(resolve(directory), "program");
  await mkdir(copy, { recursive: true });
  for (const room of ["primitives", "consensus", "ledger", "client", "node"]) {
    await cp(join(program, room), join(copy, room), { recursive: true });
  }
  await writeFile(join(copy, "package.json"), '{ "type": "module" }\n');
  await symlink(join(ROOT, "node_modules"), join(copy, "node_modules"));
  const url = pathToFileURL(join(copy, "node", "local-network", "validator-process.js"));
  const control: ProcessControl = await import(url.href);
  return control;
}
