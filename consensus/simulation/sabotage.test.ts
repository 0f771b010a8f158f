import { expect, test, vi } from "vitest";
import { present } from "../../primitives/assert.ts";
import type { Effect } from "../effects.ts";
import type { ConsensusEvent } from "../events.ts";
import { decodeRecord } from "../journal.ts";
import type { ConsensusConfig } from "../state.ts";
import { statementBytes } from "../statements.ts";
import type { Target } from "../types.ts";
import { type StartCore, startRealCore } from "./core-port.ts";
import type { FaultMix } from "./fault-mix.ts";
import type { Invariant } from "./invariants.ts";
import { type SimulationOptions, simulate } from "./simulation.ts";
import { readStatement } from "./statement-reader.ts";

/** Far above what a case takes even on a busy machine. */
vi.setConfig({ testTimeout: 300_000 });

/**
 * The oracle is worth what it catches. Each test breaks one promise of a node and asks that some
 * seed finds it; the same seeds pass with the promise kept, as simulation.test.ts shows.
 */

const MAX_SEEDS = 60;

/** Bad weather with many crashes, where the oracle reads every journal. */
const CRASHES: Partial<FaultMix> = {
  stabilisationMs: 4_000,
  crashChance: 0.4,
  crashAllChance: 0.1,
  watched: true,
};

/** Short views, so that the bound of the liveness claims comes soon. */
const BRISK = { deltaMs: 20, buildMs: 5, executionMs: 5, minBlockIntervalMs: 5, standstillMs: 500 };

/**
 * What the oracle says first, over seeds 1, 2, … until it says anything; where `wanted` is given,
 * until that is in it.
 */
function firstFound(
  options: Omit<SimulationOptions, "seed" | "n">,
  wanted = "",
): {
  readonly seed: number;
  readonly invariants: readonly Invariant[];
  readonly detail: string;
} {
  for (let seed = 1; seed <= MAX_SEEDS; seed++) {
    const { violations } = simulate({ ...options, seed, n: 4 });
    const [first] = violations;
    if (first?.detail.includes(wanted) !== true) continue;
    const invariants = violations.map(({ invariant }) => invariant);
    return { seed, invariants, detail: first.detail };
  }
  expect.fail(`not found in ${MAX_SEEDS} seeds`);
}

type Change = (effects: readonly Effect[], config: ConsensusConfig) => readonly Effect[];

/** The real core with its effects or its incoming events changed. `makeChange`: once a process. */
function brokenCore(
  makeChange: () => Change,
  admit: (event: ConsensusEvent) => ConsensusEvent = (event) => event,
): StartCore {
  return (config, records, lastCommitted) => {
    const core = startRealCore(config, records, lastCommitted);
    const change = makeChange();
    return { ...core, step: (event, nowMs) => change(core.step(admit(event), nowMs), config) };
  };
}

test("S6: effects are released before the disk has their records", () => {
  const found = firstFound({ mix: { watched: true }, sabotage: { ignoresBarriers: true } });
  expect(found.invariants[0]).toBe("S6");
});

test("S6: certificates are not journalled", () => {
  const drop: Change = (effects, { chainId, epoch }) =>
    effects.map((effect) =>
      effect.type === "persist"
        ? {
            ...effect,
            records: effect.records.filter(
              (bytes) => decodeRecord(chainId, epoch, bytes)?.type !== "certificate",
            ),
          }
        : effect,
    );
  const found = firstFound({ mix: CRASHES, startCore: brokenCore(() => drop) });
  expect(found.invariants[0]).toBe("S6");
});

test("a lost journal: the core remembers nothing, its peers do, and it stops", () => {
  const mix = { ...CRASHES, crashAllChance: 0 };
  const found = firstFound({ mix, sabotage: { losesJournal: true } }, "AMNESIA");
  expect(found.invariants).toEqual(["HALT"]);
});

test("S5: a lost journal that nobody reminds the node of", () => {
  /** Takes the reminders out of what peers say. */
  const forgetful = (event: ConsensusEvent): ConsensusEvent => {
    if (event.type !== "message" || event.message.type !== "status") return event;
    const body = { ...event.message.body, echoes: [] };
    return { ...event, message: { type: "status", body } };
  };
  const keepsSilent: Change = (effects) => effects.filter(({ type }) => type !== "report");
  const found = firstFound({
    mix: CRASHES,
    sabotage: { losesJournal: true },
    startCore: brokenCore(() => keepsSilent, forgetful),
  });
  expect(found.invariants[0]).toBe("S5");
});

test("S5: a finalize vote in a view that was nullified", () => {
  /** Whoever nullifies a view also finalizes what it notarized there. */
  const makeChange = (): Change => {
    const notarized = new Map<number, Target>();
    return (effects, { chainId, epoch }) =>
      effects.flatMap((effect): readonly Effect[] => {
        if (effect.type !== "sign") return [effect];
        const read = readStatement(present(effect.statements.at(-1), "statement"));
        if (read.target !== undefined) notarized.set(read.view, read.target);
        const target = notarized.get(read.view);
        if (read.kind !== "nullify" || target === undefined) return [effect];
        const statement = statementBytes("finalize", chainId, epoch, read.view, target);
        return [effect, { ...effect, id: 1_000_000 + effect.id, statements: [statement] }];
      });
  };
  const found = firstFound({ startCore: brokenCore(makeChange) });
  expect(found.invariants[0]).toBe("S5");
});

test("S2, S3 or S10: a quorum one weight too small", () => {
  const startCore: StartCore = (config, records, lastCommitted) => {
    const { validators } = config;
    const thin = { ...validators, quorum: validators.quorum - 1 };
    return startRealCore({ ...config, validators: thin }, records, lastCommitted);
  };
  const found = firstFound({ startCore, mix: { byzantine: true } });
  expect(["S1", "S2", "S3", "S4", "S10"]).toContain(found.invariants[0]);
});

test("S7: a disk that forgets what committed blocks are made of", () => {
  const found = firstFound({ mix: CRASHES, sabotage: { losesBodies: true } });
  expect(found.invariants[0]).toBe("S7");
});

test("HALT: a core that throws", () => {
  const makeChange = (): Change => {
    let steps = 0;
    return (effects) => {
      steps += 1;
      if (steps > 50) throw new Error("deliberate");
      return effects;
    };
  };
  const found = firstFound({ startCore: brokenCore(makeChange) });
  expect(found.invariants[0]).toBe("HALT");
  expect(found.detail).toContain("deliberate");
});

test("L1: two of four validators sign nothing", () => {
  const mute: Change = (effects, { self }) =>
    self === 0 || self === 1 ? effects.filter(({ type }) => type !== "sign") : effects;
  const found = firstFound({
    startCore: brokenCore(() => mute),
    mix: { byzantine: false, stabilisationMs: 500 },
    parameters: BRISK,
  });
  expect(found.invariants[0]).toBe("L1");
});

test("L2: blocks are built without transactions", () => {
  const empty: Change = (effects) =>
    effects.map((effect) =>
      effect.type === "build" ? { ...effect, allowTransactions: false } : effect,
    );
  const found = firstFound({
    startCore: brokenCore(() => empty),
    mix: { byzantine: false, stabilisationMs: 500 },
    parameters: BRISK,
  });
  expect(found.invariants[0]).toBe("L2");
});

test("LOAD: every broadcast is sent many times", () => {
  const echo: Change = (effects) =>
    effects.flatMap((effect) =>
      effect.type === "broadcast" ? Array.from({ length: 64 }, (): Effect => effect) : [effect],
    );
  const found = firstFound({ startCore: brokenCore(() => echo), maxEvents: 2_000 });
  expect(found.invariants[0]).toBe("LOAD");
});
