import { performance } from "node:perf_hooks";
import { invariant } from "../../primitives/assert.ts";
import { VerificationPool } from "../../primitives/native/verification-pool.ts";
import { median } from "./median.ts";
import { signedStatements } from "./signed-statements.ts";
import type { SuiteTable } from "./suite.ts";

/** Signatures of a transaction: both parties of a trade. */
const SIGNATURES_PER_CALL = [1, 2, 16, 256] as const;
/** Signatures asked for at a time, as of a node under load. */
const IN_FLIGHT = 2_048;
const ROUNDS = { full: 21, quick: 3 };

/**
 * What a signature costs the thread that asks, which also has the network and the ledger to serve:
 * the time its event loop was busy, over the signatures verified, with one verification thread and
 * calls of different sizes kept in flight. On a machine with other work it counts interruptions too.
 */
export async function measureMainThread(quick: boolean): Promise<SuiteTable> {
  const pool = await VerificationPool.open({ threads: 1 });
  const rounds = quick ? ROUNDS.quick : ROUNDS.full;
  const checks = signedStatements(IN_FLIGHT);
  try {
    // Until the keys have their large tables.
    for (let i = 0; i < 8; i++) await pool.verify(checks, "transaction");
    const rows: (string | number)[][] = [];
    for (const size of SIGNATURES_PER_CALL) {
      const busy: number[] = [];
      const whole: number[] = [];
      for (let round = 0; round < rounds; round++) {
        const before = performance.eventLoopUtilization();
        const start = performance.now();
        const calls: Promise<readonly boolean[]>[] = [];
        for (let from = 0; from < IN_FLIGHT; from += size) {
          calls.push(pool.verify(checks.slice(from, from + size), "transaction"));
        }
        const verdicts = await Promise.all(calls);
        invariant(
          verdicts.every((all) => all.every(Boolean)),
          "all of them verify",
        );
        const { active } = performance.eventLoopUtilization(before);
        busy.push((active * 1_000) / IN_FLIGHT);
        whole.push(((performance.now() - start) * 1_000) / IN_FLIGHT);
      }
      rows.push([String(size), median(busy), Math.min(...busy), median(whole), Math.min(...whole)]);
    }
    return {
      title: `calling thread per signature, us, ${rounds} rounds of ${IN_FLIGHT}, one thread`,
      header: ["signatures a call", "busy", "best", "until verified", "best"],
      numeric: [0, 1, 2, 3, 4],
      rows,
    };
  } finally {
    await pool.close();
  }
}
