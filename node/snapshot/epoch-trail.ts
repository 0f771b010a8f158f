import { certificateSchema } from "../../consensus/certificate.ts";
import { headerDigest, headerSchema } from "../../consensus/header.ts";
import { epochId, epochTable, validatorSetTable } from "../../ledger/state/validator-set.ts";
import type { StateReader } from "../../ledger/state-reader.ts";
import { present } from "../../primitives/assert.ts";
import { decode } from "../../primitives/codec/codec.ts";
import type { BlockStore } from "../storage/block-store.ts";
import { decodeEpochEnd, type EpochEnd } from "./manifest.ts";
import type { CertifiedBlock } from "./manifest-check.ts";
import { SnapshotError } from "./snapshot-error.ts";

type BlockReads = Pick<BlockStore, "header" | "finalization" | "epochEnd">;

/**
 * The block with its own finalization and the way to it from the genesis, out of what the node
 * keeps. `state` is that after the block or after a later one. Throws SNAPSHOT_NOT_CERTIFIED where
 * the block became final with a descendant.
 */
export function certifiedBlock(
  blocks: BlockReads,
  state: StateReader,
  height: number,
): CertifiedBlock {
  const header = present(blocks.header(height), `header of block ${height}`);
  const finalization = present(blocks.finalization(height), `finalization of block ${height}`);
  const certificate = decode(certificateSchema, finalization, undefined, "finalization");
  const decoded = decode(headerSchema, header, undefined, "header");
  if (certificate.target?.blockDigest !== headerDigest(decoded)) {
    throw new SnapshotError(
      "SNAPSHOT_NOT_CERTIFIED",
      `block ${height} has no finalization of its own; a later block will have one`,
      { height },
    );
  }
  const epochTrail: EpochEnd[] = [];
  for (let epoch = 0; epoch < decoded.epoch; epoch++) {
    epochTrail.push(endOfEpoch(blocks, state, epoch));
  }
  return { header, finalization, epochTrail };
}

/** From the snapshot that this chain began with, or else from its own blocks. */
export function endOfEpoch(blocks: BlockReads, state: StateReader, epoch: number): EpochEnd {
  const told = blocks.epochEnd(epoch);
  if (told !== undefined) return decodeEpochEnd(told);
  const next = present(epochTable.read(state, epochId(epoch + 1)), `epoch ${epoch + 1}`);
  const set = present(validatorSetTable.read(state, next.setHash), `set of epoch ${epoch + 1}`);
  const closing = next.startHeight - 1;
  return {
    header: present(blocks.header(closing), `closing header of epoch ${epoch}`),
    finalization: present(blocks.finalization(closing), `finalization of epoch ${epoch}`),
    validators: set.validators.map(({ publicKey, networkKey, weight, name, member }) => ({
      publicKey,
      networkKey,
      weight,
      name,
      member,
    })),
  };
}
