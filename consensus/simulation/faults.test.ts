import { describe, expect, test, vi } from "vitest";
import { mergeCounts } from "./coverage.ts";
import type { FaultMix } from "./fault-mix.ts";
import type { DiskLoss, Fault } from "./faults.ts";
import { type SimulationOptions, type SimulationResult, simulate } from "./simulation.ts";

/** Far above what a case takes even on a busy machine. */
vi.setConfig({ testTimeout: 300_000 });

/** Directed faults: each kind of the list by itself, with and without epochs that end. */

const CALM: Partial<FaultMix> = {
  stabilisationMs: 3_000,
  byzantine: false,
  frail: false,
  hasty: false,
  clientPauseMs: 100,
  maxClockErrorMs: 0,
  maxClockDrift: 0,
  maxExecutionMs: 4,
  watched: true,
  disk: { minSyncMs: 1, maxSyncMs: 4 },
  links: { minDelayMs: 1, maxDelayMs: 10, stallChance: 0, dropChance: 0, duplicateChance: 0 },
};

function pass(options: SimulationOptions): SimulationResult {
  const result = simulate(options);
  if (result.violations.length > 0) {
    const [first] = result.violations;
    expect.fail(`seed ${options.seed}: ${first?.invariant} ${first?.detail}`);
  }
  return result;
}

/** Effects and sends of one node from its start through its first blocks. */
const BOUNDARIES = 80;

test("a node dies at each boundary between two effects, and at each send", () => {
  let died = 0;
  for (let boundary = 1; boundary <= BOUNDARIES; boundary++) {
    const faults: readonly Fault[] = [
      { kind: "crashAmid", atMs: 30, node: boundary % 4, boundary, downMs: 40 },
    ];
    const mix = { ...CALM, stabilisationMs: 700, clientPauseMs: 200, watched: false };
    const { coverage } = pass({ seed: 7, n: 4, faults, mix, epochs: boundary % 2 === 0 });
    died += coverage.get("died amid a step") ?? 0;
  }
  expect(died).toBe(BOUNDARIES);
});

test("L9: all nodes die at once, at many moments, and the chain goes on", () => {
  for (let atMs = 200; atMs < 1_400; atMs += 75) {
    const nodes = [0, 1, 2, 3].map((node) => ({ node, downMs: atMs % 2 === 0 ? 100 : undefined }));
    pass({ seed: atMs, n: 4, faults: [{ kind: "crash", atMs, nodes }], mix: CALM });
  }
});

describe.each([false, true])("epochs that end: %s", (epochs) => {
  const from = (atMs: number): number => atMs + (epochs ? 1 : 0);

  test.each(["everything", "journal", "flipped bit"] satisfies DiskLoss[])(
    "L4: a disk loses %s; the node never votes again, and follows",
    (loss) => {
      for (let seed = 1; seed <= 4; seed++) {
        const faults: readonly Fault[] = [
          { kind: "diskLoss", atMs: from(700), node: seed % 4, loss, downMs: 300 },
          { kind: "crash", atMs: 1_500, nodes: [{ node: seed % 4, downMs: 100 }] },
        ];
        const result = pass({ seed, n: 4, epochs, faults, mix: CALM, weights: "equal" });
        expect(result.coverage.get(`disk lost ${loss}`)).toBe(1);
        const refused = result.coverage.get("damaged journal refused") ?? 0;
        expect(refused).toBe(loss === "flipped bit" ? 1 : 0);
      }
    },
  );

  test("a sync fails: the process ends, and what it had not synced may be lost", () => {
    for (let seed = 1; seed <= 5; seed++) {
      const faults = [300, 500, 700, 900].map(
        (atMs, node): Fault => ({ kind: "syncError", atMs: from(atMs), node, downMs: 50 }),
      );
      const result = pass({ seed, n: 4, epochs, faults, mix: CALM });
      expect(result.coverage.get("sync failed")).toBe(4);
    }
  });

  test("a slow disk, a slow executor, drifting and jumping clocks, lossy links", () => {
    const weathers: readonly Partial<FaultMix>[] = [
      { disk: { minSyncMs: 20, maxSyncMs: 200 } },
      { minExecutionMs: 50, maxExecutionMs: 400 },
      { maxClockErrorMs: 200, maxClockDrift: 50, clockJumpChance: 0.3 },
      {
        links: {
          minDelayMs: 1,
          maxDelayMs: 400,
          stallChance: 0.05,
          dropChance: 0.3,
          duplicateChance: 0.1,
        },
      },
    ];
    for (const [i, weather] of weathers.entries()) {
      for (let seed = 1; seed <= 2; seed++) {
        pass({ seed: 10 * i + seed, n: 4, epochs, mix: { ...CALM, ...weather } });
      }
    }
  });

  test("links cut one way, both ways, and flapping", () => {
    const faults = [0, 1, 2, 3].flatMap((node): readonly Fault[] => [
      {
        kind: "partition",
        atMs: from(200 + 500 * node),
        first: [node],
        oneWay: node % 2 === 0,
        cuts: Array.from({ length: 4 }, () => ({ cutMs: 150, pauseMs: 60 })),
      },
      {
        kind: "partition",
        atMs: from(300 + 500 * node),
        first: [node, (node + 1) % 4],
        oneWay: false,
        cuts: [{ cutMs: 400, pauseMs: 0 }],
      },
    ]);
    for (let seed = 1; seed <= 5; seed++) pass({ seed, n: 4, epochs, faults, mix: CALM });
  });
});

test("all crash again and again, the wire as bytes and every journal read", () => {
  for (const n of [4, 7]) {
    const mix = { crashAllChance: 0.3, crashChance: 0.3, encoded: true, watched: true };
    const runs = [1, 2, 3].map((seed) => pass({ seed, n, mix }).coverage);
    expect(mergeCounts(runs).get("crash") ?? 0).toBeGreaterThan(3 * n);
  }
});
