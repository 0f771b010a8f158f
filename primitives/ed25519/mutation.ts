import { ED25519_TORSION_SUBGROUP } from "@noble/curves/ed25519.js";
import { bytesToNumberLE, numberToBytesLE } from "@noble/curves/utils.js";
import { concatBytes, equalBytes, fromHex } from "../bytes.ts";
import type { Prng } from "../prng.ts";
import type { SignatureCheck } from "../verifier.ts";
import { GROUP_ORDER } from "./criterion.ts";
import type { Signer } from "./signer.ts";

/*
 * Random signatures and what becomes of them, to compare verifiers on. Every case is a function of
 * the generator's state, so a seed names it.
 */

/** Longest message: one to three blocks of SHA-512 with R and the key. */
const MAX_MESSAGE = 200;

export interface MutationCase {
  readonly check: SignatureCheck;
  /** The criterion's verdict, by construction. */
  readonly valid: boolean;
}

/** An honest signature of a random message. */
export function signedMessage(signer: Signer, random: Prng): SignatureCheck {
  const message = randomBytes(random, random.below(MAX_MESSAGE));
  return { publicKey: signer.publicKey, message, signature: signer.sign(message) };
}

/** The honest signature, one time in eight, or one that must not verify. */
export function mutate(honest: SignatureCheck, other: Signer, random: Prng): MutationCase {
  const { signature, message } = honest;
  const r = signature.subarray(0, 32);
  const s = signature.subarray(32);
  const bad = (change: Partial<SignatureCheck>): MutationCase => ({
    check: { ...honest, ...change },
    valid: false,
  });
  switch (random.below(8)) {
    case 0:
      return { check: honest, valid: true };
    case 1:
      return bad({ signature: flipBit(signature, random.below(512)) });
    case 2:
      return bad({ message: concatBytes(message, randomBytes(random, 1)) });
    case 3:
      return bad({ signature: concatBytes(fromHex(random.pick(ED25519_TORSION_SUBGROUP)), s) });
    case 4: {
      const multiple = bytesToNumberLE(s) + GROUP_ORDER * BigInt(1 + random.below(14));
      return bad({ signature: concatBytes(r, numberToBytesLE(multiple, 32)) });
    }
    case 5:
      return bad({ signature: randomBytes(random, 64) });
    case 6: {
      const same = equalBytes(other.publicKey, honest.publicKey);
      return { check: { ...honest, publicKey: other.publicKey }, valid: same };
    }
    default:
      // The other sign of x: -R.
      return bad({ signature: flipBit(signature, 255) });
  }
}

function randomBytes(random: Prng, length: number): Uint8Array {
  return Uint8Array.from({ length }, () => random.below(256));
}

/** A copy with one bit changed; bit 0 is the lowest of the first byte. */
export function flipBit(bytes: Uint8Array, bit: number): Uint8Array {
  const out = new Uint8Array(bytes);
  out[bit >> 3] = (out[bit >> 3] ?? 0) ^ (1 << (bit & 7));
  return out;
}
