import { invariant, present } from "../primitives/assert.ts";
import { sameTarget } from "./certificate.ts";
import { MAX_PENDING_SIGNATURES } from "./limits.ts";
import {
  type ConsensusState,
  certificateAt,
  halt,
  isOwnView,
  persist,
  type Turn,
  viewAt,
} from "./state.ts";
import { statementBytes } from "./statements.ts";
import type { Target, VoteKind } from "./types.ts";

/** Why a vote may not be signed. */
export type GuardRefusal =
  | "OBSERVER"
  | "HALTED"
  | "EPOCH_ENDED"
  | "NOT_STARTED"
  | "SETTLED_VIEW"
  | "LATER_VIEW"
  | "WITHOUT_CERTIFICATE"
  | "ALREADY_VOTED"
  | "NOTARIZE_AFTER_NULLIFY"
  | "NULLIFY_AFTER_FINALIZE"
  | "FINALIZE_AFTER_NULLIFY"
  | "NOT_NOTARIZED"
  | "NOT_VALIDATED"
  | "SIGNER_BUSY";

/**
 * The one rule of what this node may sign, over the table of votes that its journal holds. Asked
 * for every vote and nowhere else decided; returns undefined when the vote is allowed.
 *
 * In one view: at most one notarize, at most one nullify, at most one finalize vote, never nullify
 * and finalize both, no notarize after a nullify. Nothing after the end of the epoch. Nothing at or below the floor, also not the floor
 * that the journal remembers from before a restart: votes down there are forgotten, so a second,
 * different one could not be seen.
 */
export function guardRefusal(
  state: ConsensusState,
  kind: VoteKind,
  view: number,
  target: Target | undefined,
): GuardRefusal | undefined {
  if (state.config.self === undefined) return "OBSERVER";
  if (state.halted !== undefined) return "HALTED";
  if (state.ended) return "EPOCH_ENDED";
  if (!state.gate.open) return "NOT_STARTED";
  if (view <= state.floor.view || view <= state.voteFloorView) return "SETTLED_VIEW";
  if (view > state.view) return "LATER_VIEW";
  if (view === state.view && !viewIsEntered(state, view)) return "WITHOUT_CERTIFICATE";
  const own = state.views.get(view)?.own ?? {};
  if (own[kind] !== undefined) return "ALREADY_VOTED";
  if (state.pendingSignatures.size >= MAX_PENDING_SIGNATURES) return "SIGNER_BUSY";
  switch (kind) {
    case "notarize":
      if (view !== state.view || own.finalize !== undefined) return "SETTLED_VIEW";
      if (own.nullify !== undefined) return "NOTARIZE_AFTER_NULLIFY";
      return isValidated(state, target) ? undefined : "NOT_VALIDATED";
    case "nullify":
      return own.finalize === undefined ? undefined : "NULLIFY_AFTER_FINALIZE";
    case "finalize": {
      if (own.nullify !== undefined) return "FINALIZE_AFTER_NULLIFY";
      const notarization = certificateAt(state, view, "notarize");
      if (notarization === undefined || !sameTarget(notarization.target, target)) {
        return "NOT_NOTARIZED";
      }
      return isValidated(state, target) ? undefined : "NOT_VALIDATED";
    }
  }
}

/** A view is entered by a certificate of the one before it, which is in the journal by then. */
function viewIsEntered(state: ConsensusState, view: number): boolean {
  if (view === state.floor.view + 1) return true;
  const before = state.views.get(view - 1)?.certificates ?? {};
  return (
    before.notarize !== undefined || before.nullify !== undefined || before.finalize !== undefined
  );
}

function isValidated(state: ConsensusState, target: Target | undefined): boolean {
  return target !== undefined && state.blocks.get(target.blockDigest)?.verdict === "valid";
}

/**
 * Votes, if the guard allows it: the header and the record go to the journal, then the signature is
 * asked for. The record is what binds; the signature is released only when it is durable. True when
 * the vote was cast.
 */
export function castVote(
  turn: Turn,
  kind: VoteKind,
  view: number,
  target: Target | undefined,
): boolean {
  const { state } = turn;
  if (guardRefusal(state, kind, view, target) !== undefined) return false;
  viewAt(state, view).own[kind] = { target, signature: undefined };
  if (target !== undefined) makeHeaderDurable(turn, target.blockDigest);
  persist(turn, [{ type: "vote", body: { kind, epoch: state.config.epoch, view, target } }]);
  requestSignature(turn, kind, view);
  return true;
}

/** The header that a vote names is in the journal before the vote. */
function makeHeaderDurable(turn: Turn, digest: string): void {
  const entry = present(turn.state.blocks.get(digest), "block of a vote");
  if (entry.durable) return;
  entry.durable = true;
  persist(turn, [{ type: "header", body: entry.header }]);
}

/**
 * Asks for the signature of a vote that stands in the table. Ed25519 is deterministic: asked again
 * after a restart it gives the same bytes. A leader's notarize vote is also its proposal.
 */
export function requestSignature(turn: Turn, kind: VoteKind, view: number): void {
  const { state } = turn;
  const { chainId, epoch } = state.config;
  const vote = present(state.views.get(view)?.own[kind], "durable vote to sign");
  invariant(vote.signature === undefined, "a vote is signed once");
  const withProposal = kind === "notarize" && isOwnView(state, view);
  const kinds = withProposal ? (["proposal", kind] as const) : [kind];
  const id = state.nextSignId;
  state.nextSignId += 1;
  state.pendingSignatures.set(id, { view, kind, withProposal });
  turn.effects.push({
    type: "sign",
    id,
    statements: kinds.map((each) => statementBytes(each, chainId, epoch, view, vote.target)),
  });
}

/**
 * Stops this node when the network shows a vote of its key that it never recorded: its journal was
 * lost or rolled back, or another process signs with the same key.
 */
export function checkOwnVote(
  turn: Turn,
  kind: VoteKind,
  view: number,
  target: Target | undefined,
): void {
  const { state } = turn;
  if (view <= state.voteFloorView || view <= state.floor.view) return;
  const own = state.views.get(view)?.own[kind];
  if (own !== undefined && sameTarget(own.target, target)) return;
  const code = state.gate.open ? "FOREIGN_SELF_VOTE" : "AMNESIA";
  halt(turn, code, view, `a ${kind} vote of our key in view ${view} is not in our journal`);
}
