import { invariant } from "../../primitives/assert.ts";

export interface BucketRate {
  /** Largest burst, in cost units. */
  readonly burst: number;
  /** Cost units that flow back each second. */
  readonly perSecond: number;
}

interface Bucket {
  level: number;
  /** Milliseconds of the monotonic clock at which `level` was right. */
  at: number;
}

/**
 * One token bucket per client, for at most `maxClients` of them: a client not seen for longest is
 * forgotten first, which at worst gives it a full bucket again. Time comes from the caller.
 */
export class ClientBuckets {
  readonly #rate: BucketRate;
  readonly #maxClients: number;
  /** Insertion order is order of last use. */
  readonly #buckets = new Map<string, Bucket>();

  constructor(rate: BucketRate, maxClients: number) {
    invariant(rate.burst > 0 && rate.perSecond > 0, "a bucket holds and refills something");
    invariant(maxClients > 0, "at least one client has a bucket");
    this.#rate = rate;
    this.#maxClients = maxClients;
  }

  get clients(): number {
    return this.#buckets.size;
  }

  /**
   * Takes `cost` from the bucket of `client`. Returns 0 when granted, otherwise the milliseconds
   * after which it would be. A cost above the burst waits for a full bucket and then overdraws it.
   */
  take(client: string, cost: number, nowMs: number): number {
    const bucket = this.#refilled(client, nowMs);
    const needed = Math.min(cost, this.#rate.burst);
    if (bucket.level >= needed) {
      bucket.level -= cost;
      return 0;
    }
    return Math.ceil(((needed - bucket.level) / this.#rate.perSecond) * 1000);
  }

  #refilled(client: string, nowMs: number): Bucket {
    const found = this.#buckets.get(client);
    if (found !== undefined) {
      const elapsed = Math.max(0, nowMs - found.at);
      found.level = Math.min(
        this.#rate.burst,
        found.level + (elapsed / 1000) * this.#rate.perSecond,
      );
      found.at = nowMs;
      this.#buckets.delete(client);
      this.#buckets.set(client, found);
      return found;
    }
    if (this.#buckets.size >= this.#maxClients) {
      const oldest = this.#buckets.keys().next();
      if (!oldest.done) this.#buckets.delete(oldest.value);
    }
    const fresh = { level: this.#rate.burst, at: nowMs };
    this.#buckets.set(client, fresh);
    return fresh;
  }
}
