import { invariant } from "../../primitives/assert.ts";

/**
 * What validators say to each other, one byte on the wire. A number is never reused, only added.
 * The payload's meaning belongs to the sender and the receiver of the kind: the mesh looks inside
 * its own four kinds only.
 */
export const FrameKind = {
  hello: 1,
  helloAck: 2,
  ping: 3,
  pong: 4,

  proposal: 16,
  vote: 17,
  certificate: 18,
  status: 19,
  getBlocks: 20,
  blocks: 21,
  getHeader: 22,
  header: 23,
  getCertificates: 24,
  certificates: 25,
  evidence: 26,

  batch: 32,
  batchHave: 33,
  getBatches: 34,
  batches: 35,

  getSnapshotManifest: 40,
  snapshotManifest: 41,
  getSnapshotChunk: 42,
  snapshotChunk: 43,
} as const;

export type FrameKindName = keyof typeof FrameKind;
export type FrameKind = (typeof FrameKind)[FrameKindName];

/** Kinds that the mesh itself sends and answers; they never reach the frame handler. */
export type ControlKind =
  | typeof FrameKind.hello
  | typeof FrameKind.helloAck
  | typeof FrameKind.ping
  | typeof FrameKind.pong;

/** Kinds that callers send and that the frame handler receives. */
export type MessageKind = Exclude<FrameKind, ControlKind>;

/**
 * The two long-lived streams of a link. Votes and small requests travel on `priority`; whatever
 * may be large travels on `bulk`, so that a block range never stands in front of a vote.
 */
export const FRAME_CLASSES = ["priority", "bulk"] as const;
export type FrameClass = (typeof FRAME_CLASSES)[number];

/** Length (u32, big-endian, of the payload alone), then the kind. */
export const FRAME_HEADER_BYTES = 5;

export interface Frame {
  readonly kind: FrameKind;
  /** Owned by the receiver: never a view of a pooled network buffer. */
  readonly payload: Uint8Array;
}

/** Writes the five header bytes of a frame at `offset`. */
export function writeFrameHeader(
  out: Uint8Array,
  offset: number,
  kind: FrameKind,
  payloadLength: number,
): void {
  invariant(out.length - offset >= FRAME_HEADER_BYTES, "room for a frame header");
  out[offset] = (payloadLength >>> 24) & 0xff;
  out[offset + 1] = (payloadLength >>> 16) & 0xff;
  out[offset + 2] = (payloadLength >>> 8) & 0xff;
  out[offset + 3] = payloadLength & 0xff;
  out[offset + 4] = kind;
}

/** One whole frame in its own memory: for the handshake and for tests. */
export function encodeFrame(kind: FrameKind, payload: Uint8Array): Uint8Array {
  const out = new Uint8Array(FRAME_HEADER_BYTES + payload.length);
  writeFrameHeader(out, 0, kind, payload.length);
  out.set(payload, FRAME_HEADER_BYTES);
  return out;
}
