import { expect, test, vi } from "vitest";
import { simulateTwice } from "./determinism.ts";
import { simulate } from "./simulation.ts";

/** Far above what a case takes even on a busy machine. */
vi.setConfig({ testTimeout: 300_000 });

test("S12: the same seed gives the same run, event for event", () => {
  for (const options of [
    { seed: 11, n: 4 },
    { seed: 12, n: 4, epochs: true },
    { seed: 13, n: 7, weights: "skewed" as const },
  ]) {
    expect(simulateTwice(options).violations).toEqual([]);
  }
});

test("S12: two runs of one seed that differ are a violation", () => {
  let seed = 100;
  const drifting = () => simulate({ seed: seed++, n: 4 });
  const { violations } = simulateTwice({ seed: 100, n: 4 }, drifting);
  expect(violations.map(({ invariant }) => invariant)).toEqual(["S12"]);
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
