import { unreachable } from "../primitives/assert.ts";
import { CodedError } from "../primitives/errors.ts";
import {
  type CertificateErrorCode,
  certificateSignatures,
  checkVoteShape,
  type RequiredSignature,
} from "./certificate.ts";
import { isKnown } from "./certificates.ts";
import {
  checkEvidence,
  type Evidence,
  type EvidenceErrorCode,
  evidenceSignatures,
} from "./evidence.ts";
import { evidenceSet, isPooled } from "./evidence-pool.ts";
import { HEADER_VERSION, headerDigest } from "./header.ts";
import { MAX_VIEW, VOTE_WINDOW } from "./limits.ts";
import {
  type BlocksBody,
  type ConsensusMessage,
  type ProposalBody,
  proposalTarget,
  type StatusBody,
} from "./messages.ts";
import type { ValidatorSet } from "./quorum.ts";
import { type ConsensusState, leaderAt } from "./state.ts";
import { statementBytes, voteStatement } from "./statements.ts";
import type { Certificate, Vote } from "./types.ts";

/** Why a message is dropped before any signature is checked. */
export type MessageRefusalCode =
  | CertificateErrorCode
  | EvidenceErrorCode
  | "WRONG_CHAIN"
  /**
   * Of an epoch that this core is not in: no fault, for epochs do not end everywhere at once. A
   * Status is read all the same, and tells either side how to go on.
   */
  | "OTHER_EPOCH"
  | "WRONG_VERSION"
  /** A certificate of another kind than this place in a message is for. */
  | "WRONG_KIND"
  /** Settled or already held: harmless and common. */
  | "STALE"
  /** Further above our view than we keep votes. */
  | "AHEAD"
  /** A certificate that has no place in the proposal's justification. */
  | "JUSTIFICATION_RANGE"
  /** A reply to no request of ours. */
  | "UNSOLICITED"
  /** An echoed vote that is not ours. */
  | "ECHO_OF_ANOTHER";

export type Verification =
  | { readonly ok: true; readonly signatures: readonly RequiredSignature[] }
  | { readonly ok: false; readonly code: MessageRefusalCode; readonly detail: string };

class Refusal extends CodedError<MessageRefusalCode> {
  override readonly name = "Refusal";
}

function refuse(code: MessageRefusalCode, detail: string): never {
  throw new Refusal(code, detail);
}

const STRUCTURE_CODES: ReadonlySet<string> = new Set<CertificateErrorCode | EvidenceErrorCode>([
  "EVIDENCE_STATEMENT",
  "EVIDENCE_CONSISTENT",
  "TARGET_PRESENCE",
  "TARGET_ORDER",
  "VIEW_ZERO",
  "UNKNOWN_SIGNER",
  "SIGNATURE_COUNT",
  "BELOW_QUORUM",
]);

function isRefusal(error: unknown): error is CodedError<MessageRefusalCode> {
  return (
    error instanceof Refusal || (error instanceof CodedError && STRUCTURE_CODES.has(error.code))
  );
}

/**
 * The signatures that must all be valid before `message` may be given to step; an empty list means
 * deliver at once. Left out are the signatures of certificates whose statement is already held: the
 * core takes nothing from them, now or later, since what it knows is only forgotten below the
 * floor. What is outside the window or structurally wrong is refused without any signature work.
 * Pure.
 */
export function signaturesOf(
  message: ConsensusMessage,
  set: ValidatorSet,
  state: ConsensusState,
): Verification {
  try {
    return { ok: true, signatures: required(message, { set, state }) };
  } catch (error) {
    if (isRefusal(error)) return { ok: false, code: error.code, detail: error.message };
    throw error;
  }
}

interface Context {
  readonly set: ValidatorSet;
  readonly state: ConsensusState;
}

function required(message: ConsensusMessage, context: Context): readonly RequiredSignature[] {
  const { state } = context;
  switch (message.type) {
    case "proposal":
      return ofProposal(message.body, context);
    case "vote":
      checkWindow(message.body.view, state);
      return [ofVote(message.body, context)];
    case "certificate":
      checkEpoch(message.body.epoch, state);
      if (isKnown(state, message.body)) refuse("STALE", "certificate already held");
      return ofCertificate(message.body, context);
    case "status":
      return ofStatus(message.body, context);
    case "blocks":
      return ofBlocks(message.body, context);
    case "certificates":
      if (state.certificatesRequest?.requestId !== message.body.requestId) {
        refuse("UNSOLICITED", "certificates");
      }
      return message.body.certificates.flatMap((each) => ofCertificate(each, context));
    case "header":
      for (const { requestId } of state.wanted.values()) {
        if (requestId === message.body.requestId) return [];
      }
      return refuse("UNSOLICITED", "header");
    case "evidence":
      if (isPooled(state, message.body)) refuse("STALE", "evidence already held");
      return ofEvidence(message.body, context);
    case "getBlocks":
    case "getHeader":
    case "getCertificates":
      return [];
    default:
      return unreachable(message);
  }
}

function checkEpoch(epoch: number, state: ConsensusState): void {
  if (epoch !== state.config.epoch) refuse("OTHER_EPOCH", `epoch ${epoch}`);
}

function checkWindow(view: number, state: ConsensusState): void {
  if (state.ended || view <= state.floor.view) refuse("STALE", `view ${view} is settled`);
  if (view > state.view + VOTE_WINDOW) refuse("AHEAD", `view ${view}`);
}

function ofVote(vote: Vote, { set, state }: Context): RequiredSignature {
  checkEpoch(vote.epoch, state);
  checkVoteShape(vote);
  const publicKey = set.validators[vote.signer]?.publicKey;
  if (publicKey === undefined) return refuse("UNKNOWN_SIGNER", `signer ${vote.signer}`);
  const message = voteStatement(state.config.chainId, vote);
  return { publicKey, message, signature: vote.signature };
}

/** Nothing for a statement that is held; the whole structure is checked for any other. */
function ofCertificate(
  certificate: Certificate,
  { set, state }: Context,
): readonly RequiredSignature[] {
  checkEpoch(certificate.epoch, state);
  if (isKnown(state, certificate)) return [];
  if (certificate.view > MAX_VIEW) refuse("AHEAD", `view ${certificate.view}`);
  return certificateSignatures(certificate, set, state.config.chainId);
}

function ofProposal(body: ProposalBody, context: Context): readonly RequiredSignature[] {
  const { set, state } = context;
  const { view, parentView, header } = body;
  const { chainId, epoch } = state.config;
  if (header.version !== HEADER_VERSION) refuse("WRONG_VERSION", `header ${header.version}`);
  if (header.chainId !== chainId) refuse("WRONG_CHAIN", "header of another chain");
  checkEpoch(header.epoch, state);
  checkWindow(view, state);
  const target = proposalTarget(body, headerDigest(header));
  checkVoteShape({ kind: "notarize", view, target });
  const publicKey = set.validators[leaderAt(state, view)]?.publicKey;
  if (publicKey === undefined) return refuse("UNKNOWN_SIGNER", "leader of the view");
  const ofLeader = (kind: "proposal" | "notarize", signature: Uint8Array): RequiredSignature => ({
    publicKey,
    message: statementBytes(kind, chainId, epoch, view, target),
    signature,
  });
  let below = parentView - 1;
  const justification = body.justification.flatMap((certificate) => {
    checkJustificationPlace(certificate, body, below);
    below = certificate.view;
    return ofCertificate(certificate, context);
  });
  return [
    ofLeader("proposal", body.proposalSignature),
    ofLeader("notarize", body.notarizeSignature),
    ...justification,
    ...header.evidence.flatMap((evidence) => ofEvidence(evidence, context)),
  ];
}

/** Both signatures, under the set of the evidence's own epoch. */
function ofEvidence(evidence: Evidence, { state }: Context): readonly RequiredSignature[] {
  const { config } = state;
  const set = evidenceSet(config, evidence.epoch);
  if (set === undefined) return refuse("OTHER_EPOCH", `evidence of epoch ${evidence.epoch}`);
  checkEvidence(evidence, config.chainId);
  const signatures = evidenceSignatures(evidence, set);
  return signatures ?? refuse("UNKNOWN_SIGNER", `signer ${evidence.signer}`);
}

/**
 * The parent's own certificate at its view, nullifications between it and the proposal, views
 * rising: nobody makes us check the same certificate many times.
 */
function checkJustificationPlace(
  certificate: Certificate,
  body: ProposalBody,
  below: number,
): void {
  const { view, kind } = certificate;
  const isParent = view === body.parentView && kind !== "nullify";
  const isSkip = view > body.parentView && view < body.view && kind === "nullify";
  if (view <= below || (!isParent && !isSkip)) {
    refuse("JUSTIFICATION_RANGE", `${kind} of view ${view}`);
  }
}

function ofStatus(body: StatusBody, context: Context): readonly RequiredSignature[] {
  const { state } = context;
  const { epoch } = state.config;
  const signatures: RequiredSignature[] = [];
  if (body.finalization !== undefined) {
    if (body.finalization.kind !== "finalize") refuse("WRONG_KIND", "finalization of a status");
    // One of another epoch is never read: neither is its set at hand, nor its view of any use.
    if (body.finalization.epoch === epoch) {
      signatures.push(...ofCertificate(body.finalization, context));
    }
  }
  if (body.epoch !== epoch) return signatures;
  // Echoes are read only in an answer to this start.
  if (body.purpose !== "answer" || body.answerTo !== state.incarnation) return signatures;
  for (const echo of body.echoes) {
    if (echo.signer !== state.config.self) refuse("ECHO_OF_ANOTHER", `signer ${echo.signer}`);
    signatures.push(ofVote(echo, context));
  }
  return signatures;
}

function ofBlocks(body: BlocksBody, context: Context): readonly RequiredSignature[] {
  const { state } = context;
  if (state.catchUp.request?.requestId !== body.requestId) refuse("UNSOLICITED", "blocks");
  if (body.finalization === undefined) return [];
  if (body.finalization.kind !== "finalize") refuse("WRONG_KIND", "finalization of blocks");
  return ofCertificate(body.finalization, context);
}
