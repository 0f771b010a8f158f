import type { StateReader } from "../../ledger/state-reader.ts";
import { InvariantError, invariant } from "../../primitives/assert.ts";
import { CodedError, messageOf } from "../../primitives/errors.ts";
import { FrameKind, type MessageKind } from "../net/frame.ts";
import type { PenaltyReason } from "../net/penalty.ts";
import type { BlockStore } from "../storage/block-store.ts";
import type { StateView } from "../storage/state-store.ts";
import { certifiedBlock } from "./epoch-trail.ts";
import { PROBE_EVERY_MS, TICKS_TO_DOUBT, TICKS_TO_GIVE_UP_BLOCKS } from "./limits.ts";
import { decodeManifest } from "./manifest.ts";
import { type CertifiedBlock, checkManifest, type TrustRoot } from "./manifest-check.ts";
import { SnapshotError } from "./snapshot-error.ts";
import type { SnapshotFiles } from "./snapshot-files.ts";
import { SnapshotRequests } from "./snapshot-requests.ts";
import { SnapshotServer } from "./snapshot-server.ts";
import { SnapshotStore } from "./snapshot-store.ts";

export interface SnapshotSettings {
  /** A snapshot at every multiple of this height and at the end of each epoch; 0 for none at all. */
  readonly everyBlocks: number;
  /**
   * A node this many blocks behind a certified snapshot takes it instead of the blocks, as does one
   * with an empty database; 0 for never.
   */
  readonly syncBehindBlocks: number;
}

export interface ServiceOptions extends SnapshotSettings {
  readonly files: SnapshotFiles;
  /** `<dataDir>/snapshots`. */
  readonly directory: string;
  readonly root: TrustRoot;
  readonly blocks: BlockStore;
  /** The state after the head. */
  readonly state: StateReader;
  /** Whether more is known to be final than is applied. */
  readonly isBehind: () => boolean;
  readonly connected: () => Iterable<number>;
  readonly send: (peer: number, kind: MessageKind, payload: Uint8Array) => boolean;
  readonly penalise: (peer: number, reason: PenaltyReason) => void;
  /** A certified snapshot is too far ahead for blocks: the node should start over from it. */
  readonly farBehind: (height: number) => void;
  readonly log: (
    level: "info" | "warn" | "error",
    event: `snapshot.${string}`,
    data: Readonly<Record<string, unknown>>,
  ) => void;
  /** A defect of ours: the node must stop. */
  readonly fatal: (error: unknown) => void;
  /** Monotonic, ms. */
  readonly now: () => number;
}

/**
 * Snapshots in a running node: makes them from the committed state without holding the node up,
 * serves them, and notices when this node is so far behind that it should take one itself.
 */
export class SnapshotService {
  readonly #options: ServiceOptions;
  readonly #server: SnapshotServer;
  readonly #requests: SnapshotRequests;
  readonly #stop = new AbortController();
  #store: SnapshotStore | undefined;
  #isDue = false;
  #working: Promise<void> = Promise.resolve();
  #isWorking = false;
  #probeTimer: NodeJS.Timeout | undefined;
  #lastProbed = -1;
  #lastHeight = -1;
  /** Ticks since the head last moved. */
  #stillTicks = 0;
  /** Since the start some peer has said what it has: a node that was away knows where it stands. */
  #hasProbed = false;

  constructor(options: ServiceOptions) {
    this.#options = options;
    const { send, penalise, now } = options;
    this.#requests = new SnapshotRequests({ send, penalise });
    this.#server = new SnapshotServer({
      send: (peer, kind, payload) => void send(peer, kind, payload),
      penalise,
      readFailed: (error) => this.#logFailure("snapshot.read-failed", error),
      now,
    });
  }

  /** Opens what there is; until then requests are answered with NONE. */
  async start(): Promise<void> {
    const { files, directory, root, now, log, syncBehindBlocks } = this.#options;
    await files.makeDirectory(directory);
    this.#store = await SnapshotStore.open({
      files,
      directory,
      root,
      now,
      damaged: (height, why) => log("error", "snapshot.damaged", { height, why }),
    });
    this.#server.store = this.#store;
    if (syncBehindBlocks === 0) return;
    this.#probeTimer = setInterval(() => this.tick(), PROBE_EVERY_MS);
  }

  /** A frame of one of the four snapshot kinds. Never throws for what the peer sent. */
  async onFrame(from: number, kind: MessageKind, payload: Uint8Array): Promise<void> {
    if (kind === FrameKind.snapshotManifest || kind === FrameKind.snapshotChunk) {
      this.#requests.onFrame(from, kind, payload);
    } else {
      await this.#server.onFrame(from, kind, payload);
    }
  }

  /** A node that was off does not know yet that it is behind: the first peers are asked at once. */
  peerConnected(peer: number): void {
    if (this.#options.syncBehindBlocks === 0 || this.#hasProbed) return;
    this.#probe(peer).catch((error: unknown) => this.#options.fatal(error));
  }

  peerDisconnected(peer: number): void {
    this.#requests.gone(peer);
  }

  /**
   * A block is committed: to be called in that very turn. Where a snapshot is due, the block has a
   * finalization of its own and none after it came to the disk with it, the state is copied from
   * here on.
   */
  applied(height: number, isClosing: boolean): void {
    const { everyBlocks, blocks, state } = this.#options;
    if (everyBlocks === 0 || this.#store === undefined || this.#stop.signal.aborted) return;
    if (height % everyBlocks === 0 || isClosing) this.#isDue = true;
    if (!this.#isDue || this.#isWorking || blocks.head.height !== height) return;
    let block: CertifiedBlock;
    try {
      block = certifiedBlock(blocks, state, height);
    } catch (error) {
      if (error instanceof SnapshotError && error.code === "SNAPSHOT_NOT_CERTIFIED") return;
      throw error;
    }
    this.#isDue = false;
    this.#isWorking = true;
    this.#working = this.#create(this.#store, height, block, blocks.state.view()).finally(() => {
      this.#isWorking = false;
    });
  }

  /** Gives up what is under way; resolves when nothing touches disk or database any more. */
  async stop(): Promise<void> {
    clearInterval(this.#probeTimer);
    this.#stop.abort();
    this.#requests.close();
    await this.#working;
  }

  async #create(
    store: SnapshotStore,
    height: number,
    block: CertifiedBlock,
    view: StateView,
  ): Promise<void> {
    const { log, fatal, now } = this.#options;
    const began = now();
    try {
      const head = await view.head();
      invariant(head.height === height, "a snapshot is taken of the state at its own height");
      const source = { block, entries: view.entries() };
      const { proven } = await store.create(source, this.#stop.signal);
      const { chunkHashes, entryCount } = proven.manifest;
      const milliseconds = Math.round(now() - began);
      log("info", "snapshot.created", {
        height,
        entries: entryCount,
        chunks: chunkHashes.length,
        milliseconds,
      });
    } catch (error) {
      const code = error instanceof CodedError ? error.code : "";
      if (code === "SNAPSHOT_EXISTS" || this.#stop.signal.aborted) return;
      // A full disk, or a database that has gone bad under a node whose memory is still right: the
      // votes go on, and operators are told.
      if (error instanceof InvariantError) fatal(error);
      else this.#logFailure("snapshot.failed", error, height);
    } finally {
      await view.close();
    }
  }

  #logFailure(event: `snapshot.${string}`, error: unknown, height?: number): void {
    const where = height === undefined ? {} : { height };
    this.#options.log("error", event, { ...where, err: error });
  }

  /**
   * Ten seconds have passed. A node that is behind, or whose head stands still, asks one peer after
   * the other what it has.
   */
  tick(): void {
    const { height } = this.#options.blocks.head;
    this.#stillTicks = height === this.#lastHeight ? this.#stillTicks + 1 : 0;
    this.#lastHeight = height;
    if (!this.#options.isBehind() && this.#stillTicks < TICKS_TO_DOUBT) return;
    const peers = [...this.#options.connected()].sort((a, b) => a - b);
    const peer = peers.find((each) => each > this.#lastProbed) ?? peers[0];
    if (peer === undefined) return;
    this.#lastProbed = peer;
    this.#probe(peer).catch((error: unknown) => this.#options.fatal(error));
  }

  /** Asks one peer after the other for its manifest; a claim without its certificate is nothing. */
  async #probe(peer: number): Promise<void> {
    const { root, blocks, syncBehindBlocks, farBehind, log, penalise } = this.#options;
    const reply = await this.#requests.manifest(peer);
    if (typeof reply === "string" || reply.manifest === undefined) return;
    try {
      const { manifest } = await checkManifest(decodeManifest(reply.manifest), root);
      this.#hasProbed = true;
      const behind = manifest.height - blocks.head.height;
      // Peers that all began with snapshots may have no block for a node that is only a little behind.
      const isStuck = this.#stillTicks >= TICKS_TO_GIVE_UP_BLOCKS;
      if (behind <= (isStuck ? 0 : syncBehindBlocks) || this.#stop.signal.aborted) return;
      log("warn", "snapshot.far-behind", { height: manifest.height, behind });
      farBehind(manifest.height);
    } catch (error) {
      if (!(error instanceof SnapshotError)) throw error;
      log("warn", "snapshot.false-answer", { peer, code: error.code, why: messageOf(error) });
      penalise(peer, "WRONG_ANSWER");
    }
  }
}
