import { certificateSchema } from "../../consensus/certificate.ts";
import { headerDigest, headerSchema } from "../../consensus/header.ts";
import { createValidatorSet } from "../../consensus/quorum.ts";
import type { PreviousEpoch } from "../../consensus/state.ts";
import type { Anchor } from "../../consensus/types.ts";
import { currentEpochOf, validatorsOfEpoch } from "../../ledger/closing.ts";
import type { StateReader } from "../../ledger/state-reader.ts";
import { present } from "../../primitives/assert.ts";
import { decode } from "../../primitives/codec/codec.ts";
import { endOfEpoch } from "../snapshot/epoch-trail.ts";
import type { BlockStore } from "../storage/block-store.ts";
import type { Head } from "./committed-state.ts";

type EndReads = Pick<BlockStore, "header" | "finalization" | "epochEnd">;

/** What the core of the current epoch must know of the one before; undefined in the first. */
export function previousEpoch(blocks: EndReads, state: StateReader): PreviousEpoch | undefined {
  const { epoch } = currentEpochOf(state);
  if (epoch === 0) return undefined;
  const end = endOfEpoch(blocks, state, epoch - 1);
  const set = present(validatorsOfEpoch(state, epoch - 1), `validators of epoch ${epoch - 1}`);
  return {
    epoch: epoch - 1,
    validators: createValidatorSet(set.map(({ publicKey, weight }) => ({ publicKey, weight }))),
    closing: {
      digest: headerDigest(decode(headerSchema, end.header, undefined, "header")),
      finalization: decode(certificateSchema, end.finalization, undefined, "finalization"),
    },
  };
}

/**
 * Where the core of the current epoch starts. Views begin anew with an epoch, so on the block that
 * closed the one before it is view 0. A head that became final with a descendant has no view of its
 * own in the store; the journal's floor and headers have the rest, and until then view 0 claims
 * least.
 */
export function anchorOf(blocks: EndReads, state: StateReader, head: Head): Anchor {
  const { height, digest, timestampMs } = head;
  const bare = { height, view: 0, digest, timestampMs };
  if (height < currentEpochOf(state).startHeight) {
    const finalization = previousEpoch(blocks, state)?.closing.finalization;
    return finalization === undefined ? bare : { ...bare, finalization };
  }
  const bytes = present(blocks.finalization(height), "finalization of the head");
  const finalization = decode(certificateSchema, bytes, undefined, "finalization");
  if (finalization.target?.blockDigest !== digest) return bare;
  return { ...bare, view: finalization.view, finalization };
}
