import { describe, expect, test } from "vitest";
import { backoff, viewTimeouts } from "./pacemaker.ts";
import { checkParameters, LAN_PARAMETERS, WAN_PARAMETERS } from "./parameters.ts";
import { certificateBy, followerOf, TestNode } from "./testing/harness.ts";

describe("back-off", () => {
  test("grows with the distance from the floor and is capped", () => {
    expect([1, 2, 3, 4, 5].map((view) => backoff(view, 0))).toEqual([1, 1, 1.5, 2.25, 3.375]);
    expect(backoff(9, 8)).toBe(1);
    expect(backoff(1_000_000, 0)).toBe(20);
  });

  test("no view lasts longer than 30 s and the leader always has less than the view", () => {
    for (const parameters of [LAN_PARAMETERS, WAN_PARAMETERS]) {
      for (const factor of [1, 1.5, 20]) {
        const { leaderMs, advanceMs } = viewTimeouts(parameters, factor);
        expect(advanceMs).toBeLessThanOrEqual(30_000);
        expect(leaderMs).toBeLessThan(advanceMs);
      }
    }
    expect(viewTimeouts(WAN_PARAMETERS, 20).advanceMs).toBeGreaterThan(20_000);
  });

  test("parameters out of range are refused", () => {
    expect(() => checkParameters(LAN_PARAMETERS)).not.toThrow();
    expect(() => checkParameters({ ...LAN_PARAMETERS, deltaMs: 0 })).toThrow("deltaMs");
    expect(() => checkParameters({ ...LAN_PARAMETERS, heartbeatMs: 1e9 })).toThrow("heartbeatMs");
    expect(() => checkParameters({ ...LAN_PARAMETERS, buildMs: 0.5 })).toThrow("buildMs");
  });
});

describe("timers", () => {
  test("one that was overtaken by a certificate fires into nothing", () => {
    const node = new TestNode({ self: followerOf([1, 2]) });
    node.work();
    const stale = { ...node.state.timers.get("leader") };
    node.certificate(
      certificateBy(
        [0, 1, 2, 3].filter((i) => i !== node.state.config.self),
        "nullify",
        1,
        undefined,
      ),
    );
    expect(node.state.view).toBe(2);
    node.clear();
    node.now += 60_000;
    node.event({
      type: "timerFired",
      timer: { kind: "leader", epoch: 0, view: 1, generation: stale.generation ?? 0 },
    });
    expect(node.state.pacemaker.leaderExpired).toBe(false);
    expect(node.votesSent()).toEqual([]);
  });

  test("one of another epoch is ignored", () => {
    const node = new TestNode({ self: followerOf([1]) });
    node.work();
    const { generation } = node.state.timers.get("leader") ?? { generation: 0 };
    node.event({ type: "timerFired", timer: { kind: "leader", epoch: 1, view: 1, generation } });
    expect(node.state.pacemaker.leaderExpired).toBe(false);
    node.fire("leader");
    expect(node.votesSent()).toEqual(["nullify@1"]);
  });
});
