import { describe, expect, it } from "vitest";
import { PENALTY, PENALTY_POINTS, PenaltyRecord } from "./penalty.ts";
import { TokenBucket } from "./token-bucket.ts";

describe("PenaltyRecord", () => {
  it("cuts off at the threshold, for a time that doubles up to the longest", () => {
    const record = new PenaltyRecord();
    let nowMs = 0;
    const bans: number[] = [];
    for (let i = 0; i < 6; i++) {
      expect(record.add("BAD_BLOCK", nowMs)).toBe(false);
      expect(record.add("FRAME_TOO_LARGE", nowMs)).toBe(true);
      bans.push(record.banLeftMs(nowMs));
      nowMs += record.banLeftMs(nowMs);
      expect(record.banLeftMs(nowMs)).toBe(0);
    }
    expect(bans).toEqual([5_000, 10_000, 20_000, 40_000, 60_000, 60_000]);
    nowMs += PENALTY.banMemoryMs + 1;
    record.add("BAD_BLOCK", nowMs);
    record.add("BAD_BLOCK", nowMs);
    expect(record.banLeftMs(nowMs)).toBe(PENALTY.firstBanMs);
    expect(record.counts().get("BAD_BLOCK")).toBe(8);
  });

  it("forgives with time: rare faults never add up", () => {
    const record = new PenaltyRecord();
    const spacingMs = PENALTY_POINTS.BAD_SIGNATURE * 1_000;
    for (let i = 0; i < 100; i++) expect(record.add("BAD_SIGNATURE", i * spacingMs)).toBe(false);
  });

  it("is clean after a pardon", () => {
    const record = new PenaltyRecord();
    record.add("FRAME_TOO_LARGE", 0);
    record.add("FRAME_TOO_LARGE", 0);
    record.pardon();
    expect([record.banLeftMs(0), record.points(0)]).toEqual([0, 0]);
  });

  it("no single report cuts a peer off", () => {
    for (const points of Object.values(PENALTY_POINTS)) {
      expect(points).toBeLessThan(PENALTY.threshold);
    }
  });
});

describe("TokenBucket", () => {
  it("admits a burst, then the rate, and never saves up more than the burst", () => {
    const bucket = new TokenBucket(10, 3, 0);
    const take = (nowMs: number) => bucket.take(nowMs);
    expect([take(0), take(0), take(0), take(0)]).toEqual([true, true, true, false]);
    expect([take(50), take(100), take(100)]).toEqual([false, true, false]);
    expect([take(1e6), take(1e6), take(1e6), take(1e6)]).toEqual([true, true, true, false]);
  });
});
