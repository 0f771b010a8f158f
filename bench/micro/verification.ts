import { invariant, present } from "../../primitives/assert.ts";
import { verifyOracle } from "../../primitives/ed25519/criterion.ts";
import { verifyOpenssl } from "../../primitives/native/openssl-verify.ts";
import { verifySodium } from "../../primitives/native/sodium.ts";
import type { VerifySignature } from "../../primitives/verifier.ts";
import { signedStatements } from "./signed-statements.ts";
import type { Suite, Task } from "./suite.ts";

/** Different statements, so that no cache of one of them flatters the figure. */
const STATEMENTS = 64;

/** One signature on the calling thread, by each implementation of the network's criterion. */
export const verification: Suite = {
  area: "verification",
  open() {
    const checks = signedStatements(STATEMENTS);
    const task = (backend: string, verify: VerifySignature): Task => {
      let next = 0;
      return {
        name: `verification.verify/backend=${backend}`,
        units: 1,
        unit: "signature",
        run() {
          const check = present(checks[next++ % STATEMENTS], "check");
          invariant(verify(check.publicKey, check.message, check.signature), "it verifies");
        },
      };
    };
    return {
      tasks: [
        task("noble-oracle", verifyOracle),
        task("openssl", verifyOpenssl),
        task("sodium-native", verifySodium),
      ],
    };
  },
};
