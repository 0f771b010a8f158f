import { setTimeout as delay } from "node:timers/promises";
import { RpcClient } from "../../client/rpc-client.ts";
import { invariant, present } from "../../primitives/assert.ts";
import type { ChaosNetwork } from "./chaos-network.ts";
import type { ValidatorIndex } from "./fault.ts";

const POLL_MS = 100;
const CALL_MS = 1_500;

export type WatchedNetwork = Pick<ChaosNetwork, "indices" | "validator" | "name">;

export interface Head {
  readonly height: number;
  readonly stateRoot: string;
}

/** A client of one node that asks once: what it hides, the harness would not see. */
export function singleAttempt(url: string, attemptTimeoutMs = CALL_MS): RpcClient {
  return new RpcClient({ endpoints: [url], attemptTimeoutMs, retry: { maxAttempts: 1 } });
}

/** Follows the heads of all nodes from outside, through their public RPC. */
export class ChainWatch {
  readonly #network: WatchedNetwork;
  readonly #clients = new Map<ValidatorIndex, RpcClient>();
  readonly #heads = new Map<ValidatorIndex, Head>();
  readonly #stop = new AbortController();
  readonly #loops: Promise<void>[] = [];
  #tip = 0;
  #grewAtMs = performance.now();
  #longestStandstillMs = 0;

  constructor(network: WatchedNetwork) {
    this.#network = network;
    for (const i of network.indices()) this.follow(i);
  }

  /** Follows one that has joined. */
  follow(i: ValidatorIndex): void {
    invariant(!this.#clients.has(i), "a node is followed once");
    this.#clients.set(i, singleAttempt(this.#network.validator(i).rpcUrl));
    this.#loops.push(this.#keepAsking(i));
  }

  /**
   * Begins to measure; the returned function tells the longest time, in seconds, in which no node
   * showed a new block. As fine as the polls are.
   */
  measureStandstill(): () => number {
    this.#grewAtMs = performance.now();
    this.#longestStandstillMs = 0;
    return () => Math.max(this.#longestStandstillMs, performance.now() - this.#grewAtMs) / 1000;
  }

  /** The greatest height that any node ever showed. */
  get tip(): number {
    return this.#tip;
  }

  /** What the node said last; undefined while it does not answer. */
  head(i: ValidatorIndex): Head | undefined {
    return this.#heads.get(i);
  }

  /** What it said before counts no more: another process is about to speak for it. */
  forget(i: ValidatorIndex): void {
    this.#heads.delete(i);
  }

  /** A fresh answer, whatever was seen before. */
  async headNow(i: ValidatorIndex): Promise<Head | undefined> {
    await this.#ask(i);
    return this.#heads.get(i);
  }

  /** Whether the node is within one block of the furthest. */
  isAtTip(i: ValidatorIndex): boolean {
    const head = this.#heads.get(i);
    return head !== undefined && head.height >= this.#tip - 1;
  }

  /**
   * Seconds until every one of `nodes` is at the tip and the chain has grown twice since the call
   * (so it is not only the cut ones that agree). Undefined when that takes longer than `limitMs`.
   */
  async recovered(
    nodes: readonly ValidatorIndex[],
    limitMs: number,
    signal: AbortSignal,
  ): Promise<number | undefined> {
    const startedAt = performance.now();
    const before = this.#tip;
    for (;;) {
      if (this.#tip >= before + 2 && nodes.every((i) => this.isAtTip(i))) {
        return (performance.now() - startedAt) / 1000;
      }
      if (performance.now() - startedAt > limitMs) return undefined;
      await delay(POLL_MS, undefined, { signal });
    }
  }

  /** Waits until the nodes show one and the same head; false after `limitMs`. */
  async atRest(nodes: readonly ValidatorIndex[], limitMs: number): Promise<boolean> {
    const deadline = performance.now() + limitMs;
    do {
      const heads = await Promise.all(nodes.map((i) => this.headNow(i)));
      const texts = new Set(heads.map((head) => `${head?.height} ${head?.stateRoot}`));
      if (texts.size === 1 && heads[0] !== undefined) return true;
      await delay(POLL_MS);
    } while (performance.now() < deadline);
    return false;
  }

  describe(): string {
    return this.#network
      .indices()
      .map((i) => `${this.#network.name(i)}@${this.#heads.get(i)?.height ?? "-"}`)
      .join(" ");
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#loops);
  }

  async #keepAsking(i: ValidatorIndex): Promise<void> {
    while (!this.#stop.signal.aborted) {
      await this.#ask(i);
      await delay(POLL_MS);
    }
  }

  async #ask(i: ValidatorIndex): Promise<void> {
    try {
      const client = present(this.#clients.get(i), "client");
      const { height, stateRoot } = await client.call("chain.info", {});
      this.#heads.set(i, { height: Number(height), stateRoot });
      invariant(Number.isSafeInteger(Number(height)), "a height is a number");
      this.#raiseTip(Number(height));
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      // Down, paused or busy: all of which are to be expected here.
      this.#heads.delete(i);
    }
  }

  #raiseTip(height: number): void {
    if (height <= this.#tip) return;
    this.#tip = height;
    const now = performance.now();
    this.#longestStandstillMs = Math.max(this.#longestStandstillMs, now - this.#grewAtMs);
    this.#grewAtMs = now;
  }
}
