import { describe, expect, test } from "vitest";
import { guardRefusal } from "./safety-guard.ts";
import { closingOn, copyOf, endOf, NEXT_SET } from "./testing/epochs.ts";
import {
  blockOn,
  certificateBy,
  digestOf,
  followerOf,
  GENESIS,
  leaderFor,
  proposalOf,
  statusOf,
  type TestBlock,
  TestNode,
  voteBy,
} from "./testing/harness.ts";
import { signaturesOf } from "./verification.ts";

const self = followerOf([1, 2, 3]);
const others = [0, 1, 2, 3].filter((index) => index !== self);
const [peer = 0] = others;
const closing = closingOn(GENESIS, 1);
const notarized = (block: TestBlock) => certificateBy(others, "notarize", block.view, block.target);
const finalized = (block: TestBlock) => certificateBy(others, "finalize", block.view, block.target);
const skip = (view: number) => certificateBy(others, "nullify", view, undefined);

/** A voter that has the closing block, notarized in view 1, and stands in view 2. */
function voter(options: { validates?: boolean } = {}): TestNode {
  const node = new TestNode({ self, ...options });
  node.receive(leaderFor(1), proposalOf(closing));
  if (options.validates === false) {
    node.event({ type: "validated", digest: closing.digest, verdict: "valid" });
  }
  node.certificate(notarized(closing));
  return node;
}

describe("a proposal on the closing block", () => {
  const copy = copyOf(closing, 2);

  test("as its copy is voted for, though height, parent, proposer and time are not its own", () => {
    const node = voter();
    node.now += 3_600_000;
    node.receive(leaderFor(2), proposalOf(copy, [notarized(closing)]));
    expect(node.votesSent()).toEqual(["notarize@1", "finalize@1", "notarize@2"]);
    expect(node.sent("vote").at(-1)?.target).toEqual({
      parentView: 1,
      parentDigest: closing.digest,
      blockDigest: closing.digest,
    });
  });

  test("is not executed again, and its block is committed once", () => {
    const node = voter({ validates: false });
    expect(node.all("validate")).toHaveLength(1);
    node.receive(leaderFor(2), proposalOf(copy, [notarized(closing)]));
    node.certificate(notarized(copy));
    const third = copyOf(closing, 3, 2);
    node.receive(leaderFor(3), proposalOf(third, [notarized(copy)]));
    expect(node.votesSent()).toContain("notarize@3");
    expect(node.votesSent()).toContain("finalize@2");
    expect(node.all("validate")).toHaveLength(1);
    node.certificate(finalized(copy));
    const late = { type: "certificate", body: finalized(closing) } as const;
    expect(signaturesOf(late, node.set, node.state)).toMatchObject({ code: "STALE" });
    node.event({ type: "message", from: peer, message: late });
    const commits = node.all("commit");
    expect(commits.flatMap(({ headers }) => headers.map(({ height }) => height))).toEqual([1]);
    expect(commits[0]?.finalization).toEqual(finalized(copy));
    expect(endOf(node)?.view).toBe(2);
  });

  test("keeps not the header's parent: such a copy proves no base", () => {
    const node = voter();
    const wrong = {
      ...copy,
      target: { ...copy.target, parentDigest: closing.header.parentDigest },
    };
    node.receive(leaderFor(2), proposalOf(wrong, [notarized(closing)]));
    expect(node.reports("peerFault")).toEqual([
      { kind: "peerFault", peer: leaderFor(2), code: "BROKEN_JUSTIFICATION" },
    ]);
    expect(node.votesSent()).not.toContain("notarize@2");
    // The right copy of the same leader would be another statement: evidence, not a second chance.
    node.receive(leaderFor(2), proposalOf(copy, [notarized(closing)]));
    expect(node.reports("evidence")[0]?.evidence.signer).toBe(leaderFor(2));
  });

  test("as an ordinary block is bad, whether it closes or not", () => {
    for (const change of [{}, { nextValidators: NEXT_SET }]) {
      const node = voter();
      const ordinary = blockOn(closing, 2, change);
      node.receive(leaderFor(2), proposalOf(ordinary, [notarized(closing)]));
      expect(node.votesSent()).toContain("nullify@2");
      expect(node.reports("nullifying").at(-1)?.reason).toBe("BAD_BLOCK");
      expect(node.all("validate")).toHaveLength(1);
      expect(node.state.halted).toBeUndefined();
    }
  });

  test("as a copy needs the notarization of the closing block in its parent view", () => {
    const node = new TestNode({ self });
    node.receive(leaderFor(1), proposalOf(closing));
    node.certificate(skip(1));
    node.receive(leaderFor(2), proposalOf(copy, []));
    expect(node.reports("peerFault")[0]?.code).toBe("BROKEN_JUSTIFICATION");
    expect(node.votesSent()).not.toContain("notarize@2");
  });

  test("a copy of a block that does not close its epoch is bad", () => {
    const plain = blockOn(GENESIS, 1);
    const node = new TestNode({ self });
    node.receive(leaderFor(1), proposalOf(plain));
    node.certificate(notarized(plain));
    node.receive(leaderFor(2), proposalOf(copyOf(plain, 2), [notarized(plain)]));
    expect(node.reports("nullifying").at(-1)?.reason).toBe("BAD_BLOCK");
    expect(node.votesSent()).not.toContain("notarize@2");
  });
});

test("a base older than a nullified closing view is legal and gets an ordinary block", () => {
  const node = voter();
  node.certificate(skip(1));
  const beside = closingOn(GENESIS, 2);
  node.receive(leaderFor(2), proposalOf(beside, [skip(1)]));
  expect(node.votesSent()).toContain("notarize@2");
  expect(beside.height).toBe(closing.height);
  node.certificate(finalized(beside));
  expect(endOf(node)?.digest).toBe(beside.digest);
  expect(node.state.halted).toBeUndefined();
});

describe("the leader", () => {
  test("of the view after the closing block proposes its copy, and builds nothing", () => {
    const leader = leaderFor(2);
    const voters = [0, 1, 2, 3].filter((index) => index !== leader);
    const certificate = certificateBy(voters, "notarize", 1, closing.target);
    const node = new TestNode({ self: leader });
    node.work();
    node.receive(leaderFor(1), proposalOf(closing));
    node.certificate(certificate);
    expect(node.all("build")).toEqual([]);
    const [proposal] = node.sent("proposal");
    expect(proposal).toEqual(proposalOf(copyOf(closing, 2), [certificate]).body);
    expect(proposal).toMatchObject({ closingCopy: true, parentView: 1 });
  });

  test("closes the epoch by the header that the application builds", () => {
    const node = new TestNode({ self: leaderFor(1) });
    node.now += 100;
    node.work();
    const build = node.all("build")[0];
    const timestampMs = build?.timestampMs ?? 0;
    const built = blockOn(GENESIS, 1, { nextValidators: NEXT_SET, timestampMs });
    node.event({ type: "built", view: 1, header: built.header });
    expect(node.sent("proposal")[0]).toMatchObject({ closingCopy: false, header: built.header });
  });

  test("proposes the copy again after a restart, with the same statement", () => {
    const leader = leaderFor(2);
    const voters = [0, 1, 2, 3].filter((index) => index !== leader);
    const node = new TestNode({ self: leader });
    node.work();
    node.receive(leaderFor(1), proposalOf(closing));
    node.certificate(certificateBy(voters, "notarize", 1, closing.target));
    const again = new TestNode({ self: leader, records: node.journal });
    const resigned = again.journal.length;
    expect(resigned).toBeGreaterThan(0);
    expect(again.state.views.get(2)?.own.notarize?.target).toEqual(copyOf(closing, 2).target);
    expect(again.state.views.get(2)?.ownProposal?.closingCopy).toBe(true);
  });
});

describe("the end of an epoch", () => {
  function ended(): TestNode {
    const node = voter();
    node.certificate(finalized(closing));
    return node;
  }

  test("follows the commit of the closing block", () => {
    const node = ended();
    const types = node.effects.map(({ type }) => type).filter((type) => /commit|end/.test(type));
    expect(types).toEqual(["commit", "endEpoch"]);
    expect(endOf(node)).toEqual({
      epoch: 0,
      closing: closing.header,
      digest: closing.digest,
      view: 1,
      finalization: finalized(closing),
      startGate: "open",
      evidence: [],
      halt: undefined,
    });
  });

  test("nothing is signed any more, and no view clock runs", () => {
    const node = ended();
    node.clear();
    node.work();
    node.receive(leaderFor(2), statusOf({ purpose: "standstill", view: 3 }));
    expect(guardRefusal(node.state, "nullify", 2, undefined)).toBe("EPOCH_ENDED");
    for (const kind of ["standstill", "status"] as const) node.fire(kind);
    expect(node.votesSent()).toEqual([]);
    expect(node.all("sign")).toEqual([]);
    expect(node.runs("leader") || node.runs("advance") || node.runs("heartbeat")).toBe(false);
    const vote = { type: "vote", body: voteBy(peer, "nullify", 2, undefined) } as const;
    expect(signaturesOf(vote, node.set, node.state)).toMatchObject({ code: "STALE" });
  });

  test("a vote that the signer still works on is not sent", () => {
    const node = new TestNode({ self, manualSigner: true });
    node.receive(leaderFor(1), proposalOf(closing));
    node.certificate(notarized(closing));
    node.certificate(skip(2));
    node.work();
    node.fire("leader");
    const signs = node.all("sign");
    expect(signs.length).toBeGreaterThan(1);
    node.certificate(finalized(closing));
    node.clear();
    for (const sign of signs) node.sign(sign);
    expect(node.votesSent()).toEqual([]);
  });

  test("peers are served: Status with the finality, certificates, headers, blocks", () => {
    const node = ended();
    node.clear();
    node.receive(peer, statusOf({ purpose: "standstill", floorView: 0 }));
    expect(node.sent("certificate", peer)).toEqual([finalized(closing)]);
    node.fire("status");
    expect(node.sent("status").at(-1)).toMatchObject({
      epoch: 0,
      floorView: 1,
      finalization: finalized(closing),
      purpose: "periodic",
    });
    node.receive(peer, { type: "getHeader", body: { requestId: 1, digest: closing.digest } });
    expect(node.sent("header", peer)[0]?.header).toEqual(closing.header);
    node.receive(peer, { type: "getCertificates", body: { requestId: 2, epoch: 0, fromView: 1 } });
    expect(node.sent("certificates", peer)[0]?.certificates).toEqual([finalized(closing)]);
    node.receive(peer, { type: "getBlocks", body: { requestId: 3, fromHeight: 1, count: 1 } });
    expect(node.all("serveBlocks")).toHaveLength(1);
  });

  test("is found again after a crash before the closing block was applied", () => {
    const node = ended();
    const again = new TestNode({ self, records: node.journal, gated: true });
    expect(again.all("commit").map(({ headers }) => headers)).toEqual([[closing.header]]);
    // The process is another one: who votes in it has to be let in by the peers of the next epoch.
    expect(endOf(again)).toMatchObject({ digest: closing.digest, startGate: "closed" });
  });

  test("reached by a halted node hands the halt on", () => {
    const node = voter();
    node.receive(peer, {
      type: "vote",
      body: voteBy(self, "finalize", 3, blockOn(GENESIS, 3).target),
    });
    expect(node.state.halted?.code).toBe("FOREIGN_SELF_VOTE");
    node.certificate(finalized(closing));
    expect(endOf(node)).toMatchObject({ startGate: "closed", halt: { code: "FOREIGN_SELF_VOTE" } });
  });

  test("no block is final beyond it: a quorum that says so is more than the protocol bears", () => {
    const node = voter();
    const beyond = blockOn(closing, 2);
    node.certificate(finalized(beyond));
    const { requestId = 0, peer: asked = 0 } = node.state.wanted.get(beyond.digest) ?? {};
    node.receive(asked, {
      type: "header",
      body: { requestId, header: beyond.header, refusal: undefined },
    });
    expect(node.state.halted?.code).toBe("SAFETY_VIOLATION");
    expect(node.all("commit")).toEqual([]);
  });
});

test("a closing block with a wrong set hash is the application's to refuse", () => {
  const node = new TestNode({ self, validates: false });
  const wrong = blockOn(GENESIS, 1, { nextValidators: digestOf("wrong") });
  node.receive(leaderFor(1), proposalOf(wrong));
  expect(node.all("validate")[0]?.header.nextValidators).toBe(digestOf("wrong"));
  node.event({ type: "validated", digest: wrong.digest, verdict: "bad" });
  expect(node.votesSent()).toEqual(["nullify@1"]);
});
