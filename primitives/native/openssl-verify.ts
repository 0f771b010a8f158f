import { createPublicKey, verify } from "node:crypto";
import { fromHex } from "../bytes.ts";
import { isAdmissibleSignature, PUBLIC_KEY_BYTES } from "../ed25519/criterion.ts";

/** SubjectPublicKeyInfo of an Ed25519 key up to its 32 bytes (RFC 8410, section 4). */
const SPKI_PREFIX = fromHex("302a300506032b6570032100");

/**
 * The network's criterion on OpenSSL: a third, independent implementation to test the others
 * against. `publicKey` must be a registered key. Not used by a node: at half of libsodium's speed.
 */
export function verifyOpenssl(
  publicKey: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array,
): boolean {
  if (publicKey.length !== PUBLIC_KEY_BYTES || !isAdmissibleSignature(signature)) return false;
  const der = Buffer.concat([SPKI_PREFIX, publicKey]);
  const key = createPublicKey({ key: der, format: "der", type: "spki" });
  return verify(null, message, key, signature);
}
