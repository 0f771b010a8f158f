import { invariant } from "../primitives/assert.ts";
import { CodedError } from "../primitives/errors.ts";
import { addHeader } from "./block-tree.ts";
import { sameTarget } from "./certificate.ts";
import { restoreEvidence } from "./evidence-pool.ts";
import { decodeRecord, encodeRecord, type JournalEntry } from "./journal.ts";
import { leaderSchedule } from "./leader.ts";
import { checkParameters } from "./parameters.ts";
import {
  type ConsensusConfig,
  type ConsensusState,
  freshPacemaker,
  leaderAt,
  type ViewState,
  viewAt,
} from "./state.ts";
import { restoreVote } from "./tally.ts";
import type { Anchor, Certificate, Vote, VoteRecord } from "./types.ts";

const VOTE_KINDS = ["notarize", "nullify", "finalize"] as const;

/** A node that has never signed anything: the state at config.anchor. */
export function createState(config: ConsensusConfig): ConsensusState {
  return restore(config, [], config.anchor);
}

/**
 * The state after a restart: `records` is all the journal holds, in any order, `lastCommitted` the
 * newest block of the block store, which may be behind or ahead of the journal. Blocks that were
 * final but not yet applied are committed again after the start event. Throws CodedError
 * JOURNAL_CONTRADICTION when one correct node could not have written the records, CodecError when
 * bytes are no record.
 */
export function restore(
  config: ConsensusConfig,
  records: readonly Uint8Array[],
  lastCommitted: Anchor,
): ConsensusState {
  checkParameters(config.parameters);
  const entries: JournalEntry[] = [];
  let ignored = 0;
  for (const bytes of records) {
    const entry = decodeRecord(config.chainId, config.epoch, bytes);
    if (entry === undefined) ignored += 1;
    else entries.push(entry);
  }
  const state = emptyState({ ...config, anchor: lastCommitted }, ignored);
  // Headers and certificates stand on their own, votes of others as well: any order will do.
  for (const entry of entries) replay(state, entry);
  state.halted ??= config.halt;
  if (config.startGate === "open") {
    const voted = entries.some(({ type }) => type === "vote");
    invariant(!voted, "a gate opens unasked only where the journal holds no vote");
    state.gate.open = config.self !== undefined;
  }
  rememberPromises(state, entries);
  state.view = resumeView(state);
  return state;
}

/** What the start gate compares with the votes of ours that peers show. */
function rememberPromises({ gate }: ConsensusState, entries: readonly JournalEntry[]): void {
  for (const { type, body } of entries) {
    if (type === "floor") gate.settledView = Math.max(gate.settledView, body.view);
  }
  if (gate.open) return;
  for (const { type, body } of entries) {
    if (type !== "vote" || body.view <= gate.settledView) continue;
    const own = gate.remembered.get(body.view) ?? {};
    own[body.kind] = { target: body.target, signature: undefined };
    gate.remembered.set(body.view, own);
  }
}

function emptyState(config: ConsensusConfig, ignoredRecords: number): ConsensusState {
  const { anchor, chainId, epoch, previous } = config;
  const { height, view, digest, timestampMs, finalization } = anchor;
  invariant(previous === undefined || previous.epoch === epoch - 1, "epochs count up");
  const beginsEpoch = finalization !== undefined && finalization.epoch !== epoch;
  invariant(!beginsEpoch || (view === 0 && finalization.epoch === epoch - 1), "views begin anew");
  const seed = previous?.closing.digest ?? chainId;
  return {
    config,
    // The first epoch has no closing block before it; the chain's own identity stands in.
    schedule: leaderSchedule(chainId, epoch, seed, config.validators.validators.length),
    incarnation: 0,
    view: view + 1,
    floor: { height, view, digest, timestampMs, finalization, header: undefined },
    voteFloorView: view,
    appliedHeight: height,
    halted: undefined,
    ended: false,
    gate: {
      open: false,
      answered: 0,
      targetView: 0,
      settledView: 0,
      remembered: new Map(),
    },
    newestVotes: new Map(),
    pacemaker: freshPacemaker(0),
    carriedSteps: 0,
    neededSteps: 0,
    pending: false,
    views: new Map(),
    notarizedViews: new Set(),
    finalizedViews: new Set(),
    blocks: new Map(),
    unapplied: [],
    pendingSignatures: new Map(),
    nextSignId: 1,
    nextRequestId: 1,
    timers: new Map(),
    catchUp: {
      request: undefined,
      tentative: [],
      attempts: 0,
      nextPeer: undefined,
      claimant: undefined,
      lastOnClaim: false,
      claims: new Map(),
    },
    wanted: new Map(),
    certificatesRequest: undefined,
    certificatesAttempts: 0,
    certificatesPeer: undefined,
    standstillFloorView: -1,
    clockOffsets: new Map(),
    skewAlarm: false,
    evidence: new Map(),
    met: new Set(),
    answeredAtMs: new Map(),
    ignoredRecords,
    compactedView: view,
    viewEntered: 0,
  };
}

function replay(state: ConsensusState, entry: JournalEntry): void {
  switch (entry.type) {
    case "vote":
      replayVote(state, entry.body);
      return;
    case "certificate":
      replayCertificate(state, entry.body);
      return;
    case "header":
      if (entry.body.height > state.floor.height) addHeader(state, entry.body).durable = true;
      return;
    case "floor":
      state.voteFloorView = Math.max(state.voteFloorView, entry.body.view);
      return;
    case "halt":
      state.halted ??= entry.body;
      return;
    case "witness":
      replayWitness(state, entry.body);
      return;
    case "evidence":
      restoreEvidence(state, entry.body);
      return;
  }
}

function contradict(what: string, view: number): never {
  throw new CodedError("JOURNAL_CONTRADICTION", `the journal holds ${what} in view ${view}`, {
    view,
  });
}

function replayVote(state: ConsensusState, vote: VoteRecord): void {
  const { kind, view, target } = vote;
  if (view <= state.floor.view) return;
  if (state.config.self === undefined) contradict("a vote of an observer", view);
  const { own } = viewAt(state, view);
  const before = own[kind];
  if (before !== undefined && !sameTarget(before.target, target)) {
    contradict(`two different ${kind} votes`, view);
  }
  own[kind] = { target, signature: undefined };
  if (own.nullify !== undefined && own.finalize !== undefined) {
    contradict("a nullify and a finalize vote", view);
  }
}

function replayCertificate(state: ConsensusState, certificate: Certificate): void {
  const { kind, view, target } = certificate;
  if (view <= state.floor.view) return;
  const { certificates } = viewAt(state, view);
  const before = certificates[kind];
  if (before !== undefined && !sameTarget(before.target, target)) {
    contradict(`two different certificates of kind ${kind}`, view);
  }
  certificates[kind] = certificate;
  if (kind === "notarize") state.notarizedViews.add(view);
  if (kind === "finalize") state.finalizedViews.add(view);
}

function replayWitness(state: ConsensusState, vote: Vote): void {
  if (vote.view <= state.floor.view || vote.signer === state.config.self) return;
  restoreVote(state, vote);
}

/** Above the floor, not below a view voted in, above every view with a certificate. */
function resumeView(state: ConsensusState): number {
  let resumed = Math.max(state.floor.view, state.voteFloorView) + 1;
  for (const [view, { own, certificates }] of state.views) {
    if (Object.keys(own).length > 0) resumed = Math.max(resumed, view);
    if (Object.keys(certificates).length > 0) resumed = Math.max(resumed, view + 1);
  }
  return resumed;
}

/**
 * All live records: a new journal segment starts with them, and once it is durable older segments
 * may go. That is the floor and its finalization, committed blocks not yet applied, and above the
 * floor own votes, certificates, the headers that these name, first proposals; evidence; a halt.
 */
export function journalSnapshot(state: ConsensusState): readonly Uint8Array[] {
  const entries: JournalEntry[] = [];
  const { floor, gate } = state;
  // As long as the gate is closed the journal keeps what it began with: see commitChain.
  const settledView = gate.open ? state.voteFloorView : gate.settledView;
  if (settledView > 0) {
    const { height, digest } = floor;
    entries.push({ type: "floor", body: { view: settledView, height, digest } });
  }
  // Where the epoch began, the finalization is of the one before and the driver's to keep.
  if (floor.finalization !== undefined && floor.finalization.epoch === state.config.epoch) {
    entries.push({ type: "certificate", body: floor.finalization });
  }
  if (state.halted !== undefined) entries.push({ type: "halt", body: state.halted });
  for (const body of state.evidence.values()) entries.push({ type: "evidence", body });
  for (const { header } of state.unapplied) entries.push({ type: "header", body: header });
  for (const { header, durable } of state.blocks.values()) {
    if (durable) entries.push({ type: "header", body: header });
  }
  const settled = [...gate.remembered.keys()].filter((view) => !state.views.has(view));
  for (const view of settled.sort((a, b) => a - b)) {
    entries.push(...voteEntriesOf(state, view, gate.remembered.get(view) ?? {}));
  }
  for (const view of [...state.views.keys()].sort((a, b) => a - b)) {
    entries.push(...liveEntriesOf(state, view));
  }
  const { chainId, epoch } = state.config;
  return entries.map((entry) => encodeRecord(chainId, epoch, entry));
}

function liveEntriesOf(state: ConsensusState, view: number): readonly JournalEntry[] {
  const record = viewAt(state, view);
  const entries: JournalEntry[] = [];
  for (const kind of VOTE_KINDS) {
    const certificate = record.certificates[kind];
    if (certificate !== undefined) entries.push({ type: "certificate", body: certificate });
  }
  entries.push(...voteEntriesOf(state, view, record.own));
  const leader = leaderAt(state, view);
  if (leader === state.config.self) return entries;
  const ofLeader = record.votes.get(leader)?.notarize ?? [];
  for (const vote of ofLeader) entries.push({ type: "witness", body: vote });
  return entries;
}

function voteEntriesOf(
  { config }: ConsensusState,
  view: number,
  own: ViewState["own"],
): readonly JournalEntry[] {
  return VOTE_KINDS.flatMap((kind): readonly JournalEntry[] => {
    const vote = own[kind];
    if (vote === undefined) return [];
    return [{ type: "vote", body: { kind, epoch: config.epoch, view, target: vote.target } }];
  });
}
