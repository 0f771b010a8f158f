import { sameTarget } from "./certificate.ts";
import { enterView } from "./pacemaker.ts";
import { checkOwnVote } from "./safety-guard.ts";
import {
  type ConsensusState,
  certificateAt,
  followsChain,
  halt,
  persist,
  type Turn,
  viewAt,
} from "./state.ts";
import type { Certificate } from "./types.ts";

/**
 * Whether a certificate can tell nothing new: its view or its epoch is settled, or the same
 * statement is held under other signatures. One of another epoch tells this core nothing either. The signatures of such a certificate need no check because it is never
 * stored. Once known, always known: views are only forgotten below the floor.
 */
export function isKnown(state: ConsensusState, certificate: Certificate): boolean {
  const { floor } = state;
  if (state.ended || certificate.epoch !== state.config.epoch) return true;
  if (certificate.view < floor.view) return true;
  if (certificate.view === floor.view) {
    return certificate.target?.blockDigest === floor.digest;
  }
  const held = certificateAt(state, certificate.view, certificate.kind);
  return held !== undefined && sameTarget(held.target, certificate.target);
}

/**
 * Takes a valid certificate, formed here or received: journal, pass on once, move to the view after
 * it. New is the first of its kind and view, whatever its signers. "keep" does not pass it on: for
 * replies to a node that is behind, which everybody else has long seen.
 */
export function acceptCertificate(
  turn: Turn,
  certificate: Certificate,
  spread: "relay" | "keep",
): void {
  const { state } = turn;
  if (isKnown(state, certificate) || !followsChain(state)) return;
  const contradicted = contradiction(state, certificate);
  if (contradicted !== undefined) {
    const { first, second } = contradicted;
    if (first !== undefined) {
      const report = { kind: "conflictingCertificates", first, second } as const;
      turn.effects.push({ type: "report", report });
    }
    halt(turn, "SAFETY_VIOLATION", certificate.view, "two certificates exclude one another");
    return;
  }
  checkOwnSignature(turn, certificate);
  const { view, kind } = certificate;
  viewAt(state, view).certificates[kind] = certificate;
  if (kind === "notarize") state.notarizedViews.add(view);
  if (kind === "finalize") state.finalizedViews.add(view);
  persist(turn, [{ type: "certificate", body: certificate }]);
  if (spread === "relay") {
    turn.effects.push({ type: "broadcast", message: { type: "certificate", body: certificate } });
  }
  if (view >= state.view) enterView(turn, view + 1);
}

/** Our bit in a bitmap is our vote: it must stand in our journal. */
function checkOwnSignature(turn: Turn, certificate: Certificate): void {
  const { self } = turn.state.config;
  if (self === undefined || (certificate.signers & (1 << self)) === 0) return;
  checkOwnVote(turn, certificate.kind, certificate.view, certificate.target);
}

/**
 * The certificate already held that a new one contradicts. One view has one notarized block; a
 * finalized view is not nullified, and the finalized block is the notarized one. Anything else
 * means that more than the tolerated weight signs falsely.
 */
function contradiction(
  state: ConsensusState,
  certificate: Certificate,
): { first: Certificate | undefined; second: Certificate } | undefined {
  const conflict = (first: Certificate | undefined) => ({ first, second: certificate });
  // isKnown let pass at the floor's view only what disagrees with the floor.
  if (certificate.view === state.floor.view) return conflict(state.floor.finalization);
  const { notarize, nullify, finalize } = state.views.get(certificate.view)?.certificates ?? {};
  const differs = (held: Certificate | undefined): held is Certificate =>
    held !== undefined && !sameTarget(held.target, certificate.target);
  switch (certificate.kind) {
    case "notarize":
      if (differs(notarize)) return conflict(notarize);
      return differs(finalize) ? conflict(finalize) : undefined;
    case "nullify":
      return finalize === undefined ? undefined : conflict(finalize);
    case "finalize":
      if (differs(finalize)) return conflict(finalize);
      if (differs(notarize)) return conflict(notarize);
      return nullify === undefined ? undefined : conflict(nullify);
  }
}

/**
 * Certificates that take a peer further: the finalization of the floor if it is at or above
 * `fromView`, those of the lowest `views` views from there on that have any, and those by which the
 * current view was entered.
 */
export function collectCertificates(
  state: ConsensusState,
  fromView: number,
  views: number,
): readonly Certificate[] {
  const found: Certificate[] = [];
  const { view: floorView, finalization } = state.floor;
  const ofThisEpoch = finalization?.epoch === state.config.epoch;
  if (finalization !== undefined && ofThisEpoch && floorView >= fromView) found.push(finalization);
  let counted = 0;
  const known = [...state.views.keys()].filter((view) => view >= fromView).sort((a, b) => a - b);
  for (const view of known) {
    if (counted >= views && view !== state.view - 1) continue;
    const { notarize, nullify, finalize } = state.views.get(view)?.certificates ?? {};
    const held = [finalize, notarize, nullify].filter((each) => each !== undefined);
    if (held.length > 0) counted += 1;
    found.push(...held);
  }
  return found;
}
