import { MAX_JUSTIFIED_SKIPS } from "./limits.ts";
import { type ConsensusState, certificateAt } from "./state.ts";
import type { Certificate, Target } from "./types.ts";

/**
 * Whether certificates held here prove that a block of `view` may stand on its parent: the parent
 * is notarized or the floor, and every view between is nullified. A nullified view can never have a
 * finalized block, so nothing final is passed over. `missing`: the lowest view without its proof.
 * `contradicted`: what is held excludes it.
 */
export type Justification =
  | { readonly kind: "complete" | "contradicted" }
  | { readonly kind: "missing"; readonly view: number };

export function justify(state: ConsensusState, view: number, target: Target): Justification {
  const { floor } = state;
  const { parentView, parentDigest } = target;
  if (parentView < floor.view) return { kind: "contradicted" };
  if (parentView === floor.view) {
    if (parentDigest !== floor.digest) return { kind: "contradicted" };
  } else {
    const parent = parentCertificate(state, parentView);
    if (parent === undefined) return { kind: "missing", view: parentView };
    if (parent.target?.blockDigest !== parentDigest) return { kind: "contradicted" };
  }
  for (let skipped = parentView + 1; skipped < view; skipped++) {
    if (certificateAt(state, skipped, "nullify") === undefined) {
      return { kind: "missing", view: skipped };
    }
  }
  return { kind: "complete" };
}

function parentCertificate(state: ConsensusState, parentView: number): Certificate | undefined {
  if (parentView === state.floor.view) {
    const { finalization } = state.floor;
    // The block that an epoch begins with is final for everybody in it.
    return finalization?.epoch === state.config.epoch ? finalization : undefined;
  }
  return (
    certificateAt(state, parentView, "notarize") ?? certificateAt(state, parentView, "finalize")
  );
}

/** Shipped with a proposal: the parent's certificate and the newest nullifications, bounded. */
export function justificationFor(
  state: ConsensusState,
  view: number,
  target: Target,
): readonly Certificate[] {
  const parent = parentCertificate(state, target.parentView);
  const shipped: Certificate[] = parent === undefined ? [] : [parent];
  const from = Math.max(target.parentView + 1, view - MAX_JUSTIFIED_SKIPS);
  for (let skipped = from; skipped < view; skipped++) {
    const nullification = certificateAt(state, skipped, "nullify");
    if (nullification !== undefined) shipped.push(nullification);
  }
  return shipped;
}
