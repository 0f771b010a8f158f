import { describe, expect, test } from "vitest";
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

describe("rule 4: nullify", () => {
  test("after T_lead without a proposal", () => {
    const node = new TestNode({ self });
    node.work();
    node.fire("leader");
    expect(node.votesSent()).toEqual(["nullify@1"]);
    expect(node.reports("nullifying")[0]?.reason).toBe("NO_PROPOSAL");
  });

  test("a pending proposal stops T_lead; T_adv decides", () => {
    const node = new TestNode({ self, validates: false });
    node.work();
    node.receive(leader, proposalOf(first));
    node.fire("leader");
    expect(node.votesSent()).toEqual([]);
    node.fire("advance");
    expect(node.votesSent()).toEqual(["nullify@1"]);
    expect(node.reports("nullifying")[0]?.reason).toBe("NO_CERTIFICATE");
  });

  test("after T_adv also when the own notarize vote is out", () => {
    const node = new TestNode({ self });
    node.work();
    node.receive(leader, proposalOf(first));
    node.fire("advance");
    expect(node.votesSent()).toEqual(["notarize@1", "nullify@1"]);
  });

  test("with the leader, without any timer", () => {
    const node = new TestNode({ self });
    node.vote(leader, "nullify", 1);
    expect(node.votesSent()).toEqual(["nullify@1"]);
    expect(node.reports("nullifying")[0]?.reason).toBe("LEADER_NULLIFIED");
  });

  test("with weight that holds an honest signer, and not before", () => {
    const node = new TestNode({ self });
    node.vote(followers[0] ?? 0, "nullify", 1);
    expect(node.votesSent()).toEqual([]);
    node.vote(followers[0] ?? 0, "nullify", 1);
    expect(node.votesSent()).toEqual([]);
    node.vote(followers[1] ?? 0, "nullify", 1);
    expect(node.reports("nullifying")[0]?.reason).toBe("AMPLIFIED");
  });

  test("by weight, not by heads", () => {
    const weights = [3, 3, 2, 2, 1];
    const observerOf = (signer: number) => {
      const voter = [0, 1, 2, 3, 4].find((i) => i !== signer && i !== leaderFor(1, 5)) ?? 0;
      const node = new TestNode({ self: voter, weights });
      if (signer !== leaderFor(1, 5)) node.vote(signer, "nullify", 1);
      return node.votesSent().length;
    };
    // W = 11, A = 4: no single holder reaches it.
    expect([0, 1, 2, 3, 4].map(observerOf)).toEqual([0, 0, 0, 0, 0]);
  });

  test("never after an own finalize vote", () => {
    const node = new TestNode({ self });
    node.receive(leader, proposalOf(first));
    node.certificate(certificateBy(others, "notarize", 1, first.target));
    expect(node.votesSent()).toEqual(["notarize@1", "finalize@1"]);
    node.vote(leader, "nullify", 1);
    for (const follower of followers) node.vote(follower, "nullify", 1);
    expect(node.votesSent()).toEqual(["notarize@1", "finalize@1"]);
  });
});

describe("rule 1: views", () => {
  test("any certificate of a view leads into the next one, a later one further, none back", () => {
    const node = new TestNode({ self });
    node.certificate(certificateBy(others, "nullify", 1, undefined));
    expect(node.state.view).toBe(2);
    node.certificate(certificateBy(others, "nullify", 9, undefined));
    expect(node.state.view).toBe(10);
    node.certificate(certificateBy(others, "nullify", 4, undefined));
    expect(node.state.view).toBe(10);
  });

  test("a certificate formed from votes does the same and is passed on once", () => {
    const node = new TestNode({ self });
    for (const index of others) node.vote(index, "nullify", 1);
    expect(node.state.view).toBe(2);
    expect(node.sent("certificate").map(({ kind, view }) => [kind, view])).toEqual([
      ["nullify", 1],
    ]);
    node.clear();
    node.vote(self === 0 ? 1 : 0, "nullify", 1);
    expect(node.sent("certificate")).toEqual([]);
  });
});
