import { setImmediate as nextTurn } from "node:timers/promises";
import { certificateSchema, verifyCertificate } from "../../consensus/certificate.ts";
import { type BlockHeader, headerDigest, headerSchema } from "../../consensus/header.ts";
import { createValidatorSet, type ValidatorSet } from "../../consensus/quorum.ts";
import type { Certificate } from "../../consensus/types.ts";
import {
  type RegisteredValidator,
  validatorRegistryHash,
} from "../../consensus/validator-registry.ts";
import { chainIdOf, type Genesis } from "../../ledger/genesis.ts";
import { decode } from "../../primitives/codec/codec.ts";
import { CodedError, messageOf } from "../../primitives/errors.ts";
import { verifySodium } from "../../primitives/native/sodium.ts";
import { type EpochEnd, type Manifest, malformedUnless, SNAPSHOT_VERSION } from "./manifest.ts";
import { SnapshotError, type SnapshotErrorCode } from "./snapshot-error.ts";

/** The one thing that is believed: which chain, and who votes in its first epoch. */
export interface TrustRoot {
  readonly chainId: string;
  readonly validators: readonly RegisteredValidator[];
}

export function trustRootOf(genesis: Genesis): TrustRoot {
  return {
    chainId: chainIdOf(genesis),
    validators: genesis.validators.map(({ name, member, consensusKey, networkKey, weight }) => ({
      publicKey: consensusKey,
      networkKey,
      weight,
      name,
      member,
    })),
  };
}

/** A block and its proof: what of a manifest does not depend on chunks. */
export interface CertifiedBlock {
  readonly header: Uint8Array;
  readonly finalization: Uint8Array;
  readonly epochTrail: readonly EpochEnd[];
}

/** What follows from a proof that holds. */
export interface ProvenBlock {
  readonly header: BlockHeader;
  readonly digest: string;
  readonly finalization: Certificate;
  /** Who votes in the block's epoch. */
  readonly validators: readonly RegisteredValidator[];
}

/** A manifest whose header the network has certified. Its chunk hashes are the sender's word. */
export interface ProvenManifest extends ProvenBlock {
  readonly manifest: Manifest;
}

function refuse(code: SnapshotErrorCode, message: string, data = {}, cause?: unknown): never {
  throw new SnapshotError(code, message, data, cause);
}

/**
 * Proves a manifest from the genesis validators on, and that it agrees with its header. That the
 * chunks are the state is proven by their root alone (`state-check.ts`). Throws SnapshotError.
 */
export async function checkManifest(manifest: Manifest, root: TrustRoot): Promise<ProvenManifest> {
  if (manifest.version !== SNAPSHOT_VERSION) {
    refuse("SNAPSHOT_VERSION", `a snapshot of layout ${manifest.version}`, {
      got: manifest.version,
      expected: SNAPSHOT_VERSION,
    });
  }
  if (manifest.chainId !== root.chainId) {
    refuse("SNAPSHOT_WRONG_CHAIN", "the manifest is of another chain", {
      got: manifest.chainId,
      expected: root.chainId,
    });
  }
  const proven = await proveBlock(manifest, root);
  const { header } = proven;
  if (header.height !== manifest.height || header.stateRoot !== manifest.stateRoot) {
    refuse("SNAPSHOT_CONTRADICTION", "the manifest and its header differ", {
      height: manifest.height,
      headerHeight: header.height,
    });
  }
  const { entryCount, chunkHashes } = manifest;
  if (chunkHashes.length === 0 || entryCount < chunkHashes.length) {
    refuse("SNAPSHOT_CONTRADICTION", "every chunk has an entry", {
      entries: entryCount,
      chunks: chunkHashes.length,
    });
  }
  return { ...proven, manifest };
}

/**
 * Walks from the genesis set from epoch to epoch: each closing header is finalized by its own
 * epoch's set and names the next one's hash; the block is finalized by the last set. Throws
 * SnapshotError SNAPSHOT_MALFORMED, SNAPSHOT_WRONG_CHAIN, SNAPSHOT_TRAIL or SNAPSHOT_CERTIFICATE.
 */
export async function proveBlock(block: CertifiedBlock, root: TrustRoot): Promise<ProvenBlock> {
  let registry = root.validators;
  let closedAt = 0;
  for (const [epoch, end] of block.epochTrail.entries()) {
    const { header } = checkFinal(end, root.chainId, epoch, registry);
    const { height, nextValidators } = header;
    if (nextValidators === undefined || height <= closedAt) {
      refuse("SNAPSHOT_TRAIL", `epoch ${epoch} does not end with that block`, { epoch, height });
    }
    if (nextValidators !== validatorRegistryHash(end.validators)) {
      refuse("SNAPSHOT_TRAIL", `epoch ${epoch} ended with another validator set`, {
        epoch,
        height,
      });
    }
    registry = end.validators;
    closedAt = height;
    // Seven signatures take half a millisecond: a trail of years must not hold up the node.
    await nextTurn();
  }
  const proven = checkFinal(block, root.chainId, block.epochTrail.length, registry);
  if (proven.header.height <= closedAt) {
    refuse("SNAPSHOT_TRAIL", "the block stands below the end of the epoch before it", {
      height: proven.header.height,
    });
  }
  return { ...proven, validators: registry };
}

/** A block of that epoch, finalized by the epoch's own set. */
function checkFinal(
  block: Pick<CertifiedBlock, "header" | "finalization">,
  chainId: string,
  epoch: number,
  registry: readonly RegisteredValidator[],
): Omit<ProvenBlock, "validators"> {
  const header = malformedUnless(() => decode(headerSchema, block.header, undefined, "header"));
  const finalization = malformedUnless(() =>
    decode(certificateSchema, block.finalization, undefined, "finalization"),
  );
  const digest = headerDigest(header);
  const { height } = header;
  if (header.chainId !== chainId) {
    refuse("SNAPSHOT_WRONG_CHAIN", `block ${height} is of another chain`, {
      got: header.chainId,
      expected: chainId,
    });
  }
  if (header.epoch !== epoch) {
    refuse("SNAPSHOT_TRAIL", `block ${height} is of epoch ${header.epoch}, not ${epoch}`, {
      height,
      got: header.epoch,
      expected: epoch,
    });
  }
  const { kind, target } = finalization;
  const isOfBlock = kind === "finalize" && target?.blockDigest === digest;
  if (!isOfBlock || finalization.epoch !== epoch) {
    refuse("SNAPSHOT_CERTIFICATE", `no finalization of block ${height} in epoch ${epoch}`, {
      height,
      epoch,
    });
  }
  if (!verifyCertificate(finalization, setOf(registry, epoch), chainId, verifySodium)) {
    refuse("SNAPSHOT_CERTIFICATE", `the finalization of block ${height} does not verify`, {
      height,
      epoch,
    });
  }
  return { header, digest, finalization };
}

function setOf(registry: readonly RegisteredValidator[], epoch: number): ValidatorSet {
  try {
    return createValidatorSet(registry);
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
    return refuse("SNAPSHOT_TRAIL", `validators of epoch ${epoch}: ${messageOf(error)}`, {}, error);
  }
}
