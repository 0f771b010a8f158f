import { invariant } from "../primitives/assert.ts";
import type { Timer, TimerKind } from "./events.ts";
import {
  BACKOFF_BASE,
  BACKOFF_CAP,
  BACKOFF_MARGIN,
  MAX_ADVANCE_MS,
  MAX_BACKOFF_STEPS,
  VOTE_WINDOW,
} from "./limits.ts";
import type { ConsensusParameters } from "./parameters.ts";
import { type ConsensusState, certificateAt, freshPacemaker, type Turn } from "./state.ts";

/** Runs `kind` until `deadlineMs` of the own clock; asking again for the same does nothing. */
export function startTimer(turn: Turn, kind: TimerKind, deadlineMs: number): void {
  const { state, now } = turn;
  const previous = state.timers.get(kind);
  if (previous?.deadlineMs === deadlineMs && previous.view === state.view) return;
  const generation = (previous?.generation ?? 0) + 1;
  state.timers.set(kind, { generation, deadlineMs, view: state.view });
  turn.effects.push({
    type: "setTimer",
    timer: { kind, epoch: state.config.epoch, view: state.view, generation },
    delayMs: Math.max(0, deadlineMs - now),
  });
}

/** A timer that fires after this is stale. */
export function cancelTimer(state: ConsensusState, kind: TimerKind): void {
  const timer = state.timers.get(kind);
  if (timer === undefined || timer.deadlineMs === undefined) return;
  timer.generation += 1;
  timer.deadlineMs = undefined;
}

export function isRunning(state: ConsensusState, kind: TimerKind): boolean {
  return state.timers.get(kind)?.deadlineMs !== undefined;
}

/** Whether a fired timer is the one that runs; then it runs no more. */
export function takeTimer(state: ConsensusState, timer: Timer): boolean {
  const running = state.timers.get(timer.kind);
  const live =
    running !== undefined &&
    running.deadlineMs !== undefined &&
    running.generation === timer.generation &&
    running.view === timer.view &&
    timer.epoch === state.config.epoch;
  if (live) running.deadlineMs = undefined;
  return live;
}

/**
 * Factor of all view times after `steps` steps: 1.5^steps, at most 20. Repeated multiplication,
 * because the last bits of a power are the engine's choice.
 */
export function backoffFactor(steps: number): number {
  let factor = 1;
  for (let k = steps; k > 0 && factor < BACKOFF_CAP; k--) factor *= BACKOFF_BASE;
  return Math.min(factor, BACKOFF_CAP);
}

/**
 * Steps of back-off, the most of three: views since the floor less two; what is left of the steps
 * that finality needed before; and what the last notarized view has needed. At most so many that
 * the factor is at its cap.
 */
export function backoffSteps(state: ConsensusState): number {
  const distance = state.view - state.floor.view - 2;
  const most = Math.max(0, distance, state.carriedSteps, state.neededSteps);
  return Math.min(MAX_BACKOFF_STEPS, most);
}

/** The factor of the current view. */
export function backoff(state: ConsensusState): number {
  return backoffFactor(backoffSteps(state));
}

/**
 * The floor is about to move over `blocks` blocks: each takes one step off. If the first final block
 * took all of them, a network whose views are too short for its load would lose the next views
 * again, up to the same factor, for each block that it makes. For the same reason no block takes
 * the steps without which the last notarized view would have been lost. A leader that draws its
 * view out on purpose adds one step, which the next two or three leaders take off again.
 */
export function relaxBackoff(state: ConsensusState, blocks: number): void {
  state.carriedSteps = Math.max(0, backoffSteps(state) - blocks);
}

/** Time for a proposal, and for a certificate, both from entering the view; ms. */
export function viewTimeouts(
  parameters: ConsensusParameters,
  factor: number,
): { leaderMs: number; advanceMs: number } {
  const { deltaMs, buildMs, executionMs, minBlockIntervalMs } = parameters;
  const leader = 2 * deltaMs + buildMs + minBlockIntervalMs;
  const advance = leader + 2 * deltaMs + executionMs + deltaMs;
  const scale = Math.min(factor, Math.max(1, MAX_ADVANCE_MS / advance));
  return { leaderMs: Math.round(leader * scale), advanceMs: Math.round(advance * scale) };
}

/** Steps with which a view of this duration would have ended well in time. */
function stepsFor(parameters: ConsensusParameters, tookMs: number): number {
  let steps = 0;
  while (steps < MAX_BACKOFF_STEPS) {
    const { advanceMs } = viewTimeouts(parameters, backoffFactor(steps));
    if (tookMs * BACKOFF_MARGIN <= advanceMs) break;
    steps += 1;
  }
  return steps;
}

/** A view that ended in a notarization shows how much time views need at present. */
function learnFromView(turn: Turn, view: number): void {
  const { state, now } = turn;
  const { armedAtMs } = state.pacemaker;
  if (certificateAt(state, view, "notarize") === undefined) return;
  const tookMs = armedAtMs === undefined ? 0 : now - armedAtMs;
  state.neededSteps = stepsFor(state.config.parameters, tookMs);
}

/** Starts both clocks of the view. `extraMs`: after idleness peers learn of the work later. */
export function armView(turn: Turn, extraMs: number): void {
  const { state, now } = turn;
  invariant(!state.pacemaker.armed, "a view is armed once at a time");
  state.pacemaker.armed = true;
  state.pacemaker.armedAtMs ??= now;
  const { leaderMs, advanceMs } = viewTimeouts(state.config.parameters, backoff(state));
  if (!state.pacemaker.leaderExpired) startTimer(turn, "leader", now + leaderMs + extraMs);
  startTimer(turn, "advance", now + advanceMs + extraMs);
}

/** Without work the clocks stop: an idle network stays in its view. */
export function disarmView(state: ConsensusState): void {
  state.pacemaker.armed = false;
  cancelTimer(state, "leader");
  cancelTimer(state, "advance");
  cancelTimer(state, "propose");
}

/** Moves up to a view, never back. What only concerned the old one is dropped. */
export function enterView(turn: Turn, view: number): void {
  const { state } = turn;
  invariant(view > state.view, "views only grow");
  const left = state.view;
  learnFromView(turn, left);
  disarmView(state);
  cancelTimer(state, "timestamp");
  cancelTimer(state, "unfinished");
  state.view = view;
  state.pacemaker = freshPacemaker(turn.now);
  state.viewEntered = view;
  dropUnsupportedProposals(state, left, view);
  compactNullifiedViews(state);
}

/**
 * Proposals of views that are over are of no more use, unless the block was voted for by us or is
 * certified; then its header stays in the block tree by that reference.
 */
function dropUnsupportedProposals(state: ConsensusState, from: number, to: number): void {
  for (const [view, record] of state.views) {
    if (view < from || view >= to) continue;
    record.ownProposal = undefined;
    record.proposals.length = 0;
  }
}

/** Votes of a nullified view far behind can form nothing more: no finalization is possible. */
function compactNullifiedViews(state: ConsensusState): void {
  const last = state.view - VOTE_WINDOW - 1;
  if (last <= state.compactedView) return;
  for (const [view, record] of state.views) {
    if (view > last || view <= state.compactedView) continue;
    if (record.certificates.nullify !== undefined) record.votes.clear();
  }
  state.compactedView = last;
}
