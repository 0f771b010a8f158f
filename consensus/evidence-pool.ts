import { CodedError } from "../primitives/errors.ts";
import { checkEvidence, createEvidence, type Evidence, sortEvidence } from "./evidence.ts";
import type { BlockHeader } from "./header.ts";
import { EVIDENCE_EPOCHS, MAX_EVIDENCE_PER_BLOCK } from "./limits.ts";
import type { ValidatorSet } from "./quorum.ts";
import {
  type ConsensusConfig,
  type ConsensusState,
  halt,
  persist,
  type SignerVotes,
  type Turn,
} from "./state.ts";
import { voteStatement } from "./statements.ts";
import type { Vote } from "./types.ts";

/**
 * One proof for each signer and epoch is kept, passed on and offered to blocks: it convicts as well
 * as a thousand, and a validator that contradicts itself without end can so neither fill memory nor
 * keep an idle network awake.
 */
function keyOf(evidence: Pick<Evidence, "epoch" | "signer">): string {
  return `${evidence.epoch}:${evidence.signer}`;
}

/** Whether evidence of this signer and epoch is held, this or another. */
export function isPooled(state: ConsensusState, evidence: Evidence): boolean {
  return state.evidence.has(keyOf(evidence));
}

/** The set whose signatures evidence of `epoch` carries; undefined for an epoch out of reach. */
export function evidenceSet(config: ConsensusConfig, epoch: number): ValidatorSet | undefined {
  if (epoch === config.epoch) return config.validators;
  return config.previous?.epoch === epoch ? config.previous.validators : undefined;
}

/**
 * Whether evidence may stand in a header of this epoch, signatures apart. A pure function of the
 * two, the same at every validator.
 */
export function isAdmissible(config: ConsensusConfig, evidence: Evidence): boolean {
  const set = evidenceSet(config, evidence.epoch);
  if (set === undefined || evidence.signer >= set.validators.length) return false;
  try {
    checkEvidence(evidence, config.chainId);
  } catch (error) {
    if (error instanceof CodedError) return false;
    throw error;
  }
  return true;
}

/** Two votes of one signer in one view that no correct validator gives both. */
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

/**
 * Makes evidence of a contradiction among verified votes, if there is one. Gives the two votes the
 * first time that the signer contradicts itself, for the caller to remember.
 */
export function detectContradiction(turn: Turn, votes: SignerVotes): readonly Vote[] {
  const pair = contradictionOf(votes);
  if (pair === undefined) return [];
  const { epoch, signer } = pair[0];
  if (turn.state.evidence.has(keyOf({ epoch, signer }))) return [];
  const { chainId } = turn.state.config;
  const [a, b] = pair.map((vote) => ({
    statement: voteStatement(chainId, vote),
    signature: vote.signature,
  }));
  if (a !== undefined && b !== undefined) takeEvidence(turn, createEvidence(pair[0], a, b));
  return pair;
}

/**
 * Takes a proof, detected here or verified: journal, report, and pass on once. Proof against our own
 * key says that another process signs with it.
 */
export function takeEvidence(turn: Turn, evidence: Evidence): void {
  const { state } = turn;
  const { config } = state;
  if (isPooled(state, evidence) || evidenceSet(config, evidence.epoch) === undefined) return;
  if (evidence.epoch === config.epoch && evidence.signer === config.self) {
    const code = state.gate.open ? "FOREIGN_SELF_VOTE" : "AMNESIA";
    halt(turn, code, evidence.view, "a peer proves that our key contradicted itself");
    return;
  }
  store(turn, evidence, false);
  turn.effects.push({ type: "report", report: { kind: "evidence", evidence } });
  turn.effects.push({ type: "broadcast", message: { type: "evidence", body: evidence } });
}

function store(turn: Turn, evidence: Evidence, settled: boolean): void {
  turn.state.evidence.set(keyOf(evidence), { evidence, settled });
  persist(turn, [{ type: "evidence", body: { evidence, settled } }]);
}

/** What the epoch before left open goes into this epoch's journal. */
export function adoptEvidence(turn: Turn): void {
  const { config } = turn.state;
  for (const evidence of config.evidence ?? []) {
    const known = isPooled(turn.state, evidence);
    if (!known && isAdmissible(config, evidence)) store(turn, evidence, false);
  }
}

/** A proof read from the journal. What was settled once stays so, in whatever order it is read. */
export function restoreEvidence(
  state: ConsensusState,
  entry: { readonly evidence: Evidence; readonly settled: boolean },
): void {
  const { evidence, settled } = entry;
  if (evidence.epoch <= state.config.epoch - EVIDENCE_EPOCHS) return;
  const before = state.evidence.get(keyOf(evidence));
  if (before === undefined) state.evidence.set(keyOf(evidence), { evidence, settled });
  else before.settled ||= settled;
}

/** Final blocks settle what they carry. */
export function settleEvidence(turn: Turn, headers: readonly BlockHeader[]): void {
  for (const evidence of headers.flatMap((header) => header.evidence)) settle(turn, evidence);
}

/** The application has left these out of a block: the ledger holds them, or wants no more. */
export function declineEvidence(
  turn: Turn,
  offered: readonly Evidence[],
  header: BlockHeader,
): void {
  const taken = new Set(header.evidence.map(keyOf));
  for (const evidence of offered) if (!taken.has(keyOf(evidence))) settle(turn, evidence);
}

function settle(turn: Turn, evidence: Evidence): void {
  const { state } = turn;
  if (evidenceSet(state.config, evidence.epoch) === undefined) return;
  if (state.evidence.get(keyOf(evidence))?.settled !== true) store(turn, evidence, true);
}

/** Proofs that no final block holds, oldest first, at most as many as a block takes. */
export function openEvidence(state: ConsensusState): readonly Evidence[] {
  return [...state.evidence.values()]
    .filter(({ settled }) => !settled)
    .slice(0, MAX_EVIDENCE_PER_BLOCK)
    .map(({ evidence }) => evidence);
}

/**
 * What a block on `base` should carry, in the order of headers: what is open, unless a block between
 * the floor and the base carries it.
 */
export function offeredEvidence(state: ConsensusState, base: string): readonly Evidence[] {
  if (state.evidence.size === 0) return [];
  const carried = new Set<string>();
  for (let at = state.blocks.get(base); at !== undefined; ) {
    for (const evidence of at.header.evidence) carried.add(keyOf(evidence));
    at = state.blocks.get(at.header.parentDigest);
  }
  const open = [...state.evidence].filter(([key, { settled }]) => !settled && !carried.has(key));
  return sortEvidence(open.slice(0, MAX_EVIDENCE_PER_BLOCK).map(([, { evidence }]) => evidence));
}

/**
 * Whether evidence waits that a block should be made for. Of this epoch only: what the last one left
 * open rides along, but a peer that brings up what an old block holds must not wake us.
 */
export function hasOpenEvidence(state: ConsensusState): boolean {
  for (const { evidence, settled } of state.evidence.values()) {
    if (!settled && evidence.epoch === state.config.epoch) return true;
  }
  return false;
}

/** What the next epoch takes over. */
export function leftoverEvidence(state: ConsensusState): readonly Evidence[] {
  return [...state.evidence.values()]
    .filter(({ evidence, settled }) => !settled && evidence.epoch === state.config.epoch)
    .map(({ evidence }) => evidence);
}
