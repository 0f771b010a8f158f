import type { EventJson } from "../../client/rpc/methods.ts";
import { RpcClient } from "../../client/rpc-client.ts";
import type { Mix } from "./market.ts";

const PAGE = 500;
/** One call waits so long for the next block. */
const WAIT_MS = 10_000;
/**
 * Events that tell of finality, one for each transaction: a settlement's own, and of a transfer of
 * coins the debit. Postings are many, so they are asked for only where there are transfers.
 */
export function finalityFilter(mix: Mix): { types: string[] } {
  return { types: mix === "dvp" ? ["settlementFinal"] : ["settlementFinal", "posting"] };
}

export function tellsFinality({ type, data }: EventJson): boolean {
  if (type === "settlementFinal") return true;
  return type === "posting" && data["reason"] === "CASH_TRANSFER" && data["direction"] === "DEBIT";
}

/**
 * Follows the settlements that become final, by long polls of one node's events, and keeps when
 * each was seen. One connection whatever the load, so the observer costs little and never runs out
 * of the places that a node has for callers that wait.
 */
export class FinalityLog {
  readonly #client: RpcClient;
  readonly #filter: { types: string[] };
  readonly #stop = new AbortController();
  readonly #seenAt = new Map<string, number>();
  /** Settles when following ends; rejects when the node stopped answering. */
  readonly #following: Promise<void>;
  #failure: unknown;
  #lastSeenAt = 0;
  #highest = 0;

  constructor(rpcUrl: string, mix: Mix) {
    this.#filter = finalityFilter(mix);
    this.#client = new RpcClient({ endpoints: [rpcUrl] });
    this.#following = this.#follow().catch((error: unknown) => {
      if (!this.#stop.signal.aborted) this.#failure = error;
    });
  }

  /** When the settlement was seen final, on the clock of performance.now(). */
  seenAt(txId: string): number | undefined {
    return this.#seenAt.get(txId);
  }

  get txIds(): ReadonlySet<string> {
    return new Set(this.#seenAt.keys());
  }

  /** When the newest one was seen. */
  get lastSeenAt(): number {
    return this.#lastSeenAt;
  }

  /** Highest block that held one. */
  get highest(): number {
    return this.#highest;
  }

  /** Throws what ended the following early, if anything did. */
  check(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#following;
  }

  async #follow(): Promise<void> {
    const { signal } = this.#stop;
    let cursor = "genesis";
    while (!signal.aborted) {
      const params = { cursor, filter: this.#filter, limit: PAGE, waitMs: WAIT_MS };
      const page = await this.#client.call("events.list", params, { signal });
      const now = performance.now();
      const finals = page.events.filter(tellsFinality);
      for (const { txId, height } of finals) {
        this.#seenAt.set(txId, now);
        this.#highest = Math.max(this.#highest, Number(height));
      }
      if (finals.length > 0) this.#lastSeenAt = now;
      cursor = page.nextCursor;
    }
  }
}
