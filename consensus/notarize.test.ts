import { describe, expect, test } from "vitest";
import {
  blockOn,
  certificateBy,
  digestOf,
  followerOf,
  GENESIS,
  leaderFor,
  proposalOf,
  TestNode,
  voteBy,
} from "./testing/harness.ts";

const self = followerOf([1, 2, 3]);
const others = [0, 1, 2, 3].filter((index) => index !== self);
const leader = leaderFor(1);
const first = blockOn(GENESIS, 1);

describe("rule 3: notarize", () => {
  test("votes once for the first valid proposal, with the leader's vote counted", () => {
    const node = new TestNode({ self });
    node.receive(leader, proposalOf(first));
    expect(node.votesSent()).toEqual(["notarize@1"]);
    expect(new Set(node.state.views.get(1)?.votes.keys())).toEqual(new Set([leader, self]));
    node.receive(leader, proposalOf(first));
    expect(node.votesSent()).toEqual(["notarize@1"]);
  });

  test("waits for the application and votes when it answers", () => {
    const node = new TestNode({ self, validates: false });
    node.receive(leader, proposalOf(first));
    expect(node.all("validate").map(({ digest }) => digest)).toEqual([first.digest]);
    expect(node.all("validate")[0]?.parent).toMatchObject({ digest: GENESIS.digest, height: 0 });
    expect(node.votesSent()).toEqual([]);
    node.event({ type: "validated", digest: first.digest, verdict: "valid" });
    expect(node.votesSent()).toEqual(["notarize@1"]);
  });

  test("nullifies when the application finds it bad", () => {
    const node = new TestNode({ self, validates: false });
    node.receive(leader, proposalOf(first));
    node.event({ type: "validated", digest: first.digest, verdict: "bad" });
    expect(node.votesSent()).toEqual(["nullify@1"]);
    expect(node.reports("nullifying")).toEqual([
      { kind: "nullifying", view: 1, reason: "BAD_BLOCK" },
    ]);
    expect(node.state.halted).toBeUndefined();
  });

  test.each([
    ["a height that does not follow", { height: 2 }],
    ["a timestamp not above the parent's", { timestampMs: GENESIS.timestampMs }],
    ["another proposer", { proposer: self }],
    ["a batch named twice", { batchDigests: [digestOf("a"), digestOf("a")] }],
  ])("nullifies %s without asking the application", (_, change) => {
    const node = new TestNode({ self, validates: false });
    node.receive(leader, proposalOf(blockOn(GENESIS, 1, change)));
    expect(node.all("validate")).toEqual([]);
    expect(node.votesSent()).toEqual(["nullify@1"]);
  });

  test("nothing after an own nullify vote", () => {
    const node = new TestNode({ self });
    node.work();
    node.fire("leader");
    node.receive(leader, proposalOf(first));
    expect(node.votesSent()).toEqual(["nullify@1"]);
  });

  test("a second proposal proves equivocation: nullify, and both statements are reported", () => {
    const node = new TestNode({ self, validates: false });
    const second = blockOn(GENESIS, 1, { stateRoot: digestOf("other") });
    node.receive(leader, proposalOf(first));
    node.receive(leader, proposalOf(second));
    expect(node.votesSent()).toEqual(["nullify@1"]);
    const [evidence, ...more] = node.reports("evidence");
    expect(more).toEqual([]);
    expect(evidence?.evidence).toMatchObject({ signer: leader, view: 1 });
    const proof = [evidence?.evidence.first.signature, evidence?.evidence.second.signature];
    expect(proof).toContainEqual(voteBy(leader, "notarize", 1, first.target).signature);
    expect(proof).toContainEqual(voteBy(leader, "notarize", 1, second.target).signature);
  });
});

describe("timestamps", () => {
  test("a future one is held until it is acceptable, then voted for", () => {
    const node = new TestNode({ self });
    const ahead = blockOn(GENESIS, 1, { timestampMs: node.now + 2_000 });
    node.receive(leader, proposalOf(ahead));
    expect(node.votesSent()).toEqual([]);
    node.fire("timestamp");
    expect(node.votesSent()).toEqual(["notarize@1"]);
  });

  test("one too far in the past is skipped, and the block is not bad for it", () => {
    const node = new TestNode({ self, validates: false });
    node.now = first.timestampMs + 60_000;
    node.receive(leader, proposalOf(first));
    expect(node.votesSent()).toEqual(["nullify@1"]);
    expect(node.reports("nullifying")[0]?.reason).toBe("NOT_TIMELY");
    // The others notarize it: it is built upon like any other.
    node.certificate(certificateBy(others, "notarize", 1, first.target));
    node.event({ type: "validated", digest: first.digest, verdict: "valid" });
    expect(node.state.halted).toBeUndefined();
    const next = blockOn(first, 2, { timestampMs: node.now });
    node.receive(leaderFor(2), proposalOf(next));
    node.event({ type: "validated", digest: next.digest, verdict: "valid" });
    expect(node.votesSent()).toEqual(["nullify@1", "notarize@2"]);
  });
});

describe("justification", () => {
  const third = blockOn(GENESIS, 3);
  const skip = (view: number) => certificateBy(others, "nullify", view, undefined);

  test("shipped certificates are taken first and bring the voter into the view", () => {
    const node = new TestNode({ self });
    node.receive(leaderFor(3), proposalOf(third, [skip(1), skip(2)]));
    expect(node.state.view).toBe(3);
    expect(node.votesSent()).toEqual(["notarize@3"]);
  });

  test("a skip without proof is no proposal; the sender is named and the wait goes on", () => {
    const node = new TestNode({ self });
    node.work();
    node.receive(leaderFor(3), proposalOf(third, [skip(2)]));
    expect(node.state.view).toBe(3);
    expect(node.votesSent()).toEqual([]);
    expect(node.reports("peerFault")).toEqual([
      { kind: "peerFault", peer: leaderFor(3), code: "BROKEN_JUSTIFICATION" },
    ]);
    node.fire("leader");
    expect(node.votesSent()).toEqual(["nullify@3"]);
  });

  test("a parent that is not the notarized one is refused", () => {
    const node = new TestNode({ self });
    node.receive(leaderFor(1), proposalOf(first));
    const beside = blockOn({ ...first, digest: digestOf("beside") }, 2);
    const parent = certificateBy(others, "notarize", 1, first.target);
    node.receive(leaderFor(2), proposalOf(beside, [parent]));
    expect(node.reports("peerFault")[0]?.code).toBe("BROKEN_JUSTIFICATION");
    expect(node.votesSent().includes("notarize@2")).toBe(false);
  });

  test("more skipped views than fit one message: the rest is fetched, then voted for", () => {
    const views = Array.from({ length: 66 }, (_, i) => i + 1);
    const node = new TestNode({ self });
    const block = blockOn(GENESIS, 67);
    // Most certificates came by themselves, so the proposal is inside the window; view 3 lacks.
    for (const view of [...views.slice(0, 2), ...views.slice(3, 60)]) node.certificate(skip(view));
    node.clear();
    node.receive(leaderFor(67), proposalOf(block, views.slice(3).map(skip)));
    expect(node.state.view).toBe(67);
    expect(node.reports("peerFault")).toEqual([]);
    const [request] = node.sent("getCertificates", leaderFor(67));
    expect(request?.fromView).toBe(3);
    expect(node.votesSent()).toEqual([]);
    node.receive(leaderFor(67), {
      type: "certificates",
      body: { requestId: request?.requestId ?? 0, certificates: [skip(3)], refusal: undefined },
    });
    expect(node.votesSent()).toEqual(["notarize@67"]);
  });

  test("a parent block that is not here is fetched by its certified digest", () => {
    const node = new TestNode({ self });
    const second = blockOn(first, 2);
    const parent = certificateBy(others, "notarize", 1, first.target);
    node.receive(leaderFor(2), proposalOf(second, [parent]));
    const [request] = node.sent("getHeader");
    expect(request?.digest).toBe(first.digest);
    expect(node.votesSent()).toEqual([]);
    const to = node.state.wanted.get(first.digest)?.peer ?? -1;
    node.receive(to, {
      type: "header",
      body: { requestId: request?.requestId ?? 0, header: first.header, refusal: undefined },
    });
    expect(node.votesSent()).toContain("notarize@2");
    expect(node.votesSent()).toContain("finalize@1");
  });
});
