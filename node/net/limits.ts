import { type FrameClass, FrameKind, type FrameKindName } from "./frame.ts";

const KiB = 1 << 10;
const MiB = 1 << 20;

export interface FrameRule {
  readonly name: FrameKindName;
  /** The streams that may carry the kind; `all` is for the handshake. */
  readonly stream: FrameClass | "all";
  /** Largest payload in bytes, checked on the length prefix, before anything is allocated. */
  readonly maxBytes: number;
}

function rule(name: FrameKindName, stream: FrameRule["stream"], maxBytes: number): FrameRule {
  return { name, stream, maxBytes };
}

/** Every kind's stream and cap, with the reason for the cap. A kind that is not here is refused. */
export const FRAME_RULES: ReadonlyMap<number, FrameRule> = new Map(
  [
    // A version, a chain id, an index and 64 bytes of software name: under 150 bytes.
    rule("hello", "all", 1 * KiB),
    rule("helloAck", "all", 1 * KiB),
    // Eight bytes that the pong repeats.
    rule("ping", "priority", 64),
    rule("pong", "priority", 64),
    // Header (64 batch digests: 2.3 KiB, evidence: 2 KiB) and a justification of up to 65 certificates of 1.7 KiB.
    rule("proposal", "priority", 256 * KiB),
    // A 75-byte statement, a 64-byte signature and the envelope.
    rule("vote", "priority", 1 * KiB),
    // 25 signatures of 64 bytes, a bitmap and the statement: 1.7 KiB.
    rule("certificate", "priority", 4 * KiB),
    // Views and heights, the newest finalization and one stored vote.
    rule("status", "priority", 4 * KiB),
    rule("getBlocks", "priority", 8 * KiB),
    // At most 64 blocks or 4 MiB of bodies a reply; the rest is the envelope.
    rule("blocks", "bulk", 4 * MiB + 64 * KiB),
    rule("getHeader", "priority", 8 * KiB),
    // One header and the certificate that proves it.
    rule("header", "priority", 16 * KiB),
    // Two statements of under 150 bytes with their signatures.
    rule("evidence", "priority", 1 * KiB),
    rule("getCertificates", "priority", 8 * KiB),
    // 64 views with up to two certificates of 1.7 KiB each.
    rule("certificates", "priority", 256 * KiB),
    // 256 KiB of transactions and their envelope.
    rule("batch", "bulk", 300 * KiB),
    // Up to 100 digests of 32 bytes.
    rule("batchHave", "bulk", 4 * KiB),
    rule("getBatches", "bulk", 8 * KiB),
    // The responder truncates its answer to 4 MiB of batches.
    rule("batches", "bulk", 4 * MiB + 64 * KiB),
    // A request id, and for a chunk its height, place and hash.
    rule("getSnapshotManifest", "bulk", 1 * KiB),
    // 4096 chunk hashes, and a header, a certificate and a validator set for each epoch.
    rule("snapshotManifest", "bulk", 4 * MiB + 1 * KiB),
    rule("getSnapshotChunk", "bulk", 1 * KiB),
    // One chunk is at most 1 MiB.
    rule("snapshotChunk", "bulk", 1 * MiB + 1 * KiB),
  ].map((entry) => [FrameKind[entry.name], entry] as const),
);

/** The largest payload that any kind of the stream may have: a longer prefix needs no kind. */
export const LARGEST_FRAME: Readonly<Record<FrameClass, number>> = {
  priority: largestOn("priority"),
  bulk: largestOn("bulk"),
};

function largestOn(stream: FrameClass): number {
  let largest = 0;
  for (const { stream: carrier, maxBytes } of FRAME_RULES.values()) {
    if (carrier === stream || carrier === "all") largest = Math.max(largest, maxBytes);
  }
  return largest;
}

export interface QueueBounds {
  readonly maxBytes: number;
  readonly maxFrames: number;
  /**
   * What gives way when a frame does not fit. Consensus messages are superseded by newer ones and
   * are sent again from state, so the oldest goes; a batch or a block range is as good as the next.
   */
  readonly whenFull: "evict-oldest" | "refuse-new";
}

/** Bounds of one mesh. Time on a link is counted in ticks: see `tickMs`. */
export interface MeshLimits {
  /**
   * The mesh's only clock for links. A timer that is late because our own event loop was blocked
   * fires once, so a block costs one tick and never makes a healthy peer look dead.
   */
  readonly tickMs: number;
  readonly heartbeatEveryTicks: number;
  /** A peer from which nothing at all arrived for this many heartbeats is given up. */
  readonly heartbeatsMissed: number;
  /** A frame may stay unfinished this long whatever its rate. */
  readonly frameGraceTicks: number;
  /** After the grace an unfinished frame must have brought this many bytes a tick. */
  readonly frameMinBytesPerTick: number;
  /** The transport took nothing for this long: the peer does not read. */
  readonly drainTicks: Readonly<Record<FrameClass, number>>;
  readonly queues: Readonly<Record<FrameClass, QueueBounds>>;
  /** Bytes handed to the frame handler and not finished: above `high` we stop reading. */
  readonly inFlightHighBytes: number;
  readonly inFlightLowBytes: number;
  /** One send to the transport: more costs latency for the other stream, less costs calls. */
  readonly sendChunkBytes: number;
  readonly helloTimeoutMs: number;
  readonly dialTimeoutMs: number;
  readonly backoffMinMs: number;
  readonly backoffMaxMs: number;
  /** A link that lived this long was good: the back-off starts again from its minimum. */
  readonly stableLinkMs: number;
  /** Close handshakes get this long before the abort. */
  readonly closeGraceMs: number;
}

export const DEFAULT_MESH_LIMITS: MeshLimits = {
  tickMs: 1_000,
  // 3 s × 5: survives 6 s of a blocked peer with a margin of two, finds a dead one in 15 s.
  heartbeatEveryTicks: 3,
  heartbeatsMissed: 5,
  // One byte every ten seconds is cut after eleven; 4 MiB at the least rate ends after 74 s.
  frameGraceTicks: 10,
  frameMinBytesPerTick: 64 * KiB,
  // Bulk readers may wait for their disk; nobody may hold up votes that long.
  drainTicks: { priority: 10, bulk: 30 },
  queues: {
    // 25 validators' votes and certificates of 64 views fit several times over.
    priority: { maxBytes: 8 * MiB, maxFrames: 8_192, whenFull: "evict-oldest" },
    // Seven block ranges or a hundred batches: a second of a gigabit link is four times as much.
    bulk: { maxBytes: 32 * MiB, maxFrames: 1_024, whenFull: "refuse-new" },
  },
  // Twice the stream window, so that a resume that delivers a whole window does not pause at once.
  inFlightHighBytes: 2 * MiB,
  inFlightLowBytes: 512 * KiB,
  sendChunkBytes: 64 * KiB,
  helloTimeoutMs: 5_000,
  dialTimeoutMs: 5_000,
  backoffMinMs: 200,
  backoffMaxMs: 5_000,
  stableLinkMs: 5_000,
  closeGraceMs: 500,
};

/** Bounds of the libp2p host. */
export const HOST_LIMITS = {
  /** A stream window must be at most half the read buffer, or a paused stream is reset (yamux). */
  maxStreamWindowBytes: 1 * MiB,
  maxReadBufferBytes: 4 * MiB,
  /** We never send into a stream that waits for drain, so one chunk is all it may hold. */
  maxWriteBufferBytes: 1 * MiB,
  /** Two streams a link and room for a handshake that failed half way. */
  maxStreamsPerConnection: 8,
  maxStreamsPerProtocol: 2,
  /** A dead link that is not yet noticed, its successor, and one that is still shaking hands. */
  maxConnectionsPerPeer: 4,
  maxConnections: 128,
  /** Noise handshakes at work at one time: each costs a few curve operations. */
  maxPendingInbound: 64,
  /** Connections a second from one address; a cluster on one host shares one address. */
  inboundPerSecondPerAddress: 200,
  inboundUpgradeTimeoutMs: 5_000,
  negotiationTimeoutMs: 5_000,
  /** Heartbeats keep a link busy; a silent socket is one whose handshake never ended. */
  socketInactivityMs: 60_000,
  /** Gives yamux the round-trip time from which it sizes its windows. */
  keepAliveMs: 10_000,
  maxAddressesPerPeer: 8,
} as const;

/** Pings and pongs that may wait on one link: one of each is normal. */
export const MAX_CONTROL_FRAMES = 8;

/** Peers in a mesh: 25 validators, those that join, and those that left and still follow. */
export const MAX_PEERS = 64;

/** Peers have numbers below this one, which stands for a node that doesn't know its own. */
export const UNKNOWN_NUMBER = 0xffff;
