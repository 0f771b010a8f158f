import { expect, test, vi } from "vitest";
import type { Effect } from "../effects.ts";
import { type StartCore, startRealCore } from "./core-port.ts";
import { cutFlags, shrink } from "./shrink.ts";
import { simulate } from "./simulation.ts";
import type { SimulationOptions } from "./simulation-options.ts";

/** Far above what a case takes even on a busy machine. */
vi.setConfig({ testTimeout: 300_000 });

/** A node that throws once it is started for the second time: one crash suffices to find it. */
const throwsAfterRestart: StartCore = (config, records, lastCommitted) => {
  const core = startRealCore(config, records, lastCommitted);
  const restarted = records.length > 0;
  return {
    ...core,
    step(event, nowMs): readonly Effect[] {
      if (restarted && event.type === "start") throw new Error("deliberate");
      return core.step(event, nowMs);
    },
  };
};

const options: SimulationOptions = {
  seed: 3,
  n: 4,
  startCore: throwsAfterRestart,
  mix: {
    stabilisationMs: 6_000,
    crashChance: 0.3,
    partitionChance: 0.3,
    oneWayChance: 0.3,
    clockJumpChance: 0.3,
    byzantine: true,
    frail: false,
  },
};

test("a failure is shrunk to the one fault that it needs", () => {
  const failed = simulate(options);
  expect(failed.violations[0]?.invariant).toBe("HALT");
  expect(failed.faults.length).toBeGreaterThan(10);
  const { cuts, result, runs } = shrink(options, failed);
  expect(cuts.keepFaults).toHaveLength(1);
  expect(["crash", "crashAmid", "syncError"]).toContain(
    failed.faults[cuts.keepFaults?.[0] ?? -1]?.kind,
  );
  // Something must have happened before the crash: a burst of a client, or a traitor's vote.
  const causes = (cuts.keepAdversaries?.length ?? 0) + (cuts.keepBursts?.length ?? 0);
  expect(causes).toBeLessThanOrEqual(2);
  expect(cuts.calm).toEqual(["links", "disks", "execution", "clocks"]);
  expect(cuts.untilMs).toBeLessThan(6_000);
  expect(result.violations[0]?.invariant).toBe("HALT");
  expect(runs).toBeLessThanOrEqual(300);
});

test("what is kept repeats the failure event for event", () => {
  const shrunk = shrink(options, simulate(options));
  const again = simulate({ ...options, cuts: shrunk.cuts });
  expect(again.violations).toEqual(shrunk.result.violations);
  expect(again.eventLogHash).toBe(shrunk.result.eventLogHash);
});

test("the number of runs is bounded, and the best so far is kept", () => {
  const failed = simulate(options);
  let ran = 0;
  const counted = (next: SimulationOptions) => {
    ran += 1;
    return simulate(next);
  };
  const { result, runs } = shrink(options, failed, counted, 5);
  expect(runs).toBe(5);
  expect(ran).toBe(5);
  expect(result.violations[0]?.invariant).toBe("HALT");
});

test("cutting nothing out changes nothing", () => {
  const plain = simulate({ seed: 21, n: 4 });
  const whole = simulate({
    seed: 21,
    n: 4,
    cuts: {
      keepFaults: [...plain.faults.keys()],
      keepAdversaries: [...plain.adversaries.keys()],
      keepBursts: Array.from({ length: plain.bursts }, (_, burst) => burst),
      untilMs: plain.mix.stabilisationMs,
      calm: [],
    },
  });
  expect(whole.eventLogHash).toBe(plain.eventLogHash);
});

test("the flags of a replay name exactly what is kept", () => {
  expect(cutFlags({ keepFaults: [3, 7], keepAdversaries: [], untilMs: 900, calm: ["links"] })).toBe(
    "--keep-faults 3,7 --keep-adversaries none --calm links --until-ms 900",
  );
});
