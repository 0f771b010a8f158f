import { ed25519 } from "@noble/curves/ed25519.js";
import { bytesToNumberLE } from "@noble/curves/utils.js";
import { sha512 } from "@noble/hashes/sha2.js";
import { equalBytes } from "../bytes.ts";
import { CodedError, messageOf } from "../errors.ts";

/**
 * The network's one criterion for Ed25519, "registered-key cofactorless". Implementations disagree
 * on odd inputs (Chalkias, Garillot, Nikolaenko: "Taming the many EdDSAs", 2020), and a ledger
 * whose nodes disagree splits. A signature (R, S) of message M by key A is accepted if and only if
 *
 * 0. it is 64 bytes, and A is a registered key: a canonical encoding of a point other than the
 *    identity in the prime-order subgroup (`checkRegistrableKey`, run once, at registration);
 * 1. S < L;
 * 2. the bytes of R are not the identity's, 01 00 … 00;
 * 3. encode([S]B - [k]A) equals the bytes of R, with k = SHA-512(R || A || M) mod L.
 *
 * By 0 the point of 3 lies in the prime-order subgroup, so an R with a torsion component or with a
 * non-canonical encoding never matches. OpenSSL and released libsodium decide the same once 0 and 2
 * are checked; @noble/curves' own `verify` does not (it multiplies by the cofactor).
 */

export const PUBLIC_KEY_BYTES = 32;
export const SIGNATURE_BYTES = 64;
export const SEED_BYTES = 32;

const { Point } = ed25519;

/** The order L of the prime-order subgroup: 2^252 + 27742317777372353535851937790883648493. */
export const GROUP_ORDER: bigint = Point.Fn.ORDER;

const IDENTITY_ENCODING: Uint8Array = Point.ZERO.toBytes();

export type KeyErrorCode = "KEY_LENGTH" | "KEY_ENCODING" | "KEY_IDENTITY" | "KEY_TORSION";

/** A public key that must not be registered. */
export class KeyError extends CodedError<KeyErrorCode> {
  override readonly name = "KeyError";
}

/**
 * Refuses a public key under which implementations could disagree. About 1 ms: run it at
 * registration (genesis, key ceremonies), not for every signature.
 *
 * @throws KeyError KEY_LENGTH (not 32 bytes), KEY_ENCODING (not the canonical encoding of a point
 *   of the curve), KEY_IDENTITY, KEY_TORSION (a small-order or mixed-order point).
 */
export function checkRegistrableKey(publicKey: Uint8Array): void {
  if (publicKey.length !== PUBLIC_KEY_BYTES) {
    throw new KeyError("KEY_LENGTH", `a public key is ${PUBLIC_KEY_BYTES} bytes`, {
      got: publicKey.length,
      expected: PUBLIC_KEY_BYTES,
    });
  }
  const point = decodePoint(publicKey);
  if (point.is0()) throw new KeyError("KEY_IDENTITY", "the public key is the identity");
  if (!point.isTorsionFree()) {
    throw new KeyError("KEY_TORSION", "the public key is not in the prime-order subgroup");
  }
}

/** `checkRegistrableKey` as a predicate. */
export function isRegistrableKey(publicKey: Uint8Array): boolean {
  try {
    checkRegistrableKey(publicKey);
    return true;
  } catch (error) {
    if (error instanceof KeyError) return false;
    throw error;
  }
}

function decodePoint(bytes: Uint8Array): InstanceType<typeof Point> {
  try {
    // Strict decoding (RFC 8032, 5.1.3): y < p, on the curve, no sign bit on x = 0.
    const point = Point.fromBytes(bytes);
    if (equalBytes(point.toBytes(), bytes)) return point;
  } catch (error) {
    throw new KeyError("KEY_ENCODING", `not the encoding of a point: ${messageOf(error)}`);
  }
  throw new KeyError("KEY_ENCODING", "not the canonical encoding of the point");
}

/** Rules 0 (length) and 2: checked before a backend is asked for rules 1 and 3. */
export function isAdmissibleSignature(signature: Uint8Array): boolean {
  if (signature.length !== SIGNATURE_BYTES) return false;
  for (let i = 0; i < IDENTITY_ENCODING.length; i++) {
    if (signature[i] !== IDENTITY_ENCODING[i]) return true;
  }
  return false;
}

/**
 * The criterion computed on @noble/curves' points: slow (about 1.5 ms), portable, and the oracle
 * that the fast backends are tested against. `publicKey` must be a registered key.
 */
export function verifyOracle(
  publicKey: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array,
): boolean {
  if (publicKey.length !== PUBLIC_KEY_BYTES || !isAdmissibleSignature(signature)) return false;
  const encodedR = signature.subarray(0, 32);
  const s = bytesToNumberLE(signature.subarray(32, 64));
  if (s >= GROUP_ORDER) return false;
  const a = decodeOrUndefined(publicKey);
  if (a === undefined) return false;
  const k = Point.Fn.create(bytesToNumberLE(challenge(encodedR, publicKey, message)));
  const candidate = Point.BASE.multiplyUnsafe(s).subtract(a.multiplyUnsafe(k));
  return equalBytes(candidate.toBytes(), encodedR);
}

function challenge(encodedR: Uint8Array, publicKey: Uint8Array, message: Uint8Array): Uint8Array {
  return sha512.create().update(encodedR).update(publicKey).update(message).digest();
}

function decodeOrUndefined(publicKey: Uint8Array): InstanceType<typeof Point> | undefined {
  try {
    return decodePoint(publicKey);
  } catch (error) {
    if (error instanceof KeyError) return undefined;
    throw error;
  }
}
