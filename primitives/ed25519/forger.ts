import { ED25519_TORSION_SUBGROUP, ed25519 } from "@noble/curves/ed25519.js";
import { bytesToNumberLE, numberToBytesLE } from "@noble/curves/utils.js";
import { sha512 } from "@noble/hashes/sha2.js";
import { concatBytes, fromHex } from "../bytes.ts";
import type { SignatureCheck } from "../verifier.ts";
import { GROUP_ORDER } from "./criterion.ts";

const { Point } = ed25519;

/** The eight points whose order divides 8, the neutral one first. */
export const TORSION_POINTS: readonly InstanceType<typeof Point>[] = ED25519_TORSION_SUBGROUP.map(
  (hex) => Point.fromBytes(fromHex(hex)),
);

/**
 * What the holder of a key can do that a signing library would not: signatures with any R. They
 * satisfy the cofactored equation, so verifiers that use it accept what the criterion rejects. For
 * tests and campaigns.
 */
export class Forger {
  readonly publicKey: Uint8Array;
  readonly #scalar: bigint;

  constructor(seed: Uint8Array) {
    const { scalar, pointBytes } = ed25519.utils.getExtendedPublicKey(seed);
    this.publicKey = pointBytes;
    this.#scalar = scalar;
  }

  /** S = r + k a for the given bytes of R, whatever they are. */
  sign(encodedR: Uint8Array, r: bigint, message: Uint8Array): SignatureCheck {
    const k = bytesToNumberLE(sha512(concatBytes(encodedR, this.publicKey, message))) % GROUP_ORDER;
    const s = (r + k * this.#scalar) % GROUP_ORDER;
    const signature = concatBytes(encodedR, numberToBytesLE(s, 32));
    return { publicKey: this.publicKey, message, signature };
  }
}

/** [r]B plus each of the torsion points: only the first is an R that the criterion accepts. */
export function commitmentsOf(r: bigint): readonly Uint8Array[] {
  const honest = Point.BASE.multiplyUnsafe(r);
  return TORSION_POINTS.map((torsion) => honest.add(torsion).toBytes());
}
