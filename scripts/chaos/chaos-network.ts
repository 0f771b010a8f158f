import { execFile } from "node:child_process";
import { rmSync } from "node:fs";
import { mkdtemp, open, readFile, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { parse, stringify } from "smol-toml";
import { sitesFor } from "../../node/local-network/institutions.ts";
import {
  addLocalValidator,
  createLocalNetwork,
  type JoiningValidator,
  type LocalNetwork,
  type LocalNetworkOptions,
  type LocalValidator,
  renewLocalKeys,
} from "../../node/local-network/network-files.ts";
import { present } from "../../primitives/assert.ts";
import { type ProcessControl, pinProgram } from "./compiled-program.ts";
import type { ValidatorIndex } from "./fault.ts";
import { FaultyLinks } from "./faulty-links.ts";
import { SeededRandom } from "./seeded-random.ts";
import { unmountAll } from "./small-file-system.ts";

const run = promisify(execFile);

export interface ChaosNetworkOptions {
  readonly validators: number;
  readonly seed: number;
  /** Folder of the compiled program. */
  readonly program: string;
  readonly keepFiles: boolean;
}

/** How a validator's process ended. */
export interface Ending {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface Readiness {
  readonly ready: boolean;
  readonly checks: readonly {
    readonly name: string;
    readonly ok: boolean;
    readonly reason?: string;
  }[];
}

/** So often that one who joins meets a snapshot, and that they come under every fault. */
export const SNAPSHOT_EVERY_BLOCKS = 25;
/** Longer than the oracle asks on the slowest machine: a chain at rest stays at rest meanwhile. */
const HEARTBEAT_MS = 600_000;
const OPS_TIMEOUT_MS = 2_000;
/** A log holds a few lines a second; more than this of it is never looked at in one go. */
const MAX_LOG_BYTES = 8 << 20;

/**
 * Real validator processes, every peer link of which leads through FaultyLinks. Owns processes,
 * proxies and files; `close` ends all of it, and so does the end of this process.
 */
export class ChaosNetwork {
  readonly directory: string;
  readonly links: FaultyLinks;
  readonly network: LocalNetwork;
  readonly #control: ProcessControl;
  readonly #keepFiles: boolean;
  readonly #options: LocalNetworkOptions;
  /** Those of the genesis, then those that joined. */
  readonly #validators: LocalValidator[];
  readonly #pids = new Map<ValidatorIndex, number>();
  readonly #endings = new Map<ValidatorIndex, Ending>();
  /** Processes that exist and whose id is not yet on file: a close waits for them. */
  readonly #starting = new Set<Promise<unknown>>();
  #isClosed = false;

  private constructor(
    network: LocalNetwork,
    links: FaultyLinks,
    control: ProcessControl,
    files: { directory: string; keep: boolean; options: LocalNetworkOptions },
  ) {
    this.directory = files.directory;
    this.network = network;
    this.links = links;
    this.#control = control;
    this.#keepFiles = files.keep;
    this.#options = files.options;
    this.#validators = [...network.validators];
    // The last resort, where nothing asynchronous runs any more.
    process.once("exit", () => this.#endNow());
  }

  /** Keys, genesis, configuration through the proxies; nothing runs yet. */
  static async create(options: ChaosNetworkOptions): Promise<ChaosNetwork> {
    const directory = await mkdtemp(join(tmpdir(), "mizan-chaos-"));
    try {
      const control = await pinProgram(options.program, directory);
      const local: LocalNetworkOptions = {
        directory: join(directory, "net"),
        validators: options.validators,
        // Only a rehearsal network lets a node run on another clock.
        networkName: "rehearsal-chaos",
        genesisTimeMs: Date.now(),
        clockOffsetMs: 0,
        consensus: { heartbeatMs: HEARTBEAT_MS },
      };
      const network = await createLocalNetwork(local);
      const ports = network.validators.map(({ peerPort }) => peerPort);
      const links = await FaultyLinks.open(ports, new SeededRandom(options.seed, "links"));
      const files = { directory, keep: options.keepFiles, options: local };
      const chaos = new ChaosNetwork(network, links, control, files);
      for (const i of chaos.indices()) {
        await chaos.#leadThroughLinks(i);
        await chaos.#makeSnapshots(i);
      }
      return chaos;
    } catch (error) {
      await rm(directory, { recursive: true, force: true });
      throw error;
    }
  }

  indices(): readonly ValidatorIndex[] {
    return [...this.#validators.keys()];
  }

  validator(i: ValidatorIndex): LocalValidator {
    return present(this.#validators[i], `validator ${i}`);
  }

  name(i: ValidatorIndex): string {
    return this.validator(i).name;
  }

  dataDir(i: ValidatorIndex): string {
    return join(this.validator(i).directory, "data");
  }

  /** Starts the process; it need not be ready yet. */
  async start(i: ValidatorIndex): Promise<void> {
    if (this.#isClosed) throw new Error("the network is closed");
    this.#endings.delete(i);
    const starting = this.#control.startValidator(this.validator(i));
    this.#starting.add(starting);
    const child = await starting.finally(() => this.#starting.delete(starting));
    this.#pids.set(i, present(child.pid, "process id"));
    child.once("exit", (code, signal) => {
      this.#endings.set(i, { code, signal });
      if (this.#pids.get(i) === child.pid) this.#pids.delete(i);
    });
  }

  /** Throws with the end of the log when the process dies or is not ready in a minute. */
  waitUntilReady(i: ValidatorIndex): Promise<void> {
    return this.#control.waitUntilReady(this.validator(i));
  }

  /** One more node, with keys of its own and empty data; its links are whole. It does not run. */
  async addValidator(): Promise<JoiningValidator & { readonly index: ValidatorIndex }> {
    const index = this.#validators.length;
    const site = present(sitesFor(index + 1)[index], "a site for one more validator");
    const joining = await addLocalValidator(this.network, site, this.#options);
    this.#validators.push(joining.validator);
    await this.#makeSnapshots(index);
    return { ...joining, index };
  }

  /** New key files in place of its own. The process must not run. */
  renewKeys(i: ValidatorIndex): Promise<Omit<JoiningValidator, "validator">> {
    return renewLocalKeys(this.network, this.validator(i));
  }

  /** Runs `mizan init`: an empty database and journal at the genesis. Throws when it refuses. */
  async initialise(i: ValidatorIndex): Promise<void> {
    const main = join(this.directory, "program", "node", "main.js");
    await run(process.execPath, [main, "init", "--config", this.validator(i).configFile]);
  }

  /** SIGKILL; resolves when the process is gone. */
  kill(i: ValidatorIndex): Promise<void> {
    return this.#control.killValidator(this.validator(i));
  }

  /** SIGTERM and an orderly stop. */
  async stop(i: ValidatorIndex): Promise<void> {
    await this.#control.stopValidator(this.validator(i));
  }

  pause(i: ValidatorIndex): void {
    process.kill(present(this.#pids.get(i), `process of ${this.name(i)}`), "SIGSTOP");
  }

  resume(i: ValidatorIndex): void {
    const pid = this.#pids.get(i);
    if (pid !== undefined) process.kill(pid, "SIGCONT");
  }

  isRunning(i: ValidatorIndex): boolean {
    return this.#pids.has(i);
  }

  /** How the last process of this validator ended; undefined while it runs. */
  endingOf(i: ValidatorIndex): Ending | undefined {
    return this.#endings.get(i);
  }

  /** Undefined when the process does not answer. */
  async readiness(i: ValidatorIndex): Promise<Readiness | undefined> {
    try {
      const response = await fetch(`${this.validator(i).opsUrl}/readyz`, {
        signal: AbortSignal.timeout(OPS_TIMEOUT_MS),
      });
      // The form is that of node/api/ops-server.ts.
      return (await response.json()) as Readiness;
    } catch {
      return undefined;
    }
  }

  /** Sets the clock of one validator's configuration; takes effect with its next start. */
  setClockOffset(i: ValidatorIndex, offsetMs: number): Promise<void> {
    return this.#reconfigure(i, (config) => ({
      ...config,
      chain: { ...table(config["chain"]), clockOffsetMs: offsetMs },
    }));
  }

  /** The place in the log from which `logSince` reads. */
  async logMark(i: ValidatorIndex): Promise<number> {
    const handle = await open(this.#control.logFile(this.validator(i)), "r");
    try {
      return (await handle.stat()).size;
    } finally {
      await handle.close();
    }
  }

  /** Lines of the log since the mark. */
  async logSince(i: ValidatorIndex, mark: number): Promise<readonly string[]> {
    const handle = await open(this.#control.logFile(this.validator(i)), "r");
    try {
      const { size } = await handle.stat();
      const buffer = Buffer.alloc(Math.min(MAX_LOG_BYTES, Math.max(0, size - mark)));
      const { bytesRead } = await handle.read(buffer, 0, buffer.length, mark);
      return buffer.toString("utf8", 0, bytesRead).trimEnd().split("\n");
    } finally {
      await handle.close();
    }
  }

  /** Ends processes and proxies and, unless they are to be kept, removes all files. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await Promise.allSettled(this.#starting);
    // A stopped process takes no SIGTERM: nothing here is worth an orderly stop.
    await Promise.all(this.indices().map((i) => this.kill(i)));
    this.links.close();
    unmountAll();
    if (!this.#keepFiles) await rm(this.directory, { recursive: true, force: true });
  }

  async #leadThroughLinks(i: ValidatorIndex): Promise<void> {
    const byName = new Map(this.indices().map((other) => [this.name(other), other]));
    await this.#reconfigure(i, (config) => {
      const net = table(config["net"]);
      const peers = Array.isArray(net["peers"]) ? net["peers"].map(table) : [];
      const led = peers.map((peer) => {
        const target = present(byName.get(String(peer["name"])), "peer of the configuration");
        return { ...peer, addresses: [`/ip4/127.0.0.1/tcp/${this.links.portOf(i, target)}`] };
      });
      return { ...config, net: { ...net, peers: led } };
    });
  }

  #makeSnapshots(i: ValidatorIndex): Promise<void> {
    return this.#reconfigure(i, (config) => ({
      ...config,
      snapshot: { ...table(config["snapshot"] ?? {}), everyBlocks: SNAPSHOT_EVERY_BLOCKS },
    }));
  }

  async #reconfigure(
    i: ValidatorIndex,
    change: (config: Record<string, unknown>) => Record<string, unknown>,
  ): Promise<void> {
    const { configFile } = this.validator(i);
    const config = parse(await readFile(configFile, "utf8"));
    await writeFile(`${configFile}.new`, stringify(change(config)), { mode: 0o600 });
    await rename(`${configFile}.new`, configFile);
  }

  #endNow(): void {
    for (const pid of this.#pids.values()) {
      try {
        process.kill(pid, "SIGKILL");
      } catch {
        // It has ended by itself.
      }
    }
    if (!this.#keepFiles) {
      try {
        rmSync(this.directory, { recursive: true, force: true });
      } catch {
        // A mount in it is about to be removed; the folder is in the system's own for such things.
      }
    }
  }
}

function table(value: unknown): Record<string, unknown> {
  if (typeof value !== "object" || value === null) throw new Error("the configuration has a hole");
  return { ...value };
}
