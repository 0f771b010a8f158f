import { expect, test } from "vitest";
import { findLimit } from "./find-limit.ts";
import type { RateResult } from "./rate-step.ts";
import { bestOf, keepsUp } from "./report.ts";

function resultAt(rate: number, p99: number, settled = 100): RateResult {
  const quantiles = { p50: p99, p95: p99, p99, max: p99 };
  return {
    rate,
    seconds: 1,
    offered: 100,
    admitted: 100,
    refused: {},
    settled,
    open: {},
    elapsedSeconds: 1,
    settledPerSecond: rate,
    chain: { blocks: 1, emptyBlocks: 0, lostViews: 0 },
    finalityMs: quantiles,
    answerMs: quantiles,
    generatorLagMs: quantiles,
    generatorCpuSeconds: 0,
    othersCpuSeconds: 0,
    validators: [],
  };
}

test("the search closes in on the limit from both sides", async () => {
  const rates: number[] = [];
  const results = await findLimit(async (rate) => {
    rates.push(rate);
    return resultAt(rate, rate <= 1_130 ? 300 : 4_000);
  });
  expect(rates.slice(0, 4)).toEqual([200, 400, 800, 1_600]);
  expect(bestOf(results)).toBeGreaterThan(1_050);
  expect(bestOf(results)).toBeLessThanOrEqual(1_130);
  expect(results.map(({ rate }) => rate)).toEqual(rates.toSorted((a, b) => a - b));
});

test("where even the first rate is too high, it goes down", async () => {
  const results = await findLimit(async (rate) => resultAt(rate, rate <= 60 ? 300 : 4_000));
  expect(bestOf(results)).toBeLessThanOrEqual(60);
  expect(bestOf(results)).toBeGreaterThan(0);
});

test("in time is not enough: all that was offered must be settled", () => {
  expect(keepsUp(resultAt(100, 999))).toBe(true);
  expect(keepsUp(resultAt(100, 1_000))).toBe(false);
  expect(keepsUp(resultAt(100, 10, 99))).toBe(false);
  expect(bestOf([resultAt(100, 2_000)])).toBe(0);
});
