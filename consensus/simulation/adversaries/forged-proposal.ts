import { type BlockHeader, HEADER_VERSION } from "../../header.ts";
import { MAX_JUSTIFIED_SKIPS } from "../../limits.ts";
import type { ConsensusMessage } from "../../messages.ts";
import { statementBytes, voteStatement } from "../../statements.ts";
import type { Certificate, Target } from "../../types.ts";
import { hashText } from "../toy-application.ts";
import type { AdversaryContext } from "./adversary.ts";
import type { Base, ObservedChain } from "./observed-chain.ts";

export interface ForgedBlock {
  readonly base: Base;
  readonly timestampMs: number;
  readonly batchDigests: readonly string[];
  /** The header promises a state that nobody will get. */
  readonly spoilsState: boolean;
  /** The notarize signature is over another statement. */
  readonly spoilsSignature: boolean;
}

/** A proposal signed by the adversary's own key, as right or wrong as it is asked to be. */
export function forgeProposal(
  context: AdversaryContext,
  chain: ObservedChain,
  view: number,
  block: ForgedBlock,
): { readonly message: ConsensusMessage; readonly target: Target } {
  const { chainId, epoch, sign } = context;
  const { base, spoilsSignature } = block;
  // On the closing block only its copy is right; an ordinary block there must find no votes.
  const closingCopy = base.closing !== undefined && context.prng.chance(0.7);
  const header = (closingCopy ? base.closing : undefined) ?? forgeHeader(context, chain, block);
  const blockDigest = chain.observeHeader(header);
  const parentDigest = closingCopy ? blockDigest : header.parentDigest;
  const target = { parentView: base.view, parentDigest, blockDigest };
  const kind = spoilsSignature ? "finalize" : "notarize";
  const body = {
    view,
    parentView: base.view,
    header,
    proposalSignature: sign(statementBytes("proposal", chainId, epoch, view, target)),
    notarizeSignature: sign(statementBytes(kind, chainId, epoch, view, target)),
    justification: base.justification.slice(0, MAX_JUSTIFIED_SKIPS + 1),
    closingCopy,
  };
  return { message: { type: "proposal", body }, target };
}

/** A proposal of this very header, with good signatures and the justification of its base. */
export function signProposal(
  context: AdversaryContext,
  chain: ObservedChain,
  view: number,
  base: Base,
  header: BlockHeader,
): { readonly message: ConsensusMessage; readonly target: Target } {
  const { chainId, epoch, sign } = context;
  const target = {
    parentView: base.view,
    parentDigest: header.parentDigest,
    blockDigest: chain.observeHeader(header),
  };
  const body = {
    view,
    parentView: base.view,
    header,
    proposalSignature: sign(statementBytes("proposal", chainId, epoch, view, target)),
    notarizeSignature: sign(statementBytes("notarize", chainId, epoch, view, target)),
    justification: base.justification.slice(0, MAX_JUSTIFIED_SKIPS + 1),
    closingCopy: false,
  };
  return { message: { type: "proposal", body }, target };
}

export function forgeHeader(
  context: AdversaryContext,
  chain: ObservedChain,
  block: ForgedBlock,
): BlockHeader {
  const { base, timestampMs, batchDigests, spoilsState } = block;
  const { chainId, epoch, index, prng } = context;
  const state = chain.execute(base.state, batchDigests) ?? base.state;
  return {
    version: HEADER_VERSION,
    chainId,
    epoch,
    height: base.state.height + 1,
    parentDigest: base.digest,
    proposer: index,
    timestampMs,
    batchDigests,
    stateRoot: spoilsState ? hashText(`spoiled ${prng.nextUint32()}`) : state.stateRoot,
    receiptsRoot: state.receiptsRoot,
    evidence: [],
    nextValidators: spoilsState ? undefined : context.nextValidators(base.state.height + 1),
  };
}

/** Makes up the nullifications that a base lacks, each signature by the adversary's own key. */
export function forgeSkips(context: AdversaryContext, view: number, base: Base): Base {
  const { chainId, epoch, set, sign } = context;
  const justification: Certificate[] = [...base.justification];
  const proved = new Set(justification.map((certificate) => certificate.view));
  for (let skipped = base.view + 1; skipped < view; skipped++) {
    if (proved.has(skipped)) continue;
    const bare = { kind: "nullify" as const, epoch, view: skipped, target: undefined };
    const signature = sign(voteStatement(chainId, bare));
    const signatures = set.validators.map(() => signature);
    justification.push({ ...bare, signers: 2 ** set.validators.length - 1, signatures });
  }
  return { ...base, justification };
}
