import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createValidatorSet, quorumWeights, weightOf, weightOfBitmap } from "./quorum.ts";
import { validatorSet } from "./testing/harness.ts";

const codeOf = (weights: readonly number[]): string => {
  try {
    validatorSet(weights);
    return "accepted";
  } catch (error) {
    return error instanceof Error && "code" in error ? String(error.code) : String(error);
  }
};

describe("quorum arithmetic", () => {
  test("for every total weight two quorums share honest weight and the honest are a quorum", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2 ** 31 }), (total) => {
        const { quorum, faultBound, oneHonest } = quorumWeights(total);
        expect(2 * quorum).toBeGreaterThan(total + faultBound);
        expect(total - faultBound).toBeGreaterThanOrEqual(quorum);
        expect(3 * quorum).toBeGreaterThan(2 * total);
        expect(3 * faultBound).toBeLessThan(total);
        expect(oneHonest).toBe(faultBound + 1);
      }),
    );
  });

  test.each([
    [4, 3, 1],
    [5, 4, 1],
    [6, 5, 1],
    [7, 5, 2],
    [10, 7, 3],
    [25, 17, 8],
  ])("weight %i: quorum %i, faults %i", (total, quorum, faults) => {
    expect(quorumWeights(total)).toEqual({ quorum, faultBound: faults, oneHonest: faults + 1 });
  });
});

describe("a validator set", () => {
  test("sums the weights of a bitmap and gives an observer none", () => {
    const set = validatorSet([3, 2, 2, 2, 1]);
    expect(weightOfBitmap(set, 0b10101)).toBe(6);
    expect(weightOfBitmap(set, 0)).toBe(0);
    expect(weightOf(set, 0)).toBe(3);
    expect(weightOf(set, 5)).toBe(0);
  });

  test.each([
    [[1, 1, 1], "TOO_FEW_VALIDATORS"],
    [Array<number>(26).fill(1), "TOO_MANY_VALIDATORS"],
    [[2, 1, 1, 1, 1], "HOLDER_TOO_HEAVY"],
    [[5, 1, 1, 1], "HOLDER_TOO_HEAVY"],
    [[1, 1, 1, 0], "WEIGHT_RANGE"],
    [[1, 1, 1, 1.5], "WEIGHT_RANGE"],
    [Array<number>(5).fill(2 ** 30), "WEIGHT_RANGE"],
    [[1, 1, 1, 1], "accepted"],
    [[3, 2, 2, 2, 1], "accepted"],
  ])("%j is %s", (weights, code) => {
    expect(codeOf(weights)).toBe(code);
  });

  test("refuses equal keys and keys of another length", () => {
    const key = new Uint8Array(32);
    const twice = [0, 1, 2, 3].map(() => ({ publicKey: key, weight: 1 }));
    expect(() => createValidatorSet(twice)).toThrow("own key");
    const short = [0, 1, 2, 3].map((i) => ({ publicKey: new Uint8Array(31).fill(i), weight: 1 }));
    expect(() => createValidatorSet(short)).toThrow("32 bytes");
  });
});
