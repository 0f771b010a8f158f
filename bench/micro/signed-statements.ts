import { present } from "../../primitives/assert.ts";
import { nativeSigner } from "../../primitives/native/sodium.ts";
import type { SignatureCheck } from "../../primitives/verifier.ts";

/** Length of the statement that the parties of a transaction sign. */
const STATEMENT_BYTES = 75;
/** Keys that take turns, as in a network of a few busy members. */
const KEYS = 8;

/** Valid signatures of different statements, the keys taking turns. */
export function signedStatements(count: number, keys: number = KEYS): readonly SignatureCheck[] {
  const signers = Array.from({ length: keys }, (_, i) => {
    const seed = new Uint8Array(32).fill(i + 1);
    new DataView(seed.buffer).setUint32(0, i + 1);
    return nativeSigner(seed);
  });
  return Array.from({ length: count }, (_, i) => {
    const signer = present(signers[i % keys], "signer");
    const message = new Uint8Array(STATEMENT_BYTES);
    new DataView(message.buffer).setUint32(0, i);
    return { publicKey: signer.publicKey, message, signature: signer.sign(message) };
  });
}
