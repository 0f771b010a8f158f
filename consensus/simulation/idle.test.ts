import { expect, test, vi } from "vitest";
import { Prng } from "../../primitives/prng.ts";
import { viewTimeouts } from "../pacemaker.ts";
import { LAN_PARAMETERS } from "../parameters.ts";
import { statementBytes } from "../statements.ts";
import { Checker } from "./checker.ts";
import { EpochDirectory } from "./epoch-directory.ts";
import type { FaultMix } from "./fault-mix.ts";
import { IdleMonitor } from "./idle-monitor.ts";
import { Keyring } from "./keyring.ts";
import { simulate } from "./simulation.ts";
import { hashText } from "./toy-application.ts";
import { drawValidatorSet } from "./validator-weights.ts";

/** Far above what a case takes even on a busy machine. */
vi.setConfig({ testTimeout: 300_000 });

const TEN_MINUTES_MS = 600_000;

const HONEST: Partial<FaultMix> = {
  byzantine: false,
  frail: false,
  hasty: false,
  heartbeatMs: LAN_PARAMETERS.heartbeatMs,
};

test.each([
  [4, 1],
  [4, 2],
  [7, 1],
])("%i validators, seed %i: ten minutes at rest after any weather", (n, seed) => {
  const { violations, idle } = simulate({ seed, n, mix: HONEST, idleMs: TEN_MINUTES_MS });
  expect(violations).toEqual([]);
  const beats = TEN_MINUTES_MS / LAN_PARAMETERS.heartbeatMs;
  expect(idle?.blocks).toBeGreaterThanOrEqual(beats - 2);
  expect(idle?.blocks).toBeLessThanOrEqual(beats + 1);
  expect(idle?.views).toBeLessThanOrEqual(beats + 2);
  const { advanceMs } = viewTimeouts(LAN_PARAMETERS, 1);
  expect(idle?.firstFinalMs).toBeLessThanOrEqual(advanceMs);
});

/** A monitor over a network that the test makes up, ten seconds at rest. */
function monitor() {
  const keyring = new Keyring([1, 2, 3, 4]);
  const set = drawValidatorSet(4, new Prng(1), keyring, "equal");
  const checker = new Checker({
    epochs: EpochDirectory.fixed(set, 1),
    honest: [0, 1, 2, 3],
    genesisDigest: hashText("rest"),
    genesisTimestampMs: 0,
    precisionMs: 500,
    now: () => 0,
  });
  const submitted: string[] = [];
  const idle = new IdleMonitor({
    checker,
    parameters: { ...LAN_PARAMETERS, heartbeatMs: 2_000 },
    participants: 4,
    forMs: 30_000,
    submit: (transaction) => submitted.push(transaction),
  });
  idle.check(0);
  idle.check(3_000);
  return { checker, idle, submitted };
}

const broken = (checker: Checker) => checker.violations.map(({ invariant }) => invariant);

test("L5: a nullify vote at rest", () => {
  const { checker, idle } = monitor();
  checker.signed(0, statementBytes("nullify", hashText("rest"), 1, 1, undefined));
  idle.check(33_000);
  expect(broken(checker)).toContain("L5");
});

test("L5: views that pass without a block", () => {
  const { checker, idle } = monitor();
  checker.reported(0, 5, 0);
  idle.check(33_000);
  expect(broken(checker)).toContain("L5");
});

test("L5: more bytes than Status messages need", () => {
  const { checker, idle } = monitor();
  for (let i = 0; i < 3_000; i++) idle.sent({ type: "encoded", bytes: new Uint8Array(1_000) });
  idle.check(33_000);
  expect(broken(checker)).toContain("L5");
});

test("L6: no heartbeat block; L2: the first transaction after the rest is not final", () => {
  const { checker, idle, submitted } = monitor();
  idle.check(33_000);
  expect(broken(checker)).toEqual(["L6"]);
  expect(submitted).toHaveLength(1);
  idle.check(33_000 + 3 * viewTimeouts(LAN_PARAMETERS, 1).advanceMs + 1);
  expect(broken(checker)).toEqual(["L6", "L2"]);
});
