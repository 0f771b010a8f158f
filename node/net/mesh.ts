import type { Connection, Libp2p, Stream } from "@libp2p/interface";
import type { Multiaddr } from "@multiformats/multiaddr";
import { InvariantError, invariant, present } from "../../primitives/assert.ts";
import { equalBytes } from "../../primitives/bytes.ts";
import { messageOf } from "../../primitives/errors.ts";
import { parseAddress } from "./address.ts";
import { dialPeer, openStream } from "./connect.ts";
import { withinMs } from "./deadline.ts";
import { Dialer } from "./dialer.ts";
import { FRAME_CLASSES, type FrameClass, type MessageKind } from "./frame.ts";
import { Gater } from "./gater.ts";
import { type Introduction, isRefusal } from "./handshake.ts";
import type { Hello } from "./hello.ts";
import {
  createHost,
  type NetworkIdentity,
  networkIdentity,
  STREAM_PROTOCOLS,
  stopHost,
} from "./host.ts";
import { DEFAULT_MESH_LIMITS, FRAME_RULES, HOST_LIMITS, type MeshLimits } from "./limits.ts";
import type {
  FrameHandler,
  MeshMetrics,
  MeshOptions,
  MeshPeer,
  NetLogger,
  PeerHandler,
  PeerStatus,
  RedialResult,
  SendResult,
} from "./mesh-api.ts";
import { type DropReason, type NetCode, NetError, type RefusalCode } from "./net-error.ts";
import { PeerDirectory } from "./peer-directory.ts";
import { PeerLink } from "./peer-link.ts";
import type { PeerRecord } from "./peer-record.ts";
import { PENALTY_POINTS, type PenaltyReason } from "./penalty.ts";
import { Tally } from "./traffic.ts";

export type * from "./mesh-api.ts";

const QUEUED: SendResult = { status: "queued" };
const NOT_CONNECTED: SendResult = { status: "not-connected" };

/**
 * The validators' network: one authenticated link, of two streams, to every other registered
 * validator, kept up for ever. It moves opaque frames between validators and promises order within
 * a stream, bounds on everything, and a code and a count for whatever it refuses, drops or cuts. It
 * promises no delivery.
 */
export class Mesh {
  readonly #own: Introduction;
  readonly #identity: NetworkIdentity;
  readonly #limits: MeshLimits;
  readonly #logger: NetLogger;
  readonly #random: () => number;
  readonly #onFatal: (error: InvariantError) => void;
  readonly #directory: PeerDirectory;
  readonly #links = new Map<string, PeerLink>();
  readonly #refusals = new Tally<RefusalCode>();
  /** Of links that were established. */
  readonly #linksEnded = new Tally<NetCode>();
  #host: Libp2p | undefined;
  #handlerErrors = 0;
  #frameHandler: FrameHandler | undefined;
  #peerHandler: PeerHandler | undefined;
  #ticker: NodeJS.Timeout | undefined;
  #state: "created" | "started" | "stopped" = "created";
  #stopping: Promise<void> | undefined;

  private constructor(options: MeshOptions, identity: NetworkIdentity) {
    const { protocolVersion, chainId, self: validator, software } = options;
    this.#own = { protocolVersion, chainId, validator, software };
    this.#identity = identity;
    this.#limits = { ...DEFAULT_MESH_LIMITS, ...options.limits };
    this.#logger = options.logger;
    this.#random = options.random ?? Math.random;
    this.#onFatal = options.onFatal ?? throwLater;
    this.#directory = new PeerDirectory(options, identity.privateKey.publicKey.raw, now);
    for (const record of this.#directory.all()) {
      if (record.weDial) record.dialer = this.#newDialer(record);
    }
  }

  /**
   * Checks the options and builds the host; opens nothing yet. Throws NetError BAD_OPTIONS or
   * BAD_ADDRESS.
   */
  static async create(options: MeshOptions): Promise<Mesh> {
    const mesh = new Mesh(options, await networkIdentity(options.networkSeed));
    const gater = new Gater({
      view: {
        memberOf: (peer) => mesh.#directory.admitted(peer),
        connectionsWith: (peer) => mesh.#host?.getConnections(peer).length ?? 0,
      },
      inboundAddresses: options.inboundAddresses,
      refusals: mesh.#refusals,
      onRefused: (index, error) => void mesh.#directory.at(index).note(error),
      logger: options.logger,
      now,
    });
    mesh.#host = await createHost({
      identity: mesh.#identity,
      listen: options.listen.map((address): Multiaddr => parseAddress(address)),
      gater: gater.hooks(),
      now,
    });
    return mesh;
  }

  /** Our own libp2p peer id. */
  get peerId(): string {
    return this.#identity.peerId.toString();
  }

  /** Multiaddrs, with our peer id, on which the host listens; empty before start(). */
  get listenAddresses(): readonly string[] {
    return (this.#host?.getMultiaddrs() ?? []).map((address) => address.toString());
  }

  /** Who receives frames. Set once, before start(). */
  onFrame(handler: FrameHandler): void {
    invariant(this.#state === "created", "frame handler is set before the mesh starts");
    invariant(this.#frameHandler === undefined, "one frame handler");
    this.#frameHandler = handler;
  }

  /** Who hears of links that come and go. Set once, before start(). */
  onPeer(handler: PeerHandler): void {
    invariant(this.#state === "created", "peer handler is set before the mesh starts");
    invariant(this.#peerHandler === undefined, "one peer handler");
    this.#peerHandler = handler;
  }

  /**
   * Listens and begins to dial. Throws NetError LISTEN_FAILED, or STOPPED when stop() came first;
   * then the mesh is of no more use.
   */
  async start(): Promise<void> {
    invariant(this.#state === "created", "a mesh starts once");
    invariant(this.#frameHandler !== undefined, "a frame handler is set");
    this.#state = "started";
    const host = this.#requireHost();
    host.addEventListener("connection:open", (event) => {
      this.#guard("connection", () => this.#onConnection(event.detail));
    });
    for (const frameClass of FRAME_CLASSES) {
      await host.handle(
        STREAM_PROTOCOLS[frameClass],
        (stream, connection) => {
          this.#guard("stream", () => this.#onStream(frameClass, stream, connection));
        },
        {
          maxInboundStreams: HOST_LIMITS.maxStreamsPerProtocol,
          maxOutboundStreams: HOST_LIMITS.maxStreamsPerProtocol,
        },
      );
    }
    try {
      await host.start();
    } catch (cause) {
      throw new NetError("LISTEN_FAILED", messageOf(cause), {}, { cause });
    }
    if (this.#stopping !== undefined) {
      await stopHost(host, this.#limits.closeGraceMs);
      throw new NetError("STOPPED", "stopped while it started");
    }
    this.#ticker = setInterval(() => {
      this.#guard("tick", () => {
        for (const link of this.#links.values()) link.tick();
      });
    }, this.#limits.tickMs);
    for (const record of this.#directory.all()) record.dialer?.start();
    this.#logger.info({ peerId: this.peerId, listen: this.listenAddresses }, "mesh started");
  }

  /**
   * Ends all links and closes the host; resolves within about `deadlineMs` whatever the peers do.
   * Safe to call again.
   */
  stop(deadlineMs: number): Promise<void> {
    this.#stopping ??= this.#stop(deadlineMs);
    return this.#stopping;
  }

  /**
   * Queues a frame for one peer. The payload must not be changed afterwards: it is shared until it
   * is sent. Every frame that is not queued is counted by reason in the peer's status.
   */
  send(peer: number, kind: MessageKind, payload: Uint8Array): SendResult {
    const record = this.#directory.find(peer);
    return record === undefined ? NOT_CONNECTED : this.#send(record, kind, payload);
  }

  /** Queues a frame for every connected peer; what is dropped is counted per peer. */
  broadcast(kind: MessageKind, payload: Uint8Array): void {
    for (const record of this.#directory.all()) this.#send(record, kind, payload);
  }

  /** The state of every other validator, in index order of registration. */
  peers(): readonly PeerStatus[] {
    const nowMs = now();
    return [...this.#directory.all()].map((record) => record.status(nowMs));
  }

  /** Blames a peer for what it sent. At 100 points its link is cut and it is held off a while. */
  penalise(peer: number, reason: PenaltyReason): void {
    const record = this.#directory.find(peer);
    if (record === undefined || !record.penalty.add(reason, now())) return;
    const holdOffMs = Math.round(record.penalty.banLeftMs(now()));
    const data = { reason, holdOffMs };
    this.#logger.warn({ validator: peer, name: record.name, ...data }, "peer held off");
    void record.link?.end(new NetError("PENALISED", `held off for ${holdOffMs} ms`, data));
  }

  /** A snapshot for metrics: every label comes from a closed set. */
  metrics(): MeshMetrics {
    const peers = this.peers();
    return {
      peers,
      connected: peers.filter((peer) => peer.connected).length,
      refusals: this.#refusals.toRecord(),
      linksEnded: this.#linksEnded.toRecord(),
      handlerErrors: this.#handlerErrors,
    };
  }

  /**
   * An operator's word: drops the link, forgets penalties and back-off, and dials at once where
   * dialing is our part.
   */
  redial(peer: number): RedialResult {
    const record = this.#directory.at(peer);
    record.penalty.pardon();
    void record.link?.end(new NetError("REDIAL", "redial was asked for"));
    record.dialer?.kick();
    return record.weDial ? "dialing" : "awaits-peer";
  }

  /** The peer moved. Throws NetError BAD_ADDRESS; a live link is left alone. */
  setAddresses(peer: number, addresses: readonly string[]): void {
    const record = this.#directory.at(peer);
    record.setAddresses(addresses);
    if (record.link === undefined) record.dialer?.kick();
  }

  /**
   * From now on these are the peers. Whoever is new is admitted, and dialled where that is our
   * part; whoever is not among them any more, or comes under another network key, is cut off and
   * forgotten; links of the others are left alone. Our own entry is skipped.
   *
   * An address that is none is logged and left out. Throws NetError BAD_OPTIONS; the peers before
   * the one at fault are changed then.
   */
  setPeers(peers: readonly MeshPeer[]): void {
    const own = this.#identity.privateKey.publicKey.raw;
    const others = peers.filter(({ networkKey }) => !equalBytes(networkKey, own));
    for (const record of this.#directory.all()) {
      const kept = others.find(({ index }) => index === record.index);
      if (kept === undefined || !equalBytes(kept.networkKey, record.networkKey)) {
        this.#removePeer(record);
      }
    }
    for (const peer of others) {
      const known = this.#directory.find(peer.index);
      if (known === undefined) this.#addPeer(peer);
    }
  }

  #addPeer(peer: MeshPeer): void {
    let record: PeerRecord;
    try {
      record = this.#directory.add(peer);
    } catch (error) {
      if (!(error instanceof NetError) || error.code !== "BAD_ADDRESS") throw error;
      // A slip in the configuration of a peer that comes later must not stop a running node.
      this.#logger.error({ name: peer.name, ...error.toJSON() }, "peer without address");
      record = this.#directory.add({ ...peer, addresses: [] });
    }
    if (record.weDial) record.dialer = this.#newDialer(record);
    if (this.#state === "started") record.dialer?.start();
    this.#logger.info({ validator: peer.index, name: peer.name }, "peer admitted");
  }

  #removePeer(record: PeerRecord): void {
    const gone = new NetError("NOT_A_PEER", "not a peer any more");
    void record.dialer?.stop();
    record.dialer = undefined;
    for (const link of this.#links.values()) {
      if (link.peer === record.index) void link.end(gone);
    }
    this.#directory.remove(record);
    this.#logger.info({ validator: record.index, name: record.name }, "peer removed");
  }

  #newDialer(record: PeerRecord): Dialer {
    const { backoffMinMs, backoffMaxMs, stableLinkMs } = this.#limits;
    return new Dialer({
      backoffMinMs,
      backoffMaxMs,
      stableLinkMs,
      random: this.#random,
      holdOffMs: () => record.penalty.banLeftMs(now()),
      attempt: (signal) => this.#dial(record, signal),
      onFatal: this.#onFatal,
      onFailure: (error) => this.#logEnd(record, error, record.note(error)),
    });
  }

  /** One attempt of the dialer: see DialerOptions.attempt. */
  async #dial(record: PeerRecord, stop: AbortSignal): Promise<number> {
    if (record.addresses.length === 0) throw new NetError("NO_ADDRESS", "no address to dial");
    record.dials += 1;
    const signal = AbortSignal.any([stop, AbortSignal.timeout(this.#limits.dialTimeoutMs)]);
    const connection = await dialPeer(this.#requireHost(), record.addresses, signal);
    const link = this.#newLink(record, connection);
    try {
      for (const frameClass of FRAME_CLASSES) {
        const stream = await openStream(connection, frameClass, signal);
        if (link.ended) stream.abort(new NetError("CONNECTION_ENDED", "the link has ended"));
        else link.attach(frameClass, stream);
      }
    } catch (thrown) {
      void link.end(asNetError(thrown));
    }
    return link.finished;
  }

  #onConnection(connection: Connection): void {
    if (connection.direction !== "inbound") return;
    const record = this.#directory.of(connection.remotePeer);
    if (record === undefined || this.#state !== "started") {
      connection.abort(new NetError("STOPPED", "the mesh takes no connections"));
      return;
    }
    this.#newLink(record, connection);
  }

  #onStream(frameClass: FrameClass, stream: Stream, connection: Connection): void {
    const link = this.#links.get(connection.id);
    if (link === undefined) stream.abort(new NetError("CONNECTION_ENDED", "the link has ended"));
    else link.attach(frameClass, stream);
  }

  #newLink(record: PeerRecord, connection: Connection): PeerLink {
    const link = new PeerLink({
      connection,
      peer: record.index,
      own: this.#own,
      limits: this.#limits,
      traffic: record.traffic,
      now,
      logger: this.#logger,
      events: {
        established: (established, hello) => this.#onEstablished(record, established, hello),
        frame: (kind, payload) => this.#frameHandler?.(record.index, kind, payload),
        ended: (ended, error) => this.#onEnded(record, connection, ended, error),
        handlerFailed: (thrown) => this.#handlerFailed("frame", thrown, record.index),
      },
    });
    this.#links.set(connection.id, link);
    return link;
  }

  #onEstablished(record: PeerRecord, link: PeerLink, hello: Hello): void {
    // The dialer opens a second link only when it has lost the first: the newer one is alive.
    void record.link?.end(new NetError("REPLACED", "the peer connected again"));
    record.link = link;
    record.hello = hello;
    record.links += 1;
    record.sinceMs = Date.now();
    const data = { validator: record.index, name: record.name, software: hello.software };
    this.#logger.info({ ...data, address: link.remoteAddress }, "peer connected");
    this.#announce(record.index, "connected", "HELLO");
    link.release();
  }

  #onEnded(record: PeerRecord, connection: Connection, link: PeerLink, error: NetError): void {
    this.#links.delete(connection.id);
    const isNews = record.note(error);
    if (isRefusal(error.code)) this.#refusals.add(error.code);
    const wasUp = record.link === link;
    if (wasUp) {
      this.#linksEnded.add(error.code);
      record.link = undefined;
      record.sinceMs = Date.now();
    }
    this.#logEnd(record, error, isNews || wasUp);
    if (wasUp) this.#announce(record.index, "disconnected", error.code);
    // What the peer says of us is no fault of the peer's.
    if (isPenalty(error.code) && error.data["by"] !== "peer") {
      this.penalise(record.index, error.code);
    }
  }

  #logEnd(record: PeerRecord, error: NetError, isNews: boolean): void {
    const data = { validator: record.index, name: record.name, ...error.toJSON() };
    if (error.code === "STOPPED" || !isNews) this.#logger.debug(data, "no link");
    else this.#logger.warn(data, "no link");
  }

  #announce(...event: Parameters<PeerHandler>): void {
    this.#guard("peer", () => this.#peerHandler?.(...event));
  }

  #send(record: PeerRecord, kind: MessageKind, payload: Uint8Array): SendResult {
    const link = record.link;
    if (link === undefined) {
      record.traffic.drops.add("NOT_CONNECTED");
      return NOT_CONNECTED;
    }
    const { name, maxBytes } = present(FRAME_RULES.get(kind), "rule of a message kind");
    let reason: DropReason | undefined;
    if (payload.length > maxBytes) {
      reason = "FRAME_TOO_LARGE";
      this.#logger.error({ kind: name, bytes: payload.length, maxBytes }, "own frame too large");
    } else {
      reason = link.send(kind, payload);
    }
    if (reason === undefined) return QUEUED;
    record.traffic.drops.add(reason);
    return { status: "dropped", reason };
  }

  async #stop(deadlineMs: number): Promise<void> {
    const wasStarted = this.#state === "started";
    const endMs = now() + deadlineMs;
    this.#state = "stopped";
    clearInterval(this.#ticker);
    if (!wasStarted) return;
    const stopped = new NetError("STOPPED", "the mesh stops");
    const dialers = [...this.#directory.all()].map((record) => record.dialer?.stop());
    const links = [...this.#links.values()].map((link) => link.end(stopped));
    await withinMs(Promise.all([...links, ...dialers]), deadlineMs / 2);
    const host = this.#requireHost();
    for (const connection of host.getConnections()) connection.abort(stopped);
    const inTime = await stopHost(host, Math.max(1, endMs - now()));
    if (inTime) this.#logger.info({}, "mesh stopped");
    else this.#logger.warn({ deadlineMs }, "libp2p did not stop in time; left behind");
  }

  #requireHost(): Libp2p {
    return present(this.#host, "host of a created mesh");
  }

  /** No listener of libp2p may throw: that would be an uncaught exception. */
  #guard(what: string, work: () => void): void {
    try {
      work();
    } catch (thrown) {
      this.#handlerFailed(what, thrown);
    }
  }

  #handlerFailed(what: string, thrown: unknown, validator = -1): void {
    this.#handlerErrors += 1;
    this.#logger.error({ what, validator, cause: messageOf(thrown) }, "handler failed");
    if (thrown instanceof InvariantError) this.#onFatal(thrown);
  }
}

function now(): number {
  return performance.now();
}

/** Out of libp2p's hands, so that the process hears of it and stops. */
function throwLater(error: InvariantError): void {
  setImmediate(() => {
    throw error;
  });
}

function isPenalty(code: string): code is PenaltyReason {
  return Object.hasOwn(PENALTY_POINTS, code);
}

function asNetError(thrown: unknown): NetError {
  return thrown instanceof NetError ? thrown : new NetError("DIAL_FAILED", messageOf(thrown));
}
