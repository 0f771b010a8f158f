import { certificateSchema } from "../../../consensus/certificate.ts";
import { type BlockHeader, headerDigest, headerSchema } from "../../../consensus/header.ts";
import { voteStatement } from "../../../consensus/statements.ts";
import type { Certificate } from "../../../consensus/types.ts";
import {
  type RegisteredValidator,
  validatorRegistryHash,
} from "../../../consensus/validator-registry.ts";
import { toHex, utf8 } from "../../../primitives/bytes.ts";
import { encode } from "../../../primitives/codec/codec.ts";
import { StateTree } from "../../../primitives/merkle/state-tree.ts";
import { nativeSigner } from "../../../primitives/native/sodium.ts";
import { sha256 } from "../../../primitives/sha256.ts";
import type { StateEntry } from "../../storage/committed-block.ts";
import type { EpochEnd } from "../manifest.ts";
import type { CertifiedBlock, TrustRoot } from "../manifest-check.ts";

/** Blocks with real signatures over made-up states, for tests: no ledger, no consensus. */

export const CHAIN = toHex(sha256(utf8("snapshot test chain")));

export function signerOf(name: string) {
  return nativeSigner(sha256(utf8(`snapshot test ${name}`)));
}

/** Four validators of weight 1, by name. */
export function registryOf(...names: readonly string[]): readonly RegisteredValidator[] {
  return names.map((name) => ({
    publicKey: signerOf(name).publicKey,
    networkKey: signerOf(`${name} network`).publicKey,
    weight: 1,
    name,
    member: "SBP",
  }));
}

export const GENESIS_SET = registryOf("V0", "V1", "V2", "V3");
export const ROOT: TrustRoot = { chainId: CHAIN, validators: GENESIS_SET };

/** `count` entries of about `bytes` bytes each, in key order. */
export function stateOf(count: number, bytes = 40, salt = ""): readonly StateEntry[] {
  return Array.from({ length: count }, (_, i): StateEntry => {
    const value = new Uint8Array(bytes).fill(i & 0xff);
    value.set(sha256(utf8(`${salt}${i}`)).subarray(0, Math.min(bytes, 32)));
    return [`account/${String(i).padStart(8, "0")}`, value];
  });
}

export function headerOf(
  height: number,
  state: readonly StateEntry[],
  changes: Partial<BlockHeader> = {},
): BlockHeader {
  return {
    version: 1,
    chainId: CHAIN,
    epoch: 0,
    height,
    parentDigest: toHex(sha256(utf8(`parent of ${height}`))),
    proposer: 0,
    timestampMs: 1_000 * height,
    batchDigests: [],
    stateRoot: StateTree.from(state).root,
    receiptsRoot: "00".repeat(32),
    evidence: [],
    nextValidators: undefined,
    ...changes,
  };
}

/** A finalization by the validators of these names, who are all of the registry's first ones. */
export function finalize(
  header: BlockHeader,
  signers: readonly string[] = ["V0", "V1", "V2"],
  registry: readonly RegisteredValidator[] = GENESIS_SET,
): Certificate {
  const places = signers
    .map((name) => registry.findIndex((validator) => validator.name === name))
    .sort((a, b) => a - b);
  const { chainId, epoch, height, parentDigest } = header;
  const bare = {
    kind: "finalize" as const,
    epoch,
    view: height + 1,
    target: { parentView: height, parentDigest, blockDigest: headerDigest(header) },
  };
  const statement = voteStatement(chainId, bare);
  return {
    ...bare,
    signers: places.reduce((bits, place) => bits | (1 << place), 0),
    signatures: places.map((place) => signerOf(registry[place]?.name ?? "").sign(statement)),
  };
}

export function headerBytes(header: BlockHeader): Uint8Array {
  return encode(headerSchema, header, "header");
}

export function certificateBytes(certificate: Certificate): Uint8Array {
  return encode(certificateSchema, certificate, "finalization");
}

/** The block with its finalization, and the trail to it. */
export function certified(
  header: BlockHeader,
  epochTrail: readonly EpochEnd[] = [],
  finalization: Certificate = finalize(header),
): CertifiedBlock {
  return {
    header: headerBytes(header),
    finalization: certificateBytes(finalization),
    epochTrail,
  };
}

/** The end of an epoch: `next` takes over. */
export function closing(
  epoch: number,
  height: number,
  next: readonly RegisteredValidator[],
  registry: readonly RegisteredValidator[] = GENESIS_SET,
  changes: Partial<BlockHeader> = {},
): EpochEnd {
  const header = headerOf(height, [], {
    epoch,
    nextValidators: validatorRegistryHash(next),
    ...changes,
  });
  const signers = registry.slice(0, 3).map(({ name }) => name);
  return {
    header: headerBytes(header),
    finalization: certificateBytes(finalize(header, signers, registry)),
    validators: next,
  };
}
