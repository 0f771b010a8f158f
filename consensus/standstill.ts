import { askAgain } from "./block-tree.ts";
import { collectCertificates } from "./certificates.ts";
import { openEvidence } from "./evidence-pool.ts";
import { hasWork, participates } from "./idle.ts";
import { MIN_ANSWER_INTERVAL_MS, VIEWS_PER_RESEND } from "./limits.ts";
import type { ConsensusMessage } from "./messages.ts";
import { startTimer } from "./pacemaker.ts";
import { castVote } from "./safety-guard.ts";
import type { ConsensusState, Turn } from "./state.ts";
import { statusMessage } from "./status-message.ts";
import type { PeerIndex } from "./types.ts";

/** Where resent messages go: one peer, or all. */
type Audience = PeerIndex | "all";

function deliver(turn: Turn, to: Audience, message: ConsensusMessage): void {
  turn.effects.push(to === "all" ? { type: "broadcast", message } : { type: "send", to, message });
}

/**
 * Once a period. While there is work and the floor has not moved since the last time, everything
 * that may be missing elsewhere goes out again; this is what makes lost messages harmless.
 */
export function onStandstillTimer(turn: Turn): void {
  const { state, now } = turn;
  startTimer(turn, "standstill", now + state.config.parameters.standstillMs);
  const stuck = state.floor.view === state.standstillFloorView;
  state.standstillFloorView = state.floor.view;
  if (!stuck || !participates(turn) || !hasWork(turn)) return;
  nullifyHoles(turn);
  if (state.pacemaker.build?.failed === true) state.pacemaker.build = undefined;
  askAgain(state);
  deliver(turn, "all", statusMessage(turn, "standstill"));
  resendCertificates(turn, "all", state.floor.view + 1);
  resendOwnVotes(turn, "all");
  resendEvidence(turn, "all");
}

/**
 * A view left behind without any certificate could block every later proposal, which must prove
 * that it may skip it. Voting against it is safe as long as this node has not voted to finalize it.
 * Not while finality above is being fetched: that settles the views below it.
 */
function nullifyHoles(turn: Turn): void {
  const { state } = turn;
  if (state.finalizedViews.size > 0) return;
  let cast = 0;
  for (let view = state.floor.view + 1; view < state.view && cast < VIEWS_PER_RESEND; view++) {
    const { certificates, own } = state.views.get(view) ?? { certificates: {}, own: {} };
    if (certificates.notarize !== undefined || certificates.nullify !== undefined) continue;
    if (own.nullify !== undefined) cast += 1;
    else if (castVote(turn, "nullify", view, undefined)) {
      cast += 1;
      turn.effects.push({ type: "report", report: { kind: "nullifying", view, reason: "HOLE" } });
    }
  }
}

/** Certificates from `fromView` on, lowest views first, bounded. A Status brings the floor's. */
export function resendCertificates(turn: Turn, to: Audience, fromView: number): void {
  for (const body of collectCertificates(turn.state, fromView, VIEWS_PER_RESEND)) {
    deliver(turn, to, { type: "certificate", body });
  }
}

/** Own votes above the floor in their first bytes, lowest views first, bounded; own proposal. */
export function resendOwnVotes(turn: Turn, to: Audience): void {
  const { state } = turn;
  const { self } = state.config;
  if (self === undefined || state.halted !== undefined) return;
  const views = [...state.views.keys()].sort((a, b) => a - b);
  let counted = 0;
  for (const view of views) {
    if (counted >= VIEWS_PER_RESEND && view !== state.view) continue;
    if (sendVotesOf(turn, to, view, self)) counted += 1;
  }
}

function sendVotesOf(turn: Turn, to: Audience, view: number, signer: number): boolean {
  const { state } = turn;
  const { epoch } = state.config;
  const record = state.views.get(view);
  if (record === undefined) return false;
  let sent = false;
  const proposal = record.ownProposal;
  if (proposal !== undefined && view === state.view) {
    deliver(turn, to, { type: "proposal", body: proposal });
    sent = true;
  }
  for (const kind of ["notarize", "nullify", "finalize"] as const) {
    const vote = record.own[kind];
    if (vote?.signature === undefined) continue;
    const { target, signature } = vote;
    deliver(turn, to, { type: "vote", body: { kind, epoch, view, target, signer, signature } });
    sent = true;
  }
  return sent;
}

/** A connection stands again: what was lost on the old one is sent at once. */
export function onPeerConnected(turn: Turn, peer: PeerIndex): void {
  const { state } = turn;
  deliver(turn, peer, statusMessage(turn, state.gate.open ? "periodic" : "starting"));
  resendCertificates(turn, peer, state.floor.view + 1);
  resendOwnVotes(turn, peer);
  resendEvidence(turn, peer);
}

/**
 * The first sign of a peer in this epoch, which others may have begun before it: what it could not
 * read then goes out to it at once instead of at the next standstill.
 */
export function meetPeer(turn: Turn, peer: PeerIndex, at: { readonly floorView: number }): void {
  const { state } = turn;
  if (state.config.previous === undefined || state.met.has(peer)) return;
  state.met.add(peer);
  resendCertificates(turn, peer, at.floorView + 1);
  resendOwnVotes(turn, peer);
  resendEvidence(turn, peer);
}

/**
 * A peer is still in an earlier epoch. If that is the last one, its closing finalization leads the
 * peer out; else it learns from our Status where we are, and fetches blocks. Nothing that we say
 * crosses an epoch: each is proved to it by the set it knows.
 */
export function answerOlderEpoch(turn: Turn, peer: PeerIndex, epoch: number): void {
  const { state } = turn;
  const { previous } = state.config;
  if (previous?.epoch !== epoch || !mayAnswer(state, turn.now, peer)) return;
  deliver(turn, peer, { type: "certificate", body: previous.closing.finalization });
}

/** Few and small; each node keeps and passes on one proof for each signer. */
function resendEvidence(turn: Turn, to: Audience): void {
  for (const body of openEvidence(turn.state)) deliver(turn, to, { type: "evidence", body });
}

/**
 * A peer is stuck. Whoever is further sends what takes it on, and everybody its own votes, also
 * when it sees no work itself. Bounded for each peer by a pause.
 */
export function answerStandstill(
  turn: Turn,
  peer: PeerIndex,
  at: { readonly floorView: number; readonly view: number },
): void {
  const { state } = turn;
  if (!mayAnswer(state, turn.now, peer)) return;
  if (at.floorView < state.floor.view || at.view < state.view) {
    resendCertificates(turn, peer, at.floorView + 1);
  }
  resendOwnVotes(turn, peer);
}

function mayAnswer(state: ConsensusState, now: number, peer: PeerIndex): boolean {
  const last = state.answeredAtMs.get(peer);
  // A clock that jumped back must not silence us.
  if (last !== undefined && last <= now && now - last < MIN_ANSWER_INTERVAL_MS) return false;
  state.answeredAtMs.set(peer, now);
  return true;
}
