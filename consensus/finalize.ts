import { present } from "../primitives/assert.ts";
import { type Standing, settleBlock } from "./block-tree.ts";
import { closesEpoch, isCopy } from "./closing.ts";
import { wantHeader } from "./fetch.ts";
import { castVote } from "./safety-guard.ts";
import { type ConsensusState, certificateAt, halt, leaderAt, type Turn } from "./state.ts";
import type { Target } from "./types.ts";

/**
 * The standing of a notarized block, with the consequences: a missing header is asked for at once;
 * a block that is bad to our executor although a quorum found it valid means that our state differs
 * from the network's; one beside the final chain means that finality broke. Both stop this node.
 */
export function settleNotarized(turn: Turn, view: number): Standing {
  const { state } = turn;
  const notarization = present(certificateAt(state, view, "notarize"), "notarization");
  const target = present(notarization.target, "notarized block");
  const { blockDigest } = target;
  const standing = settleBlock(turn, blockDigest, view);
  switch (standing.kind) {
    case "missing":
      wantHeader(turn, standing.digest, undefined);
      return standing;
    case "orphan":
      halt(turn, "SAFETY_VIOLATION", view, "a block beside the final chain is notarized above it");
      return standing;
    case "bad":
      halt(turn, "DIVERGENCE", view, `block ${blockDigest} is notarized and bad to this node`);
      return standing;
    case "valid": {
      if (isRightlyProposed(state, view, target)) return standing;
      halt(turn, "DIVERGENCE", view, `block ${blockDigest} is notarized and not rightly proposed`);
      return { kind: "bad" };
    }
    case "asked":
      return standing;
  }
}

/** A block is proposed by the leader whom it names; a copy is of a block that closes the epoch. */
function isRightlyProposed(state: ConsensusState, view: number, target: Target): boolean {
  const header = state.blocks.get(target.blockDigest)?.header;
  if (isCopy(target)) return closesEpoch(state.config, header);
  return header?.proposer === leaderAt(state, view) && header.parentDigest === target.parentDigest;
}

/**
 * Rule 5: votes to finalize each notarized block above the floor that is valid here, also in a view
 * that is over. The notarization is in the journal by then; the guard refuses after a nullify vote.
 */
export function considerFinalize(turn: Turn): void {
  const { state } = turn;
  for (const view of state.notarizedViews) {
    if (state.halted !== undefined) return;
    const record = present(state.views.get(view), "notarized view");
    const { notarize, nullify } = record.certificates;
    // What is nullified can't become final; its block is settled only if a leader builds on it.
    if (nullify !== undefined || record.own.finalize !== undefined) continue;
    const standing = settleNotarized(turn, view);
    if (standing.kind !== "valid" || record.own.nullify !== undefined) continue;
    const target: Target = present(notarize?.target, "notarized block");
    castVote(turn, "finalize", view, target);
  }
}
