import { describe, expect, test } from "vitest";
import { MAX_BACKOFF_STEPS } from "./limits.ts";
import { backoff, backoffFactor, backoffSteps, relaxBackoff, viewTimeouts } from "./pacemaker.ts";
import { checkParameters, LAN_PARAMETERS, WAN_PARAMETERS } from "./parameters.ts";
import {
  blockOn,
  certificateBy,
  followerOf,
  GENESIS,
  leaderFor,
  proposalOf,
  TestNode,
} from "./testing/harness.ts";

describe("back-off", () => {
  test("grows with the distance from the floor and is capped", () => {
    expect([-1, 0, 1, 2, 3].map(backoffFactor)).toEqual([1, 1, 1.5, 2.25, 3.375]);
    expect(backoffFactor(1_000_000)).toBe(20);
    expect(backoffFactor(MAX_BACKOFF_STEPS)).toBe(20);
    expect(backoffFactor(MAX_BACKOFF_STEPS - 1)).toBeLessThan(20);
    const { state } = new TestNode({ self: 0 });
    const at = (view: number): number => {
      state.view = view;
      return backoffSteps(state);
    };
    expect([1, 2, 3, 4, 5, 1_000_000].map(at)).toEqual([0, 0, 1, 2, 3, MAX_BACKOFF_STEPS]);
  });

  test("each final block takes one step off, a single one not all of them", () => {
    const { state } = new TestNode({ self: 0 });
    state.view = 7;
    expect(backoffSteps(state)).toBe(5);
    relaxBackoff(state, 1);
    state.floor = { ...state.floor, view: 6 };
    expect(backoffSteps(state)).toBe(4);
    // Lost views count from the new floor: they add nothing until they are more than are left.
    state.view = 11;
    expect(backoffSteps(state)).toBe(4);
    state.view = 13;
    expect(backoffSteps(state)).toBe(5);
    relaxBackoff(state, 3);
    state.floor = { ...state.floor, view: 12 };
    expect(backoffSteps(state)).toBe(2);
    relaxBackoff(state, 64);
    expect(backoffSteps(state)).toBe(0);
  });

  test("however long finality was away, few blocks bring the view times back", () => {
    const { state } = new TestNode({ self: 0 });
    state.view = 1_000_000;
    relaxBackoff(state, 1);
    state.floor = { ...state.floor, view: state.view - 1 };
    for (let block = 1; block < MAX_BACKOFF_STEPS; block++) relaxBackoff(state, 1);
    expect(backoff(state)).toBe(1);
  });

  test("a view that was notarized late keeps the view times up, a quick one lets them go", () => {
    const node = new TestNode({ self: followerOf([1, 2]) });
    const { advanceMs } = viewTimeouts(LAN_PARAMETERS, 1);
    const signers = [0, 1, 2, 3].filter((index) => index !== node.state.config.self);
    const first = blockOn(GENESIS, 1);
    node.work();
    node.receive(leaderFor(1), proposalOf(first));
    node.now += advanceMs - 1;
    node.certificate(certificateBy(signers, "notarize", 1, first.target));
    expect(node.state.view).toBe(2);
    expect(backoffSteps(node.state)).toBe(1);
    node.finalize(first);
    expect(backoffSteps(node.state)).toBe(1);
    const second = blockOn(first, 2);
    node.receive(leaderFor(2), proposalOf(second));
    node.now += 10;
    node.certificate(certificateBy(signers, "notarize", 2, second.target));
    expect(backoffSteps(node.state)).toBe(0);
  });

  test("waiting for work counts as no part of a view", () => {
    const node = new TestNode({ self: followerOf([1, 2]) });
    node.now += 20_000;
    node.work();
    node.now += 10;
    const signers = [0, 1, 2, 3].filter((index) => index !== node.state.config.self);
    node.certificate(certificateBy(signers, "notarize", 1, blockOn(GENESIS, 1).target));
    expect(node.state.view).toBe(2);
    expect(backoffSteps(node.state)).toBe(0);
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
