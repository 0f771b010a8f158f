import { describe, expect, test } from "vitest";
import { type SimulationResult, simulate } from "./simulation.ts";

/** Seeds of one test case: few enough that the name of the case finds the seed soon. */
const SEEDS_PER_CASE = 25;

function verdict(result: SimulationResult): string {
  const violations = result.violations.map(({ invariant, detail }) => `${invariant}: ${detail}`);
  return [
    ...violations,
    `replay: npm run simulate -- --seed ${result.seed} --n ${result.n} --trace`,
  ].join("\n");
}

function sweep(from: number, n: number): void {
  let blocks = 0;
  for (let seed = from; seed < from + SEEDS_PER_CASE; seed++) {
    const result = simulate({ seed, n });
    if (result.violations.length > 0) expect.fail(verdict(result));
    expect(result.blocks, verdict(result)).toBeGreaterThanOrEqual(5);
    blocks += result.blocks;
  }
  expect(blocks).toBeGreaterThan(5 * SEEDS_PER_CASE);
}

function casesOf(count: number): readonly number[] {
  return Array.from({ length: count / SEEDS_PER_CASE }, (_, i) => 1 + i * SEEDS_PER_CASE);
}

describe("four validators, random faults", () => {
  test.each(casesOf(350))(`seeds %i and the ${SEEDS_PER_CASE - 1} after it`, (from) => {
    sweep(from, 4);
  });
});

describe("seven validators, random faults", () => {
  test.each(casesOf(150))(`seeds %i and the ${SEEDS_PER_CASE - 1} after it`, (from) => {
    sweep(from, 7);
  });
});

test.each([5, 6, 10, 13])("%i validators", (n) => {
  for (let seed = 1; seed <= 3; seed++) {
    const result = simulate({ seed, n });
    if (result.violations.length > 0) expect.fail(verdict(result));
  }
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
