import { describe, expect, it } from "vitest";
import { FrameDeadline } from "./frame-deadline.ts";
import { Heartbeat } from "./heartbeat.ts";

function beats(heartbeat: Heartbeat, ticks: number, heardBefore = new Set<number>()): string[] {
  const out: string[] = [];
  for (let tick = 1; tick <= ticks; tick++) {
    if (heardBefore.has(tick)) heartbeat.heard();
    out.push(heartbeat.tick(tick * 1_000, true).type);
  }
  return out;
}

describe("Heartbeat", () => {
  it("pings every so many ticks and gives a silent peer up", () => {
    expect(beats(new Heartbeat(2, 3), 6)).toEqual([
      "idle",
      "ping",
      "idle",
      "ping",
      "idle",
      "silent",
    ]);
  });

  it("takes any bytes as a sign of life", () => {
    const heard = new Set([2, 4, 6, 8, 10, 12]);
    expect(beats(new Heartbeat(2, 2), 12, heard)).not.toContain("silent");
  });

  it("does not blame a peer to which we do not listen", () => {
    const heartbeat = new Heartbeat(1, 2);
    for (let tick = 1; tick <= 10; tick++) {
      expect(heartbeat.tick(tick, false).type).toBe("ping");
    }
  });

  it("measures the round trip of its newest ping only", () => {
    const heartbeat = new Heartbeat(1, 100);
    const first = heartbeat.tick(1_000, true);
    const second = heartbeat.tick(2_000, true);
    if (first.type !== "ping" || second.type !== "ping") throw new Error("pings");
    heartbeat.pong(first.payload, 2_010);
    heartbeat.pong(new Uint8Array(3), 2_010);
    expect(heartbeat.rttMs).toBeUndefined();
    heartbeat.pong(second.payload, 2_025);
    expect(heartbeat.rttMs).toBe(25);
  });
});

describe("FrameDeadline", () => {
  it("lets a frame at the least rate end, whatever its size", () => {
    const deadline = new FrameDeadline(10, 100);
    for (let tick = 1; tick < 200; tick++) expect(deadline.tick(0, tick * 100)).toBe(false);
  });

  it("finds one that is slower, right after the grace", () => {
    const deadline = new FrameDeadline(3, 100);
    const verdicts = [1, 2, 3, 4, 5].map(() => deadline.tick(0, 6));
    expect(verdicts).toEqual([false, false, false, false, true]);
  });

  it("judges each frame on its own, and none between frames", () => {
    const deadline = new FrameDeadline(1, 100);
    for (let frame = 0; frame < 20; frame++) expect(deadline.tick(frame, 1)).toBe(false);
    for (let tick = 0; tick < 20; tick++) expect(deadline.tick(20, 0)).toBe(false);
  });

  it("starts again when we were the ones who did not read", () => {
    const deadline = new FrameDeadline(2, 100);
    for (let tick = 0; tick < 20; tick++) {
      expect(deadline.tick(0, 1)).toBe(false);
      deadline.restart();
    }
  });
});
