import { describe, expect, test, vi } from "vitest";
import type { CreateAdversary } from "./adversaries/adversary.ts";
import { BEHAVIOURS } from "./adversaries/behaviours.ts";
import { createWithholder } from "./adversaries/withholder.ts";
import { mergeCounts } from "./coverage.ts";
import { type SimulationOptions, simulate } from "./simulation.ts";

/** Far above what a case takes even on a busy machine. */
vi.setConfig({ testTimeout: 300_000 });

/** What honest nodes notice of each behaviour, in any of its runs: it does what it is named for. */
const NOTICED: ReadonlyMap<string, readonly string[]> = new Map([
  ["createEquivocator", ["evidence", "nullifying LEADER_EQUIVOCATED"]],
  ["createLeaper", ["peerFault BROKEN_JUSTIFICATION"]],
  ["createTwins", ["evidence"]],
  ["createForger", ["bad signature in certificate", "bad signature in vote"]],
  ["createWithholder", ["message getHeader", "nullifying NO_CERTIFICATE"]],
  ["createLateLeader", ["nullifying NO_PROPOSAL", "nullifying AMPLIFIED"]],
  ["createInvalidBuilder", ["nullifying BAD_BLOCK", "refused WRONG_CHAIN"]],
  ["createOldEpochLeader", ["refused JUSTIFICATION_RANGE", "refused BELOW_QUORUM"]],
  ["createFlooder", ["refused AHEAD", "message getCertificates"]],
  ["createFalseServer", ["unreadable TOO_LARGE", "peerFault WRONG_CHAIN_OF_BLOCKS"]],
  ["createLiar", ["refused ECHO_OF_ANOTHER"]],
  ["createSilent", ["nullifying NO_PROPOSAL"]],
]);

function countsOf(create: CreateAdversary, options: Partial<SimulationOptions>) {
  const runs = [1, 2, 3, 4].map((seed) => {
    const mix = { byzantine: true, frail: false, crashChance: 0.1, partitionChance: 0.1 };
    const result = simulate({ seed, n: 4, adversaries: [create], mix, ...options });
    if (result.violations.length > 0) {
      const [first] = result.violations;
      expect.fail(`seed ${seed}: ${first?.invariant} ${first?.detail}`);
    }
    return result.coverage;
  });
  return mergeCounts(runs);
}

describe.each([...new Set(BEHAVIOURS)].map((create) => [create.name, create] as const))(
  "%s",
  (name, create) => {
    test("is borne, and does what it is there for", () => {
      const counts = mergeCounts([countsOf(create, {}), countsOf(create, { epochs: true })]);
      const noticed = NOTICED.get(name) ?? [];
      expect(noticed.length).toBeGreaterThan(0);
      for (const what of noticed) expect(counts.get(what) ?? 0, what).toBeGreaterThan(0);
    });
  },
);

test("a withholder, lossy links and crashes: bodies and blocks are fetched", () => {
  const mix = { byzantine: true, frail: false, crashChance: 0.2, stabilisationMs: 4_000 };
  const counts = countsOf(createWithholder, { n: 7, mix });
  expect(counts.get("message header") ?? 0).toBeGreaterThan(0);
});
