import sodium from "sodium-native";
import { isAdmissibleSignature, PUBLIC_KEY_BYTES, SIGNATURE_BYTES } from "../ed25519/criterion.ts";
import { checkSeed, type Signer } from "../ed25519/signer.ts";
import type { VerifySignature } from "../verifier.ts";
import { checkRegisteredKeyCases, checkReleaseBehaviour } from "./self-test.ts";

const SECRET_KEY_BYTES = 64;

/**
 * The network's criterion (`ed25519/criterion.ts`) on libsodium. `publicKey` must be a registered
 * key. Released libsodium checks S < L and compares the bytes of R itself; the binding reads 64
 * bytes of a longer signature and throws on a shorter one, so the length is checked here.
 */
export function verifySodium(
  publicKey: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array,
): boolean {
  if (publicKey.length !== PUBLIC_KEY_BYTES || !isAdmissibleSignature(signature)) return false;
  return sodium.crypto_sign_verify_detached(signature, message, publicKey);
}

/**
 * A signer whose expanded secret lives in libsodium's guarded memory. The caller may wipe `seed`.
 *
 * @throws SeedError SEED_LENGTH
 */
export function nativeSigner(seed: Uint8Array): Signer {
  checkSeed(seed);
  const publicKey = new Uint8Array(PUBLIC_KEY_BYTES);
  const secretKey = sodium.sodium_malloc(SECRET_KEY_BYTES);
  sodium.crypto_sign_seed_keypair(publicKey, secretKey, seed);
  return {
    publicKey,
    sign(message) {
      const signature = new Uint8Array(SIGNATURE_BYTES);
      sodium.crypto_sign_detached(signature, message, secretKey);
      return signature;
    },
  };
}

/**
 * Run once by every thread that verifies, before its first verdict: the criterion on registered
 * keys, and the answers by which the pinned release of libsodium is told from others (its main
 * branch has become cofactored). About 2 ms.
 *
 * @throws SelfTestError SELF_TEST_FAILED, naming the case
 */
export function selfTest(verify: VerifySignature = verifySodium): void {
  checkRegisteredKeyCases(verify);
  checkReleaseBehaviour(verify);
}
