import { setTimeout as delay } from "node:timers/promises";
import { messageOf } from "../../primitives/errors.ts";
import type { MessageKind } from "../net/frame.ts";
import type { PenaltyReason } from "../net/penalty.ts";
import type { StateEntry } from "../storage/committed-block.ts";
import { ChunkDownload } from "./chunk-download.ts";
import { IncomingStore } from "./incoming-store.ts";
import { MAX_SYNC_ROUNDS, OFFER_SETTLE_MS, OFFER_WAIT_MS } from "./limits.ts";
import { decodeManifest } from "./manifest.ts";
import { checkManifest, type ProvenManifest, type TrustRoot } from "./manifest-check.ts";
import { SnapshotError } from "./snapshot-error.ts";
import type { SnapshotFiles } from "./snapshot-files.ts";
import { SnapshotRequests } from "./snapshot-requests.ts";
import { checkChunk, checkState } from "./state-check.ts";

export interface SyncOptions {
  readonly files: SnapshotFiles;
  /** `<dataDir>/snapshots/incoming`. */
  readonly directory: string;
  readonly root: TrustRoot;
  /** A snapshot below this height is of no use. */
  readonly atLeastHeight: number;
  /** Whether these peers have an honest one among them: their word that there is nothing counts. */
  readonly hasHonest: (peers: ReadonlySet<number>) => boolean;
  readonly send: (peer: number, kind: MessageKind, payload: Uint8Array) => boolean;
  readonly penalise: (peer: number, reason: PenaltyReason) => void;
  readonly log: (
    event: `snapshot.${string}`,
    data: Readonly<Record<string, string | number>>,
  ) => void;
  /** Monotonic, ms. */
  readonly now: () => number;
  readonly offerWaitMs?: number;
  readonly offerSettleMs?: number;
  readonly requestTimeoutMs?: number;
}

/** A snapshot that is proven from the genesis to its last entry, ready to be installed. */
export interface SyncedState {
  readonly proven: ProvenManifest;
  readonly entries: readonly StateEntry[];
}

interface Offer {
  readonly proven: ProvenManifest;
  readonly bytes: Uint8Array;
  /** Who named exactly these chunks. */
  readonly peers: Set<number>;
}

/** Time between two looks at what has come. */
const LOOK_AGAIN_MS = 20;

/**
 * Brings a state in from the peers, trusting none of them: the manifest proves its header from the
 * genesis validators on, the entries prove themselves by the header's root. What a peer may lie
 * about, the list of chunks, costs at most a download, and the peer its standing.
 */
export class StateSync {
  readonly #options: SyncOptions;
  readonly #requests: SnapshotRequests;
  readonly #connected = new Set<number>();
  /** Peers that were asked for their manifest in this round and have answered or fallen silent. */
  readonly #answered = new Set<number>();
  readonly #asked = new Set<number>();
  /** Peers whose manifest or chunks were false: their offers count for nothing. */
  readonly #liars = new Set<number>();
  #offers = new Map<string, Offer>();
  readonly #stop = new AbortController();

  constructor(options: SyncOptions) {
    this.#options = options;
    const { send, penalise } = options;
    this.#requests = new SnapshotRequests({ send, penalise }, options.requestTimeoutMs);
  }

  peerConnected(peer: number): void {
    this.#connected.add(peer);
    this.#askFor(peer);
  }

  peerDisconnected(peer: number): void {
    this.#connected.delete(peer);
    this.#asked.delete(peer);
    this.#requests.gone(peer);
  }

  onFrame(from: number, kind: MessageKind, payload: Uint8Array): void {
    this.#requests.onFrame(from, kind, payload);
  }

  /** Ends `run` soon, with SNAPSHOT_STOPPED. */
  stop(): void {
    this.#stop.abort();
    this.#requests.close();
  }

  /**
   * The newest state that peers offer and that proves itself; undefined where there is none: then
   * blocks must be fetched one by one. Throws errors of the disk, SNAPSHOT_STATE, SNAPSHOT_STOPPED.
   */
  async run(): Promise<SyncedState | undefined> {
    const incoming = await IncomingStore.open(this.#options.files, this.#options.directory);
    const resumed = await this.#resumable(incoming);
    if (resumed !== undefined) {
      const state = await this.#bringIn(resumed, incoming);
      if (state !== undefined) return state;
    }
    for (let round = 0; round < MAX_SYNC_ROUNDS; round++) {
      // Whoever connected was asked; what was said long ago is asked anew.
      if (round > 0 || resumed !== undefined) this.#askAnew();
      await this.#collectOffers();
      const candidates = this.#ranked();
      if (candidates.length === 0) return undefined;
      for (const offer of candidates) {
        const state = await this.#bringIn(offer, incoming);
        if (state !== undefined) return state;
      }
    }
    return undefined;
  }

  /** What an earlier run was at, if it is still of use. */
  async #resumable(incoming: IncomingStore): Promise<Offer | undefined> {
    const bytes = await incoming.manifest();
    if (bytes === undefined) return undefined;
    const proven = await this.#prove(bytes);
    if (proven instanceof SnapshotError) return undefined;
    if (proven.manifest.height < this.#options.atLeastHeight) return undefined;
    return { proven, bytes, peers: new Set() };
  }

  async #prove(bytes: Uint8Array): Promise<ProvenManifest | SnapshotError> {
    try {
      return await checkManifest(decodeManifest(bytes), this.#options.root);
    } catch (error) {
      if (error instanceof SnapshotError) return error;
      throw error;
    }
  }

  async #collectOffers(): Promise<void> {
    const { now, hasHonest } = this.#options;
    const { offerWaitMs = OFFER_WAIT_MS, offerSettleMs = OFFER_SETTLE_MS } = this.#options;
    const beganAtMs = now();
    let firstOfferAtMs: number | undefined;
    for (;;) {
      this.#checkStopped();
      if (this.#offers.size > 0) firstOfferAtMs ??= now();
      const isSettled = firstOfferAtMs !== undefined && now() - firstOfferAtMs >= offerSettleMs;
      const isDone = (peer: number): boolean => this.#answered.has(peer) || this.#liars.has(peer);
      const hasAll = [...this.#connected].every(isDone);
      if (isSettled && (hasAll || hasHonest(this.#answered))) return;
      if (this.#offers.size === 0 && hasHonest(this.#answered)) return;
      if (now() - beganAtMs >= offerWaitMs) return;
      await delay(LOOK_AGAIN_MS);
    }
  }

  #askAnew(): void {
    this.#offers = new Map();
    this.#asked.clear();
    this.#answered.clear();
    for (const peer of this.#connected) this.#askFor(peer);
  }

  #askFor(peer: number): void {
    if (this.#asked.has(peer) || this.#liars.has(peer)) return;
    this.#asked.add(peer);
    this.#ask(peer).catch((error: unknown) => {
      // A defect of ours: the peer has simply not answered, and the log tells.
      this.#options.log("snapshot.offer-failed", { peer, message: messageOf(error) });
    });
  }

  async #ask(peer: number): Promise<void> {
    const reply = await this.#requests.manifest(peer);
    // One that went away is asked again when it is back.
    if (reply === "GONE") return;
    if (reply !== "TIMEOUT" && reply.manifest !== undefined)
      await this.#consider(peer, reply.manifest);
    this.#answered.add(peer);
  }

  async #consider(peer: number, bytes: Uint8Array): Promise<void> {
    const proven = await this.#prove(bytes);
    if (proven instanceof SnapshotError) {
      this.#demote(peer, proven.code);
      return;
    }
    const { height, chunkHashes } = proven.manifest;
    if (height < this.#options.atLeastHeight) return;
    const key = `${height}/${chunkHashes.join("")}`;
    const known = this.#offers.get(key);
    if (known === undefined) this.#offers.set(key, { proven, bytes, peers: new Set([peer]) });
    else known.peers.add(peer);
  }

  /** Lists of chunks that an honest peer names come first, then the newest. */
  #ranked(): readonly Offer[] {
    const { hasHonest } = this.#options;
    const offers = [...this.#offers.values()].filter(
      ({ peers }) => ![...peers].every((peer) => this.#liars.has(peer)),
    );
    const rank = ({ peers }: Offer): number => (hasHonest(peers) ? 1 : 0);
    const heightOf = ({ proven }: Offer): number => proven.manifest.height;
    return offers.sort((a, b) => rank(b) - rank(a) || heightOf(b) - heightOf(a));
  }

  /** Undefined when this snapshot comes to nothing, and another may. */
  async #bringIn(offer: Offer, incoming: IncomingStore): Promise<SyncedState | undefined> {
    const { manifest } = offer.proven;
    const { height, chunkHashes, entryCount } = manifest;
    const { log, now } = this.#options;
    log("snapshot.downloading", { height, chunks: chunkHashes.length, entries: entryCount });
    await incoming.follow(manifest, offer.bytes);
    try {
      const ports = {
        requests: this.#requests,
        incoming,
        connected: () => [...this.#connected].filter((peer) => !this.#liars.has(peer)),
        lied: (peer: number) => this.#demote(peer, "SNAPSHOT_CHUNK"),
        progress: (done: number, total: number) =>
          log("snapshot.progress", { height, done, total }),
        now,
      };
      await new ChunkDownload(manifest, ports, this.#stop.signal).run();
      const entries = await checkState(manifest, (index) => this.#read(offer, incoming, index));
      return { proven: offer.proven, entries };
    } catch (error) {
      this.#checkStopped();
      if (!(error instanceof SnapshotError) || error.code === "SNAPSHOT_STATE") throw error;
      log("snapshot.given-up", { height, code: error.code, message: error.message });
      // The chunks are what the manifest says, and not the state: whoever offered it has lied.
      if (error.code !== "SNAPSHOT_MISSING" && error.code !== "SNAPSHOT_CHUNK") {
        for (const peer of offer.peers) this.#demote(peer, error.code);
        await incoming.clear();
      }
      return undefined;
    }
  }

  async #read(offer: Offer, incoming: IncomingStore, index: number): Promise<Uint8Array> {
    const { manifest } = offer.proven;
    const hash = manifest.chunkHashes[index] ?? "";
    const bytes = await incoming.read(hash);
    try {
      return checkChunk(manifest, index, bytes);
    } catch (error) {
      // Our own disk: the next round fetches it again.
      await incoming.forget(hash);
      throw error;
    }
  }

  #demote(peer: number, code: string): void {
    this.#liars.add(peer);
    this.#options.log("snapshot.false-answer", { peer, code });
    this.#options.penalise(peer, "WRONG_ANSWER");
  }

  #checkStopped(): void {
    if (this.#stop.signal.aborted) throw new SnapshotError("SNAPSHOT_STOPPED", "sync was stopped");
  }
}
