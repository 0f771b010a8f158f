import { describe, expect, test } from "vitest";
import { encodeRecord, type JournalEntry } from "./journal.ts";
import { journalSnapshot } from "./restore.ts";
import {
  blockOn,
  CHAIN,
  certificateBy,
  digestOf,
  followerOf,
  GENESIS,
  leaderFor,
  proposalOf,
  statusOf,
  TestNode,
  voteBy,
} from "./testing/harness.ts";

const self = followerOf([1, 2, 3]);
const others = [0, 1, 2, 3].filter((index) => index !== self);
const [peer = 0, second = 0] = others;
const first = blockOn(GENESIS, 1);
const next = blockOn(first, 2);
const skip = (view: number) => certificateBy(others, "nullify", view, undefined);
const answer = (change: object = {}) =>
  statusOf({ purpose: "answer", answerTo: 42, clockMs: GENESIS.timestampMs + 10, ...change });
const records = (...entries: JournalEntry[]) =>
  entries.map((entry) => encodeRecord(CHAIN, 0, entry));
const own = (
  kind: "notarize" | "nullify" | "finalize",
  view: number,
  target: typeof first.target | undefined,
): JournalEntry => ({ type: "vote", body: { kind, epoch: 0, view, target } });

describe("the start gate", () => {
  test("no vote before answers of quorum weight, self included", () => {
    const node = new TestNode({ self, gated: true });
    expect(node.sent("status").map(({ purpose }) => purpose)).toEqual(["starting"]);
    node.receive(leaderFor(1), proposalOf(first));
    node.receive(peer, answer());
    node.receive(peer, answer());
    expect(node.votesSent()).toEqual([]);
    node.receive(second, answer());
    expect(node.reports("votingEnabled")).toHaveLength(1);
    expect(node.votesSent()).toEqual(["notarize@1"]);
  });

  test("answers to an earlier start and plain Status messages do not count", () => {
    const node = new TestNode({ self, gated: true });
    for (const index of others) {
      node.receive(index, answer({ answerTo: 41 }));
      node.receive(index, statusOf());
    }
    expect(node.state.gate.open).toBe(false);
  });

  test("a floor proven in an answer is reached first", () => {
    const node = new TestNode({ self, gated: true });
    const finalization = certificateBy(others, "finalize", 1, first.target);
    node.receive(peer, answer({ finalization, floorView: 1, floorHeight: 1 }));
    node.receive(second, answer());
    expect(node.state.gate.open).toBe(false);
    const request = node.state.catchUp.request;
    expect(request?.fromHeight).toBe(1);
    node.receive(request?.peer ?? 0, {
      type: "blocks",
      body: {
        requestId: request?.requestId ?? 0,
        headers: [first.header],
        finalization,
        refusal: undefined,
      },
    });
    expect(node.state.floor.height).toBe(1);
    expect(node.state.gate.open).toBe(true);
  });

  test("a starting peer is told its newest votes", () => {
    const node = new TestNode({ self });
    node.vote(peer, "notarize", 1, first.target);
    node.vote(peer, "nullify", 1);
    node.vote(peer, "nullify", 3);
    node.clear();
    node.receive(peer, statusOf({ purpose: "starting", incarnation: 99 }));
    const [status] = node.sent("status", peer);
    expect(status).toMatchObject({ purpose: "answer", answerTo: 99 });
    expect(status?.echoes).toEqual([
      voteBy(peer, "notarize", 1, first.target),
      voteBy(peer, "nullify", 3, undefined),
    ]);
  });

  test("an echo that the journal lacks means amnesia: never a vote with this key", () => {
    const node = new TestNode({ self, gated: true });
    node.receive(peer, answer({ echoes: [voteBy(self, "nullify", 4, undefined)] }));
    for (const index of others) node.receive(index, answer());
    expect(node.reports("halted").map(({ code }) => code)).toEqual(["AMNESIA"]);
    expect(node.state.gate.open).toBe(false);
    // It stays so after another restart: the journal remembers.
    const again = new TestNode({ self, records: node.journal });
    expect(again.state.halted?.code).toBe("AMNESIA");
    again.receive(leaderFor(1), proposalOf(first));
    expect(again.votesSent()).toEqual([]);
    // It still follows the chain.
    again.finalize(first);
    expect(again.all("commit")).toHaveLength(1);
  });

  test("a starting peer is told votes of views that are settled meanwhile", () => {
    const node = new TestNode({ self });
    node.vote(peer, "notarize", 1, first.target);
    node.vote(peer, "finalize", 1, first.target);
    node.receive(leaderFor(1), proposalOf(first));
    node.finalize(first);
    expect(node.state.floor.height).toBe(1);
    node.clear();
    node.receive(peer, statusOf({ purpose: "starting", incarnation: 99 }));
    const echoes = node.sent("status", peer)[0]?.echoes ?? [];
    expect(echoes.map(({ kind, view }) => [kind, view])).toEqual([
      ["notarize", 1],
      ["finalize", 1],
    ]);
  });

  test("catching up first does not hide that the journal is lost", () => {
    const node = new TestNode({ self, gated: true });
    node.receive(leaderFor(1), proposalOf(first));
    node.finalize(first);
    expect(node.state.floor.view).toBe(1);
    node.receive(peer, answer({ echoes: [voteBy(self, "notarize", 1, first.target)] }));
    for (const index of others) node.receive(index, answer());
    expect(node.reports("halted").map(({ code }) => code)).toEqual(["AMNESIA"]);
    expect(node.state.gate.open).toBe(false);
  });

  describe("a chain that begins with a snapshot, above votes of ours", () => {
    const anchor = {
      height: 1,
      view: 1,
      digest: first.digest,
      timestampMs: first.timestampMs,
      finalization: certificateBy(others, "finalize", 1, first.target),
    };
    const echoes = [voteBy(self, "notarize", 1, first.target)];

    test("does not hide that the journal is lost", () => {
      const node = new TestNode({ self, gated: true, anchor });
      node.receive(peer, answer({ echoes }));
      for (const index of others) node.receive(index, answer());
      expect(node.reports("halted").map(({ code }) => code)).toEqual(["AMNESIA"]);
      expect(node.state.gate.open).toBe(false);
    });

    test("is no amnesia where the journal holds them", () => {
      const held = records(own("notarize", 1, first.target));
      const node = new TestNode({ self, gated: true, anchor, records: held });
      node.receive(peer, answer({ echoes }));
      for (const index of others) node.receive(index, answer());
      expect(node.reports("halted")).toEqual([]);
      expect(node.state.gate.open).toBe(true);
    });

    test("is the same after a rotation and a second start, before anybody has answered", () => {
      const lost = new TestNode({ self, gated: true, anchor });
      const kept = new TestNode({
        self,
        gated: true,
        anchor,
        records: records(own("notarize", 1, first.target)),
      });
      const found = [lost, kept].map((node) => {
        const journal = journalSnapshot(node.state);
        const again = new TestNode({ self, gated: true, anchor, records: journal });
        again.receive(peer, answer({ echoes }));
        for (const index of others) again.receive(index, answer());
        return again.reports("halted").map(({ code }) => code);
      });
      expect(found).toEqual([["AMNESIA"], []]);
    });
  });

  test("catching up before a second start does not hide that the journal is lost", () => {
    const node = new TestNode({ self, gated: true });
    node.receive(leaderFor(1), proposalOf(first));
    node.finalize(first);
    expect(node.state.floor.view).toBe(1);
    const again = new TestNode({ self, gated: true, records: node.journal });
    again.receive(peer, answer({ echoes: [voteBy(self, "notarize", 1, first.target)] }));
    expect(again.reports("halted").map(({ code }) => code)).toEqual(["AMNESIA"]);
  });

  test("catching up first does not turn a vote that the journal holds into a foreign one", () => {
    const held = records(own("nullify", 1, undefined));
    const node = new TestNode({ self, gated: true, records: held });
    node.receive(leaderFor(1), proposalOf(first));
    node.finalize(first);
    expect(node.state.floor.view).toBe(1);
    node.receive(peer, answer({ echoes: [voteBy(self, "nullify", 1, undefined)] }));
    node.receive(second, answer());
    expect(node.state.halted).toBeUndefined();
    expect(node.state.gate.open).toBe(true);
  });

  test("an echo that the journal holds is fine", () => {
    const held = records(own("nullify", 1, undefined));
    const node = new TestNode({ self, gated: true, records: held });
    node.receive(peer, answer({ echoes: [voteBy(self, "nullify", 1, undefined)] }));
    node.receive(second, answer());
    expect(node.state.gate.open).toBe(true);
  });
});

describe("a foreign vote of the own key", () => {
  test.each(["vote", "certificate", "proposal"] as const)("in a %s stops the votes", (carrier) => {
    const voter = carrier === "proposal" ? leaderFor(1) : self;
    const node = new TestNode({ self: voter });
    const from = voter === peer ? second : peer;
    if (carrier === "vote") {
      node.receive(from, { type: "vote", body: voteBy(voter, "notarize", 1, first.target) });
    } else if (carrier === "certificate") {
      const signers = [voter, ...others.filter((i) => i !== voter)].slice(0, 3);
      node.certificate(certificateBy(signers, "nullify", 1, undefined), from);
    } else {
      node.receive(from, proposalOf(first));
    }
    expect(node.reports("halted").map(({ code }) => code)).toEqual(["FOREIGN_SELF_VOTE"]);
    node.work();
    expect(node.votesSent()).toEqual([]);
  });

  test("the own votes coming back are no surprise", () => {
    const node = new TestNode({ self });
    node.receive(leaderFor(1), proposalOf(first));
    node.receive(peer, { type: "vote", body: voteBy(self, "notarize", 1, first.target) });
    node.certificate(certificateBy([self, peer, second], "notarize", 1, first.target));
    expect(node.state.halted).toBeUndefined();
  });
});

describe("restore", () => {
  test("resumes above the floor, at the highest own vote, above every certificate", () => {
    const at = (...entries: JournalEntry[]) =>
      new TestNode({ self, gated: true, records: records(...entries) }).state.view;
    expect(at()).toBe(1);
    expect(at(own("nullify", 3, undefined))).toBe(3);
    expect(at({ type: "certificate", body: skip(5) }, own("nullify", 3, undefined))).toBe(6);
    expect(at({ type: "floor", body: { view: 8, height: 2, digest: first.digest } })).toBe(9);
  });

  test("own votes are signed again, counted and sent; no second one is made", () => {
    const before = new TestNode({ self });
    before.receive(leaderFor(1), proposalOf(first));
    const [sent] = before.sent("vote");
    const node = new TestNode({ self, records: before.journal, gated: true });
    for (const index of others) node.receive(index, answer());
    expect(node.sent("vote")).toEqual([sent]);
    expect(node.state.views.get(1)?.votes.has(self)).toBe(true);
    const rival = blockOn(GENESIS, 1, { stateRoot: digestOf("rival") });
    node.receive(leaderFor(1), proposalOf(rival));
    expect(node.sent("vote").filter(({ kind }) => kind === "notarize")).toEqual([sent]);
    // The first proposal was journalled: the leader's equivocation is seen across the restart.
    expect(node.reports("evidence")).toHaveLength(1);
  });

  test("nodes that all crash after voting finish the block: own votes are tallied", () => {
    const voters = others.filter((index) => index !== leaderFor(1));
    const crashed = [self, ...voters].map((index) => {
      const node = new TestNode({ self: index });
      node.receive(leaderFor(1), proposalOf(first));
      return { index, journal: node.journal };
    });
    const back = crashed.map(
      ({ index, journal }) => new TestNode({ self: index, records: journal }),
    );
    // Each hears the others' repeated votes; with its own that is a quorum without the leader.
    for (const node of back) {
      for (const { index } of crashed) {
        if (index !== node.state.config.self) node.vote(index, "notarize", 1, first.target);
      }
      expect(node.state.notarizedViews.has(1)).toBe(true);
    }
  });

  test("a finalize vote before the crash still excludes a nullify vote after it", () => {
    const before = new TestNode({ self });
    before.receive(leaderFor(1), proposalOf(first));
    before.certificate(certificateBy(others, "notarize", 1, first.target));
    expect(before.votesSent()).toEqual(["notarize@1", "finalize@1"]);
    const node = new TestNode({ self, records: before.journal });
    expect(node.state.view).toBe(2);
    node.work();
    for (const index of others) node.vote(index, "nullify", 1);
    node.fire("standstill");
    node.fire("standstill");
    expect(node.votesSent().filter((vote) => vote === "nullify@1")).toEqual([]);
  });

  test("a notarization formed before the crash is sent after it", () => {
    const before = new TestNode({ self });
    before.receive(leaderFor(1), proposalOf(first));
    for (const index of others) {
      if (index !== leaderFor(1)) before.vote(index, "notarize", 1, first.target);
    }
    const node = new TestNode({ self, records: before.journal });
    node.event({ type: "peerConnected", index: peer });
    expect(node.sent("certificate", peer).map(({ kind, view }) => [kind, view])).toEqual([
      ["notarize", 1],
    ]);
  });

  test("the order of records does not matter", () => {
    const before = new TestNode({ self });
    before.receive(leaderFor(1), proposalOf(first));
    before.certificate(certificateBy(others, "notarize", 1, first.target));
    before.certificate(skip(2));
    const restored = (journal: readonly Uint8Array[]) =>
      journalSnapshot(new TestNode({ self, gated: true, records: journal }).state)
        .map((bytes) => bytes.join())
        .sort();
    const reversed = [...before.journal].reverse();
    expect(restored(reversed)).toEqual(restored(before.journal));
    expect(restored([...before.journal, ...reversed])).toEqual(restored(before.journal));
  });

  test("final but unapplied blocks are committed again before anybody hears a status", () => {
    const before = new TestNode({ self });
    before.receive(leaderFor(1), proposalOf(first));
    before.finalize(first);
    before.receive(leaderFor(2), proposalOf(next));
    before.finalize(next);
    const rotated = journalSnapshot(before.state);
    for (const journal of [before.journal, rotated]) {
      const node = new TestNode({ self, gated: true, records: journal });
      expect(node.all("commit").map(({ headers }) => headers.map(({ height }) => height))).toEqual([
        [1, 2],
      ]);
      expect(node.sent("status")[0]).toMatchObject({ floorView: 2, floorHeight: 2 });
    }
    // Once applied they leave the journal.
    before.event({ type: "applied", height: 2 });
    expect(journalSnapshot(before.state).length).toBeLessThan(rotated.length);
  });

  test("a block store ahead of the journal wins, and nothing below it is signed", () => {
    const journal = records(own("notarize", 1, first.target), {
      type: "header",
      body: first.header,
    });
    const anchor = { height: 2, view: 2, digest: next.digest, timestampMs: next.timestampMs };
    const node = new TestNode({ self, records: journal, anchor });
    expect(node.state.view).toBe(3);
    expect(node.state.views.size).toBe(0);
    expect(node.all("sign")).toEqual([]);
  });

  test("a floor that only the journal remembers is reached before any vote", () => {
    const journal = records({ type: "floor", body: { view: 1, height: 1, digest: first.digest } });
    const node = new TestNode({ self, records: journal, gated: true });
    for (const index of others) node.receive(index, answer());
    expect(node.state.gate.open).toBe(false);
    node.finalize(first);
    node.receive(leaderFor(1), proposalOf(first));
    expect(node.state.gate.open).toBe(true);
    expect(node.votesSent()).toEqual([]);
  });

  test("records of another chain or epoch are ignored and counted", () => {
    const journal = [
      encodeRecord(digestOf("elsewhere"), 0, own("nullify", 9, undefined)),
      encodeRecord(CHAIN, 1, {
        type: "vote",
        body: { kind: "nullify", epoch: 1, view: 9, target: undefined },
      }),
    ];
    const node = new TestNode({ self, gated: true, records: journal });
    expect(node.state.view).toBe(1);
    expect(node.reports("ignoredRecords")).toEqual([{ kind: "ignoredRecords", count: 2 }]);
  });

  test.each([
    ["two notarize votes", [own("notarize", 1, first.target), own("notarize", 1, next.target)]],
    ["nullify and finalize", [own("finalize", 1, first.target), own("nullify", 1, undefined)]],
  ])("a journal with %s is refused", (_, entries) => {
    expect(() => new TestNode({ self, records: records(...entries) })).toThrow("the journal holds");
  });
});

describe("the journal snapshot", () => {
  test("restores the same promises and drops what is settled", () => {
    const node = new TestNode({ self });
    node.receive(leaderFor(1), proposalOf(first));
    node.finalize(first);
    node.receive(leaderFor(2), proposalOf(next));
    node.certificate(certificateBy(others, "notarize", 2, next.target));
    node.event({ type: "applied", height: 1 });
    const anchor = {
      height: 1,
      view: 1,
      digest: first.digest,
      timestampMs: first.timestampMs,
      finalization: node.state.floor.finalization,
    };
    const snapshot = journalSnapshot(node.state);
    expect(snapshot.length).toBeLessThan(node.journal.length);
    const back = new TestNode({ self, gated: true, records: snapshot, anchor });
    expect(back.state.view).toBe(node.state.view);
    expect(Object.keys(back.state.views.get(2)?.own ?? {}).sort()).toEqual([
      "finalize",
      "notarize",
    ]);
    expect(back.state.voteFloorView).toBe(1);
    expect(back.state.blocks.get(next.digest)?.durable).toBe(true);
    expect(journalSnapshot(back.state).map((bytes) => bytes.join())).toEqual(
      snapshot.map((bytes) => bytes.join()),
    );
  });
});
