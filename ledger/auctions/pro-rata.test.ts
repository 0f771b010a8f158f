import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { divideAtCutOff } from "./pro-rata.ts";

const MILLION = 100_000_000n; // paisa
const STEP = 50n * MILLION;

function divide(faces: readonly number[], wanted: number): readonly number[] {
  const bids = faces.map((face, number) => ({ number, face: BigInt(face) * MILLION }));
  const shares = divideAtCutOff(bids, BigInt(wanted) * MILLION, STEP);
  expect(shares.map(({ number }) => number)).toEqual(faces.map((_, i) => i));
  return shares.map(({ face }) => Number(face / MILLION));
}

describe("division at the cut-off", () => {
  test("3,500 / 1,200 / 40 / 700 for 3,000 million", () => {
    expect(divide([3_500, 1_200, 40, 700], 3_000)).toEqual([1_900, 650, 40, 400]);
  });

  test("everything is filled where there is enough", () => {
    expect(divide([3_500, 40], 3_540)).toEqual([3_500, 40]);
    expect(divide([], 10)).toEqual([]);
  });

  test("an overshoot is taken from the largest upward rounding", () => {
    // 133.3 each, 400 in all: 150 + 150 + 150 is 50 too much; the last of equals gives way.
    expect(divide([200, 200, 200], 400)).toEqual([150, 150, 100]);
    // Shares 331.6, 125.5, 42.9: rounded 350, 150, 50; 24.5 is the largest way up.
    expect(divide([550, 208, 71], 500)).toEqual([350, 100, 50]);
  });

  test("half a step rounds up, and a share is never above its bid", () => {
    expect(divide([100, 300], 300)).toEqual([100, 200]);
    expect(divide([80, 1_000], 1_079)).toEqual([80, 950]);
  });

  test("bids of one step or less are filled in their order while there is enough", () => {
    expect(divide([50, 50, 40], 90)).toEqual([50, 0, 40]);
    expect(divide([50, 900, 50], 100)).toEqual([50, 0, 50]);
    expect(divide([50, 900], 0)).toEqual([0, 0]);
  });

  test("laws: never too much, never above the bid, small bids whole, at most a step off", () => {
    const faces = fc.array(fc.bigInt(1n, 5_000n), { minLength: 1, maxLength: 12 });
    const law = fc.property(faces, fc.bigInt(0n, 20_000n), (drawn, wanted) => {
      const bids = drawn.map((face, number) => ({ number, face }));
      const shares = divideAtCutOff(bids, wanted, 50n);
      const sum = shares.reduce((total, { face }) => total + face, 0n);
      const demand = drawn.reduce((total, face) => total + face, 0n);
      expect(sum <= wanted).toBe(true);
      if (demand <= wanted) expect(sum).toBe(demand);
      for (const [i, { face }] of shares.entries()) {
        const bid = drawn[i] ?? 0n;
        expect(face >= 0n && face <= bid).toBe(true);
        expect(face % 50n === 0n || face === bid).toBe(true);
      }
      const small = drawn.filter((face) => face <= 50n).reduce((total, face) => total + face, 0n);
      if (small <= wanted) {
        for (const [i, bid] of drawn.entries()) if (bid <= 50n) expect(shares[i]?.face).toBe(bid);
        // Each rounding down leaves less than a step, and so does each step taken back.
        if (demand > wanted) expect(wanted - sum < 50n * BigInt(drawn.length)).toBe(true);
      }
    });
    fc.assert(law, { numRuns: 1_000 });
  });
});
