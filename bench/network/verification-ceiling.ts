import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { Piscina } from "piscina";

/** Signatures of one settlement: both parties sign. */
export const SIGNATURES_PER_SETTLEMENT = 2;

/** Threads load and warm up in this time, ms, so that afterwards all begin together. */
const WARM_UP_MS = 200;

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
  const threads = availableParallelism();
  const piscina = new Piscina<number, number>({
    filename: fileURLToPath(new URL("./verification-load-worker.ts", import.meta.url)),
    minThreads: threads,
    maxThreads: threads,
    idleTimeout: Number.POSITIVE_INFINITY,
  });
  const onEveryThread = (duration: number): Promise<readonly number[]> =>
    Promise.all(Array.from({ length: threads }, () => piscina.run(duration)));
  try {
    await onEveryThread(WARM_UP_MS);
    const rates = await onEveryThread(milliseconds);
    const signaturesPerSecond = rates.reduce((sum, rate) => sum + rate, 0);
    return {
      threads,
      signaturesPerSecond,
      settlementsPerSecond: signaturesPerSecond / (validators * SIGNATURES_PER_SETTLEMENT),
    };
  } finally {
    await piscina.destroy();
  }
}
