import { setTimeout as delay } from "node:timers/promises";
import type { ChainWatch } from "./chain-watch.ts";
import type { ChaosNetwork, Ending } from "./chaos-network.ts";
import type { ValidatorIndex } from "./fault.ts";

/** The longest recovery that passes. */
export const RECOVERY_LIMIT_MS = 30_000;
/** After a recovery that has failed, how long the run waits so that later faults start whole. */
const SECOND_CHANCE_MS = 60_000;
/** A node gives up on a disk or a directory within seconds; a busy machine takes longer. */
export const ENDING_LIMIT_MS = 30_000;
/** What is on its way when a quorum is lost may still become final. */
const IN_FLIGHT_MS = 1_500;
const POLL_MS = 50;

/**
 * Where one fault happens: the network, and what is found out about it. `problems` fail the fault,
 * `notes` are printed beside it.
 */
export class FaultField {
  readonly network: ChaosNetwork;
  readonly watch: ChainWatch;
  readonly signal: AbortSignal;
  /** Whether file systems can be mounted here. */
  readonly mayMount: boolean;
  readonly problems: string[] = [];
  readonly notes: string[] = [];
  #longestRecovery: number | undefined;
  readonly #say: (line: string) => void;

  constructor(options: {
    readonly network: ChaosNetwork;
    readonly watch: ChainWatch;
    readonly signal: AbortSignal;
    readonly mayMount: boolean;
    readonly say: (line: string) => void;
  }) {
    this.network = options.network;
    this.watch = options.watch;
    this.signal = options.signal;
    this.mayMount = options.mayMount;
    this.#say = options.say;
  }

  /** Seconds, of all recoveries measured for this fault. */
  get longestRecovery(): number | undefined {
    return this.#longestRecovery;
  }

  say(line: string): void {
    this.#say(line);
  }

  note(text: string): void {
    this.notes.push(text);
    this.#say(text);
  }

  problem(text: string): void {
    this.problems.push(text);
    this.#say(`PROBLEM: ${text}`);
  }

  hold(ms: number): Promise<void> {
    return delay(ms, undefined, { signal: this.signal });
  }

  names(indices: readonly ValidatorIndex[]): string {
    return indices.map((i) => this.network.name(i)).join(", ");
  }

  /** Holds a fault in which nothing may become final. */
  async holdWithoutQuorum(ms: number): Promise<void> {
    const inFlight = Math.min(IN_FLIGHT_MS, ms / 2);
    await this.hold(inFlight);
    const before = this.watch.tip;
    await this.hold(ms - inFlight);
    const grown = this.watch.tip - before;
    if (grown > 0) this.problem(`${grown} blocks became final without a quorum`);
    else this.note(`nothing became final for ${((ms - inFlight) / 1000).toFixed(1)} s`);
  }

  /** Holds a fault through which the rest must go on. */
  async holdWithQuorum(ms: number): Promise<void> {
    const before = this.watch.tip;
    await this.hold(ms);
    const grown = this.watch.tip - before;
    this.note(`${grown} blocks became final meanwhile`);
    if (grown === 0) this.problem(`no block in ${ms / 1000} s although a quorum was whole`);
  }

  /** Measures the time from now, the moment of healing, until all nodes are at the tip. */
  async recover(): Promise<void> {
    const { watch, network } = this;
    const all = network.indices();
    const seconds = await watch.recovered(all, RECOVERY_LIMIT_MS, this.signal);
    if (seconds !== undefined) {
      this.#longestRecovery = Math.max(this.#longestRecovery ?? 0, seconds);
      return;
    }
    this.problem(`not recovered after ${RECOVERY_LIMIT_MS / 1000} s: ${watch.describe()}`);
    for (const i of all) {
      const ending = network.endingOf(i);
      if (ending === undefined) continue;
      this.problem(`${network.name(i)} has ended with ${endingText(ending)}`);
      await network.start(i);
    }
    const more = await watch.recovered(all, SECOND_CHANCE_MS, this.signal);
    const total = (more ?? SECOND_CHANCE_MS / 1000) + RECOVERY_LIMIT_MS / 1000;
    this.#longestRecovery = Math.max(this.#longestRecovery ?? 0, total);
    if (more === undefined) this.problem(`nor after ${total} s: ${watch.describe()}`);
  }

  /** Waits until the process has ended by itself; undefined when it still runs at the limit. */
  async ending(i: ValidatorIndex, limitMs = ENDING_LIMIT_MS): Promise<Ending | undefined> {
    const deadline = performance.now() + limitMs;
    while (performance.now() < deadline) {
      const ending = this.network.endingOf(i);
      if (ending !== undefined) return ending;
      await this.hold(POLL_MS);
    }
    return undefined;
  }

  /** True when the node, just started, comes to the tip, whatever it may do there. */
  async comesToTip(i: ValidatorIndex): Promise<boolean> {
    this.watch.forget(i);
    const deadline = performance.now() + RECOVERY_LIMIT_MS;
    while (performance.now() < deadline) {
      if (this.watch.isAtTip(i)) return true;
      if (this.network.endingOf(i) !== undefined) return false;
      await this.hold(POLL_MS);
    }
    return false;
  }
}

export function endingText({ code, signal }: Ending): string {
  return code === null ? `signal ${signal}` : `exit code ${code}`;
}
