import { closesEpoch } from "./closing.ts";
import type { ParentBlock } from "./effects.ts";
import { isSortedEvidence } from "./evidence.ts";
import { isAdmissible } from "./evidence-pool.ts";
import { type BlockHeader, HEADER_VERSION, headerDigest } from "./header.ts";
import { VOTE_WINDOW } from "./limits.ts";
import {
  type BlockEntry,
  type ConsensusConfig,
  type ConsensusState,
  floorBlock,
  type Turn,
} from "./state.ts";

/** Takes a header into the tree; the digest is computed, never believed. */
export function addHeader(state: ConsensusState, header: BlockHeader): BlockEntry {
  const digest = headerDigest(header);
  const known = state.blocks.get(digest);
  if (known !== undefined) return known;
  const entry: BlockEntry = { digest, header, verdict: "unknown", durable: false };
  state.blocks.set(digest, entry);
  state.wanted.delete(digest);
  return entry;
}

/** A block as a parent: the floor or a header of the tree. */
export function findBlock(state: ConsensusState, digest: string): ParentBlock | undefined {
  if (digest === state.floor.digest) return floorBlock(state.floor);
  const entry = state.blocks.get(digest);
  if (entry === undefined) return undefined;
  const { height, timestampMs } = entry.header;
  return { digest, height, timestampMs, header: entry.header };
}

/**
 * Whether a header stands rightly on its parent. A pure function of the two, so that every correct
 * validator gives the same answer: false makes the block bad.
 */
export function fitsParent(
  config: ConsensusConfig,
  header: BlockHeader,
  parent: ParentBlock,
): boolean {
  return (
    header.version === HEADER_VERSION &&
    header.chainId === config.chainId &&
    header.epoch === config.epoch &&
    header.height === parent.height + 1 &&
    header.parentDigest === parent.digest &&
    !closesEpoch(config, parent.header) &&
    header.timestampMs > parent.timestampMs &&
    header.proposer < config.validators.validators.length &&
    new Set(header.batchDigests).size === header.batchDigests.length &&
    isSortedEvidence(header.evidence) &&
    header.evidence.every((evidence) => isAdmissible(config, evidence))
  );
}

/**
 * How a block stands. `missing`: a header between it and the floor is not here. `asked`: the
 * application works on it or on an ancestor. `orphan`: it does not descend from the floor.
 */
export type Standing =
  | { readonly kind: "valid" | "bad" | "asked" | "orphan" }
  | { readonly kind: "missing"; readonly digest: string };

/**
 * The standing of a block; asks the application for the first verdict that is missing on the way
 * up from the floor, because a block is executed on its parent's state. `view` is only told on.
 */
export function settleBlock(turn: Turn, digest: string, view: number): Standing {
  const { state } = turn;
  const undecided: BlockEntry[] = [];
  let at = digest;
  while (at !== state.floor.digest) {
    const entry = state.blocks.get(at);
    if (entry === undefined) return { kind: "missing", digest: at };
    if (entry.header.height <= state.floor.height) return { kind: "orphan" };
    if (entry.verdict === "bad") return { kind: "bad" };
    if (entry.verdict === "valid") break;
    undecided.push(entry);
    at = entry.header.parentDigest;
  }
  const first = undecided.at(-1);
  if (first === undefined) return { kind: "valid" };
  const parent = findBlock(state, first.header.parentDigest);
  if (parent === undefined) return { kind: "missing", digest: first.header.parentDigest };
  if (!fitsParent(state.config, first.header, parent)) {
    first.verdict = "bad";
    return { kind: "bad" };
  }
  if (first.verdict === "unknown") askApplication(turn, first, parent, view);
  return { kind: "asked" };
}

function askApplication(turn: Turn, entry: BlockEntry, parent: ParentBlock, view: number): void {
  entry.verdict = "asked";
  const { digest, header } = entry;
  turn.effects.push({ type: "validate", digest, view, header, parent });
}

/** Lets verdicts be asked for once more: the application may have given up on a batch. */
export function askAgain(state: ConsensusState): void {
  for (const entry of state.blocks.values()) {
    if (entry.verdict === "asked") entry.verdict = "unknown";
  }
}

/** From just above the floor up to the block, or what stands in the way. */
export type Chain =
  | { readonly kind: "complete"; readonly blocks: readonly BlockEntry[] }
  | { readonly kind: "missing"; readonly digest: string }
  /** It does not descend from the floor, its heights do not count up, or it passes the epoch's end. */
  | { readonly kind: "broken" };

export function chainFromFloor(state: ConsensusState, digest: string): Chain {
  const blocks: BlockEntry[] = [];
  let at = digest;
  while (at !== state.floor.digest) {
    const entry = state.blocks.get(at);
    if (entry === undefined) return { kind: "missing", digest: at };
    if (entry.header.height <= state.floor.height) return { kind: "broken" };
    blocks.push(entry);
    at = entry.header.parentDigest;
  }
  blocks.reverse();
  const counted = blocks.every(
    ({ header }, i) =>
      header.height === state.floor.height + 1 + i &&
      (i === blocks.length - 1 || !closesEpoch(state.config, header)),
  );
  return counted ? { kind: "complete", blocks } : { kind: "broken" };
}

/** Unfinalized blocks with transactions from the floor up to `digest`. */
export function unfinalizedWithTransactions(state: ConsensusState, digest: string): number {
  let count = 0;
  let entry = state.blocks.get(digest);
  while (entry !== undefined && entry.digest !== state.floor.digest) {
    if (entry.header.batchDigests.length > 0) count += 1;
    entry = state.blocks.get(entry.header.parentDigest);
  }
  return count;
}

/**
 * Forgets headers that no view above the floor refers to: neither a proposal, an own vote nor a
 * certificate, nor a descendant of these. Everything at or below the floor's height goes.
 */
export function pruneBlocks(state: ConsensusState): void {
  const kept = new Set<string>();
  const keep = (digest: string): void => {
    let at = digest;
    while (!kept.has(at)) {
      const entry = state.blocks.get(at);
      if (entry === undefined || entry.header.height <= state.floor.height) return;
      kept.add(at);
      at = entry.header.parentDigest;
    }
  };
  for (const record of state.views.values()) {
    for (const proposal of record.proposals) keep(proposal.digest);
    for (const vote of [record.own.notarize, record.own.finalize]) {
      if (vote?.target !== undefined) keep(vote.target.blockDigest);
    }
    for (const certificate of [record.certificates.notarize, record.certificates.finalize]) {
      if (certificate?.target === undefined) continue;
      keep(certificate.target.blockDigest);
      keep(certificate.target.parentDigest);
    }
  }
  for (const digest of state.blocks.keys()) {
    if (!kept.has(digest)) state.blocks.delete(digest);
  }
  dropOrphans(state);
}

/** Removes blocks that provably do not descend from the floor, parents before children. */
function dropOrphans(state: ConsensusState): void {
  const ascending = [...state.blocks.values()].sort((a, b) => a.header.height - b.header.height);
  const orphans = new Set<string>();
  for (const { digest, header } of ascending) {
    const besideFloor =
      header.height === state.floor.height + 1 && header.parentDigest !== state.floor.digest;
    if (besideFloor || orphans.has(header.parentDigest)) orphans.add(digest);
  }
  for (const digest of orphans) state.blocks.delete(digest);
}

/** While views pass without finality, unreferenced headers go from time to time as well. */
export function pruneBlocksIfMany(state: ConsensusState): void {
  if (state.blocks.size > 4 * VOTE_WINDOW) pruneBlocks(state);
}
