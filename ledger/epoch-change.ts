import type { Closing } from "./closing.ts";
import type { LedgerEvent } from "./events.ts";
import { CHECKPOINT_BLOCKS, KEPT_CHECKPOINTS } from "./limits.ts";
import type { LedgerState } from "./state/ledger-state.ts";

/**
 * Begins the next epoch: from here on, the closing block's own transactions included, the state
 * speaks of it. Its first block is the one after the closing block.
 */
export function beginEpoch(state: LedgerState, closing: Closing, height: number): LedgerEvent {
  const { nextSet, hash, applied } = closing;
  const { epoch, nextNumber } = state.currentEpoch;
  const next = { epoch: epoch + 1, startHeight: height + 1, setHash: hash };
  state.currentEpochs.put({ ...next, nextNumber });
  state.epochs.put(next);
  if (state.validatorSets.get(hash) === undefined) {
    state.validatorSets.put({ validators: nextSet });
  }
  const waiting = state.pendingChanges.filter((change) => !applied.includes(change));
  if (applied.length > 0) state.validatorChanges.put({ changes: waiting });
  return {
    type: "epochBegun",
    body: {
      ...next,
      applied: applied.map(({ action, name }) => ({ action, name })),
      validators: nextSet.map(({ name, member, weight }) => ({ name, member, weight })),
    },
  };
}

/** Remembers the parent's digest, where it is one of those that ready statements may name. */
export function keepCheckpoint(state: LedgerState, height: number, parentDigest: string): void {
  const parent = height - 1;
  const isFirstOfEpoch = height === state.currentEpoch.startHeight;
  if (!isFirstOfEpoch && parent % CHECKPOINT_BLOCKS !== 0) return;
  const kept = state.checkpointLists.get("")?.blocks ?? [];
  const blocks = [...kept, { height: parent, digest: parentDigest }].slice(-KEPT_CHECKPOINTS);
  state.checkpointLists.put({ blocks });
}
