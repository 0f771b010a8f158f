import { invariant, present } from "../../primitives/assert.ts";
import { verifyOracle } from "../../primitives/ed25519/criterion.ts";
import { LocalKernel } from "../../primitives/native/local-kernel.ts";
import { verifyOpenssl } from "../../primitives/native/openssl-verify.ts";
import { verifySodium } from "../../primitives/native/sodium.ts";
import type { VerifySignature } from "../../primitives/verifier.ts";
import { signedStatements } from "./signed-statements.ts";
import type { Suite, Task } from "./suite.ts";
import { measureVerifiers } from "./verifier-table.ts";

/** Different statements, so that no cache of one of them flatters the figure. */
const STATEMENTS = 64;

const BATCHES = [1, 2, 16, 64] as const;

/** A batch on the calling thread by the kernel, all keys with large tables. */
function kernelTasks(): readonly Task[] {
  const kernel = LocalKernel.open({ hot: STATEMENTS, cold: 0 });
  if (kernel === undefined) return [];
  const checks = signedStatements(STATEMENTS);
  for (const { publicKey } of checks.slice(0, 8)) kernel.addKey(publicKey, "hot");
  const verify = kernel.stage(checks);
  return BATCHES.map((batch) => ({
    name: `verification.verify/backend=kernel/batch=${batch}`,
    units: batch,
    unit: "signature",
    run: () => invariant(verify(0, batch), "all of them verify"),
  }));
}

/** Signatures on the calling thread, by each implementation of the network's criterion. */
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
        ...kernelTasks(),
      ],
      measure: measureVerifiers,
    };
  },
};
