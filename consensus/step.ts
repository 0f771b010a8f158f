import { invariant, unreachable } from "../primitives/assert.ts";
import { pruneBlocksIfMany } from "./block-tree.ts";
import { onBlocks, onCatchUpTimer, pursueFinality } from "./catch-up.ts";
import { acceptCertificate } from "./certificates.ts";
import type { Effect } from "./effects.ts";
import type { ConsensusEvent, Timer } from "./events.ts";
import { adoptEvidence, takeEvidence } from "./evidence-pool.ts";
import { onCertificates, onFetchTimer, onGetCertificates, onGetHeader, onHeader } from "./fetch.ts";
import { advanceFloor, onApplied } from "./finality.ts";
import { considerFinalize } from "./finalize.ts";
import { followWork, participates } from "./idle.ts";
import { MAX_BLOCKS_PER_REPLY } from "./limits.ts";
import type { ConsensusMessage, GetBlocksBody } from "./messages.ts";
import { considerProposal, onProposal } from "./notarize.ts";
import { considerNullify } from "./nullify.ts";
import { startTimer, takeTimer } from "./pacemaker.ts";
import { considerProposing, onBuilt } from "./propose.ts";
import { onSigned } from "./signing.ts";
import { onPeerConnected, onStandstillTimer } from "./standstill.ts";
import { openGate } from "./start-gate.ts";
import { type ConsensusState, persist, type Turn } from "./state.ts";
import { broadcastStatus, onStatus, onStatusTimer } from "./status.ts";
import { addVote } from "./tally.ts";
import type { PeerIndex } from "./types.ts";

/**
 * The only entry. Pure and deterministic: mutates `state` alone, and equal states and events give
 * equal effects. `nowMs` is the node's wall clock, milliseconds since 1970. Throws InvariantError
 * when the core or its driver broke a promise: the process must then stop.
 */
export function step(
  state: ConsensusState,
  event: ConsensusEvent,
  nowMs: number,
): readonly Effect[] {
  invariant(Number.isSafeInteger(nowMs) && nowMs >= 0, "the clock is in milliseconds since 1970");
  invariant((event.type === "start") === (state.incarnation === 0), "start is the first event");
  const turn: Turn = { state, now: nowMs, effects: [] };
  handle(turn, event);
  applyRules(turn);
  return turn.effects;
}

function handle(turn: Turn, event: ConsensusEvent): void {
  switch (event.type) {
    case "start":
      onStart(turn, event.incarnation);
      return;
    case "message":
      onMessage(turn, event.from, event.message);
      return;
    case "signed":
      onSigned(turn, event.id, event.signatures);
      return;
    case "timerFired":
      onTimer(turn, event.timer);
      return;
    case "built":
      onBuilt(turn, event.view, event.header);
      return;
    case "validated":
      onValidated(turn, event.digest, event.verdict);
      return;
    case "work":
      turn.state.pending = event.pending;
      return;
    case "applied":
      onApplied(turn.state, event.height);
      return;
    case "peerConnected":
      onPeerConnected(turn, event.index);
      return;
    default:
      unreachable(event);
  }
}

function onStart(turn: Turn, incarnation: number): void {
  const { state, now } = turn;
  invariant(Number.isSafeInteger(incarnation) && incarnation > 0, "an incarnation is above 0");
  state.incarnation = incarnation;
  state.pacemaker = { ...state.pacemaker, enteredAtMs: now };
  const { ignoredRecords } = state;
  if (ignoredRecords > 0) {
    const report = { kind: "ignoredRecords", count: ignoredRecords } as const;
    turn.effects.push({ type: "report", report });
  }
  if (state.halted !== undefined) {
    const { code, view, detail } = state.halted;
    const report = { kind: "halted", code, epoch: state.config.epoch, view, detail } as const;
    turn.effects.push({ type: "report", report });
    // It may come from the epoch before.
    if (state.config.halt !== undefined) persist(turn, [{ type: "halt", body: state.halted }]);
  }
  adoptEvidence(turn);
  if (state.gate.open) {
    const report = { kind: "votingEnabled", view: state.view } as const;
    turn.effects.push({ type: "report", report });
  }
  const { statusMs, standstillMs } = state.config.parameters;
  startTimer(turn, "status", now + statusMs);
  startTimer(turn, "standstill", now + standstillMs);
  // What the journal holds as final is committed before anybody hears where we stand.
  applyRules(turn);
  broadcastStatus(turn);
}

function onMessage(turn: Turn, from: PeerIndex, message: ConsensusMessage): void {
  switch (message.type) {
    case "proposal":
      onProposal(turn, from, message.body);
      return;
    case "vote":
      addVote(turn, message.body);
      return;
    case "certificate":
      acceptCertificate(turn, message.body, "relay");
      return;
    case "status":
      onStatus(turn, from, message.body);
      return;
    case "getBlocks":
      onGetBlocks(turn, from, message.body);
      return;
    case "blocks":
      onBlocks(turn, from, message.body);
      return;
    case "getHeader":
      onGetHeader(turn, from, message.body.requestId, message.body.digest);
      return;
    case "header":
      onHeader(turn, from, message.body);
      return;
    case "getCertificates": {
      const { requestId, epoch, fromView } = message.body;
      onGetCertificates(turn, from, requestId, epoch, fromView);
      return;
    }
    case "certificates":
      onCertificates(turn, from, message.body);
      return;
    case "evidence":
      takeEvidence(turn, message.body);
      return;
    default:
      unreachable(message);
  }
}

/** The block store answers; only a request out of range is refused here. */
function onGetBlocks(turn: Turn, from: PeerIndex, body: GetBlocksBody): void {
  const { requestId, fromHeight, count } = body;
  if (count >= 1 && count <= MAX_BLOCKS_PER_REPLY && fromHeight >= 1) {
    turn.effects.push({ type: "serveBlocks", to: from, requestId, fromHeight, count });
    return;
  }
  const refused = { requestId, headers: [], finalization: undefined, refusal: "RANGE" } as const;
  turn.effects.push({ type: "send", to: from, message: { type: "blocks", body: refused } });
}

function onValidated(turn: Turn, digest: string, verdict: "valid" | "bad"): void {
  const entry = turn.state.blocks.get(digest);
  // Pruned meanwhile, or asked twice and answered twice.
  if (entry === undefined || entry.verdict === "valid" || entry.verdict === "bad") return;
  entry.verdict = verdict;
}

function onTimer(turn: Turn, timer: Timer): void {
  const { state } = turn;
  if (!takeTimer(state, timer)) return;
  switch (timer.kind) {
    case "leader":
      state.pacemaker.leaderExpired = true;
      return;
    case "advance":
      state.pacemaker.advanceExpired = true;
      return;
    case "unfinished":
      state.pacemaker.unfinished = true;
      return;
    case "propose":
    case "timestamp":
    case "heartbeat":
      // They only wake us: the rules look at the clock themselves.
      return;
    case "standstill":
      onStandstillTimer(turn);
      return;
    case "status":
      onStatusTimer(turn);
      return;
    case "catchUp":
      onCatchUpTimer(turn);
      return;
    case "fetch":
      onFetchTimer(turn);
      return;
    default:
      unreachable(timer.kind);
  }
}

/** Far more than the rules can need: each round moves the floor, the view or the gate. */
const MAX_ROUNDS = 64;

/**
 * Brings everything that follows from the state up to date, whatever the event was: no rule depends
 * on the right event having called it. One round suffices unless the floor, the view, the gate or
 * the halt changes in it.
 */
function applyRules(turn: Turn): void {
  const { state } = turn;
  for (let round = 0; ; round++) {
    invariant(round < MAX_ROUNDS, "the rules come to rest");
    const before = {
      view: state.view,
      floor: state.floor,
      open: state.gate.open,
      halted: state.halted,
    };
    while (advanceFloor(turn))
      invariant(state.finalizedViews.size < MAX_ROUNDS * MAX_ROUNDS, "finite");
    openGate(turn);
    if (participates(turn)) considerFinalize(turn);
    if (participates(turn)) considerNullify(turn);
    if (participates(turn)) considerProposal(turn);
    if (participates(turn)) considerProposing(turn);
    const rested =
      before.view === state.view &&
      before.floor === state.floor &&
      before.open === state.gate.open &&
      before.halted === state.halted;
    if (rested) break;
  }
  pursueFinality(turn);
  followWork(turn);
  pruneBlocksIfMany(state);
}
