import { invariant } from "../primitives/assert.ts";
import { sameTarget } from "./certificate.ts";
import { acceptCertificate } from "./certificates.ts";
import { detectContradiction } from "./evidence-pool.ts";
import { MAX_VOTES_PER_SLOT, VOTE_WINDOW } from "./limits.ts";
import { weightOf } from "./quorum.ts";
import { checkOwnVote } from "./safety-guard.ts";
import {
  type ConsensusState,
  certificateAt,
  persist,
  type SignerVotes,
  type Turn,
  viewAt,
} from "./state.ts";
import type { Certificate, Target, Vote, VoteKind } from "./types.ts";

/** Whether votes of a view are kept: above the floor, not too far ahead, still able to matter. */
export function inVoteWindow(state: ConsensusState, view: number): boolean {
  if (state.ended || view <= state.floor.view || view > state.view + VOTE_WINDOW) return false;
  return view > state.compactedView || certificateAt(state, view, "nullify") === undefined;
}

/**
 * Counts a verified vote of a peer. A second, different vote of the same kind counts too: quorums
 * bear it, and keeping it proves the equivocation. A vote under our own key that our journal does
 * not know means that another process signs for us.
 */
export function addVote(turn: Turn, vote: Vote): void {
  const { state } = turn;
  if (!inVoteWindow(state, vote.view)) return;
  if (vote.signer === state.config.self) {
    checkOwnVote(turn, vote.kind, vote.view, vote.target);
    return;
  }
  if (record(turn, vote)) formCertificate(turn, vote.view, vote.kind, vote.target);
}

/** Counts a vote of this node, once its signature is there. */
export function addOwnVote(turn: Turn, vote: Vote): void {
  invariant(vote.signer === turn.state.config.self, "own vote carries own index");
  if (record(turn, vote)) formCertificate(turn, vote.view, vote.kind, vote.target);
}

/** Stores a vote; false when it tells nothing new. */
function record(turn: Turn, vote: Vote): boolean {
  const votes = votesOf(turn.state, vote.view, vote.signer);
  const slot = votes[vote.kind];
  if (slot.some((known) => sameTarget(known.target, vote.target))) return false;
  if (slot.length >= MAX_VOTES_PER_SLOT) return false;
  slot.push(vote);
  rememberNewest(turn.state, vote);
  const proof = detectContradiction(turn, votes);
  persist(
    turn,
    proof.map((body) => ({ type: "witness", body })),
  );
  return true;
}

function rememberNewest(state: ConsensusState, vote: Vote): void {
  if (vote.signer === state.config.self) return;
  const newest = state.newestVotes.get(vote.signer) ?? {};
  const before = newest[vote.kind];
  if (before === undefined || before.view < vote.view) newest[vote.kind] = vote;
  state.newestVotes.set(vote.signer, newest);
}

function votesOf(state: ConsensusState, view: number, signer: number): SignerVotes {
  const { votes } = viewAt(state, view);
  const known = votes.get(signer);
  if (known !== undefined) return known;
  const made: SignerVotes = { notarize: [], nullify: [], finalize: [] };
  votes.set(signer, made);
  return made;
}

/** A vote read from the journal; nothing is formed or reported yet. */
export function restoreVote(state: ConsensusState, vote: Vote): void {
  const slot = votesOf(state, vote.view, vote.signer)[vote.kind];
  const known = slot.some(({ target }) => sameTarget(target, vote.target));
  if (!known && slot.length < MAX_VOTES_PER_SLOT) slot.push(vote);
}

/** The votes of one kind and target in a view, at most one a signer, in index order. */
function supporters(
  state: ConsensusState,
  view: number,
  kind: VoteKind,
  target: Target | undefined,
): readonly Vote[] {
  const found: Vote[] = [];
  for (const votes of state.views.get(view)?.votes.values() ?? []) {
    const vote = votes[kind].find((candidate) => sameTarget(candidate.target, target));
    if (vote !== undefined) found.push(vote);
  }
  return found.sort((a, b) => a.signer - b.signer);
}

/** Weight behind nullifying a view. */
export function nullifyWeight(state: ConsensusState, view: number): number {
  return supporters(state, view, "nullify", undefined).reduce(
    (sum, { signer }) => sum + weightOf(state.config.validators, signer),
    0,
  );
}

/** Makes the certificate as soon as the votes weigh a quorum. */
function formCertificate(
  turn: Turn,
  view: number,
  kind: VoteKind,
  target: Target | undefined,
): void {
  const { state } = turn;
  const held = certificateAt(state, view, kind);
  if (held !== undefined && sameTarget(held.target, target)) return;
  const votes = supporters(state, view, kind, target);
  let weight = 0;
  let signers = 0;
  for (const { signer } of votes) {
    weight += weightOf(state.config.validators, signer);
    signers |= 1 << signer;
  }
  if (weight < state.config.validators.quorum) return;
  const certificate: Certificate = {
    kind,
    epoch: state.config.epoch,
    view,
    target,
    signers,
    signatures: votes.map(({ signature }) => signature),
  };
  acceptCertificate(turn, certificate, "relay");
}
