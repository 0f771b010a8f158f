import { describe, expect, test, vi } from "vitest";
import { MAX_JUSTIFIED_SKIPS } from "../limits.ts";
import { mergeCounts } from "./coverage.ts";
import type { FaultMix } from "./fault-mix.ts";
import { type SimulationOptions, type SimulationResult, simulate } from "./simulation.ts";

/** Far above what a case takes even on a busy machine. */
vi.setConfig({ testTimeout: 300_000 });

function verdict({ seed, n, violations }: SimulationResult): string {
  const lines = violations.map(({ invariant, detail }) => `${invariant}: ${detail}`);
  return [...lines, `replay: npm run simulate -- --seed ${seed} --n ${n}`].join("\n");
}

function pass(options: SimulationOptions): SimulationResult {
  const result = simulate(options);
  if (result.violations.length > 0) expect.fail(verdict(result));
  expect(result.blocks, verdict(result)).toBeGreaterThanOrEqual(5);
  return result;
}

/** What happened in the random seeds of this file so far. */
let coverage: ReadonlyMap<string, number> = new Map();

function sweep(from: number, count: number, n: number): void {
  for (let seed = from; seed < from + count; seed++) {
    coverage = mergeCounts([coverage, pass({ seed, n }).coverage]);
  }
}

/** The slice of random seeds that every change must pass; campaigns run many more. */
describe("random faults", () => {
  test.each([1, 26, 51, 76, 101, 126, 151, 176])("four validators, seeds %i and 24 more", (from) =>
    sweep(from, 25, 4),
  );

  test.each([1, 11, 21, 31, 41, 51])("seven validators, seeds %i and 9 more", (from) =>
    sweep(from, 10, 7),
  );

  test.each([5, 6, 10, 13])("%i validators, seeds 1 to 3", (n) => sweep(1, 3, n));

  test("25 validators", () => sweep(1, 1, 25));

  test.each([4, 5, 7])("%i validators of unequal weight", (n) => {
    for (let seed = 1; seed <= 8; seed++) pass({ seed, n, weights: "skewed" });
  });

  test("the seeds above reach the rare branches", ({ skip }) => {
    if ((coverage.get("votingEnabled") ?? 0) < 1_000) skip("needs all seeds");
    for (const name of [
      "bad signature in certificate",
      "bad signature in proposal",
      "bad signature in status",
      "bad signature in vote",
      "crash",
      "damaged journal refused",
      "died amid a step",
      "disk lost everything",
      "disk lost flipped bit",
      "disk lost journal",
      "effect serveBlocks",
      "evidence",
      "message blocks",
      "message getCertificates",
      "message header",
      "new segment",
      "nullifying AMPLIFIED",
      "nullifying BAD_BLOCK",
      "nullifying CANNOT_PROPOSE",
      "nullifying LEADER_EQUIVOCATED",
      "nullifying LEADER_NULLIFIED",
      "nullifying NOT_TIMELY",
      "nullifying NO_CERTIFICATE",
      "nullifying NO_PROPOSAL",
      "peerFault BROKEN_JUSTIFICATION",
      "refused AHEAD",
      "refused OTHER_EPOCH",
      "refused UNSOLICITED",
      "sync failed",
      "unreadable TOO_LARGE",
      "votingEnabled",
    ]) {
      expect(coverage.get(name) ?? 0, name).toBeGreaterThan(0);
    }
  });
});

describe("directed", () => {
  const CALM: Partial<FaultMix> = {
    crashChance: 0,
    crashAllChance: 0,
    boundaryCrashChance: 0,
    syncErrorChance: 0,
    diskLossChance: 0,
    partitionChance: 0,
    oneWayChance: 0,
    clockJumpChance: 0,
    maxClockErrorMs: 0,
    maxClockDrift: 0,
    frail: false,
  };

  test("more views pass without a block than one proposal can justify", () => {
    const mix: Partial<FaultMix> = {
      ...CALM,
      hasty: true,
      byzantine: true,
      stabilisationMs: 150_000,
      clientPauseMs: 4_000,
      links: {
        minDelayMs: 900,
        maxDelayMs: 2_000,
        stallChance: 0.02,
        dropChance: 0.02,
        duplicateChance: 0,
      },
    };
    expect(pass({ seed: 6, n: 4, mix, maxEvents: 400_000 }).widestGap).toBeGreaterThan(
      MAX_JUSTIFIED_SKIPS,
    );
  });

  test("without any fault every view makes a block", () => {
    const mix: Partial<FaultMix> = {
      ...CALM,
      byzantine: false,
      hasty: false,
      maxExecutionMs: 4,
      disk: { minSyncMs: 1, maxSyncMs: 4 },
      links: { minDelayMs: 1, maxDelayMs: 10, stallChance: 0, dropChance: 0, duplicateChance: 0 },
    };
    for (let seed = 1; seed <= 5; seed++) {
      const result = pass({ seed, n: 4, mix });
      const nullifying = [...result.coverage.keys()].filter((name) => name.startsWith("nullify"));
      expect(nullifying).toEqual([]);
      expect(result.views - result.blocks).toBeLessThanOrEqual(1);
    }
  });
});
