import type { Genesis } from "../../ledger/genesis.ts";
import { present } from "../../primitives/assert.ts";
import type { BlockStore } from "../storage/block-store.ts";
import { StorageError } from "../storage/storage-error.ts";
import { decodeEpochEnd, type EpochEnd } from "./manifest.ts";
import { type CertifiedBlock, proveBlock, trustRootOf } from "./manifest-check.ts";
import { SnapshotError } from "./snapshot-error.ts";

/** Far more epochs than a manifest may lead through. */
const NO_END = 1_000_000;

/**
 * Proves the block that a snapshot began this chain with, from the genesis on, by what is stored
 * with it: a database that somebody put there is no better than a peer's word. Throws DB_CORRUPT.
 */
export async function proveBase(
  blocks: Pick<BlockStore, "baseHeight" | "header" | "finalization" | "epochEnd">,
  genesis: Genesis,
): Promise<void> {
  const { baseHeight } = blocks;
  if (baseHeight === 0) return;
  try {
    await proveBlock(storedBase(blocks), trustRootOf(genesis));
  } catch (error) {
    if (!(error instanceof SnapshotError)) throw error;
    throw new StorageError(
      "DB_CORRUPT",
      `the block that this chain begins with is not proven: ${error.message}`,
      { height: baseHeight, reason: error.code },
      error,
    );
  }
}

function storedBase(
  blocks: Pick<BlockStore, "baseHeight" | "header" | "finalization" | "epochEnd">,
): CertifiedBlock {
  const { baseHeight } = blocks;
  const epochTrail: EpochEnd[] = [];
  for (let epoch = 0; epoch < NO_END; epoch++) {
    const end = blocks.epochEnd(epoch);
    if (end === undefined) break;
    epochTrail.push(decodeEpochEnd(end));
  }
  return {
    header: present(blocks.header(baseHeight), "header of the first block"),
    finalization: present(blocks.finalization(baseHeight), "finalization of the first block"),
    epochTrail,
  };
}
