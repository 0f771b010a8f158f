import type { BlockHeader } from "./header.ts";
import type { ConsensusConfig } from "./state.ts";
import type { Target } from "./types.ts";

/**
 * The end of an epoch. Its last block, the closing block d, names the next validator set. Nothing
 * but a copy of d may stand on d: a proposal that puts d to the vote once more, with d as its own
 * parent, in case the finalization of d did not come. So views go on until d is final, and heights
 * do not. A copy is never executed: the state after it is that after d. What decides is the base of
 * a proposal and nothing else a voter holds: on a base before d, when the view of d is nullified, an
 * ordinary block is legal, and it may itself be a closing block.
 */
export function closesEpoch(
  config: Pick<ConsensusConfig, "epoch">,
  header: BlockHeader | undefined,
): boolean {
  return header?.nextValidators !== undefined && header.epoch === config.epoch;
}

/** Whether a vote is for a copy: no ordinary block is its own parent. */
export function isCopy(target: Target): boolean {
  return target.parentDigest === target.blockDigest;
}

/** What a copy of the closing block `digest` on its own notarization of `view` puts to the vote. */
export function copyTarget(view: number, digest: string): Target {
  return { parentView: view, parentDigest: digest, blockDigest: digest };
}
