import type { Prng } from "../../primitives/prng.ts";
import type { ApplicationModel } from "./application-model.ts";
import type { Frame } from "./frames.ts";
import type { ToyBatch } from "./toy-application.ts";

/** Pause between two requests for the same missing batches. */
const FETCH_INTERVAL_MS = 100;

/** Pause between two sendings of the oldest batch that is not yet in a block. */
const GOSSIP_INTERVAL_MS = 1_000;

/** Digests in one request. */
const MAX_DIGESTS_PER_REQUEST = 64;

export interface BodyExchangeOptions {
  readonly node: number;
  readonly size: number;
  readonly application: ApplicationModel;
  readonly prng: Prng;
  readonly packingMs: number;
  /** Runs an action later, unless the node has crashed by then. */
  readonly later: (delayMs: number, run: () => void) => void;
  readonly send: (to: number, frame: Frame) => void;
  /** A batch came to be known that was not. */
  readonly onBatch: () => void;
}

/**
 * How batches spread: packed, sent once to everyone, asked for by those who miss them, and the
 * oldest sent again while it waits. Lives from start to crash.
 */
export class BodyExchange {
  readonly #options: BodyExchangeOptions;
  /** Missing digests, with the peer to ask first. */
  readonly #wanted = new Map<string, number>();
  #packing = false;
  #fetching = false;

  constructor(options: BodyExchangeOptions) {
    this.#options = options;
    options.later(options.prng.below(GOSSIP_INTERVAL_MS), () => this.#gossip());
  }

  /** A client hands in a transaction. */
  submit(transaction: string): void {
    this.#options.application.submit(transaction);
    if (this.#packing) return;
    this.#packing = true;
    this.#options.later(this.#options.packingMs, () => this.#pack());
  }

  want(digests: readonly string[], firstAsk: number): void {
    for (const digest of digests) {
      if (!this.#wanted.has(digest)) this.#wanted.set(digest, firstAsk);
    }
    if (this.#fetching || this.#wanted.size === 0) return;
    this.#fetching = true;
    this.#fetch(true);
  }

  receiveBatch(batch: ToyBatch): void {
    if (this.#options.application.receive(batch)) this.#options.onBatch();
  }

  serve(to: number, digests: readonly string[]): void {
    for (const digest of digests.slice(0, MAX_DIGESTS_PER_REQUEST)) {
      const batch = this.#options.application.batch(digest);
      if (batch !== undefined) this.#options.send(to, { type: "batch", batch });
    }
  }

  #pack(): void {
    this.#packing = false;
    for (;;) {
      const batch = this.#options.application.pack();
      if (batch === undefined) return;
      this.#toAll({ type: "batch", batch });
      this.#options.onBatch();
    }
  }

  /** The first time from the proposer, who must have them; after that from anybody. */
  #fetch(first: boolean): void {
    const { application, prng, node, size } = this.#options;
    for (const digest of this.#wanted.keys()) {
      if (application.batch(digest) !== undefined) this.#wanted.delete(digest);
    }
    if (this.#wanted.size === 0) {
      this.#fetching = false;
      return;
    }
    const random = (node + 1 + prng.below(size - 1)) % size;
    const byPeer = new Map<number, string[]>();
    for (const [digest, proposer] of this.#wanted) {
      const peer = first && proposer !== node ? proposer : random;
      const asked = byPeer.get(peer) ?? [];
      byPeer.set(peer, asked);
      if (asked.length < MAX_DIGESTS_PER_REQUEST) asked.push(digest);
    }
    for (const [peer, digests] of byPeer) {
      this.#options.send(peer, { type: "getBatches", digests });
    }
    this.#options.later(FETCH_INTERVAL_MS, () => this.#fetch(false));
  }

  #gossip(): void {
    const batch = this.#options.application.oldestOpen;
    if (batch !== undefined) this.#toAll({ type: "batch", batch });
    this.#options.later(GOSSIP_INTERVAL_MS, () => this.#gossip());
  }

  #toAll(frame: Frame): void {
    for (let peer = 0; peer < this.#options.size; peer++) {
      if (peer !== this.#options.node) this.#options.send(peer, frame);
    }
  }
}
