import { ed25519 } from "@noble/curves/ed25519.js";
import { copyBytes } from "../bytes.ts";
import { CodedError } from "../errors.ts";
import { SEED_BYTES } from "./criterion.ts";

/** Signs with one key. Implementations never show the secret. */
export interface Signer {
  /** 32 bytes, canonical. */
  readonly publicKey: Uint8Array;
  /** A 64-byte Ed25519 signature (RFC 8032, deterministic) of the message bytes themselves. */
  sign(message: Uint8Array): Uint8Array;
}

export class SeedError extends CodedError<"SEED_LENGTH"> {
  override readonly name = "SeedError";
}

/** @throws SeedError SEED_LENGTH */
export function checkSeed(seed: Uint8Array): void {
  if (seed.length === SEED_BYTES) return;
  throw new SeedError("SEED_LENGTH", `a seed is ${SEED_BYTES} bytes`, {
    got: seed.length,
    expected: SEED_BYTES,
  });
}

/**
 * A signer on @noble/curves, which runs anywhere: for signing offline and in a browser. It keeps
 * a copy of the seed, so the caller may wipe its own.
 *
 * @throws SeedError SEED_LENGTH
 */
export function portableSigner(seed: Uint8Array): Signer {
  checkSeed(seed);
  const secret = copyBytes(seed);
  return {
    publicKey: ed25519.getPublicKey(secret),
    sign: (message) => ed25519.sign(message, secret),
  };
}
