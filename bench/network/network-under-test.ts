import { rmSync } from "node:fs";
import { access, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  createLocalNetwork,
  type LocalNetwork,
  type LocalValidator,
} from "../../node/local-network/network-files.ts";
import { invariant, present } from "../../primitives/assert.ts";
import { CodedError, messageOf } from "../../primitives/errors.ts";

type ProcessControl = typeof import("../../node/local-network/validator-process.ts");

/** Lines of each validator's log that a failure prints. */
const LOG_LINES = 5;

export interface NetworkOptions {
  readonly validators: number;
  /** Verification threads of each validator. */
  readonly workers: number;
  /** Folder for CPU profiles of the validators; none without it. */
  readonly profileDir: string | undefined;
  /** Leaves keys, data and logs behind. */
  readonly keepFiles: boolean;
}

/**
 * A network of real validator processes, run from the compiled program as in production. Its files
 * live in a folder of their own; `close` stops the processes and removes it, whatever happened.
 */
export class NetworkUnderTest {
  readonly directory: string;
  readonly #options: NetworkOptions;
  readonly #control: ProcessControl;
  /** Process ids of everything that was started here. */
  readonly #pids = new Map<string, number>();
  #network: LocalNetwork | undefined;
  /** Creation of files and processes: a stop waits for it, so that nothing is started behind it. */
  #spawning: Promise<LocalNetwork> | undefined;
  #closing: Promise<void> | undefined;

  private constructor(directory: string, options: NetworkOptions, control: ProcessControl) {
    this.directory = directory;
    this.#options = options;
    this.#control = control;
    // The last resort where nothing asynchronous runs any more.
    process.once("exit", () => this.#endNow());
  }

  /** Nothing runs yet. Throws CodedError NOT_BUILT without a compiled program. */
  static async prepare(options: NetworkOptions): Promise<NetworkUnderTest> {
    const control = await compiledControl();
    const directory = await mkdtemp(join(tmpdir(), "mizan-bench-"));
    return new NetworkUnderTest(directory, options, control);
  }

  /** Keys, genesis, processes; resolves when every validator votes and sees a quorum. */
  async start(): Promise<LocalNetwork> {
    invariant(this.#spawning === undefined, "a network is started once");
    this.#spawning = this.#spawn();
    const network = await this.#spawning;
    for (const validator of network.validators) {
      this.#refuseWhenClosing();
      await this.#control.waitUntilReady(validator);
    }
    return network;
  }

  async #spawn(): Promise<LocalNetwork> {
    const { validators, workers, profileDir } = this.#options;
    const network = await createLocalNetwork({
      directory: join(this.directory, "net"),
      validators,
      networkName: "bench",
      genesisTimeMs: Date.now(),
      clockOffsetMs: 0,
      verificationWorkers: workers,
    });
    this.#network = network;
    // Validators inherit the environment; this process has read its own options already.
    if (profileDir !== undefined) {
      const preload = new URL("../profile/preload.mjs", import.meta.url).href;
      const given = process.env["NODE_OPTIONS"] ?? "";
      process.env["NODE_OPTIONS"] = `${given} --import ${preload}`.trim();
      process.env["BENCH_PROFILE_DIR"] = profileDir;
    }
    for (const validator of network.validators) {
      this.#refuseWhenClosing();
      const child = await this.#control.startValidator(validator);
      this.#pids.set(validator.name, present(child.pid, `process of ${validator.name}`));
    }
    return network;
  }

  pidOf(validator: LocalValidator): number {
    return present(this.#pids.get(validator.name), `process of ${validator.name}`);
  }

  /** The ends of all validators' logs, for the report of a failure. */
  async logEnds(): Promise<string> {
    const ends = (this.#network?.validators ?? []).map(async (validator) => {
      const file = this.#control.logFile(validator);
      const text = await readFile(file, "utf8").catch((error: unknown) => messageOf(error));
      const lines = text.trimEnd().split("\n").slice(-LOG_LINES);
      return [`-- ${file}`, ...lines].join("\n");
    });
    return (await Promise.all(ends)).join("\n");
  }

  /** Stops every validator and removes the files. Safe to call at any time and more than once. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    if (this.#spawning !== undefined) await Promise.allSettled([this.#spawning]);
    await this.stopValidators();
    if (!this.#options.keepFiles) await rm(this.directory, { recursive: true, force: true });
  }

  /** Frees the cores; the files stay until `close`. */
  async stopValidators(): Promise<void> {
    await Promise.all(
      (this.#network?.validators ?? []).map(async (validator) => {
        await this.#control.stopValidator(validator);
        this.#pids.delete(validator.name);
      }),
    );
  }

  #refuseWhenClosing(): void {
    if (this.#closing !== undefined) throw new CodedError("CLOSED", "the network is being stopped");
  }

  #endNow(): void {
    for (const pid of this.#pids.values()) {
      try {
        process.kill(pid, "SIGKILL");
      } catch {
        // It has ended by itself.
      }
    }
    if (!this.#options.keepFiles) rmSync(this.directory, { recursive: true, force: true });
  }
}

/**
 * The compiled form of validator-process.ts: it starts what lies beside it, so this one starts
 * compiled validators, while the source would start them through a loader.
 */
async function compiledControl(): Promise<ProcessControl> {
  const url = new URL("../../dist/node/local-network/validator-process.js", import.meta.url);
  try {
    await access(url);
  } catch (cause) {
    const message = "no compiled program in dist/: run `npm run build` first";
    throw new CodedError("NOT_BUILT", message, {}, { cause });
  }
  const control: ProcessControl = await import(url.href);
  return control;
}
