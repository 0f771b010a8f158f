import { describe, expect, test } from "vitest";
import { MAX_EPOCH_CLAIMS, MAX_RETRY_MS } from "./limits.ts";
import type { ConsensusMessage } from "./messages.ts";
import { journalSnapshot, restore } from "./restore.ts";
import {
  CLOSING,
  closingOn,
  endOf,
  FIRST_EPOCH,
  nodeInSecond,
  START_OF_SECOND,
  secondBlockOn,
  secondEpochLeader,
} from "./testing/epochs.ts";
import {
  blockOn,
  certificateBy,
  followerOf,
  GENESIS,
  proposalBy,
  statusOf,
  type TestBlock,
  TestNode,
  voteBy,
} from "./testing/harness.ts";
import { signaturesOf } from "./verification.ts";

const leader = secondEpochLeader(1);
const self = [0, 1, 2, 3].find((i) => i !== leader && i !== secondEpochLeader(2)) ?? 0;
const others = [0, 1, 2, 3].filter((index) => index !== self);
const [peer = 0, second = 0] = others;
const first = secondBlockOn(START_OF_SECOND, 1);
const closingFinality = FIRST_EPOCH.closing.finalization;

const judge = (node: TestNode, message: ConsensusMessage): string | number => {
  const verdict = signaturesOf(message, node.set, node.state);
  return verdict.ok ? verdict.signatures.length : verdict.code;
};

describe("the start of an epoch", () => {
  test("views begin anew, leaders follow from the closing block, the first block needs no proof", () => {
    const node = nodeInSecond({ self });
    expect(node.state).toMatchObject({ view: 1, floor: { view: 0, height: CLOSING.height } });
    node.receive(leader, proposalBy(leader, first, []));
    expect(node.votesSent()).toEqual(["notarize@1"]);
    expect(node.sent("vote")[0]).toMatchObject({ epoch: 1, target: { parentView: 0 } });
    node.certificate(certificateBy(others, "notarize", 1, first.target, 1));
    node.certificate(certificateBy(others, "finalize", 1, first.target, 1));
    expect(node.state.floor).toMatchObject({ view: 1, height: CLOSING.height + 1 });
    expect(endOf(node)).toBeUndefined();
  });

  test("the first leader proposes on the closing block, with an empty justification", () => {
    const node = nodeInSecond({ self: leader });
    node.now = CLOSING.timestampMs + 1_000;
    node.work();
    const build = node.all("build")[0];
    expect(build).toMatchObject({ epoch: 1, view: 1, parent: { digest: CLOSING.digest } });
    const timestampMs = build?.timestampMs ?? 0;
    const header = { ...first.header, timestampMs };
    node.event({ type: "built", view: 1, header });
    expect(node.sent("proposal")[0]).toMatchObject({ parentView: 0, justification: [] });
  });

  test("a block of the old epoch's number is bad in the new one", () => {
    const node = nodeInSecond({ self });
    const header = { ...first.header, epoch: 0 };
    expect(judge(node, proposalBy(leader, { ...first, header }, []))).toBe("OTHER_EPOCH");
  });

  test("an open gate lets vote at once; without word for it the gate is closed", () => {
    const open = nodeInSecond({ self, gated: true, config: { startGate: "open" } });
    expect(open.sent("status")[0]?.purpose).toBe("periodic");
    expect(open.reports("votingEnabled")).toHaveLength(1);
    open.receive(leader, proposalBy(leader, first));
    expect(open.votesSent()).toEqual(["notarize@1"]);
    const closed = nodeInSecond({ self, gated: true });
    expect(closed.sent("status")[0]?.purpose).toBe("starting");
    closed.receive(leader, proposalBy(leader, first));
    expect(closed.votesSent()).toEqual([]);
    const observer = nodeInSecond({ gated: true, config: { startGate: "open" } });
    expect(observer.state.gate.open).toBe(false);
  });

  test("a gate is not opened over a journal with votes", () => {
    const node = nodeInSecond({ self });
    node.receive(leader, proposalBy(leader, first));
    const config = { ...node.state.config, startGate: "open" as const };
    expect(() => restore(config, node.journal, START_OF_SECOND)).toThrow("journal holds no vote");
  });

  test("a halt is handed on, journalled, and ends votes also after a restart", () => {
    const halt = { code: "FOREIGN_SELF_VOTE", view: 3, detail: "elsewhere" } as const;
    const node = nodeInSecond({ self, config: { halt } });
    node.receive(leader, proposalBy(leader, first));
    expect(node.votesSent()).toEqual([]);
    const again = nodeInSecond({ self, records: node.journal });
    expect(again.state.halted).toEqual(halt);
  });

  test("an anchor is of this epoch, or ends the one before", () => {
    const config = (epoch: number, view: number) => () =>
      nodeInSecond({ self, config: { epoch }, anchor: { ...START_OF_SECOND, view } });
    expect(config(1, 57)).toThrow("views begin anew");
    expect(config(2, 0)).toThrow("epochs count up");
  });

  test("the journal holds nothing of the epoch before, and can be read again", () => {
    const node = nodeInSecond({ self });
    node.receive(leader, proposalBy(leader, first));
    const snapshot = journalSnapshot(node.state);
    const again = nodeInSecond({ self, records: snapshot });
    expect(again.state.ignoredRecords).toBe(0);
    expect(again.state.views.get(1)?.own.notarize?.target).toEqual(first.target);
  });
});

describe("floors are compared by epoch first", () => {
  // Its view is 57 in the old epoch, far above everything in the new one.
  const atStart = { epoch: 1, floorView: 0, floorHeight: 1, finalization: closingFinality };

  test("the gate waits for no floor of the epoch before", () => {
    const node = nodeInSecond({ self, gated: true });
    for (const index of [peer, second]) {
      node.receive(index, statusOf({ ...atStart, purpose: "answer", answerTo: 42 }));
    }
    expect(node.state.gate).toMatchObject({ open: true, targetView: 0 });
  });

  test("a finality of the epoch before neither moves the view nor starts a request", () => {
    const node = nodeInSecond({ self });
    expect(judge(node, statusOf(atStart))).toBe(0);
    node.receive(peer, statusOf(atStart));
    expect(node.state.view).toBe(1);
    expect(node.state.finalizedViews.size).toBe(0);
    expect(node.sent("getBlocks")).toEqual([]);
    expect(judge(node, { type: "certificate", body: closingFinality })).toBe("OTHER_EPOCH");
  });

  test("a peer at the start of the epoch that is stuck gets everything above its floor", () => {
    const node = nodeInSecond({ self });
    node.receive(leader, proposalBy(leader, first));
    const finality = certificateBy(others, "finalize", 1, first.target, 1);
    node.certificate(finality);
    node.clear();
    node.receive(peer, statusOf({ ...atStart, purpose: "standstill" }));
    expect(node.sent("certificate", peer)).toContainEqual(finality);
    expect(node.sent("certificate", peer)).not.toContainEqual(closingFinality);
  });

  test("certificates served of an epoch are of that epoch", () => {
    const node = nodeInSecond({ self });
    const ask = (epoch: number) => {
      node.clear();
      const body = { requestId: 1, epoch, fromView: 0 };
      node.receive(peer, { type: "getCertificates", body });
      return node.sent("certificates", peer)[0];
    };
    expect(ask(1)).toMatchObject({ certificates: [], refusal: "UNKNOWN" });
    expect(ask(0)?.certificates).toEqual([closingFinality]);
    expect(ask(7)).toMatchObject({ certificates: [], refusal: "UNKNOWN" });
  });
});

describe("a peer in an older epoch", () => {
  test("is led out of the last one by what ended it, not too often", () => {
    const node = nodeInSecond({ self });
    node.clear();
    node.receive(peer, statusOf({ purpose: "starting", view: 57 }));
    node.receive(peer, statusOf({ purpose: "standstill", view: 57 }));
    expect(node.sent("certificate", peer)).toEqual([closingFinality]);
    expect(node.sent("status", peer)).toEqual([]);
    node.now += 1_000;
    node.receive(peer, statusOf({ view: 57 }));
    expect(node.sent("certificate", peer)).toHaveLength(2);
  });

  test("whatever it votes is no fault, and is not read", () => {
    const node = nodeInSecond({ self });
    const vote = { type: "vote", body: voteBy(peer, "nullify", 1, undefined) } as const;
    expect(judge(node, vote)).toBe("OTHER_EPOCH");
  });

  test("is an observer to us when it has left the set", () => {
    const node = nodeInSecond({ self });
    node.clear();
    node.receive(17, statusOf({ view: 57 }));
    expect(node.sent("certificate", 17)).toEqual([closingFinality]);
  });

  test("gets our votes when it shows up in this epoch, once", () => {
    const node = nodeInSecond({ self });
    node.receive(leader, proposalBy(leader, first));
    const [late = 0] = others;
    node.state.met.delete(late);
    node.clear();
    node.receive(late, statusOf({ epoch: 1 }));
    node.receive(late, statusOf({ epoch: 1 }));
    expect(node.sent("vote", late)).toHaveLength(1);
  });
});

describe("a peer in a later epoch", () => {
  const follower = followerOf([1, 2]);
  const ahead = [0, 1, 2, 3].filter((index) => index !== follower);
  const [near = 0, liar = 0] = ahead;
  const chain: TestBlock[] = [];
  for (let view = 1; view <= 3; view++) chain.push(blockOn(chain.at(-1) ?? GENESIS, view));
  const closing = closingOn(chain.at(-1) ?? GENESIS, 4);
  chain.push(closing);
  const finality = certificateBy(ahead, "finalize", 4, closing.target);
  const claim = (epoch: number) => statusOf({ epoch, view: 9, floorView: 8 });

  const reply = (node: TestNode, headers: readonly TestBlock[], finalization = finality) => {
    const { requestId, peer: from } = node.state.catchUp.request ?? { requestId: 0, peer: 0 };
    const body = {
      requestId,
      headers: headers.map(({ header }) => header),
      finalization: headers.length === 0 ? undefined : finalization,
      refusal: headers.length === 0 ? ("NOT_AVAILABLE" as const) : undefined,
    };
    node.receive(from, { type: "blocks", body });
  };

  test("at its very start proves by its Status how our epoch ended", () => {
    const node = new TestNode({ self: follower });
    node.receive(near, statusOf({ epoch: 1, view: 1, floorView: 0, finalization: finality }));
    expect(node.state.finalizedViews).toEqual(new Set([4]));
    expect(node.state.catchUp.request?.fromHeight).toBe(1);
    reply(node, chain);
    expect(endOf(node)?.digest).toBe(closing.digest);
  });

  test("is asked for the blocks of our epoch, on its mere word, by whatever number it has", () => {
    const node = new TestNode({ self: follower });
    node.receive(40, claim(3));
    expect(node.sent("getBlocks", 40)).toEqual([
      { requestId: node.state.catchUp.request?.requestId, fromHeight: 1, count: 64 },
    ]);
    const part = certificateBy(ahead, "finalize", 2, chain[1]?.target);
    reply(node, chain.slice(0, 2), part);
    // The word was good: the next request goes out without another Status.
    expect(node.state.floor.height).toBe(2);
    expect(node.state.catchUp.request).toMatchObject({ peer: 40, fromHeight: 3 });
    reply(node, chain.slice(2));
    expect(endOf(node)?.digest).toBe(closing.digest);
    node.receive(40, claim(3));
    expect(node.state.catchUp.request).toBeUndefined();
  });

  test("that lies costs one request, later each time, and holds up nobody else", () => {
    const node = new TestNode({ self: follower });
    let asked = 0;
    const waits: number[] = [];
    for (let i = 0; i < 200; i++) {
      node.clear();
      node.receive(liar, claim(7));
      node.receive(liar, claim(8));
      const requests = node.sent("getBlocks", liar).length;
      expect(requests).toBeLessThanOrEqual(1);
      asked += requests;
      if (requests > 0) {
        waits.push(node.now);
        reply(node, []);
      }
      node.now += 1_000;
    }
    expect(asked).toBeLessThan(40);
    const gaps = waits.slice(1).map((at, i) => at - (waits[i] ?? 0));
    expect(Math.max(...gaps)).toBeLessThanOrEqual(MAX_RETRY_MS + 1_000);
    expect(gaps.at(-1)).toBeGreaterThan(gaps[0] ?? 0);
    expect(node.state.view).toBe(1);
    node.receive(near, claim(1));
    expect(node.state.catchUp.request?.peer).toBe(near);
    reply(node, chain);
    expect(endOf(node)?.digest).toBe(closing.digest);
  });

  test("that lies without end keeps a node that lags from no other peer", () => {
    const node = new TestNode({ self: follower });
    // Final, but the blocks are missing; the liar is the first of its signers.
    const part = certificateBy(ahead, "finalize", 2, chain[1]?.target);
    node.receive(near, { type: "certificate", body: part });
    const asked: number[] = [];
    for (let i = 0; i < 12; i++) {
      for (const peer of [near, liar]) node.receive(peer, claim(7));
      node.fire("catchUp");
      asked.push(...node.all("send").map(({ to }) => to));
      for (const peer of [near, liar]) node.receive(peer, claim(7));
      node.clear();
    }
    // Two of three are silent liars: the third is asked all the same, and soon.
    const honest = ahead.find((peer) => peer !== near && peer !== liar);
    expect(asked.indexOf(honest ?? -1)).toBeGreaterThanOrEqual(0);
    while (node.state.catchUp.request?.peer !== honest) node.fire("catchUp");
    reply(node, chain.slice(0, 2), part);
    expect(node.state.floor.height).toBe(2);
  });

  test("whose word was begun with is gone on with, whatever is proven meanwhile", () => {
    const node = new TestNode({ self: follower });
    const long: TestBlock[] = [];
    for (let view = 1; view <= 70; view++) long.push(blockOn(long.at(-1) ?? GENESIS, view));
    const tip = long.at(-1);
    const far = certificateBy(ahead, "finalize", 70, tip?.target);
    node.receive(40, claim(3));
    reply(node, long.slice(0, 64), far);
    expect(node.state.catchUp.request).toMatchObject({ peer: 40, fromHeight: 65 });
    node.receive(near, { type: "certificate", body: far });
    expect(node.state.catchUp.request).toMatchObject({ peer: 40, fromHeight: 65 });
    reply(node, long.slice(64), far);
    expect(node.state.floor.height).toBe(70);
  });

  test("that is silent is given up after a time", () => {
    const node = new TestNode({ self: follower });
    node.receive(liar, claim(1));
    expect(node.state.catchUp.request?.peer).toBe(liar);
    node.receive(near, claim(1));
    node.fire("catchUp");
    expect(node.state.catchUp.request?.peer).toBe(near);
  });

  test("claims of many peers stay bounded", () => {
    const node = new TestNode({ self: follower });
    for (let from = 4; from < 4 + 2 * MAX_EPOCH_CLAIMS; from++) node.receive(from, claim(1));
    expect(node.state.catchUp.claims.size).toBe(MAX_EPOCH_CLAIMS);
  });

  test("cannot make us take a block of another epoch, or one beyond the end of ours", () => {
    const beyond = blockOn(closing, 5);
    const foreign = blockOn(chain[2] ?? GENESIS, 4, { epoch: 1 });
    for (const last of [beyond, foreign]) {
      const node = new TestNode({ self: follower });
      node.receive(near, claim(1));
      const headers = last === beyond ? [...chain, beyond] : [...chain.slice(0, 3), foreign];
      reply(node, headers, certificateBy(ahead, "finalize", last.view, last.target));
      expect(node.reports("peerFault").map(({ code }) => code)).toEqual(["WRONG_CHAIN_OF_BLOCKS"]);
      expect(node.state.floor.height).toBe(0);
    }
  });

  test("its finality of another epoch is never read", () => {
    const node = new TestNode({ self: follower });
    const fabricated = {
      ...certificateBy(ahead, "finalize", 99, chain[0]?.target, 1),
      signatures: [],
    };
    const status = statusOf({ epoch: 1, finalization: fabricated });
    expect(judge(node, status)).toBe(0);
    node.receive(near, status);
    expect(node.state.view).toBe(1);
    expect(node.state.finalizedViews.size).toBe(0);
  });

  test("its answers and echoes count for no gate of ours", () => {
    const node = new TestNode({ self: follower, gated: true });
    for (const index of ahead) {
      const echoes = [voteBy(follower, "nullify", 3, undefined, 1)];
      const answer = statusOf({ epoch: 1, purpose: "answer", answerTo: 42, echoes });
      expect(judge(node, answer)).toBe(0);
      node.receive(index, answer);
    }
    expect(node.state.gate).toMatchObject({ open: false, answered: 0 });
    expect(node.state.halted).toBeUndefined();
  });
});
