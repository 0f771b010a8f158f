import { present } from "../primitives/assert.ts";
import { addHeader, chainFromFloor } from "./block-tree.ts";
import { acceptCertificate } from "./certificates.ts";
import { closesEpoch } from "./closing.ts";
import { nextRequestId, peerAfter, peerOr, reportFault, retryMs, wantHeader } from "./fetch.ts";
import { blockOf, finalizationAt } from "./finality.ts";
import { type BlockHeader, headerDigest } from "./header.ts";
import {
  MAX_BLOCKS_PER_REPLY,
  MAX_CLAIM_WAIT,
  MAX_EPOCH_CLAIMS,
  MAX_RETRY_MS,
  MAX_TENTATIVE_HEADERS,
  MAX_UNAPPLIED_BLOCKS,
} from "./limits.ts";
import type { BlocksBody } from "./messages.ts";
import { cancelTimer, isRunning, startTimer } from "./pacemaker.ts";
import {
  type BlockEntry,
  type CatchUp,
  type ConsensusState,
  followsChain,
  type Turn,
} from "./state.ts";
import type { Certificate, PeerIndex } from "./types.ts";

/**
 * Keeps fetching while a verified finalization lies above the floor and its chain is not here: the
 * missing header by its digest, which helps when one proposal was lost, and contiguous headers by
 * height, which helps when much was missed. What a peer merely claims starts nothing, with one
 * exception: the word that a later epoch has begun, which proofs of that epoch cannot support here,
 * is worth a request for the blocks of our own.
 */
export function pursueFinality(turn: Turn): void {
  const { state } = turn;
  const { catchUp } = state;
  if (!followsChain(state)) return;
  const target = state.ended ? undefined : missingFinality(state);
  const claimant = state.ended ? undefined : claimToFollow(turn);
  if (target === undefined && claimant === undefined && catchUp.request?.onClaim !== true) {
    stopCatchUp(state);
    return;
  }
  if (target !== undefined) {
    const chain = chainFromFloor(state, blockOf(target));
    if (chain.kind === "missing") wantHeader(turn, chain.digest, firstSigner(target));
  }
  // The application sets the pace; its next `applied` event brings us back here.
  if (state.floor.height - state.appliedHeight > MAX_UNAPPLIED_BLOCKS) return;
  if (catchUp.request !== undefined || isRunning(state, "catchUp")) return;
  if (claimant !== undefined && (target === undefined || isClaimsTurn(catchUp))) {
    requestBlocks(turn, claimant, true);
  } else if (target !== undefined) {
    requestBlocks(turn, peerOr(state, catchUp.nextPeer ?? firstSigner(target)), false);
  }
}

/**
 * With a proven finality above the floor as well, mere words and it take turns: a liar that claims
 * again and again must not keep us from the others, nor a set that has left keep us from the next.
 * What has been begun is gone on with: an answer without its end belongs to one peer.
 */
function isClaimsTurn({ tentative, claimant, lastOnClaim }: CatchUp): boolean {
  return tentative.length > 0 ? claimant !== undefined : !lastOnClaim;
}

/** A peer's Status is of a later epoch. Validators of today may all be strangers to our set. */
export function noteEpochClaim(state: ConsensusState, peer: PeerIndex): void {
  const { claims } = state.catchUp;
  const known = claims.get(peer);
  if (known !== undefined) known.open = true;
  else if (claims.size < MAX_EPOCH_CLAIMS) {
    claims.set(peer, { open: true, attempts: 0, notBeforeMs: 0 });
  }
}

/** The peer whose unfinished answer is to be continued, or the next one to take at its word. */
function claimToFollow(turn: Turn): PeerIndex | undefined {
  const { state, now } = turn;
  const { claims, claimant, tentative } = state.catchUp;
  if (claimant !== undefined && tentative.length > 0) return claimant;
  for (const [peer, { open, notBeforeMs }] of claims) {
    // A clock that jumped back must not silence us.
    const rested = now >= notBeforeMs || notBeforeMs - now > MAX_RETRY_MS;
    if (open && rested) return peer;
  }
  return undefined;
}

/** Nothing came of it: this peer's word counts again later, later each time. */
function failClaim(turn: Turn, peer: PeerIndex): void {
  const { state, now } = turn;
  const { catchUp } = state;
  catchUp.request = undefined;
  catchUp.tentative = [];
  catchUp.claimant = undefined;
  cancelTimer(state, "catchUp");
  const claim = catchUp.claims.get(peer);
  if (claim === undefined) return;
  claim.attempts += 1;
  claim.notBeforeMs = now + retryMs(state, claim.attempts);
}

/** The word was good: on with the same peer, without waiting for its next Status. */
function trustClaim(catchUp: CatchUp, peer: PeerIndex): void {
  const claim = catchUp.claims.get(peer);
  if (claim === undefined) return;
  claim.open = true;
  claim.attempts = 0;
  claim.notBeforeMs = 0;
}

/** The highest finalization above the floor, whose block is not committed yet. */
function missingFinality(state: ConsensusState): Certificate | undefined {
  if (state.finalizedViews.size === 0) return undefined;
  return finalizationAt(state, Math.max(...state.finalizedViews));
}

function firstSigner(certificate: Certificate): PeerIndex {
  return 31 - Math.clz32(certificate.signers & -certificate.signers);
}

function stopCatchUp(state: ConsensusState): void {
  const { catchUp } = state;
  const { request, nextPeer, claimant } = catchUp;
  if (request === undefined && nextPeer === undefined && claimant === undefined) return;
  catchUp.request = undefined;
  catchUp.tentative = [];
  catchUp.attempts = 0;
  catchUp.nextPeer = undefined;
  catchUp.claimant = undefined;
  cancelTimer(state, "catchUp");
}

function requestBlocks(turn: Turn, peer: PeerIndex, onClaim: boolean): void {
  const { state, now } = turn;
  const { catchUp } = state;
  const requestId = nextRequestId(state);
  const fromHeight = state.floor.height + 1 + catchUp.tentative.length;
  catchUp.request = { requestId, peer, fromHeight, onClaim };
  const claim = catchUp.claims.get(peer);
  if (claim !== undefined) claim.open = false;
  catchUp.lastOnClaim = onClaim;
  if (onClaim) catchUp.claimant = peer;
  else catchUp.nextPeer = peer;
  const attempts = onClaim ? Math.min(claim?.attempts ?? 0, MAX_CLAIM_WAIT) : catchUp.attempts;
  const body = { requestId, fromHeight, count: MAX_BLOCKS_PER_REPLY };
  turn.effects.push({ type: "send", to: peer, message: { type: "getBlocks", body } });
  startTimer(turn, "catchUp", now + retryMs(state, attempts));
}

/** No useful reply: the next peer, later each time. Headers not yet proven go with their peer. */
function failRequest(turn: Turn, peer: PeerIndex): void {
  const { state, now } = turn;
  const { catchUp } = state;
  if (catchUp.request?.onClaim === true) {
    failClaim(turn, peer);
    return;
  }
  catchUp.request = undefined;
  catchUp.tentative = [];
  catchUp.attempts += 1;
  catchUp.nextPeer = peerAfter(state, peer);
  startTimer(turn, "catchUp", now + retryMs(state, catchUp.attempts));
}

export function onCatchUpTimer(turn: Turn): void {
  const { catchUp } = turn.state;
  const { request } = catchUp;
  if (request === undefined) return;
  if (request.onClaim) {
    failClaim(turn, request.peer);
    return;
  }
  catchUp.request = undefined;
  catchUp.tentative = [];
  catchUp.attempts += 1;
  catchUp.nextPeer = peerAfter(turn.state, request.peer);
}

/** A reply to the request that is out; anything else is ignored. */
export function onBlocks(turn: Turn, from: PeerIndex, body: BlocksBody): void {
  const { state } = turn;
  const { catchUp } = state;
  const { request } = catchUp;
  if (request?.requestId !== body.requestId) return;
  if (request.peer !== from) {
    reportFault(turn, from, "UNSOLICITED");
    return;
  }
  const { finalization, headers } = body;
  if (finalization === undefined || headers.length === 0) {
    if (body.refusal === undefined) reportFault(turn, from, "EMPTY_REPLY");
    failRequest(turn, from);
    return;
  }
  const expected = state.floor.height + 1 + catchUp.tentative.length;
  if (request.fromHeight !== expected) {
    // The floor moved meanwhile by another way: ask anew from there.
    catchUp.request = undefined;
    catchUp.tentative = [];
    cancelTimer(state, "catchUp");
    if (request.onClaim) trustClaim(catchUp, from);
    return;
  }
  const linked = linkHeaders(state, catchUp.tentative, headers);
  if (linked === undefined || finalization.view <= state.floor.view) {
    reportFault(turn, from, "WRONG_CHAIN_OF_BLOCKS");
    failRequest(turn, from);
    return;
  }
  takeLinked(turn, from, linked, finalization);
}

/** The headers as blocks, if each follows the one before it from the floor on, in this epoch. */
function linkHeaders(
  state: ConsensusState,
  before: readonly BlockEntry[],
  headers: readonly BlockHeader[],
): readonly BlockEntry[] | undefined {
  let parent = before.at(-1)?.digest ?? state.floor.digest;
  let height = state.floor.height + before.length;
  let ended = false;
  const linked: BlockEntry[] = [];
  for (const header of headers) {
    height += 1;
    if (header.parentDigest !== parent || header.height !== height) return undefined;
    if (ended || header.epoch !== state.config.epoch) return undefined;
    ended = closesEpoch(state.config, header);
    parent = headerDigest(header);
    linked.push({ digest: parent, header, verdict: "unknown", durable: false });
  }
  return [...before, ...linked];
}

/**
 * Headers that reach their finalization enter the block tree and become final. A full reply that
 * ends below it is kept aside, unproven, and continued from the same peer.
 */
function takeLinked(
  turn: Turn,
  from: PeerIndex,
  linked: readonly BlockEntry[],
  finalization: Certificate,
): void {
  const { state } = turn;
  const { catchUp } = state;
  const last = present(linked.at(-1), "a reply with headers");
  const fresh = linked.length - catchUp.tentative.length;
  if (last.digest === blockOf(finalization)) {
    if (catchUp.request?.onClaim === true) trustClaim(catchUp, from);
    catchUp.request = undefined;
    catchUp.tentative = [];
    catchUp.attempts = 0;
    catchUp.claimant = undefined;
    cancelTimer(state, "catchUp");
    for (const { header } of linked) addHeader(state, header);
    acceptCertificate(turn, finalization, "keep");
    return;
  }
  if (fresh < MAX_BLOCKS_PER_REPLY || linked.length > MAX_TENTATIVE_HEADERS) {
    reportFault(turn, from, "WRONG_CHAIN_OF_BLOCKS");
    failRequest(turn, from);
    return;
  }
  catchUp.tentative = [...linked];
  catchUp.request = undefined;
  cancelTimer(state, "catchUp");
}
