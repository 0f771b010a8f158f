import { describe, expect, test } from "vitest";
import { VOTE_WINDOW } from "./limits.ts";
import { LAN_PARAMETERS } from "./parameters.ts";
import {
  blockOn,
  certificateBy,
  digestOf,
  followerOf,
  GENESIS,
  leaderFor,
  statusOf,
  TestNode,
} from "./testing/harness.ts";

const self = followerOf([1, 2]);
const others = [0, 1, 2, 3].filter((index) => index !== self);
const [a = 0, b = 0, c = 0] = others;
const first = blockOn(GENESIS, 1);
const rival = blockOn(GENESIS, 1, { stateRoot: digestOf("rival") });

describe("tallies", () => {
  test("count each signer once, however often its vote comes", () => {
    const node = new TestNode({ self, validates: false });
    for (let i = 0; i < 5; i++) node.vote(a, "notarize", 1, first.target);
    node.vote(b, "notarize", 1, first.target);
    expect(node.sent("certificate")).toEqual([]);
    node.vote(c, "notarize", 1, first.target);
    expect(node.sent("certificate")).toEqual([
      certificateBy([a, b, c], "notarize", 1, first.target),
    ]);
  });

  test("keep votes for different blocks and of different kinds apart", () => {
    const node = new TestNode({ self, validates: false });
    node.vote(a, "notarize", 1, first.target);
    node.vote(b, "notarize", 1, rival.target);
    node.vote(c, "finalize", 1, first.target);
    expect(node.sent("certificate")).toEqual([]);
  });

  test("an equivocator counts on both sides and is kept to two votes a kind", () => {
    const node = new TestNode({ self, validates: false });
    const third = blockOn(GENESIS, 1, { stateRoot: digestOf("third") });
    for (const block of [rival, first, third]) node.vote(a, "notarize", 1, block.target);
    expect(node.state.views.get(1)?.votes.get(a)?.notarize).toHaveLength(2);
    node.vote(b, "notarize", 1, first.target);
    node.vote(c, "notarize", 1, first.target);
    expect(node.sent("certificate").map(({ target }) => target)).toEqual([first.target]);
  });

  test("votes of nullified views far behind are dropped and not taken again", () => {
    const node = new TestNode({ self });
    node.vote(a, "notarize", 1, first.target);
    node.certificate(certificateBy(others, "nullify", 1, undefined));
    expect(node.state.views.get(1)?.votes.size).toBe(1);
    node.certificate(certificateBy(others, "nullify", VOTE_WINDOW + 5, undefined));
    expect(node.state.views.get(1)?.votes.size).toBe(0);
    node.vote(b, "notarize", 1, first.target);
    expect(node.state.views.get(1)?.votes.size).toBe(0);
  });

  test("memory of votes is bounded by the window", () => {
    const node = new TestNode({ self });
    for (let view = 1; view <= 200; view++) {
      try {
        node.vote(a, "nullify", view);
      } catch {
        expect(view).toBeGreaterThan(VOTE_WINDOW);
      }
    }
    expect(node.state.views.size).toBeLessThanOrEqual(VOTE_WINDOW + 1);
  });
});

describe("evidence", () => {
  test.each([
    ["two notarize votes", "notarize", "notarize", true],
    ["two finalize votes", "finalize", "finalize", true],
    ["nullify and finalize", "nullify", "finalize", true],
    ["finalize and nullify", "finalize", "nullify", true],
    ["notarize and nullify, which is legal", "notarize", "nullify", false],
    ["notarize and finalize, which is legal", "notarize", "finalize", false],
  ] as const)("%s", (_, one, two, proof) => {
    const node = new TestNode({ self, validates: false });
    const targetOf = (kind: string, block: typeof first) =>
      kind === "nullify" ? undefined : block.target;
    node.vote(a, one, 1, targetOf(one, first));
    node.vote(a, two, 1, targetOf(two, one === two ? rival : first));
    const reports = node.reports("evidence");
    expect(reports).toHaveLength(proof ? 1 : 0);
    if (proof) {
      const { first, second } = reports[0]?.evidence ?? {};
      expect(first?.statement).not.toEqual(second?.statement);
    }
  });

  test("is reported once a signer, and kept in the journal", () => {
    const node = new TestNode({ self, validates: false });
    node.vote(a, "notarize", 1, first.target);
    node.vote(a, "notarize", 1, rival.target);
    node.vote(a, "finalize", 1, first.target);
    node.vote(a, "nullify", 1);
    expect(node.reports("evidence")).toHaveLength(1);
    const back = new TestNode({ self, records: node.journal });
    expect(back.state.views.get(1)?.votes.get(a)?.notarize).toHaveLength(2);
  });
});

describe("the own clock", () => {
  test("is compared with the weighted median of the peers", () => {
    const node = new TestNode({ self });
    const { precisionMs } = LAN_PARAMETERS;
    const tell = (index: number, offset: number) =>
      node.receive(index, statusOf({ clockMs: node.now - offset }));
    tell(a, precisionMs);
    tell(b, 0);
    tell(c, 0);
    node.fire("status");
    expect(node.reports("clockSkew")).toEqual([]);
    for (const index of others) tell(index, precisionMs);
    node.fire("status");
    node.fire("status");
    expect(node.reports("clockSkew")).toEqual([
      { kind: "clockSkew", offsetMs: precisionMs, alarm: true },
    ]);
    for (const index of others) tell(index, 0);
    node.fire("status");
    expect(node.reports("clockSkew").at(-1)).toMatchObject({ alarm: false });
    expect(leaderFor(1)).not.toBe(self);
  });
});
