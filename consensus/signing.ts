import { invariant, present } from "../primitives/assert.ts";
import { assembleProposal } from "./propose.ts";
import type { PendingSignature, Turn } from "./state.ts";
import { addOwnVote } from "./tally.ts";
import type { Vote } from "./types.ts";

/**
 * The signer has answered. The vote's record has been durable since before it was asked, so the
 * vote goes out and into the own tally: a broadcast never comes back to its sender.
 */
export function onSigned(turn: Turn, id: number, signatures: readonly Uint8Array[]): void {
  const { state } = turn;
  const pending = state.pendingSignatures.get(id);
  if (pending === undefined) return;
  state.pendingSignatures.delete(id);
  const { view, kind, withProposal } = pending;
  invariant(signatures.length === (withProposal ? 2 : 1), "a signature for each statement");
  invariant(
    signatures.every(({ length }) => length === 64),
    "signatures of 64 bytes",
  );
  // Settled meanwhile: the vote is forgotten together with its view.
  if (view <= state.floor.view || state.ended || state.halted !== undefined) return;
  const own = present(state.views.get(view)?.own[kind], "vote that was signed");
  const signature = present(signatures.at(-1), "signature of the vote");
  own.signature = signature;
  const signer = present(state.config.self, "own index");
  const { epoch } = state.config;
  const vote: Vote = { kind, epoch, view, target: own.target, signer, signature };
  sendVote(turn, vote, pending, signatures);
  addOwnVote(turn, vote);
}

/** A leader's notarize vote travels as its proposal, every other vote by itself. */
function sendVote(
  turn: Turn,
  vote: Vote,
  pending: PendingSignature,
  signatures: readonly Uint8Array[],
): void {
  const { state } = turn;
  const [proposalSignature] = signatures;
  if (pending.withProposal && vote.target !== undefined && proposalSignature !== undefined) {
    const body = assembleProposal(turn, vote.view, vote.target, {
      proposal: proposalSignature,
      notarize: vote.signature,
    });
    if (body !== undefined) {
      const record = state.views.get(vote.view);
      if (record !== undefined && vote.view === state.view) record.ownProposal = body;
      turn.effects.push({ type: "broadcast", message: { type: "proposal", body } });
      return;
    }
  }
  turn.effects.push({ type: "broadcast", message: { type: "vote", body: vote } });
}
