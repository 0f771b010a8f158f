import { FixedWriter, fromHex, utf8 } from "../primitives/bytes.ts";
import type { Target, VoteKind } from "./types.ts";

const DOMAIN = utf8("MIZAN/BFT/1\0");

/** Number of each statement in the signed bytes. From 16 on: statements that are not votes. */
export const STATEMENT_KIND = { proposal: 1, notarize: 2, nullify: 3, finalize: 4 } as const;

export type StatementKind = keyof typeof STATEMENT_KIND;

const PREFIX_BYTES = DOMAIN.length + 1 + 32 + 8 + 8;
const TARGET_BYTES = 8 + 32 + 32;

/**
 * The bytes that a validator signs, fixed width and big-endian:
 * "MIZAN/BFT/1\0" (12) || kind (1) || chainId (32) || epoch (8) || view (8) and, except for
 * nullify, parentView (8) || parentDigest (32) || blockDigest (32). 61 or 133 bytes.
 * The parent's view is signed too, so that a certificate proves the block's place by itself.
 */
export function statementBytes(
  kind: StatementKind,
  chainId: string,
  epoch: number,
  view: number,
  target: Target | undefined,
): Uint8Array {
  const size = PREFIX_BYTES + (target === undefined ? 0 : TARGET_BYTES);
  const writer = new FixedWriter(size)
    .put(DOMAIN)
    .u8(STATEMENT_KIND[kind])
    .put(fromHex(chainId))
    .u64(epoch)
    .u64(view);
  if (target !== undefined) {
    writer
      .u64(target.parentView)
      .put(fromHex(target.parentDigest))
      .put(fromHex(target.blockDigest));
  }
  return writer.finish();
}

/** The statement of a vote or of each vote in a certificate. */
export function voteStatement(
  chainId: string,
  vote: { kind: VoteKind; epoch: number; view: number; target: Target | undefined },
): Uint8Array {
  return statementBytes(vote.kind, chainId, vote.epoch, vote.view, vote.target);
}
