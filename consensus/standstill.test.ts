import { describe, expect, test } from "vitest";
import {
  blockOn,
  certificateBy,
  followerOf,
  GENESIS,
  leaderFor,
  proposalOf,
  statusOf,
  TestNode,
} from "./testing/harness.ts";

const self = followerOf([1, 2, 3]);
const others = [0, 1, 2, 3].filter((index) => index !== self);
const peer = others[0] ?? 0;
const first = blockOn(GENESIS, 1);
const skip = (view: number) => certificateBy(others, "nullify", view, undefined);

describe("rule 8: standstill", () => {
  test("while work waits and nothing becomes final, all that peers may lack goes out again", () => {
    const node = new TestNode({ self });
    node.work();
    node.receive(leaderFor(1), proposalOf(first));
    node.certificate(skip(1));
    node.fire("standstill");
    node.clear();
    node.fire("standstill");
    expect(node.sent("status").map(({ purpose }) => purpose)).toEqual(["standstill"]);
    expect(node.sent("certificate")).toEqual([skip(1)]);
    expect(node.votesSent()).toContain("notarize@1");
  });

  test("says nothing without work", () => {
    // Of seven, the leader and this node have voted: below the weight that makes work.
    const alone = followerOf([1], 7);
    const node = new TestNode({ self: alone, weights: [1, 1, 1, 1, 1, 1, 1] });
    node.receive(leaderFor(1, 7), proposalOf(blockOn(GENESIS, 1, {}, 7), [], 7));
    expect(node.votesSent()).toEqual(["notarize@1"]);
    node.fire("standstill");
    node.clear();
    node.fire("standstill");
    expect(node.sent("status")).toEqual([]);
  });

  test("repeats the first bytes of a vote and never makes another one", () => {
    const node = new TestNode({ self });
    node.work();
    node.receive(leaderFor(1), proposalOf(first));
    const [sent] = node.sent("vote");
    node.clear();
    for (let i = 0; i < 3; i++) node.fire("standstill");
    const again = node.sent("vote");
    expect(again.length).toBeGreaterThan(1);
    for (const vote of again) expect(vote).toEqual(sent);
    expect(node.all("sign")).toEqual([]);
  });

  test("votes against views left behind without a certificate, the lowest 64 of them", () => {
    const node = new TestNode({ self });
    node.work();
    node.certificate(skip(100));
    node.fire("standstill");
    node.clear();
    node.fire("standstill");
    const holes = Array.from({ length: 64 }, (_, i) => `nullify@${i + 1}`);
    // The votes are signed at once here; resending them is not asked for a second time.
    expect(new Set(node.votesSent())).toEqual(new Set(holes));
    node.fire("standstill");
    expect(new Set(node.votesSent())).toEqual(new Set(holes));
  });

  test("does not touch holes while finality above is fetched, nor own final votes", () => {
    const node = new TestNode({ self });
    node.work();
    node.receive(leaderFor(1), proposalOf(first));
    node.certificate(certificateBy(others, "notarize", 1, first.target));
    expect(node.votesSent()).toEqual(["notarize@1", "finalize@1"]);
    node.certificate(skip(5));
    node.finalize(blockOn({ ...first, digest: GENESIS.digest }, 9));
    node.fire("standstill");
    node.clear();
    node.fire("standstill");
    expect(node.votesSent().filter((vote) => vote.startsWith("nullify"))).toEqual([]);
  });

  test("asks the application once more for verdicts that never came", () => {
    const node = new TestNode({ self, validates: false });
    node.work();
    node.receive(leaderFor(1), proposalOf(first));
    node.certificate(certificateBy(others, "notarize", 1, first.target));
    node.fire("standstill");
    node.clear();
    node.fire("standstill");
    expect(node.all("validate").map(({ digest }) => digest)).toEqual([first.digest]);
  });
});

describe("a stuck peer", () => {
  test("is answered by whoever is further, also without own work, but not too often", () => {
    const node = new TestNode({ self });
    node.receive(leaderFor(1), proposalOf(first));
    node.finalize(first);
    node.certificate(skip(2));
    node.clear();
    const stuck = statusOf({ purpose: "standstill", clockMs: node.now });
    node.receive(peer, stuck);
    expect(node.sent("certificate", peer).map(({ kind, view }) => [kind, view])).toEqual([
      ["finalize", 1],
      ["nullify", 2],
    ]);
    node.clear();
    node.receive(peer, stuck);
    expect(node.sent("certificate", peer)).toEqual([]);
    node.now += 1_000;
    node.receive(peer, stuck);
    expect(node.sent("certificate", peer)).toHaveLength(2);
  });

  test("at the same place gets the own votes", () => {
    const node = new TestNode({ self });
    node.receive(leaderFor(1), proposalOf(first));
    node.clear();
    node.receive(peer, statusOf({ purpose: "standstill", clockMs: node.now }));
    expect(node.sent("vote", peer).map(({ kind }) => kind)).toEqual(["notarize"]);
    expect(node.sent("certificate", peer)).toEqual([]);
  });

  test("a new connection gets everything above the floor at once", () => {
    const node = new TestNode({ self });
    node.receive(leaderFor(1), proposalOf(first));
    node.certificate(skip(1));
    node.clear();
    node.event({ type: "peerConnected", index: peer });
    expect(node.sent("status", peer)).toHaveLength(1);
    expect(node.sent("certificate", peer)).toEqual([skip(1)]);
    expect(node.sent("vote", peer)).toHaveLength(1);
  });
});

describe("certificates on request", () => {
  test("are sent from the view on; an empty hand says so", () => {
    const node = new TestNode({ self });
    const ask = (fromView: number, epoch = 0) => {
      node.clear();
      node.receive(peer, { type: "getCertificates", body: { requestId: 5, epoch, fromView } });
      return node.sent("certificates", peer)[0];
    };
    expect(ask(1)).toEqual({ requestId: 5, certificates: [], refusal: "UNKNOWN" });
    node.certificate(skip(1));
    node.certificate(skip(2));
    expect(ask(2)?.certificates).toEqual([skip(2)]);
    expect(ask(1)?.certificates).toEqual([skip(1), skip(2)]);
    expect(ask(1, 3)?.refusal).toBe("UNKNOWN");
  });
});
