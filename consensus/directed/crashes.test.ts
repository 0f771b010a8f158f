import { describe, expect, test } from "vitest";
import { decodeRecord, encodeRecord, type JournalEntry } from "../journal.ts";
import {
  blockOn,
  CHAIN,
  certificateBy,
  followerOf,
  GENESIS,
  leaderFor,
  proposalOf,
  TestNode,
  voteBy,
} from "../testing/harness.ts";

const self = followerOf([1, 2]);
const leader = leaderFor(1);
const others = [0, 1, 2, 3].filter((index) => index !== self);
const [peer = 0] = others;
const first = blockOn(GENESIS, 1);
const notarized = certificateBy(others, "notarize", 1, first.target);

describe("a crash between two votes of one view", () => {
  test("finalize after a nullify vote of the process before", () => {
    const before = new TestNode({ self });
    before.work();
    before.fire("leader");
    expect(before.votesSent()).toEqual(["nullify@1"]);
    const node = new TestNode({ self, records: before.journal });
    node.receive(leader, proposalOf(first));
    node.certificate(notarized);
    expect(node.votesSent()).toEqual([]);
  });

  test("nullify after a finalize vote of the process before, whose notarization is lost", () => {
    const entries: readonly JournalEntry[] = [
      { type: "header", body: first.header },
      { type: "vote", body: { kind: "finalize", epoch: 0, view: 1, target: first.target } },
    ];
    const records = entries.map((entry) => encodeRecord(CHAIN, 0, entry));
    const node = new TestNode({ self, records });
    expect(node.state.view).toBe(1);
    node.work();
    node.fire("leader");
    expect(node.votesSent()).toEqual([]);
    node.fire("advance");
    for (const index of others.slice(0, 2)) node.vote(index, "nullify", 1);
    expect(node.votesSent()).toEqual([]);
  });

  test("a second proposal of the leader after a notarize vote of the process before", () => {
    const before = new TestNode({ self });
    before.receive(leader, proposalOf(first));
    expect(before.votesSent()).toEqual(["notarize@1"]);
    const node = new TestNode({ self, records: before.journal });
    const rival = blockOn(GENESIS, 1, { timestampMs: first.timestampMs + 1 });
    node.receive(leader, proposalOf(rival));
    expect(node.votesSent()).not.toContain("notarize@1");
  });
});

test("all crash after nullifying: the votes they repeat are a quorum with each one's own", () => {
  const voters = [0, 1, 2, 3].filter((index) => index !== leader);
  const journals = voters.map((index) => {
    const node = new TestNode({ self: index });
    node.work();
    node.fire("leader");
    expect(node.votesSent()).toEqual(["nullify@1"]);
    return node.journal;
  });
  for (const [i, voter] of voters.entries()) {
    const node = new TestNode({ self: voter, records: journals[i] ?? [] });
    for (const index of voters) if (index !== voter) node.vote(index, "nullify", 1);
    expect(node.state.view).toBe(2);
  }
});

test("the floor is in the journal before the commit that rests on it", () => {
  const node = new TestNode({ self });
  node.receive(leader, proposalOf(first));
  node.clear();
  node.finalize(first);
  const committed = node.effects.findIndex(({ type }) => type === "commit");
  const before = node.effects
    .slice(0, committed)
    .flatMap((effect) => (effect.type === "persist" ? effect.records : []))
    .map((bytes) => decodeRecord(CHAIN, 0, bytes));
  const floor = { view: 1, height: 1, digest: first.digest };
  expect(before).toContainEqual({ type: "floor", body: floor });
});

test("a halted node asks for no signature, whatever it is shown", () => {
  const node = new TestNode({ self });
  node.receive(peer, { type: "vote", body: voteBy(self, "nullify", 1, undefined) });
  expect(node.state.halted?.code).toBe("FOREIGN_SELF_VOTE");
  node.work();
  node.receive(leader, proposalOf(first));
  node.certificate(notarized);
  for (const index of others) node.vote(index, "nullify", 2);
  expect(node.all("sign")).toEqual([]);
  expect(node.votesSent()).toEqual([]);
});
