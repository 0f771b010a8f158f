import { setTimeout as delay } from "node:timers/promises";
import { RpcCallError } from "../../client/call-errors.ts";
import { toBase64 } from "../../client/rpc/base64.ts";
import type { RpcClient } from "../../client/rpc-client.ts";
import { present } from "../../primitives/assert.ts";
import { messageOf } from "../../primitives/errors.ts";
import { type ChainWatch, singleAttempt } from "./chain-watch.ts";
import type { ChaosMarket } from "./chaos-market.ts";
import type { ChaosNetwork } from "./chaos-network.ts";
import type { ValidatorIndex } from "./fault.ts";
import type { SeededRandom } from "./seeded-random.ts";
import type { JournalEntry, TransactionJournal } from "./transaction-journal.ts";

/** A node under fault answers late or never; the client then turns to the next. */
const SUBMIT_MS = 2_500;
/** Nodes asked for one transaction before it is left to the reckoning. */
const MAX_ATTEMPTS = 5;
const RETRY_MS = 150;
/** Transactions under way at once: at the usual rate, a minute without any answer. */
const MAX_UNDER_WAY = 1_500;

/**
 * Offers transactions at a steady rate, whatever the answers do. Each goes to a random node and,
 * until one takes it, on to the next. Everything is in the journal before it is sent.
 */
export class OpenLoad {
  readonly #market: ChaosMarket;
  readonly #journal: TransactionJournal;
  readonly #watch: ChainWatch;
  readonly #random: SeededRandom;
  readonly #perSecond: number;
  readonly #clients: readonly RpcClient[];
  readonly #names: readonly string[];
  readonly #underWay = new Set<Promise<void>>();
  readonly #refusals = new Map<string, number>();
  #running: Promise<void> | undefined;
  #stopping = false;
  #shed = 0;

  constructor(
    network: ChaosNetwork,
    parts: {
      readonly market: ChaosMarket;
      readonly journal: TransactionJournal;
      readonly watch: ChainWatch;
      readonly random: SeededRandom;
      readonly perSecond: number;
    },
  ) {
    this.#market = parts.market;
    this.#journal = parts.journal;
    this.#watch = parts.watch;
    this.#random = parts.random;
    this.#perSecond = parts.perSecond;
    this.#clients = network.network.validators.map(({ rpcUrl }) =>
      singleAttempt(rpcUrl, SUBMIT_MS),
    );
    this.#names = network.network.validators.map(({ name }) => name);
  }

  /** Transactions left out because too many were under way. */
  get shed(): number {
    return this.#shed;
  }

  start(): void {
    this.#stopping = false;
    this.#running ??= this.#run();
  }

  /** Resolves when every transaction under way has its answer or has been given up. */
  async stop(): Promise<void> {
    this.#stopping = true;
    await this.#running;
    this.#running = undefined;
    await Promise.all(this.#underWay);
  }

  /** One more transaction, outside the schedule. */
  async sendOne(): Promise<void> {
    await this.#send();
  }

  /** The same bytes again, at the given node. */
  async sendAgain(entry: JournalEntry, node: ValidatorIndex): Promise<void> {
    if (entry.acknowledgedBy !== undefined) entry.resent += 1;
    await this.#submit(entry, node);
  }

  /** Why nodes did not take transactions, and how often, since the last call. */
  takeRefusals(): ReadonlyMap<string, number> {
    const taken = new Map(this.#refusals);
    this.#refusals.clear();
    return taken;
  }

  async #run(): Promise<void> {
    const startedAt = performance.now();
    for (let i = 0; !this.#stopping; i++) {
      const dueAt = startedAt + (1_000 * i) / this.#perSecond;
      const waitMs = dueAt - performance.now();
      if (waitMs > 0) await delay(waitMs);
      if (this.#underWay.size >= MAX_UNDER_WAY) {
        this.#shed += 1;
        continue;
      }
      const sending = this.#send();
      this.#underWay.add(sending);
      void sending.finally(() => this.#underWay.delete(sending));
    }
  }

  async #send(): Promise<void> {
    const made = this.#market.next(this.#watch.tip);
    const entry: JournalEntry = { ...made, acknowledgedBy: undefined, resent: 0 };
    this.#journal.add(entry);
    const first = this.#random.between(0, this.#clients.length - 1);
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      const node = (first + attempt) % this.#clients.length;
      if (await this.#submit(entry, node)) return;
      if (attempt >= this.#clients.length - 1) await delay(RETRY_MS);
    }
  }

  /** True when the node has taken it, now or before. */
  async #submit(entry: JournalEntry, node: ValidatorIndex): Promise<boolean> {
    const client = present(this.#clients[node], "client");
    try {
      await client.call("tx.submit", { tx: toBase64(entry.bytes) });
      entry.acknowledgedBy ??= this.#names[node];
      return true;
    } catch (error) {
      const reason = error instanceof RpcCallError ? error.code : transportReason(error);
      this.#refusals.set(reason, (this.#refusals.get(reason) ?? 0) + 1);
      return false;
    }
  }
}

function transportReason(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : messageOf(error);
}
