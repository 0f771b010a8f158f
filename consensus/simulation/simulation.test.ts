import { describe, expect, test } from "vitest";
import { MAX_JUSTIFIED_SKIPS } from "../limits.ts";
import { mergeCounts } from "./coverage.ts";
import type { FaultMix } from "./fault-schedule.ts";
import { type SimulationOptions, type SimulationResult, simulate } from "./simulation.ts";

/** Far above what a case takes even on a busy machine. */
const TIMEOUT_MS = 300_000;

function verdict(result: SimulationResult): string {
  const violations = result.violations.map(({ invariant, detail }) => `${invariant}: ${detail}`);
  return [
    ...violations,
    `replay: npm run simulate -- --seed ${result.seed} --n ${result.n} --trace`,
  ].join("\n");
}

function pass(options: SimulationOptions): SimulationResult {
  const result = simulate(options);
  if (result.violations.length > 0) expect.fail(verdict(result));
  expect(result.blocks, verdict(result)).toBeGreaterThanOrEqual(5);
  return result;
}

function startsOf(count: number, each: number): readonly number[] {
  return Array.from({ length: count / each }, (_, i) => 1 + i * each);
}

/** What happened in all seeds of this file so far. */
let coverage: ReadonlyMap<string, number> = new Map();
let ran = 0;

function sweep(from: number, count: number, n: number): void {
  for (let seed = from; seed < from + count; seed++) {
    coverage = mergeCounts([coverage, pass({ seed, n }).coverage]);
    ran += 1;
  }
}

describe("random faults", () => {
  test.each(startsOf(350, 25))(
    "four validators, seeds %i and the 24 after it",
    (from) => sweep(from, 25, 4),
    TIMEOUT_MS,
  );

  test.each(startsOf(150, 10))(
    "seven validators, seeds %i and the 9 after it",
    (from) => sweep(from, 10, 7),
    TIMEOUT_MS,
  );

  test.each([5, 6, 10, 13])("%i validators, seeds 1 and 2", (n) => sweep(1, 2, n), TIMEOUT_MS);

  test("the seeds above reach the rare branches", ({ skip }) => {
    if (ran < 500) skip("needs all seeds");
    for (const name of [
      "bad signature in certificate",
      "bad signature in proposal",
      "bad signature in status",
      "bad signature in vote",
      "crash",
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
      "refused UNSOLICITED",
      "refused WRONG_EPOCH",
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
    partitionChance: 0,
    oneWayChance: 0,
    clockJumpChance: 0,
  };

  test(
    "more views pass without a block than one proposal can justify",
    () => {
      const mix: Partial<FaultMix> = {
        ...CALM,
        hasty: true,
        stabilisationMs: 120_000,
        clientPauseMs: 4_000,
        links: {
          minDelayMs: 900,
          maxDelayMs: 2_000,
          stallChance: 0.02,
          dropChance: 0.02,
          duplicateChance: 0,
        },
      };
      const gaps = [1, 5].map((seed) => pass({ seed, n: 4, mix }).widestGap);
      expect(Math.max(...gaps)).toBeGreaterThan(MAX_JUSTIFIED_SKIPS);
    },
    TIMEOUT_MS,
  );

  test.each([4, 7])(
    "%i validators: all crash again and again, the wire and the disk as bytes",
    (n) => {
      const mix = { crashAllChance: 0.3, crashChance: 0.3, encoded: true, watched: true };
      for (let seed = 1; seed <= 5; seed++) {
        expect(pass({ seed, n, mix }).coverage.get("crash") ?? 0).toBeGreaterThan(n);
      }
    },
    TIMEOUT_MS,
  );

  test("without any fault every view makes a block", () => {
    const links = { minDelayMs: 1, maxDelayMs: 10, stallChance: 0, dropChance: 0 };
    const mix: Partial<FaultMix> = {
      ...CALM,
      byzantine: false,
      hasty: false,
      maxClockErrorMs: 0,
      maxExecutionMs: 4,
      disk: { minSyncMs: 1, maxSyncMs: 4 },
      links: { ...links, duplicateChance: 0 },
    };
    for (let seed = 1; seed <= 5; seed++) {
      const result = pass({ seed, n: 4, mix });
      expect([...result.coverage.keys()].filter((name) => name.startsWith("nullifying"))).toEqual(
        [],
      );
      expect(result.views - result.blocks).toBeLessThanOrEqual(1);
    }
  });
});

describe("determinism", () => {
  test("the same seed gives the same run, event for event", () => {
    for (const [seed, n] of [
      [11, 4],
      [12, 4],
      [13, 7],
    ] as const) {
      const first = simulate({ seed, n });
      const second = simulate({ seed, n });
      expect(second.eventLogHash).toBe(first.eventLogHash);
      expect(second.events).toBe(first.events);
      expect(second.blocks).toBe(first.blocks);
    }
  });

  test("tracing does not change a run", () => {
    const lines: string[] = [];
    const traced = simulate({ seed: 14, n: 4, trace: (line) => lines.push(line) });
    expect(traced.eventLogHash).toBe(simulate({ seed: 14, n: 4 }).eventLogHash);
    expect(lines.length).toBeGreaterThan(100);
  });

  test("another seed gives another run", () => {
    expect(simulate({ seed: 15, n: 4 }).eventLogHash).not.toBe(
      simulate({ seed: 16, n: 4 }).eventLogHash,
    );
  });
});
