import type { InvariantError } from "../../primitives/assert.ts";
import type { FrameClass, MessageKind } from "./frame.ts";
import type { MeshLimits } from "./limits.ts";
import type { DropReason, NetCode, RefusalCode } from "./net-error.ts";
import type { PenaltyReason } from "./penalty.ts";

/** Where the mesh writes its log; pino's loggers fit as they are. */
export interface NetLogger {
  debug(data: object, message: string): void;
  info(data: object, message: string): void;
  warn(data: object, message: string): void;
  error(data: object, message: string): void;
}

/** A registered validator as the mesh needs to know it. */
export interface MeshPeer {
  /** Its number on this chain, which stays over changes of the set; two are never the same. */
  readonly index: number;
  /** For logs and status. */
  readonly name: string;
  /** Ed25519 public key of the network identity, 32 bytes. */
  readonly networkKey: Uint8Array;
  /** Where it listens: multiaddrs or `host:port` (`[v6]:port`); may be empty if it dials us. */
  readonly addresses: readonly string[];
}

export interface MeshOptions {
  /** SHA-256 of the genesis, 64 hex digits: a peer of another chain is refused. */
  readonly chainId: string;
  /** Our own number, or UNKNOWN_NUMBER while we are none of the peers that we know of. */
  readonly self: number;
  /**
   * Peers with lower numbers know each other's addresses from the start: of two of them the one
   * with the lower peer id dials. Of others the one with the higher number does, who came later
   * and knows where the earlier ones listen. Absent: all are founders.
   */
  readonly founders?: number;
  /** Ed25519 seed of our network identity, 32 bytes. */
  readonly networkSeed: Uint8Array;
  /** Whom we talk to; our own entry may be in it and is then checked against the seed. */
  readonly peers: readonly MeshPeer[];
  /** Multiaddrs or `host:port`; port 0 lets the system choose. */
  readonly listen: readonly string[];
  /** Both ends must speak the same one. */
  readonly protocolVersion: number;
  /** Name and version of this software, told to peers: printable ASCII, at most 64 bytes. */
  readonly software: string;
  readonly logger: NetLogger;
  /** IP addresses and CIDR ranges that may connect to us at all; absent means any. */
  readonly inboundAddresses?: readonly string[];
  readonly limits?: Partial<MeshLimits>;
  /** 0 ≤ x < 1, for the jitter of the back-off; Math.random if absent. */
  readonly random?: () => number;
  /**
   * Told of an InvariantError that one of the handlers threw: the process must stop. If absent it
   * is thrown from a macrotask of its own, as an uncaught exception.
   */
  readonly onFatal?: (error: InvariantError) => void;
}

/**
 * What became of a frame. `queued` promises nothing about delivery: a link can break with frames
 * under way, and a full priority queue gives up its oldest frames (counted as EVICTED). Whoever
 * needs an answer must send again by state.
 */
export type SendResult =
  | { readonly status: "queued" }
  | { readonly status: "dropped"; readonly reason: DropReason }
  | { readonly status: "not-connected" };

/**
 * Called once per frame, in order within a stream, never before the peer is announced as connected.
 * The payload belongs to the handler. A promise means that the frame is still being worked on: when
 * too many bytes are, the mesh stops reading from that stream until some settle. A throw or a
 * rejection is counted, logged, and ends the link.
 */
export type FrameHandler = (
  from: number,
  kind: MessageKind,
  payload: Uint8Array,
) => void | Promise<void>;

/** `reason` is the code that ended the link, or "HELLO" for a new one. */
export type PeerHandler = (
  index: number,
  event: "connected" | "disconnected",
  reason: NetCode | "HELLO",
) => void;

export interface ClassStatus {
  readonly framesIn: number;
  readonly bytesIn: number;
  readonly framesOut: number;
  readonly bytesOut: number;
  /** Waiting in our send queue now. */
  readonly queuedFrames: number;
  readonly queuedBytes: number;
  /** Handed to the frame handler and not finished. */
  readonly inFlightBytes: number;
}

export interface PeerStatus {
  readonly index: number;
  readonly name: string;
  readonly peerId: string;
  readonly connected: boolean;
  /** Wall-clock milliseconds of the last change of `connected`; undefined before the first. */
  readonly sinceMs: number | undefined;
  /** Who opens the connection: see MeshOptions.founders. */
  readonly dialer: "self" | "peer";
  readonly rttMs: number | undefined;
  /** As told in the peer's last hello. */
  readonly software: string | undefined;
  readonly protocolVersion: number | undefined;
  readonly remoteAddress: string | undefined;
  readonly traffic: Readonly<Record<FrameClass, ClassStatus>>;
  /** Frames that were not sent, by reason. */
  readonly drops: Readonly<Partial<Record<DropReason, number>>>;
  /** Links that ended or attempts that failed, by code. */
  readonly ends: Readonly<Partial<Record<NetCode, number>>>;
  readonly penalties: Readonly<Partial<Record<PenaltyReason, number>>>;
  readonly penaltyPoints: number;
  /** Milliseconds until a banned peer is admitted again; 0 when it is not banned. */
  readonly banLeftMs: number;
  readonly dials: number;
  readonly links: number;
  readonly lastError:
    | { readonly code: NetCode; readonly message: string; readonly atMs: number }
    | undefined;
}

export interface MeshMetrics {
  readonly peers: readonly PeerStatus[];
  readonly connected: number;
  /** Connections turned away before any stream, and refused handshakes, by code. */
  readonly refusals: Readonly<Partial<Record<RefusalCode, number>>>;
  /** Links that were established and have ended since the start. */
  readonly linksEnded: Readonly<Partial<Record<NetCode, number>>>;
  /** Throws and rejections of the owner's handlers. */
  readonly handlerErrors: number;
}

/** Whether we dial now or have to wait for the peer, whose part it is to dial. */
export type RedialResult = "dialing" | "awaits-peer";
