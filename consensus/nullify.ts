import type { NullifyReason } from "./effects.ts";
import { castVote } from "./safety-guard.ts";
import { findView, isOwnView, leaderAt, type Turn } from "./state.ts";
import { nullifyWeight } from "./tally.ts";

/** Votes to skip the current view, unless that is done or excluded. */
export function nullify(turn: Turn, reason: NullifyReason): void {
  const { view } = turn.state;
  if (!castVote(turn, "nullify", view, undefined)) return;
  turn.effects.push({ type: "report", report: { kind: "nullifying", view, reason } });
}

/** Rule 4: nullifies the current view when there is a reason that needs no look at a block. */
export function considerNullify(turn: Turn): void {
  const reason = nullifyReason(turn);
  if (reason !== undefined) nullify(turn, reason);
}

function nullifyReason(turn: Turn): NullifyReason | undefined {
  const { state } = turn;
  const { view, pacemaker } = state;
  const record = findView(state, view);
  const leader = leaderAt(state, view);
  const ofLeader = record?.votes.get(leader);
  if ((ofLeader?.notarize.length ?? 0) > 1) return "LEADER_EQUIVOCATED";
  if (leader !== state.config.self && (ofLeader?.nullify.length ?? 0) > 0) {
    return "LEADER_NULLIFIED";
  }
  // That much weight holds an honest signer with a reason of its own; waiting gains nothing.
  if (nullifyWeight(state, view) >= state.config.validators.oneHonest) return "AMPLIFIED";
  const proposed = record?.own.notarize !== undefined || (record?.proposals.length ?? 0) > 0;
  if (pacemaker.leaderExpired && !proposed) {
    return isOwnView(state, view) ? "CANNOT_PROPOSE" : "NO_PROPOSAL";
  }
  return pacemaker.advanceExpired ? "NO_CERTIFICATE" : undefined;
}
