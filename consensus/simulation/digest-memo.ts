import { type BlockHeader, headerDigest } from "../header.ts";

const digests = new WeakMap<BlockHeader, string>();

/**
 * The digest of a header, computed once for each object: in a simulation one object passes from node
 * to node. For the surroundings of the core only; the core computes its own every time.
 */
export function digestOf(header: BlockHeader): string {
  const known = digests.get(header);
  if (known !== undefined) return known;
  const digest = headerDigest(header);
  digests.set(header, digest);
  return digest;
}
