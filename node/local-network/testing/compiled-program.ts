import { execFile, spawn } from "node:child_process";
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const PROJECT = fileURLToPath(new URL("../../..", import.meta.url));

/** No command of a test takes longer; a hung one shows as its signal. */
const COMMAND_DEADLINE_MS = 120_000;

/** How a command ended, and all that it printed. */
export interface CommandResult {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A command that runs. */
export interface RunningCommand {
  readonly pid: number;
  /** What it has printed so far on standard error: its progress. */
  readonly stderr: () => string;
  readonly result: Promise<CommandResult>;
  kill(signal: NodeJS.Signals): void;
}

/**
 * The sources as they are now, compiled into a folder of their own that looks like an installation:
 * starts three times as fast as through a loader, and no build elsewhere changes it under a test.
 */
export class CompiledProgram {
  readonly directory: string;
  readonly main: string;

  private constructor(directory: string) {
    this.directory = directory;
    this.main = join(directory, "dist", "node", "main.js");
  }

  /** Types are not checked: that is another test's task, and takes ten times as long. */
  static async build(): Promise<CompiledProgram> {
    const directory = await mkdtemp(join(tmpdir(), "mizan-e2e-"));
    await mkdir(join(directory, "dist"));
    await writeFile(join(directory, "package.json"), '{ "type": "module" }\n');
    // What the compiled files look for outside their own folder.
    await symlink(join(PROJECT, "node_modules"), join(directory, "node_modules"));
    await symlink(join(PROJECT, "ledger"), join(directory, "ledger"));
    const flags = ["--noCheck", "--declaration", "false", "--sourceMap", "false"];
    await promisify(execFile)(
      join(PROJECT, "node_modules", ".bin", "tsc"),
      ["-p", "tsconfig.build.json", ...flags, "--outDir", join(directory, "dist")],
      { cwd: PROJECT },
    );
    // Built before the tests; the compiler knows TypeScript files only.
    const kernel = join("primitives", "kernel", "build");
    await cp(join(PROJECT, kernel), join(directory, "dist", kernel), { recursive: true });
    return new CompiledProgram(directory);
  }

  /** A folder for the files of a test, removed with the program. */
  async folder(name: string): Promise<string> {
    const path = join(this.directory, name);
    await mkdir(path, { mode: 0o700 });
    return path;
  }

  /** Starts `mizan` with these arguments and, as file descriptor 3, `input`. */
  start(args: readonly string[], input = ""): RunningCommand {
    const child = spawn(process.execPath, [this.main, ...args], {
      cwd: this.directory,
      env: environment(),
      stdio: ["ignore", "pipe", "pipe", "pipe"],
      timeout: COMMAND_DEADLINE_MS,
      killSignal: "SIGKILL",
    });
    const printed = { stdout: "", stderr: "" };
    child.stdout?.setEncoding("utf8").on("data", (text: string) => (printed.stdout += text));
    child.stderr?.setEncoding("utf8").on("data", (text: string) => (printed.stderr += text));
    const third = child.stdio[3];
    // A command that does not read it may end before it is written.
    third?.on("error", () => {});
    if (third !== null && third !== undefined && "end" in third) third.end(input);
    const result = new Promise<CommandResult>((resolve, reject) => {
      child.once("error", reject);
      child.once("close", (code, signal) => resolve({ code, signal, ...printed }));
    });
    return {
      pid: child.pid ?? 0,
      stderr: () => printed.stderr,
      result,
      kill: (signal) => void child.kill(signal),
    };
  }

  run(args: readonly string[], input = ""): Promise<CommandResult> {
    return this.start(args, input).result;
  }

  async remove(): Promise<void> {
    await rm(this.directory, { recursive: true, force: true });
  }
}

/** Without settings of the machine that runs the tests. */
function environment(): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(MIZAN_|NODE_OPTIONS$|VITEST)/.test(name)),
  );
}
