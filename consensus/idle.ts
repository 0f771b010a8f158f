import { hasOpenEvidence } from "./evidence-pool.ts";
import { armView, cancelTimer, disarmView, isRunning, startTimer } from "./pacemaker.ts";
import { weightOf } from "./quorum.ts";
import { type ConsensusState, certificateAt, findView, isOwnView, type Turn } from "./state.ts";

/**
 * Whether there is anything to agree on. Without work the leader stays silent and no view timer
 * runs, so an idle network exchanges Status messages only. One peer alone cannot wake it: the
 * votes of a view count from the weight that holds an honest signer.
 */
export function hasWork(turn: Turn): boolean {
  const { state } = turn;
  return (
    state.pending ||
    hasOpenEvidence(state) ||
    isUnfinished(turn) ||
    turn.now >= heartbeatDueMs(turn) ||
    voterWeight(turn) >= state.config.validators.oneHonest
  );
}

/**
 * Whether a notarized block has been waiting to become final. It gets two message delays in the
 * current view, one for the slowest to see the notarization and one for its finalize vote. A leader
 * that proposed at once would notarize the next block before this one is final, and so on: empty
 * blocks for ever, each only there to finish the one before.
 */
function isUnfinished(turn: Turn): boolean {
  const { state } = turn;
  return state.notarizedViews.size > 0 && state.pacemaker.unfinished;
}

function watchUnfinished(turn: Turn): void {
  const { state, now } = turn;
  if (state.notarizedViews.size === 0) cancelTimer(state, "unfinished");
  else if (!state.pacemaker.unfinished && !isRunning(state, "unfinished")) {
    startTimer(turn, "unfinished", now + 2 * state.config.parameters.deltaMs);
  }
}

/**
 * When an empty block is due, ms of own clock: for the leader one heartbeat after the tip, for the
 * others two clock precisions later, so that a punctual leader is never voted out. The tip may be
 * notarized only: counted from the last final block, the heartbeat would be due for the next leader
 * still while it waits for the finality of the block that has just been the heartbeat.
 */
function heartbeatDueMs(turn: Turn): number {
  const { state } = turn;
  const { heartbeatMs, precisionMs } = state.config.parameters;
  const grace = isOwnView(state, state.view) ? 0 : 2 * precisionMs;
  return tipTimestampMs(state) + heartbeatMs + grace;
}

/** Of the block notarized in the highest view, if it is known, or of the last final one. */
function tipTimestampMs(state: ConsensusState): number {
  let highest = 0;
  for (const view of state.notarizedViews) highest = Math.max(highest, view);
  const digest = certificateAt(state, highest, "notarize")?.target?.blockDigest;
  const tip = digest === undefined ? undefined : state.blocks.get(digest);
  return tip?.header.timestampMs ?? state.floor.timestampMs;
}

/** Weight of all who signed any vote in the current view, self included. */
function voterWeight(turn: Turn): number {
  const { state } = turn;
  let weight = 0;
  for (const signer of findView(state, state.view)?.votes.keys() ?? []) {
    weight += weightOf(state.config.validators, signer);
  }
  return weight;
}

/** Whether this node takes part in the views: a validator that may vote, in an epoch that goes on. */
export function participates(turn: Turn): boolean {
  const { state } = turn;
  return (
    state.config.self !== undefined && state.halted === undefined && state.gate.open && !state.ended
  );
}

/** Starts or stops the view's clocks to match the work, and the heartbeat's alarm. */
export function followWork(turn: Turn): void {
  const { state } = turn;
  if (!participates(turn)) {
    if (state.pacemaker.armed) disarmView(state);
    return;
  }
  watchUnfinished(turn);
  const work = hasWork(turn);
  const { deltaMs, packingMs, heartbeatMs, precisionMs } = state.config.parameters;
  if (work && !state.pacemaker.armed) {
    // On waking, the leader hears of the work one hop and one batch later than we do.
    armView(turn, state.viewEntered === state.view ? 0 : deltaMs + packingMs);
  } else if (!work && state.pacemaker.armed) {
    disarmView(state);
  }
  state.viewEntered = 0;
  if (!work) {
    // A tip far in the future of a wrong clock must not make a timer that never fires.
    const latest = turn.now + heartbeatMs + 2 * precisionMs;
    const due = Math.min(heartbeatDueMs(turn), latest);
    startTimer(turn, "heartbeat", due);
  }
}
