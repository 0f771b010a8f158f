import { certificateSchema } from "../../consensus/certificate.ts";
import { type BlockHeader, headerSchema } from "../../consensus/header.ts";
import { MAX_BLOCKS_PER_REPLY } from "../../consensus/limits.ts";
import type { BlocksBody } from "../../consensus/messages.ts";
import type { Certificate } from "../../consensus/types.ts";
import { present } from "../../primitives/assert.ts";
import { decode } from "../../primitives/codec/codec.ts";
import type { BlockStore } from "../storage/block-store.ts";

export type BlockReads = Pick<BlockStore, "head" | "header" | "finalization" | "digest">;

/**
 * Answers a peer's request for blocks: contiguous headers from `fromHeight` and a finalization. The
 * range ends with the newest block in it that has a finalization of its own; where none has, the
 * whole range goes out with the finalization of a descendant, which the peer reaches later.
 */
export function readBlocks(
  blocks: BlockReads,
  requestId: number,
  fromHeight: number,
  count: number,
): BlocksBody {
  const refuse = (refusal: "RANGE" | "NOT_AVAILABLE"): BlocksBody => ({
    requestId,
    headers: [],
    finalization: undefined,
    refusal,
  });
  if (fromHeight < 1 || count < 1 || count > MAX_BLOCKS_PER_REPLY) return refuse("RANGE");
  const last = Math.min(fromHeight + count - 1, blocks.head.height);
  // Above the head, or below the block that a snapshot began this chain with.
  if (last < fromHeight || blocks.header(fromHeight) === undefined) return refuse("NOT_AVAILABLE");

  let finalization: Certificate | undefined;
  let end = last;
  for (let height = last; height >= fromHeight; height--) {
    const certificate = finalizationAt(blocks, height);
    if (certificate.target?.blockDigest !== blocks.digest(height)) continue;
    finalization = certificate;
    end = height;
    break;
  }
  // Unproven headers are only of use as a full range that the next request continues.
  if (finalization === undefined && last - fromHeight + 1 < count) return refuse("NOT_AVAILABLE");
  finalization ??= finalizationAt(blocks, last);

  const headers: BlockHeader[] = [];
  for (let height = fromHeight; height <= end; height++) {
    const bytes = present(blocks.header(height), `header of block ${height}`);
    headers.push(decode(headerSchema, bytes, undefined, "header"));
  }
  return { requestId, headers, finalization, refusal: undefined };
}

function finalizationAt(blocks: BlockReads, height: number): Certificate {
  const bytes = present(blocks.finalization(height), `finalization of block ${height}`);
  return decode(certificateSchema, bytes, undefined, "finalization");
}
