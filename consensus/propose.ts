import { invariant, present } from "../primitives/assert.ts";
import { addHeader, findBlock, fitsParent, unfinalizedWithTransactions } from "./block-tree.ts";
import { closesEpoch, copyTarget, isCopy } from "./closing.ts";
import type { ParentBlock } from "./effects.ts";
import { declineEvidence, offeredEvidence } from "./evidence-pool.ts";
import { wantCertificates } from "./fetch.ts";
import { blockOf } from "./finality.ts";
import { settleNotarized } from "./finalize.ts";
import type { BlockHeader } from "./header.ts";
import { hasWork } from "./idle.ts";
import { justificationFor, justify } from "./justification.ts";
import { MAX_UNFINALIZED_WITH_TRANSACTIONS } from "./limits.ts";
import type { ProposalBody } from "./messages.ts";
import { startTimer } from "./pacemaker.ts";
import { castVote } from "./safety-guard.ts";
import { certificateAt, findView, floorBlock, isOwnView, type Turn } from "./state.ts";
import { earliestProposalMs, proposalTimestamp } from "./timestamps.ts";
import type { Target } from "./types.ts";

interface Base {
  readonly view: number;
  readonly block: ParentBlock;
}

/**
 * Rule 2: in its view, with work to do and no vote given yet, the leader has a block built on the
 * highest base it can prove. If that is the closing block, it puts it to the vote once more: there
 * is nothing to build, and no interval to keep.
 */
export function considerProposing(turn: Turn): void {
  const { state, now } = turn;
  const { view, pacemaker } = state;
  const own = findView(state, view)?.own;
  if (!isOwnView(state, view) || own?.notarize !== undefined || own?.nullify !== undefined) return;
  if (pacemaker.build !== undefined || !hasWork(turn)) return;
  const base = selectBase(turn);
  if (base === undefined) return;
  const { parameters, epoch } = state.config;
  const { block } = base;
  if (closesEpoch(state.config, block.header)) {
    castVote(turn, "notarize", view, copyTarget(base.view, block.digest));
    return;
  }
  const earliest = earliestProposalMs(pacemaker.enteredAtMs, block.timestampMs, parameters);
  if (now < earliest) {
    startTimer(turn, "propose", earliest);
    return;
  }
  const timestampMs = proposalTimestamp(now, block.timestampMs);
  const evidence = offeredEvidence(state, block.digest);
  pacemaker.build = {
    parentView: base.view,
    parentDigest: block.digest,
    timestampMs,
    evidence,
    failed: false,
  };
  const carrying = unfinalizedWithTransactions(state, block.digest);
  turn.effects.push({
    type: "build",
    view,
    epoch,
    proposer: present(state.config.self, "a leader's own index"),
    parent: block,
    timestampMs,
    // The leader's own rule, to bound what a fork-free stall piles up; voters do not check it.
    allowTransactions: carrying <= MAX_UNFINALIZED_WITH_TRANSACTIONS,
    evidence,
  });
}

/**
 * The highest notarized and valid block below this view such that every view between is nullified.
 * Undefined while something is missing for it, which is then asked for.
 */
function selectBase(turn: Turn): Base | undefined {
  const { state } = turn;
  for (let view = state.view - 1; view > state.floor.view; view--) {
    const nullified = certificateAt(state, view, "nullify") !== undefined;
    const notarization = certificateAt(state, view, "notarize");
    if (notarization !== undefined) {
      const standing = settleNotarized(turn, view);
      const block = findBlock(state, blockOf(notarization));
      if (standing.kind === "valid" && block !== undefined) return { view, block };
      if (standing.kind === "bad" || standing.kind === "orphan") return undefined;
    }
    if (nullified) continue;
    if (notarization === undefined && certificateAt(state, view, "finalize") === undefined) {
      wantCertificates(turn, view, undefined);
    }
    return undefined;
  }
  return { view: state.floor.view, block: floorBlock(state.floor) };
}

/** The application has built the block, or can't. A block for a view that is over is dropped. */
export function onBuilt(turn: Turn, view: number, header: BlockHeader | undefined): void {
  const { state } = turn;
  const { pacemaker } = state;
  const { build } = pacemaker;
  if (view !== state.view || build === undefined || build.failed) return;
  if (header === undefined) {
    build.failed = true;
    return;
  }
  pacemaker.build = undefined;
  declineEvidence(turn, build.evidence, header);
  const parent = findBlock(state, build.parentDigest);
  // The floor may have passed the base by, or all work be done.
  if (parent === undefined) return;
  if (isEmpty(header) && !hasWork(turn)) return;
  invariant(
    header.timestampMs === build.timestampMs &&
      header.proposer === state.config.self &&
      fitsParent(state.config, header, parent),
    "the application builds the block it was asked for",
  );
  const entry = addHeader(state, header);
  const target: Target = {
    parentView: build.parentView,
    parentDigest: build.parentDigest,
    blockDigest: entry.digest,
  };
  if (justify(state, view, target).kind !== "complete") return;
  entry.verdict = "valid";
  castVote(turn, "notarize", view, target);
}

function isEmpty(header: BlockHeader): boolean {
  return header.batchDigests.length === 0 && header.evidence.length === 0;
}

/** The signed proposal of an own notarize vote; undefined when it can convince nobody any more. */
export function assembleProposal(
  turn: Turn,
  view: number,
  target: Target,
  signatures: { readonly proposal: Uint8Array; readonly notarize: Uint8Array },
): ProposalBody | undefined {
  const { state } = turn;
  const header = state.blocks.get(target.blockDigest)?.header;
  if (header === undefined || justify(state, view, target).kind !== "complete") return undefined;
  return {
    view,
    parentView: target.parentView,
    header,
    proposalSignature: signatures.proposal,
    notarizeSignature: signatures.notarize,
    justification: justificationFor(state, view, target),
    closingCopy: isCopy(target),
  };
}
