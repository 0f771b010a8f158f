import { describe, expect, test } from "vitest";
import {
  blockOn,
  certificateBy,
  digestOf,
  followerOf,
  GENESIS,
  leaderFor,
  proposalOf,
  type TestBlock,
  TestNode,
} from "./testing/harness.ts";

const withTransactions = { batchDigests: [digestOf("batch")] };

/** Indices other than `self`: enough for a quorum of four. */
const except = (self: number) => [0, 1, 2, 3].filter((index) => index !== self);

/** The header that the last build effect asks for. */
function built(node: TestNode, change: object = {}): TestBlock {
  const build = node.all("build").at(-1);
  if (build === undefined) throw new Error("no block was asked for");
  const parent = { ...build.parent, view: node.state.pacemaker.build?.parentView ?? 0 };
  return blockOn(parent, build.view, { timestampMs: build.timestampMs, ...change });
}

describe("rule 2: propose", () => {
  test("with work: build, journal, two signatures, proposal", () => {
    const node = new TestNode({ self: leaderFor(1), manualSigner: true });
    expect(node.all("build")).toEqual([]);
    node.now = GENESIS.timestampMs + 60_000 - 30_001;
    node.work();
    const [build] = node.all("build");
    expect(build).toMatchObject({ view: 1, proposer: leaderFor(1), allowTransactions: true });
    expect(build?.timestampMs).toBe(node.now);
    const block = built(node, withTransactions);
    node.clear();
    node.event({ type: "built", view: 1, header: block.header });
    const [persist, sign] = [node.effects[0], node.effects[1]];
    expect(persist?.type === "persist" && persist.records.length).toBe(2);
    expect(sign?.type === "sign" && sign.statements.length).toBe(2);
    expect(node.sent("proposal")).toEqual([]);
    if (sign?.type === "sign") node.sign(sign);
    const [proposal] = node.sent("proposal");
    expect(proposal).toEqual(proposalOf(block).body);
  });

  test("without work the leader is silent", () => {
    const node = new TestNode({ self: leaderFor(1) });
    expect(node.effects).toEqual([]);
    expect(node.runs("leader")).toBe(false);
    node.work();
    expect(node.runs("leader")).toBe(true);
    node.work(false);
    expect(node.runs("leader")).toBe(false);
  });

  test("the block interval delays the proposal", () => {
    const node = new TestNode({ self: leaderFor(1), parameters: { minBlockIntervalMs: 80 } });
    node.work();
    expect(node.all("build")).toEqual([]);
    node.fire("propose");
    expect(node.all("build")).toHaveLength(1);
  });

  test("an application that cannot build makes the leader give the view up", () => {
    const node = new TestNode({ self: leaderFor(1) });
    node.now += 100;
    node.work();
    node.event({ type: "built", view: 1, header: undefined });
    expect(node.all("build")).toHaveLength(1);
    node.fire("leader");
    expect(node.votesSent()).toEqual(["nullify@1"]);
    expect(node.reports("nullifying")[0]?.reason).toBe("CANNOT_PROPOSE");
    // What is built too late is dropped: the guard holds.
    node.event({ type: "built", view: 1, header: blockOn(GENESIS, 1).header });
    expect(node.votesSent()).toEqual(["nullify@1"]);
  });

  test("an answer for a view that is over is ignored", () => {
    const self = leaderFor(1);
    const node = new TestNode({ self });
    node.now += 100;
    node.work();
    const block = built(node);
    node.certificate(certificateBy(except(self), "nullify", 1, undefined));
    node.event({ type: "built", view: 1, header: block.header });
    expect(node.votesSent()).toEqual([]);
  });
});

describe("the base", () => {
  test("is the highest notarized block, with its notarization and the nullifications above", () => {
    const self = leaderFor(3);
    const node = new TestNode({ self });
    node.now += 200;
    const first = blockOn(GENESIS, 1);
    const notarization = certificateBy(except(self), "notarize", 1, first.target);
    const nullification = certificateBy(except(self), "nullify", 2, undefined);
    node.work();
    node.receive(leaderFor(1), proposalOf(first));
    node.certificate(notarization);
    node.certificate(nullification);
    expect(node.all("build").at(-1)?.parent.digest).toBe(first.digest);
    node.event({ type: "built", view: 3, header: built(node).header });
    const [proposal] = node.sent("proposal");
    expect(proposal?.parentView).toBe(1);
    expect(proposal?.justification).toEqual([notarization, nullification]);
  });

  test("skips a notarized block that is not here only when its view is nullified too", () => {
    const self = leaderFor(3);
    const node = new TestNode({ self });
    node.now += 200;
    node.work();
    const first = blockOn(GENESIS, 1);
    node.certificate(certificateBy(except(self), "notarize", 1, first.target));
    node.certificate(certificateBy(except(self), "nullify", 2, undefined));
    expect(node.all("build")).toEqual([]);
    expect(node.sent("getHeader").map(({ digest }) => digest)).toEqual([first.digest]);
    node.certificate(certificateBy(except(self), "nullify", 1, undefined));
    expect(node.all("build").at(-1)?.parent.digest).toBe(GENESIS.digest);
  });

  test("is fetched when certificates lack, and the view is given up at T_lead", () => {
    const self = leaderFor(3);
    const node = new TestNode({ self });
    node.work();
    node.certificate(certificateBy(except(self), "nullify", 2, undefined));
    expect(node.sent("getCertificates").map(({ fromView }) => fromView)).toEqual([1]);
    expect(node.all("build")).toEqual([]);
    node.fire("leader");
    expect(node.votesSent()).toEqual(["nullify@3"]);
  });

  test("certificates are asked of the next peer when one has none", () => {
    const self = leaderFor(3);
    const node = new TestNode({ self });
    node.work();
    node.certificate(certificateBy(except(self), "nullify", 2, undefined));
    const asked: number[] = [];
    for (let i = 0; i < 3; i++) {
      const { peer, requestId } = node.state.certificatesRequest ?? { peer: -1, requestId: 0 };
      asked.push(peer);
      const refusal = "UNKNOWN" as const;
      node.receive(peer, { type: "certificates", body: { requestId, certificates: [], refusal } });
      node.fire("fetch");
    }
    expect(new Set(asked)).toEqual(new Set(except(self)));
    const { peer, requestId } = node.state.certificatesRequest ?? { peer: -1, requestId: 0 };
    const certificates = [certificateBy(except(self), "nullify", 1, undefined)];
    const body = { requestId, certificates, refusal: undefined };
    node.receive(peer, { type: "certificates", body });
    expect(node.state.certificatesRequest).toBeUndefined();
  });

  test("with more than eight unfinal blocks of transactions only empty ones are built", () => {
    const heights = Array.from({ length: 9 }, (_, i) => i + 1);
    const chain: TestBlock[] = [];
    for (const view of heights) {
      chain.push(blockOn(chain.at(-1) ?? GENESIS, view, withTransactions));
    }
    const allowed = (length: number): boolean | undefined => {
      const self = leaderFor(length + 1);
      const node = new TestNode({ self });
      node.now += 5_000;
      node.work();
      for (const { view, header, target } of chain.slice(0, length)) {
        // Built by this node or not, the header is known and certified.
        node.certificate(certificateBy(except(self), "notarize", view, target));
        const { requestId, peer } = node.state.wanted.get(target.blockDigest) ?? {
          requestId: 0,
          peer: 0,
        };
        node.receive(peer, { type: "header", body: { requestId, header, refusal: undefined } });
      }
      return node.all("build").at(-1)?.allowTransactions;
    };
    expect(allowed(8)).toBe(true);
    expect(allowed(9)).toBe(false);
  });
});

test("a leader proposes the same bytes again in a standstill, never another block", () => {
  const self = leaderFor(1);
  const node = new TestNode({ self });
  node.now += 100;
  node.work();
  node.event({ type: "built", view: 1, header: built(node, withTransactions).header });
  const [sent] = node.sent("proposal");
  node.clear();
  node.fire("standstill");
  node.fire("standstill");
  for (const again of node.sent("proposal")) expect(again).toEqual(sent);
  expect(node.sent("proposal").length).toBeGreaterThan(0);
  expect(node.all("build")).toEqual([]);
  expect(followerOf([1])).not.toBe(self);
});
