import { expect, test, vi } from "vitest";
import type { FaultMix } from "./fault-mix.ts";
import { simulate } from "./simulation.ts";

/** Far above what a case takes even on a busy machine. */
vi.setConfig({ testTimeout: 300_000 });

/** No fault at all but blocks that take longer than a view is long at first. */
const OVERLOAD: Partial<FaultMix> = {
  stabilisationMs: 30_000,
  byzantine: false,
  frail: false,
  hasty: false,
  clientPauseMs: 100,
  heartbeatMs: 30_000,
  maxClockErrorMs: 0,
  maxClockDrift: 0,
  links: { minDelayMs: 1, maxDelayMs: 10, stallChance: 0, dropChance: 0, duplicateChance: 0 },
  disk: { minSyncMs: 1, maxSyncMs: 4 },
};

test.each([300, 700, 1_500])("execution of %i ms: few views are lost once it is known", (ms) => {
  const mix = { ...OVERLOAD, minExecutionMs: ms, maxExecutionMs: ms };
  const { violations, coverage } = simulate({ seed: 5, n: 4, faults: [], mix });
  expect(violations).toEqual([]);
  // A back-off that starts anew with each final block would lose about as many views as it makes
  // blocks: here more than a hundred nullify votes for 300 ms.
  let nullified = 0;
  for (const [name, count] of coverage) if (name.startsWith("nullifying")) nullified += count;
  expect(nullified).toBeLessThan(40);
});
