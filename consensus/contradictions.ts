import type { SignedStatement } from "./effects.ts";
import type { SignerVotes, Turn } from "./state.ts";
import { voteStatement } from "./statements.ts";
import type { Vote } from "./types.ts";

/**
 * Two statements of one key in one view that no correct validator signs together: two different
 * notarize votes (a leader's two proposals are such a pair, it signs both), two different finalize
 * votes, or nullify and finalize. Notarize and nullify together are legal.
 */
export function contradictionOf(votes: SignerVotes): readonly [Vote, Vote] | undefined {
  for (const kind of ["notarize", "finalize"] as const) {
    const [first, second] = votes[kind];
    if (first !== undefined && second !== undefined) return [first, second];
  }
  const nullify = votes.nullify[0];
  const finalize = votes.finalize[0];
  if (nullify !== undefined && finalize !== undefined) return [nullify, finalize];
  return undefined;
}

/** Reports a signer's first contradiction in a view, with both signed statements, and keeps it. */
export function reportContradiction(turn: Turn, votes: SignerVotes): readonly Vote[] {
  if (votes.reported) return [];
  const pair = contradictionOf(votes);
  if (pair === undefined) return [];
  votes.reported = true;
  const [first, second] = pair;
  const { chainId } = turn.state.config;
  const signed = (vote: Vote): SignedStatement => ({
    statement: voteStatement(chainId, vote),
    signature: vote.signature,
  });
  turn.effects.push({
    type: "report",
    report: {
      kind: "evidence",
      signer: first.signer,
      epoch: first.epoch,
      view: first.view,
      first: signed(first),
      second: signed(second),
    },
  });
  return pair;
}
