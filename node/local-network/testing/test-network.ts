import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { RpcClient } from "../../../client/rpc-client.ts";
import { invariant, present } from "../../../primitives/assert.ts";
import { Participants } from "../../demo/participants.ts";
import { createLocalNetwork, type LocalNetwork, type LocalValidator } from "../network-files.ts";
import {
  killNow,
  killValidator,
  logFile,
  startValidator,
  waitUntilReady,
} from "../validator-process.ts";
import { CompiledProgram } from "./compiled-program.ts";

/** Generous, and only there to name what did not come. */
const PATIENCE_MS = 60_000;
const POLL_MS = 50;

/** How a validator's process ended. */
export interface Ending {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface Head {
  readonly height: number;
  readonly blockHash: string;
  readonly stateRoot: string;
}

/**
 * Real validator processes of the compiled sources, with keys, data and ports of their own. `close`
 * ends every process and removes every file, and so does the end of this process.
 */
export class TestNetwork {
  readonly program: CompiledProgram;
  readonly network: LocalNetwork;
  readonly #endings = new Map<string, Promise<Ending>>();
  readonly #onExit = (): void => this.network.validators.forEach(killNow);

  private constructor(program: CompiledProgram, network: LocalNetwork) {
    this.program = program;
    this.network = network;
    process.once("exit", this.#onExit);
  }

  /** Keys, genesis and data of four validators; none runs. */
  static async create(networkName: string): Promise<TestNetwork> {
    const program = await CompiledProgram.build();
    try {
      const network = await createLocalNetwork({
        directory: join(program.directory, "net"),
        validators: 4,
        networkName,
        genesisTimeMs: Date.now() - 60_000,
        clockOffsetMs: 0,
      });
      return new TestNetwork(program, network);
    } catch (error) {
      await program.remove();
      throw error;
    }
  }

  get validators(): readonly LocalValidator[] {
    return this.network.validators;
  }

  validator(index: number): LocalValidator {
    return present(this.network.validators[index], `validator ${index}`);
  }

  /** Starts these validators, all by default; resolves when each votes and sees a quorum. */
  async start(...indexes: readonly number[]): Promise<void> {
    const chosen = indexes.length === 0 ? [...this.validators.keys()] : indexes;
    for (const index of chosen) await this.spawn(index);
    for (const index of chosen) await waitUntilReady(this.validator(index));
  }

  /** Starts one process and does not wait for it. */
  async spawn(index: number): Promise<void> {
    const validator = this.validator(index);
    const child = await startValidator(validator, [this.program.main]);
    const ending = new Promise<Ending>((resolve) => {
      child.once("exit", (code, signal) => resolve({ code, signal }));
    });
    this.#endings.set(validator.name, ending);
  }

  /** SIGTERM; resolves with how the process ended, however long that takes it. */
  async terminate(index: number): Promise<Ending> {
    const validator = this.validator(index);
    const ending = this.ending(index);
    const pid = Number.parseInt(await readFile(join(validator.directory, "pid"), "utf8"), 10);
    invariant(pid > 0, "a process id");
    process.kill(pid, "SIGTERM");
    return ending;
  }

  /** How the last process of this validator ended or will end. */
  ending(index: number): Promise<Ending> {
    return present(this.#endings.get(this.validator(index).name), "a process that was started");
  }

  /** SIGKILL. */
  async kill(index: number): Promise<void> {
    await killValidator(this.validator(index));
  }

  /** A client of these nodes, the first one preferred; it never tries again by itself if alone. */
  client(...indexes: readonly number[]): RpcClient {
    const endpoints = indexes.map((index) => this.validator(index).rpcUrl);
    const retry = indexes.length === 1 ? { maxAttempts: 1 } : {};
    return new RpcClient({ endpoints, chainId: this.network.chainId, retry });
  }

  participants(index = 0): Promise<Participants> {
    return Participants.open(this.network, this.validator(index).rpcUrl);
  }

  async head(index: number): Promise<Head> {
    const { height, blockHash, stateRoot } = await this.client(index).call("chain.info", {});
    return { height: Number(height), blockHash, stateRoot };
  }

  /** Waits until all four stand at the same height, and returns what each has there. */
  async equalHeads(): Promise<readonly Head[]> {
    let heads: readonly Head[] = [];
    await until("all validators at one height", async () => {
      const found = await Promise.all([...this.validators.keys()].map((i) => this.#tryHead(i)));
      heads = found.filter((head) => head !== undefined);
      return heads.length === found.length && new Set(heads.map(({ height }) => height)).size === 1;
    });
    return heads;
  }

  /** Undefined while it does not listen. */
  async #tryHead(index: number): Promise<Head | undefined> {
    try {
      return await this.head(index);
    } catch {
      return undefined;
    }
  }

  /** The log so far, one object a line. */
  async log(index: number): Promise<readonly Readonly<Record<string, unknown>>[]> {
    const text = await readFile(logFile(this.validator(index)), "utf8");
    // The last line may still be on its way.
    const lines = text
      .slice(0, text.lastIndexOf("\n") + 1)
      .split("\n")
      .filter((line) => line !== "");
    return lines.map((line) => JSON.parse(line) as Readonly<Record<string, unknown>>);
  }

  /** The value of one series of a validator's /metrics. */
  async metric(index: number, series: string): Promise<number> {
    const response = await fetch(`${this.validator(index).opsUrl}/metrics`);
    const line = (await response.text()).split("\n").find((text) => text.startsWith(`${series} `));
    return Number(present(line, `series ${series}`).slice(series.length + 1));
  }

  async close(): Promise<void> {
    await Promise.all(this.validators.map(killValidator));
    process.off("exit", this.#onExit);
    await this.program.remove();
  }
}

export async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`did not happen: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}
