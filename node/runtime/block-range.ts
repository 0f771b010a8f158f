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
 * whole range goes out with the finalization of a descendant, which the peer reaches later. No range
 * reaches into another epoch, whose certificates the peer could not check yet.
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
  const top = Math.min(fromHeight + count - 1, blocks.head.height);
  // Above the head, or below the block that a snapshot began this chain with.
  if (top < fromHeight || blocks.header(fromHeight) === undefined) return refuse("NOT_AVAILABLE");

  const headers = headersUpTo(blocks, fromHeight, top);
  const last = fromHeight + headers.length - 1;
  // A block that closes its epoch ends every range: its finalization is its own.
  const isWhole = headers.length === count || headers.at(-1)?.nextValidators !== undefined;
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
  if (finalization === undefined && !isWhole) return refuse("NOT_AVAILABLE");
  finalization ??= finalizationAt(blocks, last);
  const served = headers.slice(0, end - fromHeight + 1);
  return { requestId, headers: served, finalization, refusal: undefined };
}

/** Headers of one epoch: none follows the one that closes it. */
function headersUpTo(blocks: BlockReads, fromHeight: number, top: number): readonly BlockHeader[] {
  const headers: BlockHeader[] = [];
  for (let height = fromHeight; height <= top; height++) {
    const bytes = present(blocks.header(height), `header of block ${height}`);
    const header = decode(headerSchema, bytes, undefined, "header");
    headers.push(header);
    if (header.nextValidators !== undefined) break;
  }
  return headers;
}

function finalizationAt(blocks: BlockReads, height: number): Certificate {
  const bytes = present(blocks.finalization(height), `finalization of block ${height}`);
  return decode(certificateSchema, bytes, undefined, "finalization");
}
