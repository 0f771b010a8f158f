import { describe, expect, test } from "vitest";
import { LAN_PARAMETERS } from "./parameters.ts";
import {
  blockOn,
  certificateBy,
  followerOf,
  GENESIS,
  leaderFor,
  proposalOf,
  TestNode,
} from "./testing/harness.ts";

const self = followerOf([1, 2]);
const leader = leaderFor(1);
const others = [0, 1, 2, 3].filter((index) => index !== self);
const followers = others.filter((index) => index !== leader);
const first = blockOn(GENESIS, 1);

describe("an idle network", () => {
  test("sends nothing but Status, and no view timer runs", () => {
    const node = new TestNode({ self });
    for (let i = 0; i < 5; i++) {
      node.fire("status");
      node.fire("standstill");
    }
    expect(node.runs("leader")).toBe(false);
    expect(node.runs("advance")).toBe(false);
    expect(new Set(node.effects.map(({ type }) => type))).toEqual(
      new Set(["setTimer", "broadcast"]),
    );
    expect(node.sent("status")).toHaveLength(5);
    expect(node.all("broadcast")).toHaveLength(5);
  });

  test("is not woken by the vote of one peer, but by weight that holds an honest one", () => {
    const node = new TestNode({ self, validates: false });
    node.vote(followers[0] ?? 0, "notarize", 1, first.target);
    node.vote(followers[0] ?? 0, "finalize", 1, first.target);
    expect(node.runs("advance")).toBe(false);
    node.vote(followers[1] ?? 0, "notarize", 1, first.target);
    expect(node.runs("advance")).toBe(true);
  });

  test("answers a proposal all the same", () => {
    const node = new TestNode({ self });
    node.receive(leader, proposalOf(first));
    expect(node.votesSent()).toEqual(["notarize@1"]);
  });
});

describe("a block that is notarized and not final", () => {
  test("gets two message delays before it counts as work", () => {
    const node = new TestNode({ self: leaderFor(2) });
    const signers = [0, 1, 2, 3].filter((index) => index !== leaderFor(2));
    node.now += 200;
    node.receive(leader, proposalOf(first));
    node.certificate(certificateBy(signers, "notarize", 1, first.target));
    expect(node.all("build")).toEqual([]);
    node.fire("unfinished");
    expect(node.all("build").at(-1)).toMatchObject({ view: 2, allowTransactions: true });
  });

  test("makes no further block when it becomes final in time", () => {
    const node = new TestNode({ self: leaderFor(2) });
    const signers = [0, 1, 2, 3].filter((index) => index !== leaderFor(2));
    node.now += 200;
    node.receive(leader, proposalOf(first));
    node.certificate(certificateBy(signers, "notarize", 1, first.target));
    node.finalize(first);
    expect(node.runs("unfinished")).toBe(false);
    expect(node.all("build")).toEqual([]);
    expect(node.state.view).toBe(2);
  });

  test("an empty block whose reason has gone while it was built is not proposed", () => {
    const node = new TestNode({ self: leaderFor(2) });
    const signers = [0, 1, 2, 3].filter((index) => index !== leaderFor(2));
    node.now += 200;
    node.receive(leader, proposalOf(first));
    node.certificate(certificateBy(signers, "notarize", 1, first.target));
    node.fire("unfinished");
    const timestampMs = node.all("build").at(-1)?.timestampMs ?? 0;
    node.finalize(first);
    node.clear();
    node.event({ type: "built", view: 2, header: blockOn(first, 2, { timestampMs }).header });
    expect(node.all("persist")).toEqual([]);
    expect(node.votesSent()).toEqual([]);
  });
});

describe("heartbeat", () => {
  const { heartbeatMs, precisionMs } = LAN_PARAMETERS;

  test("is due for the leader one period after the tip", () => {
    const node = new TestNode({ self: leader });
    expect(node.state.timers.get("heartbeat")?.deadlineMs).toBe(GENESIS.timestampMs + heartbeatMs);
    node.fire("heartbeat");
    expect(node.all("build")).toHaveLength(1);
  });

  test("is missed by the others two precisions later; a silent leader is voted out", () => {
    const node = new TestNode({ self });
    const due = GENESIS.timestampMs + heartbeatMs + 2 * precisionMs;
    expect(node.state.timers.get("heartbeat")?.deadlineMs).toBe(due);
    node.fire("heartbeat");
    expect(node.runs("leader")).toBe(true);
    node.fire("leader");
    expect(node.votesSent()).toEqual(["nullify@1"]);
  });

  test("is counted from a notarized block: the next leader makes no second one at once", () => {
    const node = new TestNode({ self: leaderFor(2) });
    const late = blockOn(GENESIS, 1, { timestampMs: GENESIS.timestampMs + heartbeatMs });
    node.now = late.timestampMs;
    const signers = [0, 1, 2, 3].filter((index) => index !== leaderFor(2));
    node.receive(leader, proposalOf(late));
    node.certificate(certificateBy(signers, "notarize", 1, late.target));
    expect(node.state.view).toBe(2);
    expect(node.all("build")).toEqual([]);
    const due = late.timestampMs + heartbeatMs;
    expect(node.state.timers.get("heartbeat")?.deadlineMs).toBe(due);
  });

  test("moves on with the floor", () => {
    const node = new TestNode({ self });
    node.receive(leader, proposalOf(first));
    node.finalize(first);
    const due = first.timestampMs + heartbeatMs;
    expect(node.state.timers.get("heartbeat")?.deadlineMs).toBeGreaterThanOrEqual(due);
  });
});

test("waking gives the leader a hop and a batch more than entering a view does", () => {
  const woken = new TestNode({ self });
  woken.work();
  const wakeDelay = (woken.state.timers.get("leader")?.deadlineMs ?? 0) - woken.now;
  const entering = new TestNode({ self });
  entering.work();
  entering.certificate(certificateBy(others, "nullify", 1, undefined));
  const entryDelay = (entering.state.timers.get("leader")?.deadlineMs ?? 0) - entering.now;
  expect(wakeDelay - entryDelay).toBe(LAN_PARAMETERS.deltaMs + LAN_PARAMETERS.packingMs);
});
