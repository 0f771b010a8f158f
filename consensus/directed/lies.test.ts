import { describe, expect, test } from "vitest";
import {
  nodeInSecond,
  START_OF_SECOND,
  secondBlockOn,
  secondEpochLeader,
} from "../testing/epochs.ts";
import {
  blockOn,
  certificateBy,
  digestOf,
  followerOf,
  GENESIS,
  proposalBy,
  statusOf,
  type TestBlock,
  TestNode,
  voteBy,
} from "../testing/harness.ts";

const self = followerOf([1, 2, 3]);
const others = [0, 1, 2, 3].filter((index) => index !== self);
const [a = 0, b = 0, c = 0] = others;
const first = blockOn(GENESIS, 1);

describe("votes", () => {
  test("relayed nullify votes in the names of others amplify nothing", () => {
    const node = new TestNode({ self, validates: false });
    for (const signer of others) {
      const body = { ...voteBy(signer, "nullify", 1, undefined), signature: new Uint8Array(64) };
      expect(() => node.receive(a, { type: "vote", body })).toThrow("invalid signature");
    }
    expect(node.votesSent()).toEqual([]);
    expect(node.state.view).toBe(1);
  });

  test("for two blocks of one view are no quorum for either", () => {
    const node = new TestNode({ self, validates: false });
    const rival = blockOn(GENESIS, 1, { stateRoot: digestOf("rival") });
    node.vote(a, "notarize", 1, first.target);
    node.vote(b, "notarize", 1, rival.target);
    node.vote(c, "notarize", 1, first.target);
    expect(node.sent("certificate")).toEqual([]);
    expect(node.state.view).toBe(1);
  });
});

describe("headers", () => {
  test("of another block in the middle of a range that ends rightly are no chain", () => {
    const chain: TestBlock[] = [];
    for (let view = 1; view <= 3; view++) chain.push(blockOn(chain.at(-1) ?? GENESIS, view));
    const last = chain[2] ?? first;
    const finalization = certificateBy(others, "finalize", last.view, last.target);
    const node = new TestNode({ self });
    node.receive(a, statusOf({ finalization }));
    const headers = chain.map(({ header }, i) =>
      i === 1 ? { ...header, stateRoot: digestOf("forged") } : header,
    );
    const { requestId = 0, peer = 0 } = node.state.catchUp.request ?? {};
    const body = { requestId, headers, finalization, refusal: undefined };
    node.receive(peer, { type: "blocks", body });
    expect(node.reports("peerFault").map(({ code }) => code)).toEqual(["WRONG_CHAIN_OF_BLOCKS"]);
    expect(node.state.blocks.size).toBe(0);
    expect(node.all("commit")).toEqual([]);
  });
});

describe("a justification", () => {
  test("with a nullification of the epoch before, signed by the very same keys, is refused", () => {
    const leader = secondEpochLeader(2);
    const voter = [0, 1, 2, 3].find((index) => index !== leader) ?? 0;
    const signers = [0, 1, 2, 3].filter((index) => index !== voter);
    const node = nodeInSecond({ self: voter });
    const block = secondBlockOn(START_OF_SECOND, 2);
    const old = certificateBy(signers, "nullify", 1, undefined, 0);
    expect(() => node.receive(leader, proposalBy(leader, block, [old]))).toThrow("OTHER_EPOCH");
    expect(node.votesSent()).toEqual([]);
    expect(node.state.view).toBe(1);
    const own = certificateBy(signers, "nullify", 1, undefined, 1);
    node.receive(leader, proposalBy(leader, block, [own]));
    expect(node.votesSent()).toEqual(["notarize@2"]);
  });
});
