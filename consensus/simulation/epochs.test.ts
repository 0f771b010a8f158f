import { describe, expect, test, vi } from "vitest";
import { Prng } from "../../primitives/prng.ts";
import type { Effect } from "../effects.ts";
import type { ConsensusEvent } from "../events.ts";
import { MAX_VALIDATORS } from "../limits.ts";
import type { ConsensusConfig, PreviousEpoch } from "../state.ts";
import { createEquivocator } from "./adversaries/equivocator.ts";
import { type StartCore, startRealCore } from "./core-port.ts";
import { mergeCounts } from "./coverage.ts";
import type { Invariant } from "./invariants.ts";
import { drawRunPlan } from "./run-plan.ts";
import { type SimulationOptions, type SimulationResult, simulate } from "./simulation.ts";

/** Far above what a case takes even on a busy machine. */
vi.setConfig({ testTimeout: 300_000 });

/** Seeds of one test case: few enough that the name of the case finds the seed soon. */
const SEEDS_PER_CASE = 20;

function verdict(result: SimulationResult): string {
  const violations = result.violations.map(({ invariant, detail }) => `${invariant}: ${detail}`);
  const replay = `npm run simulate -- --epochs --seed ${result.seed} --n ${result.n} --trace`;
  return [...violations, `replay: ${replay}`].join("\n");
}

function run(options: SimulationOptions): SimulationResult {
  const result = simulate({ epochs: true, ...options });
  if (result.violations.length > 0) expect.fail(verdict(result));
  expect(result.epochs, verdict(result)).toBeGreaterThanOrEqual(1);
  return result;
}

const CASES = [1, 21, 41];

describe.each([4, 7])("%i validators, sets that change, random faults", (n) => {
  test.each(CASES)(`seeds %i and the ${SEEDS_PER_CASE - 1} after it`, (from) => {
    for (let seed = from; seed < from + SEEDS_PER_CASE; seed++) run({ seed, n });
  });
});

test("a set that is full grows no further", () => {
  for (let seed = 1; seed <= 3; seed++) {
    const { directory } = drawRunPlan({ seed, n: 25, epochs: true }, new Prng(seed));
    for (let epoch = 1; epoch <= 40; epoch++) {
      expect(directory.of(epoch).members.length).toBeLessThanOrEqual(MAX_VALIDATORS);
    }
  }
});

test("the runs reach what they are there for", () => {
  const seeds = Array.from({ length: 24 }, (_, i) => 301 + i);
  const lossy = { links: { ...LOSSY }, crashChance: 0.2, stabilisationMs: 6_000 };
  const counts = mergeCounts(seeds.map((seed) => run({ seed, n: 4, mix: lossy }).coverage));
  for (const name of [
    "effect endEpoch",
    "epoch began, gate open",
    "epoch began, gate closed",
    "signed notarize of a copy",
    "signed finalize of a copy",
    "final by a copy",
    "refused OTHER_EPOCH",
    "message evidence",
    "crash",
  ]) {
    expect(counts.get(name) ?? 0, name).toBeGreaterThan(0);
  }
});

const LOSSY = {
  minDelayMs: 1,
  maxDelayMs: 100,
  stallChance: 0.02,
  dropChance: 0.2,
  duplicateChance: 0.05,
};

test("a validator that contradicts itself stands convicted on the chain", () => {
  let convicted = 0;
  for (let seed = 1; seed <= 6; seed++) {
    const mix = { byzantine: true, frail: false, crashChance: 0 };
    const { convictions } = run({ seed, n: 4, mix, adversaries: [createEquivocator] });
    if (convictions > 0) convicted += 1;
  }
  expect(convicted).toBe(6);
});

test("the same seed gives the same run, event for event", () => {
  const once = run({ seed: 5, n: 7 });
  expect(run({ seed: 5, n: 7 }).eventLogHash).toBe(once.eventLogHash);
});

test("L1 or L7: an epoch that ends and is not followed by another", () => {
  // Without this effect the driver never makes the next core.
  const startCore: StartCore = (config, records, lastCommitted) => {
    const core = startRealCore(config, records, lastCommitted);
    const without = (event: ConsensusEvent, nowMs: number): readonly Effect[] =>
      core.step(event, nowMs).filter(({ type }) => type !== "endEpoch");
    return { ...core, step: without };
  };
  const { violations } = simulate({ seed: 1, n: 4, epochs: true, startCore });
  expect(["L1", "L7"]).toContain(violations[0]?.invariant);
});

test("S10: nodes that count by the set of the epoch before", () => {
  const startCore: StartCore = (config, records, lastCommitted) => {
    const stuck = config.previous === undefined ? config : withSetOf(config, config.previous);
    return startRealCore(stuck, records, lastCommitted);
  };
  const found = new Set<Invariant | undefined>();
  for (let seed = 1; seed <= 6; seed++) {
    found.add(simulate({ seed, n: 4, epochs: true, startCore }).violations[0]?.invariant);
  }
  expect([...found]).toContain("S10");
});

function withSetOf(config: ConsensusConfig, previous: PreviousEpoch): ConsensusConfig {
  const { validators } = previous;
  return { ...config, validators };
}
