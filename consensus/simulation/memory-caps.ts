import {
  EVIDENCE_EPOCHS,
  MAX_EPOCH_CLAIMS,
  MAX_PENDING_SIGNATURES,
  MAX_PROPOSALS_PER_VIEW,
  MAX_TENTATIVE_HEADERS,
  MAX_UNAPPLIED_BLOCKS,
  MAX_VALIDATORS,
  MAX_VOTES_PER_SLOT,
  MAX_WANTED_HEADERS,
  VOTE_WINDOW,
} from "../limits.ts";
import type { ConsensusState } from "../state.ts";

/** Blocks are pruned beyond this many; those that something above the floor names stay. */
const PRUNED_BLOCKS = 4 * VOTE_WINDOW;

/** One commit may bring as many blocks as a catch-up reply on top of those that wait. */
const MAX_UNAPPLIED = 2 * MAX_UNAPPLIED_BLOCKS;

/** Participants of one simulation: validators, and spares that only follow. */
const MAX_PEERS = 2 * MAX_VALIDATORS;

/**
 * S11: what of a core's memory is above its bound, in words; undefined while all is well. The bounds
 * are those of limits.ts, read here a second time by other code than keeps them.
 */
export function excessOf(state: ConsensusState): string | undefined {
  const { validators } = state.config.validators;
  const perSigner = validators.length * EVIDENCE_EPOCHS;
  const certified = state.notarizedViews.size + state.finalizedViews.size;
  const bounds: readonly (readonly [name: string, size: number, bound: number])[] = [
    ["blocks", state.blocks.size, PRUNED_BLOCKS + certified + 2 * VOTE_WINDOW],
    ["unapplied blocks", state.unapplied.length, MAX_UNAPPLIED],
    ["wanted headers", state.wanted.size, MAX_WANTED_HEADERS],
    ["pending signatures", state.pendingSignatures.size, MAX_PENDING_SIGNATURES],
    ["tentative headers", state.catchUp.tentative.length, MAX_TENTATIVE_HEADERS],
    ["claims of later epochs", state.catchUp.claims.size, MAX_EPOCH_CLAIMS],
    ["evidence", state.evidence.size, perSigner],
    ["newest votes", state.newestVotes.size, validators.length],
    ["clock offsets", state.clockOffsets.size, validators.length],
    ["peers met", state.met.size, MAX_PEERS],
    ["answers to peers", state.answeredAtMs.size, MAX_PEERS],
  ];
  for (const [name, size, bound] of bounds) {
    if (size > bound) return `${size} ${name}, bound ${bound}`;
  }
  return excessOfViews(state);
}

function excessOfViews(state: ConsensusState): string | undefined {
  for (const [view, { votes, certificates, proposals }] of state.views) {
    const certified = Object.keys(certificates).length > 0;
    if (view > state.view + VOTE_WINDOW && !certified) return `votes of view ${view}, far ahead`;
    if (view <= state.floor.view) return `view ${view} at or below the floor`;
    if (proposals.length > MAX_PROPOSALS_PER_VIEW) return `proposals of view ${view}`;
    if (votes.size > state.config.validators.validators.length) return `signers of view ${view}`;
    for (const slots of votes.values()) {
      const most = Math.max(slots.notarize.length, slots.nullify.length, slots.finalize.length);
      if (most > MAX_VOTES_PER_SLOT) return `${most} votes of one signer in view ${view}`;
    }
  }
  return undefined;
}
