import type { Effect, ParentBlock } from "./effects.ts";
import type { TimerKind } from "./events.ts";
import type { Evidence } from "./evidence.ts";
import type { BlockHeader } from "./header.ts";
import { encodeRecord, type JournalEntry } from "./journal.ts";
import { leaderOf } from "./leader.ts";
import type { ProposalBody } from "./messages.ts";
import type { ConsensusParameters } from "./parameters.ts";
import type { ValidatorSet } from "./quorum.ts";
import type {
  Anchor,
  Certificate,
  Halt,
  HaltCode,
  PeerIndex,
  Target,
  Vote,
  VoteKind,
} from "./types.ts";

/** The epoch before: what is still needed of it. */
export interface PreviousEpoch {
  readonly epoch: number;
  /** Checks evidence of that epoch. */
  readonly validators: ValidatorSet;
  /** Its last block, which the order of leaders follows from, and which helps peers over. */
  readonly closing: {
    readonly digest: string;
    readonly finalization: Certificate;
  };
}

/** One core lives in one epoch; the next epoch has a core, and a journal, of its own. */
export interface ConsensusConfig {
  readonly chainId: string;
  readonly epoch: number;
  readonly validators: ValidatorSet;
  /** Own index; absent for an observer, which follows and never votes. */
  readonly self: number | undefined;
  readonly parameters: ConsensusParameters;
  /**
   * Genesis, the block that closed the epoch before, or the last committed block; never the block
   * that closes this epoch: from there the next one is to be started.
   */
  readonly anchor: Anchor;
  /** Present exactly from the second epoch on, also after a restart. */
  readonly previous?: PreviousEpoch | undefined;
  /**
   * "open" lets the node vote at once. Only as EpochEnd says, in a core of an epoch that begins in
   * this very process; after a process start "closed", which is the default.
   */
  readonly startGate?: "open" | "closed" | undefined;
  /** From EpochEnd. */
  readonly evidence?: readonly Evidence[] | undefined;
  /** From EpochEnd: this key does not vote any more. */
  readonly halt?: Halt | undefined;
}

/** A vote of this node. Its record is durable before `signature` is even asked for. */
export interface OwnVote {
  readonly target: Target | undefined;
  signature: Uint8Array | undefined;
}

export interface StoredProposal {
  readonly body: ProposalBody;
  readonly digest: string;
  readonly target: Target;
  readonly from: PeerIndex;
  /** Own clock at first receipt, ms. */
  readonly receivedAtMs: number;
  /** Its timestamp has been found timely; that is decided once. */
  timely: boolean;
}

/** Verified votes of one signer in one view: at most two of a kind, the second a contradiction. */
export interface SignerVotes {
  readonly notarize: Vote[];
  readonly nullify: Vote[];
  readonly finalize: Vote[];
}

/** All that is known of one view above the floor. */
export interface ViewState {
  readonly own: { [K in VoteKind]?: OwnVote };
  readonly certificates: { [K in VoteKind]?: Certificate };
  readonly votes: Map<number, SignerVotes>;
  /** First seen, and at most one more that contradicts it. */
  readonly proposals: StoredProposal[];
  /** Own proposal as sent, to be sent again in these very bytes. */
  ownProposal: ProposalBody | undefined;
}

export type Verdict = "unknown" | "asked" | "valid" | "bad";

export interface BlockEntry {
  readonly digest: string;
  readonly header: BlockHeader;
  verdict: Verdict;
  /** Its record is in the journal. */
  durable: boolean;
}

export interface Floor {
  readonly view: number;
  readonly height: number;
  readonly digest: string;
  readonly timestampMs: number;
  readonly finalization: Certificate | undefined;
  readonly header: BlockHeader | undefined;
}

/** The view's clockwork; renewed on entering a view. */
export interface Pacemaker {
  /** Own clock on entering the view, ms. */
  readonly enteredAtMs: number;
  armed: boolean;
  /** Own clock when the view's clocks first ran, ms. */
  armedAtMs: number | undefined;
  leaderExpired: boolean;
  advanceExpired: boolean;
  /** A notarized block has not become final within two message delays in this view. */
  unfinished: boolean;
  /** Request to the application that is out, or has failed. */
  build: BuildRequest | undefined;
}

export interface BuildRequest {
  readonly parentView: number;
  readonly parentDigest: string;
  readonly timestampMs: number;
  readonly evidence: readonly Evidence[];
  failed: boolean;
}

/** No vote before peers of quorum weight have said what they hold of our votes. */
export interface StartGate {
  open: boolean;
  /** Bit i: validator i has answered this process start. */
  answered: number;
  /** Highest proven floor in the answers that made the quorum; to be reached before voting. */
  targetView: number;
  /**
   * The floor that the journal held at this start: votes at or below it are rightly forgotten. That
   * of the block store does not count, which may have begun with a snapshot.
   */
  settledView: number;
  /** Own votes that the journal held at this start, by view; emptied when the gate opens. */
  readonly remembered: Map<number, ViewState["own"]>;
}

export interface PendingSignature {
  readonly view: number;
  readonly kind: VoteKind;
  /** The first signature is the proposal's, the second the vote's. */
  readonly withProposal: boolean;
}

export interface BlocksRequest {
  readonly requestId: number;
  readonly peer: PeerIndex;
  readonly fromHeight: number;
  /** Sent on a peer's mere word that a later epoch has begun. */
  readonly onClaim: boolean;
}

/** A peer's word that a later epoch has begun: worth one request, then later each time. */
export interface EpochClaim {
  /** Repeated since the last request to this peer. */
  open: boolean;
  /** Fruitless requests in a row. */
  attempts: number;
  /** Own clock before which this peer is not asked again, ms. */
  notBeforeMs: number;
}

/** Catch-up by height: one request at a time. */
export interface CatchUp {
  request: BlocksRequest | undefined;
  /** Headers from the floor up whose finalization is further up; from the peer asked last alone. */
  tentative: BlockEntry[];
  /** Failures in a row, for the back-off. */
  attempts: number;
  nextPeer: PeerIndex | undefined;
  /** Asked on its word that a later epoch has begun, and not found wanting yet. */
  claimant: PeerIndex | undefined;
  /** The last request was on such a word. */
  lastOnClaim: boolean;
  readonly claims: Map<PeerIndex, EpochClaim>;
}

export interface WantedHeader {
  requestId: number;
  peer: PeerIndex;
  attempts: number;
}

export interface CertificatesRequest {
  readonly requestId: number;
  readonly peer: PeerIndex;
  readonly fromView: number;
}

export interface TimerState {
  generation: number;
  /** Own clock at which it fires; absent when it is not running. */
  deadlineMs: number | undefined;
  view: number;
}

/** The first proof against a signer in an epoch. */
export interface PooledEvidence {
  readonly evidence: Evidence;
  /** In a final block, or the application says that the ledger needs it no more. */
  settled: boolean;
}

/** Everything the core knows. Only step() changes it. */
export interface ConsensusState {
  readonly config: ConsensusConfig;
  /** Leaders of the epoch in turn. */
  readonly schedule: readonly number[];
  /** 0 until the start event. */
  incarnation: number;
  view: number;
  floor: Floor;
  /** Own votes at or below this view are forbidden; at least floor.view. */
  voteFloorView: number;
  appliedHeight: number;
  halted: Halt | undefined;
  /** The closing block is final: nothing of this epoch is signed any more. */
  ended: boolean;
  readonly gate: StartGate;
  /**
   * The newest vote of each kind of each peer, kept when its view is settled: a peer that lost its
   * journal is shown them at its next start.
   */
  readonly newestVotes: Map<number, { [K in VoteKind]?: Vote }>;
  pacemaker: Pacemaker;
  /** Steps of back-off that outlived the floor's last move; see pacemaker.ts. */
  carriedSteps: number;
  /** Steps of back-off that the last notarized view has needed. */
  neededSteps: number;
  /** The application has executable transactions. */
  pending: boolean;
  readonly views: Map<number, ViewState>;
  /** Views above the floor with a notarization, and with a finalization. */
  readonly notarizedViews: Set<number>;
  readonly finalizedViews: Set<number>;
  readonly blocks: Map<string, BlockEntry>;
  /** Committed, not yet applied: served to peers, kept in the journal. In height order. */
  unapplied: BlockEntry[];
  readonly pendingSignatures: Map<number, PendingSignature>;
  nextSignId: number;
  nextRequestId: number;
  readonly timers: Map<TimerKind, TimerState>;
  readonly catchUp: CatchUp;
  readonly wanted: Map<string, WantedHeader>;
  certificatesRequest: CertificatesRequest | undefined;
  /** Failures in a row and the peer to ask next. */
  certificatesAttempts: number;
  certificatesPeer: PeerIndex | undefined;
  /** Floor at the last standstill tick. */
  standstillFloorView: number;
  /** Own clock minus the peer's at its last Status, by validator. */
  readonly clockOffsets: Map<number, number>;
  skewAlarm: boolean;
  /** By "epoch:signer", at most one for each: one proof convicts. */
  readonly evidence: Map<string, PooledEvidence>;
  /** Peers that have shown to be in this epoch: what they missed before went out to them. */
  readonly met: Set<PeerIndex>;
  /** Own clock at the last large answer to a peer. */
  readonly answeredAtMs: Map<PeerIndex, number>;
  readonly ignoredRecords: number;
  /** Votes of nullified views up to here have been dropped. */
  compactedView: number;
  /** A view was entered in this very step: its timers need no allowance for waking up. */
  viewEntered: number;
}

/** One call of step: the state, the clock and the effects so far. */
export interface Turn {
  readonly state: ConsensusState;
  readonly now: number;
  readonly effects: Effect[];
}

export function freshPacemaker(enteredAtMs: number): Pacemaker {
  return {
    enteredAtMs,
    armed: false,
    armedAtMs: undefined,
    leaderExpired: false,
    advanceExpired: false,
    unfinished: false,
    build: undefined,
  };
}

/** The view's record, if anything is known of it. */
export function findView(state: ConsensusState, view: number): ViewState | undefined {
  return state.views.get(view);
}

/** The view's record; made on first use, only for views above the floor. */
export function viewAt(state: ConsensusState, view: number): ViewState {
  const known = state.views.get(view);
  if (known !== undefined) return known;
  const made: ViewState = {
    own: {},
    certificates: {},
    votes: new Map(),
    proposals: [],
    ownProposal: undefined,
  };
  state.views.set(view, made);
  return made;
}

export function certificateAt(
  state: ConsensusState,
  view: number,
  kind: VoteKind,
): Certificate | undefined {
  return state.views.get(view)?.certificates[kind];
}

export function leaderAt(state: ConsensusState, view: number): number {
  return leaderOf(state.schedule, view);
}

export function isOwnView(state: ConsensusState, view: number): boolean {
  return state.config.self === leaderAt(state, view);
}

export function floorBlock(floor: Floor): ParentBlock {
  const { digest, height, timestampMs, header } = floor;
  return { digest, height, timestampMs, header };
}

/** Appends records to the journal; neighbours share one effect and so one disk sync. */
export function persist(turn: Turn, entries: readonly JournalEntry[]): void {
  if (entries.length === 0) return;
  const { chainId, epoch } = turn.state.config;
  const records = entries.map((entry) => encodeRecord(chainId, epoch, entry));
  const last = turn.effects.at(-1);
  if (last?.type === "persist") {
    turn.effects[turn.effects.length - 1] = {
      type: "persist",
      records: [...last.records, ...records],
    };
  } else {
    turn.effects.push({ type: "persist", records });
  }
}

/** Whether own votes and own commits have stopped; the two milder codes still follow the chain. */
export function followsChain(state: ConsensusState): boolean {
  const code = state.halted?.code;
  return code !== "DIVERGENCE" && code !== "SAFETY_VIOLATION";
}

/** Ends this node's voting, durably. The first cause stands. */
export function halt(turn: Turn, code: HaltCode, view: number, detail: string): void {
  const { state } = turn;
  if (state.halted !== undefined) return;
  state.halted = { code, view, detail };
  persist(turn, [{ type: "halt", body: { code, view, detail } }]);
  turn.effects.push({
    type: "report",
    report: { kind: "halted", code, epoch: state.config.epoch, view, detail },
  });
}
