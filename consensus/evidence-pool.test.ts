import { describe, expect, test } from "vitest";
import { createEvidence, type Evidence, sortEvidence } from "./evidence.ts";
import type { BlockHeader } from "./header.ts";
import { MAX_EVIDENCE_PER_BLOCK } from "./limits.ts";
import { journalSnapshot } from "./restore.ts";
import { statementBytes } from "./statements.ts";
import {
  endOf,
  evidenceOf,
  FIRST_EPOCH,
  NEXT_SET,
  nodeInSecond,
  START_OF_SECOND,
  secondEpochLeader,
} from "./testing/epochs.ts";
import {
  blockOn,
  CHAIN,
  certificateBy,
  digestOf,
  followerOf,
  GENESIS,
  leaderFor,
  proposalOf,
  TestNode,
  voteBy,
} from "./testing/harness.ts";
import { signaturesOf } from "./verification.ts";

const self = leaderFor(1);
const others = [0, 1, 2, 3].filter((index) => index !== self);
const [traitor = 0, peer = 0] = others;
const block = blockOn(GENESIS, 1);
const rival = blockOn(GENESIS, 1, { stateRoot: digestOf("other") });

/** A proof against `signer` in a view far from everything else. */
function proof(signer: number, view = 9, epoch = 0): Evidence {
  const vote = (target: typeof block.target) => voteBy(signer, "finalize", view, target, epoch);
  return evidenceOf(vote(block.target), vote(rival.target));
}

const gossip = (body: Evidence) => ({ type: "evidence", body }) as const;

function leader(options: { records?: readonly Uint8Array[] } = {}): TestNode {
  const node = new TestNode({ self, ...options });
  node.now += 100;
  return node;
}

function answerBuild(node: TestNode, change: Partial<BlockHeader>) {
  const build = node.all("build").at(-1);
  if (build === undefined) throw new Error("no block was asked for");
  const { view, timestampMs } = build;
  const parent = { ...build.parent, view: node.state.pacemaker.build?.parentView ?? 0 };
  const made = blockOn(parent, view, { timestampMs, ...change });
  node.event({ type: "built", view, header: made.header });
  return made;
}

describe("evidence of a peer", () => {
  test("is taken once: journalled, reported, passed on, and work", () => {
    const node = leader();
    node.receive(peer, gossip(proof(traitor)));
    expect(node.reports("evidence").map(({ evidence }) => evidence)).toEqual([proof(traitor)]);
    expect(node.sent("evidence")).toEqual([proof(traitor)]);
    const offered = node.all("build").at(-1)?.evidence;
    expect(offered).toEqual([proof(traitor)]);
    const again = signaturesOf(gossip(proof(traitor)), node.set, node.state);
    expect(again).toMatchObject({ ok: false, code: "STALE" });
    const second = signaturesOf(gossip(proof(traitor, 11)), node.set, node.state);
    expect(second).toMatchObject({ ok: false, code: "STALE" });
  });

  test.each([
    ["an unknown signer", proof(4), "UNKNOWN_SIGNER"],
    ["an epoch that has not begun", proof(traitor, 9, 1), "OTHER_EPOCH"],
    [
      "statements that agree",
      { ...proof(traitor), second: proof(traitor).first },
      "EVIDENCE_CONSISTENT",
    ],
    ["statements of another view", { ...proof(traitor), view: 8 }, "EVIDENCE_STATEMENT"],
  ])("with %s is refused", (_, evidence, code) => {
    const { set, state } = leader();
    expect(signaturesOf(gossip(evidence), set, state)).toMatchObject({ ok: false, code });
  });

  test("needs both signatures", () => {
    const { set, state } = leader();
    const needed = signaturesOf(gossip(proof(traitor)), set, state);
    expect(needed.ok && needed.signatures.length).toBe(2);
    const node = leader();
    const { second } = proof(traitor);
    const forged = { ...proof(traitor), second: { ...second, signature: new Uint8Array(64) } };
    expect(() => node.receive(peer, gossip(forged))).toThrow("invalid signature");
  });

  test("against our own key stops us: another process signs with it", () => {
    const node = leader();
    node.receive(peer, gossip(proof(self)));
    expect(node.state.halted?.code).toBe("FOREIGN_SELF_VOTE");
    expect(node.state.evidence.size).toBe(0);
  });

  test("is sent again in a standstill and to a new connection until a block holds it", () => {
    const node = leader();
    node.receive(peer, gossip(proof(traitor)));
    node.clear();
    node.event({ type: "peerConnected", index: peer });
    expect(node.sent("evidence", peer)).toHaveLength(1);
    node.fire("standstill");
    node.clear();
    node.fire("standstill");
    expect(node.sent("evidence")).toHaveLength(1);
  });
});

describe("evidence in a block", () => {
  test("what the application puts in is settled when the block is final", () => {
    const node = leader();
    node.receive(peer, gossip(proof(traitor)));
    const made = answerBuild(node, { evidence: [proof(traitor)] });
    expect(node.votesSent()).toEqual(["notarize@1"]);
    expect([...node.state.evidence.values()].map(({ settled }) => settled)).toEqual([false]);
    node.finalize(made);
    expect([...node.state.evidence.values()].map(({ settled }) => settled)).toEqual([true]);
  });

  test("what it leaves out is not offered again, and no reason for blocks", () => {
    const node = leader();
    node.receive(peer, gossip(proof(traitor)));
    answerBuild(node, {});
    // Nothing else to do: no block is made of it.
    expect(node.votesSent()).toEqual([]);
    expect(node.runs("leader")).toBe(false);
    node.work();
    expect(node.all("build").at(-1)?.evidence).toEqual([]);
  });

  test("none is offered that an unfinal ancestor of the block holds", () => {
    const last = leaderFor(2);
    const node = new TestNode({ self: last });
    node.now += 200;
    node.work();
    const convict = [0, 1, 2, 3].find((index) => index !== last) ?? 0;
    const parent = blockOn(GENESIS, 1, { evidence: [proof(convict)] });
    const voters = [0, 1, 2, 3].filter((index) => index !== last);
    node.receive(voters[0] ?? 0, gossip(proof(convict)));
    node.receive(leaderFor(1), proposalOf(parent));
    node.certificate(certificateBy(voters, "notarize", 1, parent.target));
    expect(node.all("build").at(-1)).toMatchObject({ view: 2, evidence: [] });
  });

  test("a block takes the first few, in the order of headers", () => {
    const weights = [1, 1, 1, 1, 1, 1, 1];
    const lead = leaderFor(1, 7);
    const node = new TestNode({ self: lead, weights });
    node.now += 100;
    const proofs = [0, 1, 2, 3, 4, 5, 6].filter((i) => i !== lead).map((i) => proof(i));
    for (const each of proofs) node.receive((lead + 1) % 7, gossip(each));
    const voters = [0, 1, 2, 3, 4, 5, 6].filter((index) => index !== lead);
    for (let view = 1; view <= 7; view++) {
      node.certificate(certificateBy(voters, "nullify", view, undefined));
    }
    const offered = node.all("build").at(-1)?.evidence ?? [];
    expect(offered).toEqual(sortEvidence(proofs.slice(0, MAX_EVIDENCE_PER_BLOCK)));
  });

  test.each([
    ["out of order", sortEvidence([proof(0), proof(1)]).toReversed()],
    ["twice", [proof(0), proof(0)]],
  ])("%s makes it bad", (_, evidence) => {
    const node = new TestNode({ self: followerOf([1]), validates: false });
    node.receive(leaderFor(1), proposalOf(blockOn(GENESIS, 1, { evidence })));
    expect(node.all("validate")).toEqual([]);
    expect(node.votesSent()).toEqual(["nullify@1"]);
  });

  test("its signatures are verified before the proposal is read", () => {
    const { set, state } = new TestNode({ self: followerOf([1]) });
    const carrying = (evidence: readonly Evidence[]) =>
      signaturesOf(proposalOf(blockOn(GENESIS, 1, { evidence })), set, state);
    const needed = carrying([proof(0)]);
    expect(needed.ok && needed.signatures.length).toBe(4);
    expect(carrying([proof(0, 9, 7)])).toMatchObject({ ok: false, code: "OTHER_EPOCH" });
    expect(carrying([{ ...proof(0), view: 8 }])).toMatchObject({ code: "EVIDENCE_STATEMENT" });
  });
});

describe("across restarts", () => {
  test("what the application has declined stays settled, in whatever order it is read", () => {
    const node = leader();
    node.receive(peer, gossip(proof(traitor)));
    answerBuild(node, {});
    for (const records of [node.journal, node.journal.toReversed()]) {
      expect(leader({ records }).state.evidence.get(`0:${traitor}`)?.settled).toBe(true);
    }
  });

  test("open evidence is open again, settled evidence stays settled", () => {
    const node = leader();
    node.receive(peer, gossip(proof(traitor)));
    node.receive(peer, gossip(proof(peer)));
    const made = answerBuild(node, { evidence: [proof(traitor)] });
    for (const records of [node.journal, journalSnapshot(node.state)]) {
      const again = leader({ records });
      const state = [...again.state.evidence.values()].map(({ settled }) => settled);
      expect(state).toEqual([false, false]);
    }
    node.finalize(made);
    for (const records of [node.journal, node.journal.toReversed(), journalSnapshot(node.state)]) {
      const again = leader({ records });
      const { evidence } = again.state;
      expect(evidence.get(`0:${traitor}`)?.settled).toBe(true);
      expect(evidence.get(`0:${peer}`)?.settled).toBe(false);
    }
  });
});

describe("across epochs", () => {
  test("what is open goes on to the next epoch, verified by the set of its own", () => {
    const follower = followerOf([1]);
    const [first = 0, second = 0] = [0, 1, 2, 3].filter((index) => index !== follower);
    const node = new TestNode({ self: follower });
    node.receive(first, gossip(proof(first)));
    node.receive(first, gossip(proof(second)));
    const closing = blockOn(GENESIS, 1, { nextValidators: NEXT_SET, evidence: [proof(second)] });
    node.receive(leaderFor(1), proposalOf(closing));
    node.finalize(closing);
    expect(endOf(node)?.evidence).toEqual([proof(first)]);

    const next = nodeInSecond({
      self: secondEpochLeader(1),
      config: { evidence: [proof(traitor)] },
    });
    next.now += 10_000;
    next.event({ type: "peerConnected", index: peer });
    // It does not wake the network by itself; the next block carries it.
    expect(next.all("build")).toEqual([]);
    next.work();
    expect(next.all("build").map(({ evidence }) => evidence)).toEqual([[proof(traitor)]]);
    const restored = nodeInSecond({ self, records: next.journal });
    expect([...restored.state.evidence.values()]).toEqual([
      { evidence: proof(traitor), settled: false },
    ]);
  });

  test("the epoch before is in reach, the one before that is not", () => {
    const { set, state } = nodeInSecond({ self });
    expect(signaturesOf(gossip(proof(traitor, 9, 0)), set, state).ok).toBe(true);
    expect(signaturesOf(gossip(proof(traitor, 9, 2)), set, state).ok).toBe(false);
    const third = nodeInSecond({
      self,
      anchor: { ...START_OF_SECOND, finalization: undefined },
      config: { epoch: 2, previous: { ...FIRST_EPOCH, epoch: 1 } },
    });
    const old = signaturesOf(gossip(proof(traitor, 9, 0)), third.set, third.state);
    expect(old).toMatchObject({ ok: false, code: "OTHER_EPOCH" });
  });

  test("two proposals convict as two notarize votes do", () => {
    const statements = [block, rival].map(({ target }) => ({
      statement: statementBytes("proposal", CHAIN, 0, 1, target),
      signature: new Uint8Array(64),
    }));
    const [a, b] = statements;
    if (a === undefined || b === undefined) throw new Error("two statements");
    const { set, state } = leader();
    const evidence = createEvidence({ signer: traitor, epoch: 0, view: 1 }, a, b);
    expect(signaturesOf(gossip(evidence), set, state).ok).toBe(true);
  });
});
