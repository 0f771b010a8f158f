import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type JsonBounds, scanJson } from "./json-scan.ts";
import { ClientBuckets } from "./token-bucket.ts";

const WIDE: JsonBounds = { maxDepth: 100, maxTokens: 1e6, maxTopItems: 1e6 };

/** The same counts, taken from the parsed value. */
function depthOf(value: unknown): number {
  if (typeof value !== "object" || value === null) return 0;
  return 1 + Math.max(0, ...Object.values(value).map(depthOf));
}

describe("scanJson", () => {
  it("knows the depth of any JSON, however it is spelt", () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 6 }), fc.boolean(), (value, spaced) => {
        const text = JSON.stringify(value, null, spaced ? "\t" : undefined);
        const depth = depthOf(value);
        expect(scanJson(text, { ...WIDE, maxDepth: depth })).toBe("ok");
        if (depth > 0) expect(scanJson(text, { ...WIDE, maxDepth: depth - 1 })).toBe("TOO_DEEP");
      }),
    );
  });

  it("knows the number of items at the top", () => {
    fc.assert(
      fc.property(fc.array(fc.jsonValue({ maxDepth: 2 }), { minLength: 2 }), (items) => {
        const text = ` ${JSON.stringify(items)}`;
        expect(scanJson(text, { ...WIDE, maxTopItems: items.length })).toBe("ok");
        const fewer = { ...WIDE, maxTopItems: items.length - 1 };
        expect(scanJson(text, fewer)).toBe("TOO_MANY_TOP_ITEMS");
      }),
    );
  });

  it("counts scalars, brackets and separators, and nothing inside strings", () => {
    const text = '{"a": [1, true, "[{,:\\"]}"], "b": null}';
    const tokens = 15;
    expect(scanJson(text, { ...WIDE, maxTokens: tokens })).toBe("ok");
    expect(scanJson(text, { ...WIDE, maxTokens: tokens - 1 })).toBe("TOO_MANY_TOKENS");
    expect(scanJson('"[[[[[["', { ...WIDE, maxDepth: 0 })).toBe("ok");
    expect(scanJson('"\\\\"[', { ...WIDE, maxDepth: 0 })).toBe("TOO_DEEP");
  });

  it("ends on any text", () => {
    const verdicts = ["ok", "TOO_DEEP", "TOO_MANY_TOKENS", "TOO_MANY_TOP_ITEMS"];
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        expect(verdicts).toContain(scanJson(text, { maxDepth: 2, maxTokens: 8, maxTopItems: 3 }));
      }),
    );
  });
});

describe("ClientBuckets", () => {
  const rate = { burst: 10, perSecond: 2 };

  it("grants a burst, then the rate, and says how long to wait", () => {
    const buckets = new ClientBuckets(rate, 10);
    expect(buckets.take("a", 10, 0)).toBe(0);
    expect(buckets.take("a", 1, 0)).toBe(500);
    expect(buckets.take("a", 1, 250)).toBe(250);
    expect(buckets.take("a", 1, 500)).toBe(0);
    expect(buckets.take("a", 4, 500)).toBe(2_000);
  });

  it("keeps clients apart and fills no bucket above its burst", () => {
    const buckets = new ClientBuckets(rate, 10);
    buckets.take("a", 10, 0);
    expect(buckets.take("b", 10, 0)).toBe(0);
    expect(buckets.take("a", 10, 1e9)).toBe(0);
    expect(buckets.take("a", 1, 1e9)).toBeGreaterThan(0);
  });

  it("lets a costly call through on a full bucket and makes it pay afterwards", () => {
    const buckets = new ClientBuckets(rate, 10);
    expect(buckets.take("a", 20, 0)).toBe(0);
    expect(buckets.take("a", 1, 0)).toBe(5_500);
  });

  it("remembers a bounded number of clients, the recent ones", () => {
    const buckets = new ClientBuckets(rate, 3);
    for (const client of ["a", "b", "c"]) buckets.take(client, 10, 0);
    buckets.take("a", 1, 0);
    buckets.take("d", 1, 0);
    expect(buckets.clients).toBe(3);
    expect(buckets.take("a", 1, 0)).toBeGreaterThan(0);
    expect(buckets.take("b", 10, 0)).toBe(0);
  });

  it("never grants more than burst plus rate over any time", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(3_000), fc.integer({ min: 1, max: 10 }))), (calls) => {
        const buckets = new ClientBuckets(rate, 1);
        let now = 0;
        let granted = 0;
        for (const [pause, cost] of calls) {
          now += pause;
          if (buckets.take("a", cost, now) === 0) granted += cost;
        }
        expect(granted).toBeLessThanOrEqual(rate.burst + (now / 1000) * rate.perSecond + 1e-6);
      }),
    );
  });
});
