import fc from "fast-check";
import { expect, test } from "vitest";
import { quantilesOf } from "./quantiles.ts";

test("nearest rank on known values", () => {
  const values = Array.from({ length: 100 }, (_, i) => 100 - i);
  expect(quantilesOf(values)).toEqual({ p50: 50, p95: 95, p99: 99, max: 100 });
  expect(quantilesOf([7])).toEqual({ p50: 7, p95: 7, p99: 7, max: 7 });
  expect(quantilesOf([])).toBeUndefined();
});

test("each quantile is a value that occurred, with enough values at or below it", () => {
  const values = fc.array(fc.integer({ min: 0, max: 1_000 }), { minLength: 1, maxLength: 300 });
  fc.assert(
    fc.property(values, (latencies) => {
      const found = quantilesOf(latencies);
      const named = [
        [found?.p50, 0.5],
        [found?.p95, 0.95],
        [found?.p99, 0.99],
        [found?.max, 1],
      ] as const;
      for (const [value = Number.NaN, share] of named) {
        expect(latencies).toContain(value);
        const atOrBelow = latencies.filter((latency) => latency <= value).length;
        const below = latencies.filter((latency) => latency < value).length;
        expect(atOrBelow).toBeGreaterThanOrEqual(share * latencies.length);
        expect(below).toBeLessThan(share * latencies.length);
      }
    }),
  );
});
