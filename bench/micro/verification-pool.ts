import { invariant } from "../../primitives/assert.ts";
import { VerificationPool } from "../../primitives/native/verification-pool.ts";
import type { VerificationLane } from "../../primitives/verifier.ts";
import { measureMainThread } from "./main-thread-cost.ts";
import { signedStatements } from "./signed-statements.ts";
import type { Suite, Task } from "./suite.ts";

const BATCHES = [1, 16, 64, 256] as const;
/** Signatures of a quorum certificate of four validators. */
const CERTIFICATE = 3;

/**
 * From the call to the verdicts, through one thread. A transaction batch that is not full waits a
 * millisecond for company; votes do not wait.
 */
export const verificationPool: Suite = {
  area: "pool",
  async open() {
    const pool = await VerificationPool.open({ threads: 1 });
    const task = (lane: VerificationLane, size: number): Task => {
      const checks = signedStatements(size);
      return {
        name: `pool.${lane}/batch=${size}`,
        units: size,
        unit: "signature",
        async run() {
          const verdicts = await pool.verify(checks, lane);
          invariant(verdicts.every(Boolean), "all of them verify");
        },
      };
    };
    return {
      tasks: [...BATCHES.map((size) => task("transaction", size)), task("vote", CERTIFICATE)],
      measure: measureMainThread,
      close: () => pool.close(),
    };
  },
};
