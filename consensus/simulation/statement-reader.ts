import { invariant } from "../../primitives/assert.ts";
import { toHex } from "../../primitives/bytes.ts";
import type { Target } from "../types.ts";

export interface ReadStatement {
  readonly kind: "proposal" | "notarize" | "nullify" | "finalize";
  readonly chainId: string;
  readonly epoch: number;
  readonly view: number;
  readonly target: Target | undefined;
}

const KINDS = ["proposal", "notarize", "nullify", "finalize"] as const;

/**
 * Reads signed bytes back into words: "MIZAN/BFT/1\0" (12) || kind (1) || chainId (32) || epoch (8)
 * || view (8) [|| parentView (8) || parentDigest (32) || blockDigest (32)]. The oracle judges what
 * was signed, not what the core says it wanted to sign.
 */
export function readStatement(bytes: Uint8Array): ReadStatement {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const kind = KINDS[(bytes[12] ?? 0) - 1];
  invariant(kind !== undefined, "a statement is of one of four kinds");
  invariant(bytes.length === (kind === "nullify" ? 61 : 133), "a statement has a fixed length");
  return {
    kind,
    chainId: toHex(bytes.subarray(13, 45)),
    epoch: Number(view.getBigUint64(45)),
    view: Number(view.getBigUint64(53)),
    target:
      kind === "nullify"
        ? undefined
        : {
            parentView: Number(view.getBigUint64(61)),
            parentDigest: toHex(bytes.subarray(69, 101)),
            blockDigest: toHex(bytes.subarray(101, 133)),
          },
  };
}

/** One text for one target, to compare and to index by. */
export function targetKey(target: Target | undefined): string {
  if (target === undefined) return "";
  return `${target.parentView}:${target.parentDigest}:${target.blockDigest}`;
}
