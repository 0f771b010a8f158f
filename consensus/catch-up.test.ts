import { describe, expect, test } from "vitest";
import { MAX_UNAPPLIED_BLOCKS } from "./limits.ts";
import type { BlocksBody, RefusalCode } from "./messages.ts";
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
} from "./testing/harness.ts";

const self = followerOf([1, 2, 3]);
const others = [0, 1, 2, 3].filter((index) => index !== self);
const peer = others[0] ?? 0;

function chain(length: number): readonly TestBlock[] {
  const blocks: TestBlock[] = [];
  for (let view = 1; view <= length; view++) blocks.push(blockOn(blocks.at(-1) ?? GENESIS, view));
  return blocks;
}

const finalizationOf = (block: TestBlock | undefined) => {
  if (block === undefined) throw new Error("no such block");
  return certificateBy(others, "finalize", block.view, block.target);
};

function reply(node: TestNode, body: Partial<BlocksBody>): void {
  const { request } = node.state.catchUp;
  if (request === undefined) throw new Error("no request is out");
  node.receive(request.peer, {
    type: "blocks",
    body: {
      requestId: request.requestId,
      headers: [],
      finalization: undefined,
      refusal: undefined,
      ...body,
    },
  });
}

const refuse = (node: TestNode, refusal: RefusalCode = "NOT_AVAILABLE") => reply(node, { refusal });

describe("catch-up", () => {
  test("a height that is only claimed starts nothing", () => {
    const node = new TestNode({ self });
    node.receive(peer, statusOf({ floorHeight: 1_000_000, floorView: 1_000_000 }));
    expect(node.sent("getBlocks")).toEqual([]);
    expect(node.state.view).toBe(1);
  });

  test("a proven one is followed in ranges up to it, each committed as one", () => {
    const blocks = chain(100);
    const node = new TestNode({ self });
    const finalization = finalizationOf(blocks.at(-1));
    node.receive(peer, statusOf({ finalization }));
    expect(node.state.view).toBe(101);
    expect(node.state.catchUp.request?.fromHeight).toBe(1);
    const headers = blocks.slice(0, 64).map(({ header }) => header);
    reply(node, { headers, finalization: finalizationOf(blocks[63]) });
    expect(node.state.floor.height).toBe(64);
    expect(node.state.catchUp.request?.fromHeight).toBe(65);
    reply(node, { headers: blocks.slice(64).map(({ header }) => header), finalization });
    expect(node.state.floor.height).toBe(100);
    expect(node.all("commit").map(({ headers: all }) => all.length)).toEqual([64, 36]);
    expect(node.runs("catchUp")).toBe(false);
    expect(node.state.catchUp.request).toBeUndefined();
  });

  test("goes on from the same peer when one finalization covers more than a reply", () => {
    const blocks = chain(150);
    const node = new TestNode({ self });
    const finalization = finalizationOf(blocks.at(-1));
    node.receive(peer, statusOf({ finalization }));
    const asked = node.state.catchUp.request?.peer;
    for (const from of [0, 64]) {
      const headers = blocks.slice(from, from + 64).map(({ header }) => header);
      reply(node, { headers, finalization });
      expect(node.all("commit")).toEqual([]);
      expect(node.state.catchUp.request).toMatchObject({ peer: asked, fromHeight: from + 65 });
    }
    reply(node, { headers: blocks.slice(128).map(({ header }) => header), finalization });
    expect(node.state.floor.height).toBe(150);
  });

  test("a refusal, a silence and a lie all lead to the next peer, later each time", () => {
    const blocks = chain(5);
    const node = new TestNode({ self });
    const finalization = finalizationOf(blocks.at(-1));
    node.receive(peer, statusOf({ finalization }));
    const asked: number[] = [];
    const waits: number[] = [];
    const note = () => {
      asked.push(node.state.catchUp.request?.peer ?? -1);
      waits.push((node.state.timers.get("catchUp")?.deadlineMs ?? 0) - node.now);
    };
    note();
    refuse(node);
    node.fire("catchUp");
    note();
    node.fire("catchUp");
    note();
    const forged = blocks.map(({ header }) => ({ ...header, stateRoot: digestOf("forged") }));
    reply(node, { headers: forged, finalization });
    expect(node.reports("peerFault").map(({ code }) => code)).toEqual(["WRONG_CHAIN_OF_BLOCKS"]);
    node.fire("catchUp");
    note();
    expect(new Set(asked.slice(0, 3))).toEqual(new Set(others));
    expect(asked[3]).toBe(asked[0]);
    expect(waits).toEqual([...waits].sort((a, b) => a - b));
    expect(new Set(waits).size).toBe(waits.length);
    reply(node, { headers: blocks.map(({ header }) => header), finalization });
    expect(node.state.floor.height).toBe(5);
  });

  test.each([
    ["a gap", (blocks: readonly TestBlock[]) => [...blocks.slice(0, 2), ...blocks.slice(3)]],
    ["a later start", (blocks: readonly TestBlock[]) => blocks.slice(1)],
    ["an end before the finalized block", (blocks: readonly TestBlock[]) => blocks.slice(0, 3)],
  ])("headers with %s are no chain", (_, pick) => {
    const blocks = chain(5);
    const node = new TestNode({ self });
    const finalization = finalizationOf(blocks.at(-1));
    node.receive(peer, statusOf({ finalization }));
    reply(node, { headers: pick(blocks).map(({ header }) => header), finalization });
    expect(node.reports("peerFault")[0]?.code).toBe("WRONG_CHAIN_OF_BLOCKS");
    expect(node.all("commit")).toEqual([]);
    expect(node.state.blocks.size).toBe(0);
  });

  test("an empty reply without a refusal is a fault", () => {
    const node = new TestNode({ self });
    node.receive(peer, statusOf({ finalization: finalizationOf(chain(3).at(-1)) }));
    reply(node, {});
    expect(node.reports("peerFault")[0]?.code).toBe("EMPTY_REPLY");
  });

  test("one lost proposal is fetched by digest, without a range", () => {
    const blocks = chain(1);
    const [block] = blocks;
    const node = new TestNode({ self });
    node.certificate(finalizationOf(block));
    const wanted = node.state.wanted.get(block?.digest ?? "");
    node.receive(wanted?.peer ?? 0, {
      type: "header",
      body: {
        requestId: wanted?.requestId ?? 0,
        header: block?.header,
        refusal: undefined,
      },
    });
    expect(node.state.floor.height).toBe(1);
    expect(node.state.catchUp.request).toBeUndefined();
  });

  test("waits for the application when it falls behind", () => {
    const blocks = chain(MAX_UNAPPLIED_BLOCKS + 128);
    const node = new TestNode({ self });
    node.receive(peer, statusOf({ finalization: finalizationOf(blocks.at(-1)) }));
    while (node.state.catchUp.request !== undefined) {
      const from = node.state.floor.height;
      const range = blocks.slice(from, from + 64);
      reply(node, {
        headers: range.map(({ header }) => header),
        finalization: finalizationOf(range.at(-1)),
      });
    }
    expect(node.state.floor.height).toBeGreaterThan(MAX_UNAPPLIED_BLOCKS);
    expect(node.state.floor.height).toBeLessThan(blocks.length);
    node.event({ type: "applied", height: node.state.floor.height });
    expect(node.state.catchUp.request).toBeDefined();
  });

  test("a floor that moved another way makes a running request void", () => {
    const blocks = chain(3);
    const node = new TestNode({ self });
    node.receive(leaderFor(1), proposalOf(blocks[0] ?? blockOn(GENESIS, 1)));
    const finalization = finalizationOf(blocks.at(-1));
    node.receive(peer, statusOf({ finalization }));
    node.certificate(finalizationOf(blocks[0]));
    expect(node.state.floor.height).toBe(1);
    reply(node, { headers: blocks.map(({ header }) => header), finalization });
    expect(node.state.floor.height).toBe(1);
    expect(node.reports("peerFault")).toEqual([]);
    expect(node.state.catchUp.request?.fromHeight).toBe(2);
    reply(node, { headers: blocks.slice(1).map(({ header }) => header), finalization });
    expect(node.state.floor.height).toBe(3);
  });

  test("a reply from another peer than the one asked is a fault and changes nothing", () => {
    const blocks = chain(1);
    const node = new TestNode({ self });
    const finalization = finalizationOf(blocks.at(-1));
    node.receive(peer, statusOf({ finalization }));
    const { request } = node.state.catchUp;
    const liar = others.find((index) => index !== request?.peer) ?? -1;
    const requestId = request?.requestId ?? 0;
    const headers = blocks.map(({ header }) => header);
    const body = { requestId, headers, finalization, refusal: undefined };
    node.receive(liar, { type: "blocks", body });
    expect(node.reports("peerFault")).toEqual([
      { kind: "peerFault", peer: liar, code: "UNSOLICITED" },
    ]);
    expect(node.state.floor.height).toBe(0);
    expect(node.state.catchUp.request).toEqual(request);
  });

  test("an observer follows the same way and never votes", () => {
    const blocks = chain(3);
    const node = new TestNode({});
    const finalization = finalizationOf(blocks.at(-1));
    node.receive(0, statusOf({ finalization }));
    reply(node, { headers: blocks.map(({ header }) => header), finalization });
    expect(node.state.floor.height).toBe(3);
    node.work();
    node.receive(leaderFor(4), proposalOf(blockOn(blocks.at(-1) ?? GENESIS, 4)));
    expect(node.all("sign")).toEqual([]);
  });
});

describe("serving", () => {
  test("blocks come from the block store; a range out of bounds is refused", () => {
    const node = new TestNode({ self });
    const ask = (fromHeight: number, count: number) => {
      node.clear();
      node.receive(peer, { type: "getBlocks", body: { requestId: 3, fromHeight, count } });
    };
    ask(5, 64);
    expect(node.all("serveBlocks")).toEqual([
      { type: "serveBlocks", to: peer, requestId: 3, fromHeight: 5, count: 64 },
    ]);
    for (const [fromHeight, count] of [
      [0, 1],
      [1, 0],
    ] as const) {
      ask(fromHeight, count);
      expect(node.all("serveBlocks")).toEqual([]);
      expect(node.sent("blocks", peer)[0]?.refusal).toBe("RANGE");
    }
  });

  test("headers are served from the tree and until they are applied; others are refused", () => {
    const [block] = chain(1);
    if (block === undefined) throw new Error("a chain of one");
    const node = new TestNode({ self });
    const ask = (digest: string) => {
      node.clear();
      node.receive(peer, { type: "getHeader", body: { requestId: 4, digest } });
      return node.sent("header", peer)[0];
    };
    expect(ask(block.digest)).toEqual({ requestId: 4, header: undefined, refusal: "UNKNOWN" });
    node.receive(leaderFor(1), proposalOf(block));
    expect(ask(block.digest)?.header).toEqual(block.header);
    node.finalize(block);
    expect(ask(block.digest)?.header).toEqual(block.header);
  });
});
