import { equalBytes, FixedWriter, fromHex, toHex, utf8 } from "../primitives/bytes.ts";
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

/** A statement read back from its bytes. */
export interface Statement {
  readonly kind: StatementKind;
  readonly chainId: string;
  readonly epoch: number;
  readonly view: number;
  readonly target: Target | undefined;
}

export const STATEMENT_BYTES = { nullify: PREFIX_BYTES, others: PREFIX_BYTES + TARGET_BYTES };

const KINDS = ["proposal", "notarize", "nullify", "finalize"] as const;

/** The inverse of statementBytes; undefined for bytes that no statement of a vote has. */
export function parseStatement(bytes: Uint8Array): Statement | undefined {
  if (bytes.length < PREFIX_BYTES) return undefined;
  if (!equalBytes(bytes.subarray(0, DOMAIN.length), DOMAIN)) return undefined;
  const kind = KINDS.find((each) => STATEMENT_KIND[each] === bytes[DOMAIN.length]);
  if (kind === undefined) return undefined;
  const size = kind === "nullify" ? STATEMENT_BYTES.nullify : STATEMENT_BYTES.others;
  if (bytes.length !== size) return undefined;
  const at = DOMAIN.length + 1;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const hex = (from: number): string => toHex(bytes.subarray(from, from + 32));
  const numbers = [at + 32, at + 40].map((from) => Number(view.getBigUint64(from)));
  const [epoch = 0, ofView = 0] = numbers;
  const parentView = kind === "nullify" ? 0 : Number(view.getBigUint64(PREFIX_BYTES));
  if (![epoch, ofView, parentView].every(Number.isSafeInteger)) return undefined;
  const target: Target | undefined =
    kind === "nullify"
      ? undefined
      : {
          parentView,
          parentDigest: hex(PREFIX_BYTES + 8),
          blockDigest: hex(PREFIX_BYTES + 40),
        };
  return { kind, chainId: hex(at), epoch, view: ofView, target };
}
