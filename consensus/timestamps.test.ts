import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { LAN_PARAMETERS } from "./parameters.ts";
import {
  acceptableAtMs,
  earliestProposalMs,
  judgeTimestamp,
  proposalTimestamp,
  weightedMedian,
} from "./timestamps.ts";

const { precisionMs, messageDelayMs, minBlockIntervalMs } = LAN_PARAMETERS;

describe("timeliness", () => {
  const now = 1_000_000;
  test.each([
    [now, 1, "timely"],
    [now + precisionMs, 1, "timely"],
    [now + precisionMs + 1, 1, "future"],
    [now - messageDelayMs - precisionMs, 1, "timely"],
    [now - messageDelayMs - precisionMs - 1, 1, "late"],
    [now - messageDelayMs - precisionMs - 1, 1.5, "timely"],
  ] as const)("stamp %i with back-off %d is %s", (stamp, factor, verdict) => {
    expect(judgeTimestamp(stamp, now, now, factor, LAN_PARAMETERS)).toBe(verdict);
  });

  test("the past is measured from first receipt, the future from now", () => {
    expect(judgeTimestamp(now, now, now + 60_000, 1, LAN_PARAMETERS)).toBe("timely");
    const stamp = now + 2 * precisionMs;
    expect(
      judgeTimestamp(stamp, now, acceptableAtMs(stamp, LAN_PARAMETERS), 1, LAN_PARAMETERS),
    ).toBe("timely");
  });
});

describe("a leader's timestamp", () => {
  test("is the clock, but above the parent's", () => {
    expect(proposalTimestamp(100, 50)).toBe(100);
    expect(proposalTimestamp(100, 100)).toBe(101);
    expect(proposalTimestamp(100, 400)).toBe(401);
  });

  test("does not wait for a parent stamped ahead beyond one interval", () => {
    // A Byzantine leader stamps a whole precision ahead; the next one enters the view at 10_000.
    const earliest = earliestProposalMs(10_000, 10_000 + precisionMs, LAN_PARAMETERS);
    expect(earliest).toBe(10_000 + precisionMs + 1 - precisionMs / 2);
    expect(earliestProposalMs(10_000, 10_100, LAN_PARAMETERS)).toBe(10_000 + minBlockIntervalMs);
    expect(earliestProposalMs(10_000, 9_990, LAN_PARAMETERS)).toBe(9_990 + minBlockIntervalMs);
  });
});

test("the weighted median splits the weight", () => {
  expect(weightedMedian([])).toBeUndefined();
  const item = fc.record({ value: fc.integer(), weight: fc.integer({ min: 1, max: 9 }) });
  fc.assert(
    fc.property(fc.array(item, { minLength: 1, maxLength: 25 }), (items) => {
      const median = weightedMedian(items) ?? Number.NaN;
      const total = items.reduce((sum, { weight }) => sum + weight, 0);
      const below = items.filter(({ value }) => value < median);
      const above = items.filter(({ value }) => value > median);
      const weigh = (some: typeof items) => some.reduce((sum, { weight }) => sum + weight, 0);
      expect(2 * weigh(below)).toBeLessThan(total);
      expect(2 * weigh(above)).toBeLessThanOrEqual(total);
    }),
  );
});
