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
} from "./testing/harness.ts";

const self = followerOf([1, 2, 3]);
const others = [0, 1, 2, 3].filter((index) => index !== self);
const first = blockOn(GENESIS, 1);
const second = blockOn(first, 2);
const third = blockOn(second, 3);
const notarized = (block: typeof first) =>
  certificateBy(others, "notarize", block.view, block.target);

describe("rule 5: finalize", () => {
  test("as soon as the block is notarized", () => {
    const node = new TestNode({ self });
    node.receive(leaderFor(1), proposalOf(first));
    for (const index of others)
      if (index !== leaderFor(1)) node.vote(index, "notarize", 1, first.target);
    expect(node.votesSent()).toEqual(["notarize@1", "finalize@1"]);
    expect(node.state.view).toBe(2);
  });

  test("late, after the view is over, when the application answers at last", () => {
    const node = new TestNode({ self, validates: false });
    node.receive(leaderFor(1), proposalOf(first));
    node.certificate(notarized(first));
    expect(node.state.view).toBe(2);
    expect(node.votesSent()).toEqual([]);
    node.event({ type: "validated", digest: first.digest, verdict: "valid" });
    expect(node.votesSent()).toEqual(["finalize@1"]);
  });

  test("never after an own nullify vote, also when asked again and again", () => {
    const node = new TestNode({ self });
    node.work();
    node.fire("leader");
    node.receive(leaderFor(1), proposalOf(first));
    node.certificate(notarized(first));
    node.fire("standstill");
    node.fire("standstill");
    expect(node.votesSent().filter((vote) => vote.startsWith("finalize"))).toEqual([]);
  });

  test("a notarized block that is bad here means divergence: no vote ever again", () => {
    const node = new TestNode({ self, validates: false });
    node.receive(leaderFor(1), proposalOf(first));
    node.certificate(notarized(first));
    node.event({ type: "validated", digest: first.digest, verdict: "bad" });
    expect(node.reports("halted")[0]?.code).toBe("DIVERGENCE");
    node.work();
    node.vote(leaderFor(2), "nullify", 2);
    expect(node.votesSent()).toEqual([]);
    // It commits nothing either: its state is not the network's.
    node.finalize(first);
    expect(node.all("commit")).toEqual([]);
  });

  test("a block whose header never came is fetched by digest from one peer after the other", () => {
    const node = new TestNode({ self });
    node.certificate(notarized(first));
    const asked = () => node.state.wanted.get(first.digest)?.peer ?? -1;
    const peers = [asked()];
    for (let i = 0; i < 2; i++) {
      const requestId = node.state.wanted.get(first.digest)?.requestId ?? 0;
      const refusal = "UNKNOWN" as const;
      node.receive(asked(), { type: "header", body: { requestId, header: undefined, refusal } });
      node.fire("fetch");
      peers.push(asked());
    }
    expect(new Set(peers)).toEqual(new Set(others));
    const requestId = node.state.wanted.get(first.digest)?.requestId ?? 0;
    const lie = { requestId, header: second.header, refusal: undefined };
    node.receive(asked(), { type: "header", body: lie });
    expect(node.reports("peerFault")[0]?.code).toBe("WRONG_HEADER");
    node.receive(asked(), { type: "header", body: { ...lie, header: first.header } });
    expect(node.votesSent()).toEqual(["finalize@1"]);
  });
});

describe("a quorum that errs stops this node", () => {
  /** Delivers a notarization, then the header that the node asks for. */
  function notarizeUnseen(node: TestNode, block: typeof first): void {
    node.certificate(notarized(block));
    const { requestId, peer } = node.state.wanted.get(block.digest) ?? { requestId: 0, peer: 0 };
    const body = { requestId, header: block.header, refusal: undefined };
    node.receive(peer, { type: "header", body });
  }

  test("a notarized block beside the final chain", () => {
    const node = new TestNode({ self });
    node.receive(leaderFor(1), proposalOf(first));
    node.finalize(first);
    notarizeUnseen(node, blockOn({ ...GENESIS, view: 1 }, 2));
    expect(node.reports("halted")[0]?.code).toBe("SAFETY_VIOLATION");
  });

  test.each([
    ["of another proposer", { proposer: self }],
    ["of a height that does not follow", { height: 7 }],
  ])("a notarized block %s", (_, change) => {
    const node = new TestNode({ self });
    notarizeUnseen(node, blockOn(GENESIS, 1, change));
    expect(node.reports("halted")[0]?.code).toBe("DIVERGENCE");
    expect(node.votesSent()).toEqual([]);
  });
});

describe("rule 7: finality", () => {
  test("commits ancestors in height order and forgets what is settled", () => {
    const node = new TestNode({ self });
    for (const block of [first, second, third]) {
      node.receive(
        leaderFor(block.view),
        proposalOf(block, block === first ? [] : [notarized(block === second ? first : second)]),
      );
    }
    node.clear();
    node.finalize(third);
    const [commit, ...more] = node.all("commit");
    expect(more).toEqual([]);
    expect(commit?.headers.map(({ height }) => height)).toEqual([1, 2, 3]);
    expect(commit?.finalization.target).toEqual(third.target);
    expect(node.state.floor).toMatchObject({ view: 3, height: 3, digest: third.digest });
    expect([...node.state.views.keys()].filter((view) => view <= 3)).toEqual([]);
    expect(node.state.blocks.size).toBe(0);
    const kinds = node.effects.map(({ type }) => type);
    expect(kinds.indexOf("commit")).toBeGreaterThan(kinds.indexOf("persist"));
  });

  test("is reached by finalize votes alone, without a notarization", () => {
    const node = new TestNode({ self });
    node.receive(leaderFor(1), proposalOf(first));
    for (const index of others) node.vote(index, "finalize", 1, first.target);
    expect(node.state.floor.height).toBe(1);
  });

  test("a second finalization of a view is ignored; one for another block is an alarm", () => {
    const node = new TestNode({ self });
    node.receive(leaderFor(1), proposalOf(first));
    node.finalize(first);
    node.event({
      type: "message",
      from: others[0] ?? 0,
      message: { type: "certificate", body: certificateBy(others, "finalize", 1, first.target) },
    });
    expect(node.all("commit")).toHaveLength(1);
    const rival = blockOn(GENESIS, 1, { stateRoot: digestOf("rival") });
    node.finalize(rival);
    expect(node.reports("halted")[0]?.code).toBe("SAFETY_VIOLATION");
    expect(node.reports("conflictingCertificates")).toHaveLength(1);
    expect(node.all("commit")).toHaveLength(1);
  });

  test("a finalized block beside the floor stops the node", () => {
    const node = new TestNode({ self });
    node.receive(leaderFor(1), proposalOf(first));
    node.finalize(first);
    const beside = blockOn({ ...GENESIS, view: 1 }, 2);
    node.receive(leaderFor(2), proposalOf(beside));
    node.certificate(certificateBy(others, "finalize", 2, beside.target));
    const digestWanted = node.sent("getHeader").map(({ digest }) => digest);
    expect(digestWanted).toContain(beside.digest);
    const { requestId, peer } = node.state.wanted.get(beside.digest) ?? { requestId: 0, peer: 0 };
    const body = { requestId, header: beside.header, refusal: undefined };
    node.receive(peer, { type: "header", body });
    expect(node.reports("halted")[0]?.code).toBe("SAFETY_VIOLATION");
    expect(node.all("commit").flatMap(({ headers }) => headers)).toHaveLength(1);
  });

  test.each([
    ["two notarizations", "notarize", "notarize"],
    ["a finalization of a nullified view", "nullify", "finalize"],
    ["a nullification of a finalized view", "finalize", "nullify"],
    ["a finalization of another block", "notarize", "finalize"],
  ] as const)("%s raise the alarm and nothing is signed any more", (_, held, next) => {
    const node = new TestNode({ self });
    const rival = blockOn(GENESIS, 1, { stateRoot: digestOf("rival") });
    node.certificate(certificateBy(others, held, 1, held === "nullify" ? undefined : first.target));
    node.clear();
    node.certificate(certificateBy(others, next, 1, next === "nullify" ? undefined : rival.target));
    expect(node.reports("halted")[0]?.code).toBe("SAFETY_VIOLATION");
    node.work();
    expect(node.votesSent()).toEqual([]);
  });
});
