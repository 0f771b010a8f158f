import { expect, test, vi } from "vitest";
import { createEquivocator } from "./adversaries/equivocator.ts";
import type { FaultMix } from "./fault-mix.ts";
import { simulate } from "./simulation.ts";

/** Far above what a case takes even on a busy machine. */
vi.setConfig({ testTimeout: 300_000 });

/** Weather in which two traitors of four find nodes that do not hear one another. */
const DIVIDED: Partial<FaultMix> = {
  byzantine: true,
  hasty: false,
  stabilisationMs: 4_000,
  partitionChance: 0.25,
  crashChance: 0,
  crashAllChance: 0,
  boundaryCrashChance: 0,
  syncErrorChance: 0,
  clockJumpChance: 0,
};

/** What more than F Byzantine weight can bring about: finality that contradicts itself, or none. */
const CONSEQUENCES = ["S1", "S2", "S3", "S4", "S8", "S10", "HALT", "L1", "L2", "L3", "L8"];

test("with F + 1 traitors the oracle reports, and no honest node corrupts what it holds", () => {
  const found = new Set<string>();
  for (let seed = 1; seed <= 20; seed++) {
    const { violations } = simulate({
      seed,
      n: 4,
      beyondBound: true,
      mix: DIVIDED,
      adversaries: [createEquivocator],
    });
    for (const { invariant, detail } of violations) {
      found.add(invariant);
      expect(CONSEQUENCES, detail).toContain(invariant);
      // A node that sees finality broken stops for good and says why; it never throws. An honest
      // key never contradicts itself (S5), sends ahead of its disk (S6) or goes back (S7) for it.
      expect(detail).not.toContain("throws");
      expect(detail).not.toContain("cannot restart");
      if (invariant === "HALT") expect(detail).toMatch(/SAFETY_VIOLATION|DIVERGENCE/);
    }
  }
  expect([...found].some((invariant) => ["S1", "S2", "S3", "S4"].includes(invariant))).toBe(true);
});
