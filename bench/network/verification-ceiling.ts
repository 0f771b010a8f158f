import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { Piscina } from "piscina";
import { ownCpuSeconds } from "./process-usage.ts";
import type { VerificationRun } from "./verification-load-worker.ts";

/** Threads load and warm up in this time, ms, so that afterwards all begin together. */
const WARM_UP_MS = 200;

export interface VerificationCeiling {
  readonly threads: number;
  /** V_all: verifications a second of all cores at once. */
  readonly signaturesPerSecond: number;
  /** CPU time of one verification, us: other processes on the machine hardly change it. */
  readonly cpuMicrosecondsPerSignature: number;
  /** V_all / (validators x signatures of one): what these cores could settle if they did nothing else. */
  readonly settlementsPerSecond: number;
}

/**
 * Lets every core verify at once for some time. Every validator verifies both signatures of every
 * settlement, and all validators share this machine's cores: hence the division.
 */
export async function measureCeiling(
  validators: number,
  signatures: number,
  milliseconds: number,
): Promise<VerificationCeiling> {
  const threads = availableParallelism();
  const piscina = new Piscina<number, VerificationRun>({
    filename: fileURLToPath(new URL("./verification-load-worker.ts", import.meta.url)),
    minThreads: threads,
    maxThreads: threads,
    idleTimeout: Number.POSITIVE_INFINITY,
  });
  const onEveryThread = (duration: number): Promise<readonly VerificationRun[]> =>
    Promise.all(Array.from({ length: threads }, () => piscina.run(duration)));
  try {
    await onEveryThread(WARM_UP_MS);
    const cpuBefore = ownCpuSeconds();
    const runs = await onEveryThread(milliseconds);
    const cpuSeconds = ownCpuSeconds() - cpuBefore;
    const verified = runs.reduce((sum, run) => sum + run.verified, 0);
    const signaturesPerSecond = runs.reduce(
      (sum, run) => sum + (1_000 * run.verified) / run.milliseconds,
      0,
    );
    return {
      threads,
      signaturesPerSecond,
      cpuMicrosecondsPerSignature: (1e6 * cpuSeconds) / verified,
      settlementsPerSecond: signaturesPerSecond / (validators * signatures),
    };
  } finally {
    await piscina.destroy();
  }
}
