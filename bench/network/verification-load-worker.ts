import { invariant, present } from "../../primitives/assert.ts";
import { nativeSigner, verifySodium } from "../../primitives/native/sodium.ts";

/** Length of the statement that parties sign. */
const STATEMENT_BYTES = 75;
const KEYS = 8;
const MESSAGES = 256;
/** Verifications between two looks at the clock. */
const STRIDE = 64;

export interface VerificationRun {
  readonly verified: number;
  readonly milliseconds: number;
}

const signers = Array.from({ length: KEYS }, (_, i) =>
  nativeSigner(new Uint8Array(32).fill(i + 1)),
);
const checks = Array.from({ length: MESSAGES }, (_, i) => {
  const signer = present(signers[i % KEYS], "signer");
  const message = new Uint8Array(STATEMENT_BYTES).fill(i);
  return { publicKey: signer.publicKey, message, signature: signer.sign(message) };
});

/**
 * One core's share of the ceiling: verifies signatures over statements of a transaction's length,
 * by a few keys, for so many milliseconds. Returns how many, and in how many milliseconds.
 */
export default function verifyFor(milliseconds: number): VerificationRun {
  const startedAt = performance.now();
  let verified = 0;
  let elapsed = 0;
  while (elapsed < milliseconds) {
    for (let i = 0; i < STRIDE; i++) {
      const check = present(checks[(verified + i) % MESSAGES], "check");
      const valid = verifySodium(check.publicKey, check.message, check.signature);
      invariant(valid, "a signature just made verifies");
    }
    verified += STRIDE;
    elapsed = performance.now() - startedAt;
  }
  return { verified, milliseconds: elapsed };
}
