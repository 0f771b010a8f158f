import { type BlockHeader, headerDigest } from "../../consensus/header.ts";
import type { BlockResult } from "../../ledger/apply-block.ts";
import { CodedError } from "../../primitives/errors.ts";

/** What a header says of a block's outcome; every correct validator computes the same. */
const OUTCOME_FIELDS = ["stateRoot", "receiptsRoot", "nextValidators"] as const;

export interface Difference {
  readonly field: (typeof OUTCOME_FIELDS)[number];
  /** What this node computes; undefined of nextValidators is a block that closes no epoch. */
  readonly got: string | undefined;
  readonly expected: string | undefined;
}

/** The first field in which a header differs from what this node computes. */
export function differenceFrom(header: BlockHeader, result: BlockResult): Difference | undefined {
  const { stateRoot, receiptsRoot, closing } = result;
  const computed = { stateRoot, receiptsRoot, nextValidators: closing?.hash };
  for (const field of OUTCOME_FIELDS) {
    const [got, expected] = [computed[field], header[field]];
    if (got !== expected) return { field, got, expected };
  }
  return undefined;
}

/**
 * Of a final block: throws DIVERGENCE, which must stop the node. Either it or a quorum computes
 * wrongly, and nothing that it would read, sign or serve from here on could be trusted.
 */
export function requireAgreement(header: BlockHeader, result: BlockResult): void {
  const difference = differenceFrom(header, result);
  if (difference === undefined) return;
  const { field, got = "none", expected = "none" } = difference;
  throw new CodedError("DIVERGENCE", `this node computes another ${field} than the network`, {
    height: header.height,
    digest: headerDigest(header),
    field,
    got,
    expected,
  });
}
