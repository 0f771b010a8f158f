import { addHeader } from "./block-tree.ts";
import { acceptCertificate, collectCertificates, isKnown } from "./certificates.ts";
import type { PeerFaultCode } from "./effects.ts";
import { headerDigest } from "./header.ts";
import { MAX_RETRY_MS, MAX_WANTED_HEADERS, VIEWS_PER_RESEND } from "./limits.ts";
import type { CertificatesBody, HeaderBody } from "./messages.ts";
import { startTimer } from "./pacemaker.ts";
import type { ConsensusState, Turn } from "./state.ts";
import type { Certificate, PeerIndex } from "./types.ts";

/** The next validator after `peer` in index order that is not this node. */
export function peerAfter(state: ConsensusState, peer: PeerIndex): PeerIndex {
  const count = state.config.validators.validators.length;
  const next = (peer + 1) % count;
  return next === state.config.self ? (next + 1) % count : next;
}

/** A validator to ask first: the one named, unless that is this node or an observer. */
export function peerOr(state: ConsensusState, peer: PeerIndex | undefined): PeerIndex {
  const count = state.config.validators.validators.length;
  const usable = peer !== undefined && peer < count && peer !== state.config.self;
  return usable ? peer : peerAfter(state, state.view % count);
}

/** Time for one request and its reply; doubles with each failure in a row. */
export function retryMs(state: ConsensusState, attempts: number): number {
  const { deltaMs } = state.config.parameters;
  return Math.min(4 * deltaMs * 2 ** Math.min(attempts, 16), MAX_RETRY_MS);
}

export function nextRequestId(state: ConsensusState): number {
  const id = state.nextRequestId;
  state.nextRequestId += 1;
  return id;
}

export function reportFault(turn: Turn, peer: PeerIndex, code: PeerFaultCode): void {
  turn.effects.push({ type: "report", report: { kind: "peerFault", peer, code } });
}

/**
 * Asks for a header by digest, at once, and again from the next peer until it comes. Only digests
 * that a certificate or a certified descendant names are wanted, so that the replies are bounded.
 */
export function wantHeader(turn: Turn, digest: string, hint: PeerIndex | undefined): void {
  const { state } = turn;
  if (state.wanted.has(digest) || state.wanted.size >= MAX_WANTED_HEADERS) return;
  const peer = peerOr(state, hint);
  const requestId = nextRequestId(state);
  state.wanted.set(digest, { requestId, peer, attempts: 0 });
  const message = { type: "getHeader", body: { requestId, digest } } as const;
  turn.effects.push({ type: "send", to: peer, message });
  ensureFetchTimer(turn);
}

/**
 * Asks for certificates from a view on: a leader needs them to propose, a voter to see that a
 * proposal skips rightly. One request at a time; whoever still lacks something asks again when it
 * is over.
 */
export function wantCertificates(turn: Turn, fromView: number, hint: PeerIndex | undefined): void {
  const { state } = turn;
  if (state.certificatesRequest !== undefined) return;
  const peer = peerOr(state, state.certificatesPeer ?? hint);
  const requestId = nextRequestId(state);
  state.certificatesRequest = { requestId, peer, fromView };
  const body = { requestId, epoch: state.config.epoch, fromView };
  turn.effects.push({ type: "send", to: peer, message: { type: "getCertificates", body } });
  ensureFetchTimer(turn);
}

function ensureFetchTimer(turn: Turn): void {
  const { state, now } = turn;
  let attempts = state.certificatesRequest === undefined ? 16 : state.certificatesAttempts;
  for (const wanted of state.wanted.values()) attempts = Math.min(attempts, wanted.attempts);
  const deadline = now + retryMs(state, attempts);
  const running = state.timers.get("fetch")?.deadlineMs;
  if (running === undefined || running > deadline) startTimer(turn, "fetch", deadline);
}

/** What is still wanted is asked of the next peer. */
export function onFetchTimer(turn: Turn): void {
  const { state } = turn;
  for (const [digest, wanted] of state.wanted) {
    wanted.attempts += 1;
    wanted.peer = peerAfter(state, wanted.peer);
    wanted.requestId = nextRequestId(state);
    const message = {
      type: "getHeader",
      body: { requestId: wanted.requestId, digest },
    } as const;
    turn.effects.push({ type: "send", to: wanted.peer, message });
  }
  const request = state.certificatesRequest;
  if (request !== undefined) {
    // Whoever needs them asks again in this very step.
    state.certificatesRequest = undefined;
    state.certificatesAttempts += 1;
    state.certificatesPeer = peerAfter(state, request.peer);
  }
  if (state.wanted.size > 0) ensureFetchTimer(turn);
}

export function onHeader(turn: Turn, from: PeerIndex, body: HeaderBody): void {
  const { state } = turn;
  for (const [digest, wanted] of state.wanted) {
    if (wanted.requestId !== body.requestId) continue;
    if (wanted.peer !== from) {
      reportFault(turn, from, "UNSOLICITED");
      return;
    }
    // A refusal is an answer; the timer asks the next peer.
    if (body.header === undefined) return;
    if (headerDigest(body.header) === digest) addHeader(state, body.header);
    else reportFault(turn, from, "WRONG_HEADER");
    return;
  }
}

export function onGetHeader(turn: Turn, from: PeerIndex, requestId: number, digest: string): void {
  const { state } = turn;
  const entry =
    state.blocks.get(digest) ?? state.unapplied.find((block) => block.digest === digest);
  const header = entry?.header ?? (digest === state.floor.digest ? state.floor.header : undefined);
  const refusal = header === undefined ? "UNKNOWN" : undefined;
  const body: HeaderBody = { requestId, header, refusal };
  turn.effects.push({ type: "send", to: from, message: { type: "header", body } });
}

export function onGetCertificates(
  turn: Turn,
  from: PeerIndex,
  requestId: number,
  epoch: number,
  fromView: number,
): void {
  const { state } = turn;
  const certificates = servedCertificates(state, epoch, fromView);
  const refusal = certificates.length === 0 ? "UNKNOWN" : undefined;
  const body: CertificatesBody = { requestId, certificates, refusal };
  turn.effects.push({ type: "send", to: from, message: { type: "certificates", body } });
}

/** Of the epoch before, only what ends it is kept: it takes the peer further than all the rest. */
function servedCertificates(
  state: ConsensusState,
  epoch: number,
  fromView: number,
): readonly Certificate[] {
  const { config } = state;
  if (epoch === config.epoch) return collectCertificates(state, fromView, VIEWS_PER_RESEND);
  return config.previous?.epoch === epoch ? [config.previous.closing.finalization] : [];
}

export function onCertificates(turn: Turn, from: PeerIndex, body: CertificatesBody): void {
  const { state } = turn;
  const request = state.certificatesRequest;
  if (request?.requestId !== body.requestId) return;
  if (request.peer !== from) {
    reportFault(turn, from, "UNSOLICITED");
    return;
  }
  const fresh = body.certificates.filter((certificate) => !isKnown(state, certificate));
  for (const certificate of fresh) acceptCertificate(turn, certificate, "relay");
  // Nothing new: the timer asks the next peer. Else whoever lacks more asks on.
  if (fresh.length === 0) return;
  state.certificatesRequest = undefined;
  state.certificatesAttempts = 0;
  state.certificatesPeer = undefined;
}
