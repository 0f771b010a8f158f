import { CodedError } from "../../primitives/errors.ts";

/** Why a connection or a handshake is refused. The hello's answer carries some of these. */
export const REFUSAL_CODES = [
  "UNKNOWN_PEER",
  "WRONG_CHAIN",
  "PROTOCOL_VERSION",
  "WRONG_VALIDATOR",
  "WRONG_DIALER",
  "WRONG_STREAM",
  "PEER_BANNED",
  "TOO_MANY_CONNECTIONS",
  "ADDRESS_NOT_ALLOWED",
  "HELLO_MALFORMED",
] as const;
export type RefusalCode = (typeof REFUSAL_CODES)[number];

/** Why a link ended, or why it never came to be. */
export const LINK_CODES = [
  "FRAME_TOO_LARGE",
  "FRAME_KIND_UNKNOWN",
  "FRAME_ON_WRONG_STREAM",
  "FRAME_OUT_OF_TURN",
  "FRAME_DEADLINE",
  "DRAIN_DEADLINE",
  "HELLO_TIMEOUT",
  "DUPLICATE_STREAM",
  "MUXER_VIOLATION",
  "PEER_SILENT",
  "STREAM_ENDED",
  "CONNECTION_ENDED",
  "REPLACED",
  "REDIAL",
  "PENALISED",
  "HANDLER_FAILED",
  "DIAL_FAILED",
  "NO_ADDRESS",
  "STOPPED",
  "NOT_A_PEER",
] as const;
export type LinkCode = (typeof LINK_CODES)[number];

/** Why an established link may have ended: the peer's verdict can come late. */
export const LINK_END_REASONS = [...LINK_CODES, ...REFUSAL_CODES] as const;
export type LinkEndReason = (typeof LINK_END_REASONS)[number];

/** Misuse of the mesh by its owner, found when it is built or started. */
export type SetupCode = "BAD_ADDRESS" | "BAD_OPTIONS" | "LISTEN_FAILED";

export type NetCode = RefusalCode | LinkCode | SetupCode;

/** Everything that goes wrong between validators, with a stable reason code. */
export class NetError<Code extends NetCode = NetCode> extends CodedError<Code> {
  override readonly name = "NetError";
}

/** Why a frame that was to be sent is not sent. */
export const DROP_REASONS = [
  "QUEUE_FULL",
  "EVICTED",
  "FRAME_TOO_LARGE",
  "LINK_LOST",
  "CONTROL_OVERFLOW",
  "NOT_CONNECTED",
] as const;
export type DropReason = (typeof DROP_REASONS)[number];
