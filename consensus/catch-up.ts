import { present } from "../primitives/assert.ts";
import { addHeader, chainFromFloor } from "./block-tree.ts";
import { acceptCertificate } from "./certificates.ts";
import { nextRequestId, peerAfter, peerOr, reportFault, retryMs, wantHeader } from "./fetch.ts";
import { blockOf, finalizationAt } from "./finality.ts";
import { type BlockHeader, headerDigest } from "./header.ts";
import { MAX_BLOCKS_PER_REPLY, MAX_TENTATIVE_HEADERS, MAX_UNAPPLIED_BLOCKS } from "./limits.ts";
import type { BlocksBody } from "./messages.ts";
import { cancelTimer, isRunning, startTimer } from "./pacemaker.ts";
import { type BlockEntry, type ConsensusState, followsChain, type Turn } from "./state.ts";
import type { Certificate, PeerIndex } from "./types.ts";

/**
 * Keeps fetching while a verified finalization lies above the floor and its chain is not here: the
 * missing header by its digest, which helps when one proposal was lost, and contiguous headers by
 * height, which helps when much was missed. What a peer merely claims starts nothing.
 */
export function pursueFinality(turn: Turn): void {
  const { state } = turn;
  if (!followsChain(state)) return;
  const target = missingFinality(state);
  if (target === undefined) {
    stopCatchUp(state);
    return;
  }
  const chain = chainFromFloor(state, blockOf(target));
  if (chain.kind === "missing") wantHeader(turn, chain.digest, firstSigner(target));
  // The application sets the pace; its next `applied` event brings us back here.
  if (state.floor.height - state.appliedHeight > MAX_UNAPPLIED_BLOCKS) return;
  const { catchUp } = state;
  if (catchUp.request === undefined && !isRunning(state, "catchUp")) {
    requestBlocks(turn, peerOr(state, catchUp.nextPeer ?? firstSigner(target)));
  }
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
  if (catchUp.request === undefined && catchUp.nextPeer === undefined) return;
  catchUp.request = undefined;
  catchUp.tentative = [];
  catchUp.attempts = 0;
  catchUp.nextPeer = undefined;
  cancelTimer(state, "catchUp");
}

function requestBlocks(turn: Turn, peer: PeerIndex): void {
  const { state, now } = turn;
  const { catchUp } = state;
  const requestId = nextRequestId(state);
  const fromHeight = state.floor.height + 1 + catchUp.tentative.length;
  catchUp.request = { requestId, peer, fromHeight };
  catchUp.nextPeer = peer;
  const body = { requestId, fromHeight, count: MAX_BLOCKS_PER_REPLY };
  turn.effects.push({ type: "send", to: peer, message: { type: "getBlocks", body } });
  startTimer(turn, "catchUp", now + retryMs(state, catchUp.attempts));
}

/** No useful reply: the next peer, later each time. Headers not yet proven go with their peer. */
function failRequest(turn: Turn, peer: PeerIndex): void {
  const { state, now } = turn;
  const { catchUp } = state;
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

/** The headers as blocks, if each follows the one before it from the floor on. */
function linkHeaders(
  state: ConsensusState,
  before: readonly BlockEntry[],
  headers: readonly BlockHeader[],
): readonly BlockEntry[] | undefined {
  let parent = before.at(-1)?.digest ?? state.floor.digest;
  let height = state.floor.height + before.length;
  const linked: BlockEntry[] = [];
  for (const header of headers) {
    height += 1;
    if (header.parentDigest !== parent || header.height !== height) return undefined;
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
    catchUp.request = undefined;
    catchUp.tentative = [];
    catchUp.attempts = 0;
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
