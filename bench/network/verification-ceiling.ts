import { once } from "node:events";
import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import { CodedError } from "../../primitives/errors.ts";

/** Signatures of one settlement: both parties sign. */
export const SIGNATURES_PER_SETTLEMENT = 2;

export interface VerificationCeiling {
  readonly threads: number;
  /** V_all: verifications a second of all cores at once. */
  readonly signaturesPerSecond: number;
  /** V_all / (validators x 2): what these cores could settle if they did nothing else. */
  readonly settlementsPerSecond: number;
}

/**
 * Lets every core verify at once for some time. Every validator verifies both signatures of every
 * settlement, and all validators share this machine's cores: hence the division.
 */
export async function measureCeiling(
  validators: number,
  milliseconds: number,
): Promise<VerificationCeiling> {
  const file = new URL("./verification-load-worker.ts", import.meta.url);
  const workers = Array.from(
    { length: availableParallelism() },
    () => new Worker(file, { workerData: milliseconds }),
  );
  try {
    await Promise.all(workers.map((worker) => once(worker, "message")));
    const answers = workers.map(async (worker) => {
      const [answer]: readonly unknown[] = await once(worker, "message");
      return rateOf(answer);
    });
    // Not before all of them listen: they are to compete for the cores from the first moment.
    for (const worker of workers) worker.postMessage("go");
    const rates = await Promise.all(answers);
    const signaturesPerSecond = rates.reduce((sum, rate) => sum + rate, 0);
    return {
      threads: workers.length,
      signaturesPerSecond,
      settlementsPerSecond: signaturesPerSecond / (validators * SIGNATURES_PER_SETTLEMENT),
    };
  } finally {
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
}

function rateOf(answer: unknown): number {
  if (typeof answer === "object" && answer !== null) {
    const { verified, milliseconds } = answer as Record<string, unknown>; // any object has keys
    if (typeof verified === "number" && typeof milliseconds === "number" && milliseconds > 0) {
      return (1_000 * verified) / milliseconds;
    }
  }
  throw new CodedError("BAD_ANSWER", "a verification worker answered in another form");
}
