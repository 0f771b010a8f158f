import { afterEach, describe, expect, it } from "vitest";
import { FrameKind } from "./frame.ts";
import { UNKNOWN_NUMBER } from "./limits.ts";
import {
  createNode,
  networkKeyOf,
  startCluster,
  statusOf,
  stopAll,
  type TestNode,
  until,
  validators,
} from "./testing/cluster.ts";

let nodes: TestNode[] = [];

afterEach(async () => {
  await stopAll(nodes);
  nodes = [];
});

function at(index: number): TestNode {
  const node = nodes[index];
  if (node === undefined) throw new Error(`no node ${index}`);
  return node;
}

function connected(node: TestNode, peer: number): boolean {
  return node.mesh.peers().some(({ index, connected: isUp }) => index === peer && isUp);
}

describe("a peer that joins", () => {
  it("is a stranger before it is admitted, and linked with all afterwards", async () => {
    nodes = await startCluster(3, { founders: 3 });
    const all = await validators(4);
    const joiner = await createNode(3, all.slice(0, 3), { self: UNKNOWN_NUMBER, founders: 3 });
    nodes.push(joiner);
    await joiner.mesh.start();
    for (const node of nodes.slice(0, 3)) {
      joiner.mesh.setAddresses(node.index, node.mesh.listenAddresses);
    }
    const ours = nodes.slice(0, 3);
    expect(ours.map((node) => statusOf(joiner, node.index).dialer)).toEqual(Array(3).fill("self"));
    await until("the stranger was turned away", () =>
      ours.every((node) => (node.mesh.metrics().refusals.UNKNOWN_PEER ?? 0) > 0),
    );
    expect(joiner.mesh.metrics().connected).toBe(0);
    // Nobody has its address: who came later dials.
    for (const node of ours) node.mesh.setPeers(all);
    await until("it is linked with all", () => ours.every((node) => connected(node, 3)));
    // Links that stood are the same ones.
    for (const node of ours) {
      for (const other of ours) {
        if (other !== node) expect(statusOf(node, other.index).links).toBe(1);
      }
    }
    at(0).mesh.broadcast(FrameKind.vote, Uint8Array.of(1));
    await until("it hears broadcasts", () => joiner.received.length === 1);
    expect(joiner.mesh.send(0, FrameKind.vote, Uint8Array.of(2))).toEqual({ status: "queued" });
    await until("and is heard under its number", () => at(0).received.length === 1);
    expect(at(0).received[0]?.from).toBe(3);
  });
});

describe("a peer that leaves", () => {
  it("is cut off, not dialled again and not let in", async () => {
    nodes = await startCluster(3);
    const rest = (await validators(3)).slice(0, 2);
    for (const node of nodes.slice(0, 2)) node.mesh.setPeers(rest);
    await until("it is alone", () => at(2).mesh.metrics().connected === 0);
    expect(
      at(0)
        .mesh.peers()
        .map(({ index }) => index),
    ).toEqual([1]);
    expect(at(0).mesh.send(2, FrameKind.vote, Uint8Array.of(1))).toEqual({
      status: "not-connected",
    });
    at(0).mesh.penalise(2, "BAD_BLOCK");
    expect(at(0).peerEvents).toContain("2 disconnected NOT_A_PEER");
    expect(connected(at(0), 1)).toBe(true);
  });

  it("comes back under the same number", async () => {
    nodes = await startCluster(2);
    const all = await validators(2);
    at(0).mesh.setPeers([]);
    await until("cut", () => at(1).mesh.metrics().connected === 0);
    const addresses = at(1).mesh.listenAddresses;
    at(0).mesh.setPeers(all.map((peer) => (peer.index === 1 ? { ...peer, addresses } : peer)));
    await until("linked again", () => connected(at(0), 1) && connected(at(1), 0));
  });

  it("under another network key is another peer", async () => {
    nodes = await startCluster(2);
    const networkKey = await networkKeyOf(9);
    const replaced = (await validators(2)).map((peer) =>
      peer.index === 1 ? { ...peer, networkKey } : peer,
    );
    at(0).mesh.setPeers(replaced);
    await until("cut", () => at(1).mesh.metrics().connected === 0);
    expect(statusOf(at(0), 1).links).toBe(0);
  });
});

it("an address that is none keeps no peer out", async () => {
  nodes = await startCluster(2);
  const all = await validators(3);
  const bad = all.map((peer) => ({ ...peer, addresses: ["nowhere"] }));
  at(0).mesh.setPeers(bad);
  expect(
    at(0)
      .mesh.peers()
      .map(({ index }) => index),
  ).toEqual([1, 2]);
  expect(connected(at(0), 1)).toBe(true);
  expect(at(0).logger.lines.some(({ message }) => message === "peer without address")).toBe(true);
});

describe("numbers", () => {
  it("may be large, and twice the same is refused", async () => {
    const [first, second] = await validators(2);
    if (first === undefined || second === undefined) throw new Error("two");
    const node = await createNode(0, [first, { ...second, index: 40_000 }]);
    nodes.push(node);
    expect(() => node.mesh.setPeers([{ ...second, index: UNKNOWN_NUMBER }])).toThrow(/index/);
    const networkKey = await networkKeyOf(5);
    const twice = [
      { ...second, index: 7 },
      { ...second, index: 8 },
    ];
    expect(() => node.mesh.setPeers(twice)).toThrow(/twice/);
    node.mesh.setPeers([{ ...second, networkKey, index: 7 }, first]);
    expect(node.mesh.peers().map(({ index }) => index)).toEqual([7]);
  });
});
