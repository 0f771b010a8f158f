import { type Batch, readStoredBatch } from "./batch.ts";
import { encodeGet, MAX_DIGESTS } from "./messages.ts";

/** A peer that has not answered by then is passed over; doubled a round, up to the cap. */
const FIRST_ROUND_MS = 150;
const LONGEST_ROUND_MS = 5_000;

/** Bodies asked for at one time, over all blocks: a catch-up range of full blocks still fits. */
export const MAX_WANTED = 4096;

export interface FetcherPorts {
  /** False when the peer is not connected or its queue is full. */
  request(peer: number, payload: Uint8Array): boolean;
  connectedPeers(): readonly number[];
  /** Already pooled or on disk. */
  held(digest: string): Uint8Array | undefined;
}

interface Wanted {
  readonly resolve: (batch: Batch) => void;
  readonly promise: Promise<Batch>;
  /** Tried first: the leader that named the batch. */
  readonly hint: number | undefined;
  /** Where the turn among the peers starts, so that not all batches are asked of one peer. */
  readonly start: number;
  round: number;
  nextAtMs: number;
  /** Whose answer is awaited. */
  asked: number | undefined;
}

/**
 * Gets batches that a header names and this node does not hold, from one peer after the other,
 * until one of them gives the bytes with that digest. A batch can only be forgotten by `abandon`.
 */
export class BatchFetcher {
  readonly #ports: FetcherPorts;
  readonly #wanted = new Map<string, Wanted>();
  #nextRequest = 1;
  #nextStart = 0;

  constructor(ports: FetcherPorts) {
    this.#ports = ports;
  }

  get size(): number {
    return this.#wanted.size;
  }

  wants(digest: string): boolean {
    return this.#wanted.has(digest);
  }

  /**
   * Resolves when the batch is there; never rejects. Undefined when too many are wanted. Throws
   * what readStoredBatch throws when the bytes on disk have changed.
   */
  fetch(digest: string, hint: number | undefined, nowMs: number): Promise<Batch> | undefined {
    const held = this.#ports.held(digest);
    if (held !== undefined) return Promise.resolve(readStoredBatch(digest, held));
    const known = this.#wanted.get(digest);
    if (known !== undefined) return known.promise;
    if (this.#wanted.size >= MAX_WANTED) return undefined;
    const { promise, resolve } = Promise.withResolvers<Batch>();
    this.#wanted.set(digest, {
      promise,
      resolve,
      hint,
      start: this.#nextStart++,
      round: 0,
      nextAtMs: nowMs,
      asked: undefined,
    });
    return promise;
  }

  /** True when the batch was wanted. */
  deliver(batch: Batch): boolean {
    const wanted = this.#wanted.get(batch.digest);
    if (wanted === undefined) return false;
    this.#wanted.delete(batch.digest);
    wanted.resolve(batch);
    return true;
  }

  /** The block that named these is out of the race: its promises are left open for ever. */
  abandon(digests: Iterable<string>): void {
    for (const digest of digests) this.#wanted.delete(digest);
  }

  /**
   * The peer has none of these: go on with the next one at once, until each had its turn. Then the
   * pause stands: nobody may have them yet. Counts only from the peer that was asked last.
   */
  missing(peer: number, digests: readonly string[], nowMs: number): void {
    const peers = this.#ports.connectedPeers().length;
    let moved = false;
    for (const digest of digests) {
      const wanted = this.#wanted.get(digest);
      if (wanted === undefined || wanted.asked !== peer) continue;
      wanted.asked = undefined;
      if (wanted.round >= peers) continue;
      wanted.nextAtMs = nowMs;
      moved = true;
    }
    if (moved) this.poll(nowMs);
  }

  /** Sends the requests that are due. Called after fetch() and by a timer. */
  poll(nowMs: number): void {
    const peers = this.#ports.connectedPeers();
    if (peers.length === 0) return;
    const due = new Map<number, string[]>();
    for (const [digest, wanted] of this.#wanted) {
      if (wanted.nextAtMs > nowMs) continue;
      const peer = nextPeer(wanted, peers);
      if (peer === undefined) continue;
      const delay = Math.min(FIRST_ROUND_MS * 2 ** Math.min(wanted.round, 8), LONGEST_ROUND_MS);
      wanted.round += 1;
      wanted.nextAtMs = nowMs + delay;
      wanted.asked = peer;
      const asked = due.get(peer) ?? [];
      asked.push(digest);
      due.set(peer, asked);
    }
    for (const [peer, digests] of due) {
      for (let i = 0; i < digests.length; i += MAX_DIGESTS) {
        const requestId = this.#nextRequest++;
        const slice = digests.slice(i, i + MAX_DIGESTS);
        // A full queue or a lost link: the next round asks somebody else.
        this.#ports.request(peer, encodeGet({ requestId, digests: slice }));
      }
    }
  }
}

/** Every peer once a cycle, the hint first. */
function nextPeer({ hint, start, round }: Wanted, peers: readonly number[]): number | undefined {
  if (hint === undefined || !peers.includes(hint)) return peers[(start + round) % peers.length];
  const place = round % peers.length;
  if (place === 0) return hint;
  const others = peers.filter((peer) => peer !== hint);
  return others[(start + place) % others.length];
}
