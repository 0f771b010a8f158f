import { addHeader, findBlock, fitsParent, settleBlock } from "./block-tree.ts";
import { sameTarget } from "./certificate.ts";
import { acceptCertificate } from "./certificates.ts";
import { closesEpoch, isCopy } from "./closing.ts";
import type { ParentBlock } from "./effects.ts";
import { reportFault, wantCertificates, wantHeader } from "./fetch.ts";
import { type BlockHeader, headerDigest } from "./header.ts";
import { justify } from "./justification.ts";
import { MAX_JUSTIFIED_SKIPS, MAX_PROPOSALS_PER_VIEW } from "./limits.ts";
import { type ProposalBody, proposalTarget } from "./messages.ts";
import { nullify } from "./nullify.ts";
import { backoff, startTimer } from "./pacemaker.ts";
import { castVote } from "./safety-guard.ts";
import {
  type ConsensusState,
  certificateAt,
  findView,
  leaderAt,
  persist,
  type StoredProposal,
  type Turn,
  viewAt,
} from "./state.ts";
import { addVote, inVoteWindow } from "./tally.ts";
import { acceptableAtMs, judgeTimestamp } from "./timestamps.ts";
import type { PeerIndex, Target, Vote } from "./types.ts";

/**
 * A leader's proposal. Its notarize vote counts whatever else is wrong; its certificates are taken
 * first, they may bring us into the view; then it is kept until the view's turn to look at it.
 */
export function onProposal(turn: Turn, from: PeerIndex, body: ProposalBody): void {
  const { state } = turn;
  const { view, header } = body;
  if (!inVoteWindow(state, view)) return;
  const digest = headerDigest(header);
  const target = proposalTarget(body, digest);
  const leader = leaderAt(state, view);
  const vote: Vote = {
    kind: "notarize",
    epoch: state.config.epoch,
    view,
    target,
    signer: leader,
    signature: body.notarizeSignature,
  };
  addVote(turn, vote);
  for (const certificate of body.justification) acceptCertificate(turn, certificate, "relay");
  if (view <= state.floor.view || leader === state.config.self) return;
  if (isCertified(state, view, digest)) addHeader(state, header);
  if (view < state.view) return;
  if (isBroken(state, view, target)) {
    reportFault(turn, from, "BROKEN_JUSTIFICATION");
    return;
  }
  const { proposals } = viewAt(state, view);
  if (proposals.some((known) => sameTarget(known.target, target))) return;
  if (proposals.length >= MAX_PROPOSALS_PER_VIEW) return;
  addHeader(state, header);
  if (proposals.length === 0) persist(turn, [{ type: "witness", body: vote }]);
  proposals.push({ body, digest, target, from, receivedAtMs: turn.now, timely: false });
}

function isCertified(state: ConsensusState, view: number, digest: string): boolean {
  const certificate =
    certificateAt(state, view, "notarize") ?? certificateAt(state, view, "finalize");
  return certificate?.target?.blockDigest === digest;
}

/**
 * A justification that fits one message must prove everything by itself; only one of more skipped
 * views than that may leave the rest to be fetched. The signed part may still be good: another
 * copy with the right certificates is welcome.
 */
function isBroken(state: ConsensusState, view: number, target: Target): boolean {
  const justification = justify(state, view, target);
  if (justification.kind === "complete") return false;
  if (justification.kind === "contradicted") return true;
  return view - target.parentView - 1 <= MAX_JUSTIFIED_SKIPS;
}

/**
 * Rule 3: notarizes the first proposal of the current view's leader as soon as everything is
 * proved, here and valid; nullifies when it is bad or untimely; otherwise leaves it pending until
 * the view's clock runs out.
 */
export function considerProposal(turn: Turn): void {
  const { state } = turn;
  const { view } = state;
  const record = findView(state, view);
  const proposal = record?.proposals[0];
  if (record === undefined || proposal === undefined) return;
  if (record.own.notarize !== undefined || record.own.nullify !== undefined) return;
  const { target, digest } = proposal;
  const justification = justify(state, view, target);
  if (justification.kind === "contradicted") return;
  if (justification.kind === "missing") {
    wantCertificates(turn, justification.view, proposal.from);
    return;
  }
  const parent = findBlock(state, target.parentDigest);
  if (parent === undefined) {
    wantHeader(turn, target.parentDigest, proposal.from);
    return;
  }
  const { header } = proposal.body;
  if (!standsRightly(state, view, header, target, parent)) {
    nullify(turn, "BAD_BLOCK");
    return;
  }
  // A copy keeps the timestamp, which a quorum has found timely once.
  if (!isCopy(target) && !proposal.timely && !checkTimely(turn, proposal)) return;
  const standing = settleBlock(turn, digest, view);
  switch (standing.kind) {
    case "valid":
      castVote(turn, "notarize", view, target);
      return;
    case "bad":
      nullify(turn, "BAD_BLOCK");
      return;
    case "missing":
      wantHeader(turn, standing.digest, proposal.from);
      return;
    case "asked":
    case "orphan":
      return;
  }
}

/**
 * Whether a proposal may stand on its parent, as far as the two headers tell: an ordinary block by
 * all its fields; a copy only if its block closes the epoch. That block was judged by its fields
 * when it was proposed first.
 */
function standsRightly(
  state: ConsensusState,
  view: number,
  header: BlockHeader,
  target: Target,
  parent: ParentBlock,
): boolean {
  if (isCopy(target)) return closesEpoch(state.config, header);
  return header.proposer === leaderAt(state, view) && fitsParent(state.config, header, parent);
}

/** Decides once whether the timestamp is timely; a future one is looked at again in time. */
function checkTimely(turn: Turn, proposal: StoredProposal): boolean {
  const { state, now } = turn;
  const { timestampMs } = proposal.body.header;
  const { parameters } = state.config;
  const factor = backoff(state);
  switch (judgeTimestamp(timestampMs, proposal.receivedAtMs, now, factor, parameters)) {
    case "timely":
      proposal.timely = true;
      return true;
    case "future":
      startTimer(turn, "timestamp", acceptableAtMs(timestampMs, parameters));
      return false;
    case "late":
      nullify(turn, "NOT_TIMELY");
      return false;
  }
}
