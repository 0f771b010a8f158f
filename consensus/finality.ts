import { invariant, present } from "../primitives/assert.ts";
import { chainFromFloor, pruneBlocks } from "./block-tree.ts";
import { closesEpoch } from "./closing.ts";
import { leftoverEvidence, settleEvidence } from "./evidence-pool.ts";
import { cancelTimer, disarmView, enterView, relaxBackoff } from "./pacemaker.ts";
import {
  type BlockEntry,
  type ConsensusState,
  followsChain,
  halt,
  persist,
  type Turn,
} from "./state.ts";
import type { Certificate } from "./types.ts";

/**
 * Commits the highest finalized block whose chain down to the floor is complete, all its ancestors
 * with it. True when the floor moved. A finalized block that does not descend from the floor means
 * that finality itself broke: this node stops.
 */
export function advanceFloor(turn: Turn): boolean {
  const { state } = turn;
  if (!followsChain(state) || state.ended) return false;
  const descending = [...state.finalizedViews].sort((a, b) => b - a);
  for (const view of descending) {
    const finalization = finalizationAt(state, view);
    const chain = chainFromFloor(state, blockOf(finalization));
    if (chain.kind === "broken") {
      const detail = `the block finalized in view ${view} does not descend from the last final one`;
      halt(turn, "SAFETY_VIOLATION", view, detail);
      return false;
    }
    if (chain.kind === "complete") {
      commitChain(turn, chain.blocks, finalization);
      return true;
    }
  }
  return false;
}

export function finalizationAt(state: ConsensusState, view: number): Certificate {
  return present(state.views.get(view)?.certificates.finalize, "finalization of a finalized view");
}

export function blockOf(certificate: Certificate): string {
  return present(certificate.target, "block of a certificate").blockDigest;
}

/** Everything durable first, then the floor moves, then the application applies. */
function commitChain(turn: Turn, blocks: readonly BlockEntry[], finalization: Certificate): void {
  const { state } = turn;
  const tip = present(blocks.at(-1), "a finalized block above the floor");
  invariant(finalization.view > state.floor.view, "the floor's view only grows");
  invariant(tip.header.height === state.floor.height + blocks.length, "heights are contiguous");
  for (const block of blocks) {
    if (!block.durable) persist(turn, [{ type: "header", body: block.header }]);
    block.durable = true;
  }
  const { view } = finalization;
  const { height, timestampMs } = tip.header;
  relaxBackoff(state, blocks.length);
  state.floor = {
    view,
    height,
    digest: tip.digest,
    timestampMs,
    finalization,
    header: tip.header,
  };
  state.voteFloorView = Math.max(state.voteFloorView, view);
  state.unapplied.push(...blocks);
  // Before the peers have let us vote this journal may stand in for a lost one. Views that it has
  // only caught up with must not count, at the next start, as views whose votes it rightly forgot.
  if (state.gate.open) {
    persist(turn, [{ type: "floor", body: { view, height, digest: tip.digest } }]);
  }
  settleEvidence(
    turn,
    blocks.map(({ header }) => header),
  );
  turn.effects.push({
    type: "commit",
    headers: blocks.map(({ header }) => header),
    finalization,
  });
  forgetSettledViews(state, view);
  if (state.view <= view) enterView(turn, view + 1);
  if (closesEpoch(state.config, tip.header)) endEpoch(turn, tip, finalization);
}

/**
 * The closing block is final, by itself or by a copy, which names the same block: this core signs
 * nothing more and only serves, until the driver replaces it.
 */
function endEpoch(turn: Turn, closing: BlockEntry, finalization: Certificate): void {
  const { state } = turn;
  const { epoch } = state.config;
  // Only who was let through by the peers of this epoch knows that nothing of its journal is lost.
  const startGate = state.gate.open && state.halted === undefined ? "open" : "closed";
  state.ended = true;
  disarmView(state);
  turn.effects.push({
    type: "endEpoch",
    end: {
      epoch,
      closing: closing.header,
      digest: closing.digest,
      view: finalization.view,
      finalization,
      startGate,
      evidence: leftoverEvidence(state),
      halt: state.halted,
    },
  });
}

function forgetSettledViews(state: ConsensusState, floorView: number): void {
  for (const view of state.views.keys()) if (view <= floorView) state.views.delete(view);
  for (const views of [state.notarizedViews, state.finalizedViews]) {
    for (const view of views) if (view <= floorView) views.delete(view);
  }
  // Still wanted headers are asked for anew where they still matter.
  state.wanted.clear();
  cancelTimer(state, "heartbeat");
  pruneBlocks(state);
}

/** The driver has made the blocks durable: the journal need not hold them any more. */
export function onApplied(state: ConsensusState, height: number): void {
  if (height <= state.appliedHeight) return;
  invariant(height <= state.floor.height, "only committed blocks are applied");
  state.appliedHeight = height;
  state.unapplied = state.unapplied.filter(({ header }) => header.height > height);
}
