import { describe, expect, it } from "vitest";
import { fixingFor, floatingRateE4 } from "./floating-rate.ts";

function fixing(source: "AUCTION" | "PKRV", date: string, rateE4: number) {
  return { source, date, rateE4, reference: "T", recordedAtHeight: 1 };
}

describe("a floating rate", () => {
  const fixings = [
    fixing("AUCTION", "2025-12-10", 110_000),
    fixing("AUCTION", "2025-12-24", 111_234),
    fixing("PKRV", "2026-01-06", 109_999),
    fixing("AUCTION", "2026-01-07", 115_000),
  ];

  it("follows the latest auction before the period, not one on its first day", () => {
    expect(fixingFor(fixings, "2026-01-07")?.rateE4).toBe(111_234);
    expect(fixingFor(fixings, "2026-01-08")?.rateE4).toBe(115_000);
  });

  it("falls back to the revaluation average where no auction was held lately", () => {
    expect(fixingFor(fixings.slice(2, 3), "2026-01-07")?.rateE4).toBe(109_999);
    expect(fixingFor(fixings.slice(2, 3), "2026-02-20")).toBeUndefined();
    expect(fixingFor([], "2026-01-07")).toBeUndefined();
  });

  it("adds or takes the margin and rounds HALF_UP to the places of the terms", () => {
    const rate = { benchmark: "MTB_182", marginE4: 1_500, rateDecimals: 2 } as const;
    expect(floatingRateE4({ ...rate, marginSign: "PLUS" }, 111_234)).toBe(112_700);
    expect(floatingRateE4({ ...rate, marginSign: "MINUS" }, 111_250)).toBe(109_800); // 10.975
    const exact = { ...rate, rateDecimals: 4, marginE4: 0, marginSign: "PLUS" } as const;
    expect(floatingRateE4(exact, 111_234)).toBe(111_234);
  });

  it("is neither negative nor above 100 per cent", () => {
    const rate = { benchmark: "MTB_84", marginE4: 20_000, rateDecimals: 4 } as const;
    expect(floatingRateE4({ ...rate, marginSign: "MINUS" }, 10_000)).toBe(0);
    expect(floatingRateE4({ ...rate, marginSign: "PLUS" }, 1_000_000)).toBe(1_000_000);
  });
});
