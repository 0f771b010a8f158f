import { parentPort, workerData } from "node:worker_threads";
import { invariant, present } from "../../primitives/assert.ts";
import { nativeSigner, verifySodium } from "../../primitives/native/sodium.ts";

/**
 * One core's share of the ceiling: verifies signatures over statements of a transaction's length,
 * by a few keys, until the time is over, and posts how many it did in how many milliseconds.
 */

/** Length of the statement that parties sign. */
const STATEMENT_BYTES = 75;
const KEYS = 8;
const MESSAGES = 256;
/** Verifications between two looks at the clock. */
const STRIDE = 64;

const milliseconds: unknown = workerData;
invariant(typeof milliseconds === "number", "the worker is told for how long");
const port = present(parentPort ?? undefined, "port of the parent");

const signers = Array.from({ length: KEYS }, (_, i) =>
  nativeSigner(new Uint8Array(32).fill(i + 1)),
);
const checks = Array.from({ length: MESSAGES }, (_, i) => {
  const signer = present(signers[i % KEYS], "signer");
  const message = new Uint8Array(STATEMENT_BYTES).fill(i);
  return { publicKey: signer.publicKey, message, signature: signer.sign(message) };
});

port.once("message", () => {
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
  port.postMessage({ verified, milliseconds: elapsed });
});
port.postMessage("ready");
