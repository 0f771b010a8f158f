import { setTimeout as delay } from "node:timers/promises";
import { chunkHash } from "./chunk.ts";
import type { IncomingStore } from "./incoming-store.ts";
import {
  BUSY_PAUSE_MS,
  MAX_BUSY_ANSWERS,
  MAX_CHUNKS_IN_FLIGHT,
  MAX_STRIKES,
  NO_PEER_WAIT_MS,
  OTHER_PEER_WAIT_MS,
} from "./limits.ts";
import type { Manifest } from "./manifest.ts";
import { SnapshotError } from "./snapshot-error.ts";
import type { SnapshotRequests } from "./snapshot-requests.ts";

export interface DownloadPorts {
  readonly requests: SnapshotRequests;
  readonly incoming: IncomingStore;
  /** Peers with a link, now. */
  connected(): Iterable<number>;
  /** The peer sent a chunk with another hash than was asked for. */
  lied(peer: number): void;
  progress(done: number, total: number): void;
  now(): number;
}

/** How one peer did in this download. */
interface Standing {
  inFlight: number;
  strikes: number;
  busyAnswers: number;
  notBeforeMs: number;
  /** Lied, lacks the snapshot, or does not answer: not asked again in this download. */
  isOut: boolean;
}

/** Time between two looks for a peer that can be asked. */
const LOOK_AGAIN_MS = 50;

/**
 * Fetches the chunks of one manifest that are not here yet, at most four at one time, from whichever
 * peers have them. Each chunk is known by its hash, so it does not matter whose word the manifest
 * was. A peer that sends something else is not asked again, nor is one that has nothing or is silent.
 */
export class ChunkDownload {
  readonly #manifest: Manifest;
  readonly #ports: DownloadPorts;
  readonly #standings = new Map<number, Standing>();
  readonly #signal: AbortSignal;
  /** Places of chunks that nobody is fetching, last first. */
  readonly #todo: number[] = [];
  #done = 0;
  #peerSeenAtMs: number;

  constructor(manifest: Manifest, ports: DownloadPorts, signal: AbortSignal) {
    this.#manifest = manifest;
    this.#ports = ports;
    this.#signal = signal;
    this.#peerSeenAtMs = ports.now();
    // Equal chunks cannot be: keys rise. A hash that a liar names twice is fetched twice.
    for (const [index, hash] of manifest.chunkHashes.entries()) {
      if (ports.incoming.has(hash)) this.#done += 1;
      else this.#todo.unshift(index);
    }
  }

  /** Resolves when every chunk is on disk. Throws SNAPSHOT_MISSING when nobody gives the rest. */
  async run(): Promise<void> {
    const failed = new AbortController();
    const workers = Array.from({ length: MAX_CHUNKS_IN_FLIGHT }, async () => {
      try {
        await this.#work(failed.signal);
      } catch (error) {
        failed.abort();
        throw error;
      }
    });
    const ends = await Promise.allSettled(workers);
    for (const end of ends) if (end.status === "rejected") throw end.reason;
  }

  async #work(failed: AbortSignal): Promise<void> {
    for (;;) {
      const index = this.#todo.pop();
      if (index === undefined) return;
      while (!(await this.#fetch(index))) {
        if (failed.aborted) return;
        if (this.#signal.aborted) {
          throw new SnapshotError("SNAPSHOT_STOPPED", "the download was stopped");
        }
      }
      this.#done += 1;
      this.#ports.progress(this.#done, this.#manifest.chunkHashes.length);
    }
  }

  /** One attempt; true when the chunk is on disk. */
  async #fetch(index: number): Promise<boolean> {
    const { requests, incoming } = this.#ports;
    const hash = this.#manifest.chunkHashes[index] ?? "";
    const peer = this.#choose();
    if (peer === undefined) {
      await delay(LOOK_AGAIN_MS);
      return false;
    }
    const standing = this.#standing(peer);
    standing.inFlight += 1;
    const { height } = this.#manifest;
    const reply = await requests.chunk(peer, { height, index, hash });
    standing.inFlight -= 1;
    if (typeof reply === "string") {
      standing.strikes += 1;
      standing.isOut ||= standing.strikes >= MAX_STRIKES;
      return false;
    }
    if (reply.chunk === undefined) {
      standing.busyAnswers += 1;
      standing.notBeforeMs = this.#ports.now() + BUSY_PAUSE_MS;
      standing.isOut ||= reply.refusal !== "BUSY" || standing.busyAnswers >= MAX_BUSY_ANSWERS;
      return false;
    }
    if (chunkHash(reply.chunk) !== hash) {
      if (!standing.isOut) this.#ports.lied(peer);
      standing.isOut = true;
      return false;
    }
    standing.strikes = 0;
    standing.busyAnswers = 0;
    await incoming.add(hash, reply.chunk);
    return true;
  }

  /** The least busy peer that may be asked now. Throws when there is none and none will come. */
  #choose(): number | undefined {
    const now = this.#ports.now();
    const connected = [...this.#ports.connected()];
    const usable = connected.filter((peer) => !this.#standing(peer).isOut);
    if (usable.length > 0) this.#peerSeenAtMs = now;
    const patienceMs = connected.length > 0 ? OTHER_PEER_WAIT_MS : NO_PEER_WAIT_MS;
    if (usable.length === 0 && now - this.#peerSeenAtMs > patienceMs) {
      const { height } = this.#manifest;
      throw new SnapshotError("SNAPSHOT_MISSING", `no peer gives the snapshot of ${height}`, {
        height,
        peers: connected.length,
      });
    }
    const free = usable.filter((peer) => this.#standing(peer).notBeforeMs <= now);
    const load = (peer: number): number => this.#standing(peer).inFlight;
    return free.sort((a, b) => load(a) - load(b))[0];
  }

  #standing(peer: number): Standing {
    const known = this.#standings.get(peer);
    if (known !== undefined) return known;
    const standing = { inFlight: 0, strikes: 0, busyAnswers: 0, notBeforeMs: 0, isOut: false };
    this.#standings.set(peer, standing);
    return standing;
  }
}
