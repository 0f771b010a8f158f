import { afterEach, describe, expect, it } from "vitest";
import { encodeFrame, type FrameClass, FrameKind } from "./frame.ts";
import type { MeshLimits } from "./limits.ts";
import {
  createNode,
  dialerFirst,
  statusOf,
  stopAll,
  type TestNode,
  until,
  validators,
} from "./testing/cluster.ts";
import { RawPeer } from "./testing/raw-peer.ts";

const QUICK: Partial<MeshLimits> = { tickMs: 20, closeGraceMs: 100 };

let nodes: TestNode[] = [];
let raw: RawPeer | undefined;

afterEach(async () => {
  await raw?.stop();
  raw = undefined;
  await stopAll(nodes);
  nodes = [];
});

/** A node that is dialled, and a malicious validator whose part it is to dial. */
async function dialled(limits: Partial<MeshLimits> = {}) {
  const peers = await validators(2);
  const a = await createNode(0, peers, { limits });
  const b = await createNode(1, peers, { limits });
  const [dialer, node] = dialerFirst(a, b);
  nodes = [node];
  await node.mesh.start();
  raw = await RawPeer.start(dialer.index);
  return { node, evil: raw, index: dialer.index };
}

/** The same, with a link that is up. */
async function linked(limits: Partial<MeshLimits> = {}) {
  const { node, evil, index } = await dialled(limits);
  const streams = await evil.link(node.mesh.listenAddresses);
  await until("the link is up", () => statusOf(node, index).connected);
  return { node, evil, index, streams };
}

function prefix(length: number, kind: number): Uint8Array {
  const out = new Uint8Array(5);
  new DataView(out.buffer).setUint32(0, length);
  out[4] = kind;
  return out;
}

describe("a malicious validator", () => {
  it("that announces 2^31 bytes is reset after the prefix, blamed and counted", async () => {
    const { node, index, streams } = await linked();
    const before = process.memoryUsage().arrayBuffers;
    streams.priority.send(prefix(2 ** 31, FrameKind.vote).subarray(0, 4));
    await until("it is counted", () => statusOf(node, index).ends.FRAME_TOO_LARGE === 1);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(16 << 20);
    const status = statusOf(node, index);
    expect(status).toMatchObject({ connected: false, penalties: { FRAME_TOO_LARGE: 1 } });
    expect(status.lastError).toMatchObject({ code: "FRAME_TOO_LARGE" });
    expect(node.received).toEqual([]);
    await until("it sees the reset", () => streams.priority.status !== "open");
    expect(node.logger.lines.some(({ data }) => data["code"] === "FRAME_TOO_LARGE")).toBe(true);
  });

  it.each([
    {
      what: "a vote above its own cap",
      bytes: prefix(1_025, FrameKind.vote),
      on: "priority",
      code: "FRAME_TOO_LARGE",
    },
    { what: "an unknown kind", bytes: prefix(1, 200), on: "bulk", code: "FRAME_KIND_UNKNOWN" },
    {
      what: "a batch among the votes",
      bytes: prefix(1, FrameKind.batch),
      on: "priority",
      code: "FRAME_ON_WRONG_STREAM",
    },
    {
      what: "a second hello",
      bytes: encodeFrame(FrameKind.hello, new Uint8Array(3)),
      on: "bulk",
      code: "FRAME_OUT_OF_TURN",
    },
  ] as const)("that sends $what loses its link with $code", async ({ bytes, on, code }) => {
    const { node, index, streams } = await linked();
    streams[on satisfies FrameClass].send(bytes);
    await until("the link ends", () => !statusOf(node, index).connected);
    expect(statusOf(node, index)).toMatchObject({ lastError: { code }, penalties: { [code]: 1 } });
    expect(node.received).toEqual([]);
  });

  it("that does it twice is held off", async () => {
    const { node, evil, index, streams } = await linked();
    streams.bulk.send(prefix(1, 200));
    await until("the link ends", () => !statusOf(node, index).connected);
    const again = await evil.link(node.mesh.listenAddresses);
    await until("the link is up", () => statusOf(node, index).connected);
    again.bulk.send(prefix(1, 200));
    await until("it is held off", () => statusOf(node, index).banLeftMs > 0);
    await Promise.allSettled([evil.link(node.mesh.listenAddresses)]);
    await until("it is refused", () => (node.mesh.metrics().refusals.PEER_BANNED ?? 0) > 0);
  });

  it("that lets a frame trickle in is cut at the deadline", async () => {
    const { node, index, streams } = await linked({ ...QUICK, frameGraceTicks: 3 });
    streams.bulk.send(prefix(1_000_000, FrameKind.blocks));
    const trickle = setInterval(() => {
      if (streams.bulk.status === "open") streams.bulk.send(new Uint8Array(1));
    }, 10);
    await until("it is cut", () => statusOf(node, index).ends.FRAME_DEADLINE === 1);
    clearInterval(trickle);
    expect(statusOf(node, index)).toMatchObject({ connected: false, banLeftMs: 0 });
  });

  it("that falls silent is given up", async () => {
    const { node, index } = await linked({ ...QUICK, heartbeatEveryTicks: 1, heartbeatsMissed: 5 });
    await until("it is given up", () => statusOf(node, index).ends.PEER_SILENT === 1);
    expect(node.peerEvents.at(-1)).toBe(`${index} disconnected PEER_SILENT`);
  });

  it("that reads nothing is cut, and what waited for it is counted", async () => {
    const { node, index, streams } = await linked({
      ...QUICK,
      drainTicks: { priority: 5, bulk: 5 },
    });
    streams.bulk.pause();
    for (let i = 0; i < 100; i++) node.mesh.send(index, FrameKind.batch, new Uint8Array(250_000));
    await until("it is cut", () => statusOf(node, index).ends.DRAIN_DEADLINE === 1);
    expect(statusOf(node, index).drops.LINK_LOST).toBeGreaterThan(0);
  });

  it("that connects and says nothing, or garbage, gets a code too", async () => {
    const { node, evil, index } = await dialled({ helloTimeoutMs: 200 });
    await evil.connect(node.mesh.listenAddresses);
    await until("mute", () => statusOf(node, index).ends.HELLO_TIMEOUT === 1);
    const connection = await evil.connect(node.mesh.listenAddresses);
    const stream = await evil.open(connection, "priority");
    stream.send(encodeFrame(FrameKind.hello, new Uint8Array(100)));
    await until("garbage", () => statusOf(node, index).ends.HELLO_MALFORMED === 1);
    expect(statusOf(node, index).penalties.HELLO_MALFORMED).toBe(1);
    expect(node.peerEvents).toEqual([]);
  });

  it("that connects again replaces its own link, and only that", async () => {
    const { node, evil, index, streams } = await linked();
    const again = await evil.link(node.mesh.listenAddresses);
    await until("the new link is up", () => statusOf(node, index).links === 2);
    await until("the old one is gone", () => streams.priority.status !== "open");
    expect(again.priority.status).toBe("open");
    expect(node.peerEvents).toEqual([
      `${index} connected HELLO`,
      `${index} disconnected REPLACED`,
      `${index} connected HELLO`,
    ]);
  });

  it("that talks before its link is up is heard when the link has been announced", async () => {
    const { node, evil, index } = await dialled();
    const connection = await evil.connect(node.mesh.listenAddresses);
    const priority = await evil.open(connection, "priority");
    evil.greet(priority, "priority");
    priority.send(encodeFrame(FrameKind.vote, new Uint8Array([1])));
    await until("the vote is there", () => statusOf(node, index).traffic.priority.bytesIn > 40);
    priority.send(encodeFrame(FrameKind.vote, new Uint8Array([2])));
    for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve));
    expect(node.received).toEqual([]);
    evil.greet(await evil.open(connection, "bulk"), "bulk");
    await until("both votes are heard", () => node.received.length === 2);
    expect(node.received.map((frame) => frame.payload[0])).toEqual([1, 2]);
    expect(node.peerEvents).toEqual([`${index} connected HELLO`]);
  });

  it("that opens a class twice loses the link", async () => {
    const { node, evil, index } = await dialled();
    const connection = await evil.connect(node.mesh.listenAddresses);
    await evil.open(connection, "priority");
    await Promise.allSettled([evil.open(connection, "priority")]);
    await until("the link ends", () => statusOf(node, index).ends.DUPLICATE_STREAM === 1);
  });

  it("that floods streams is cut by the muxer guard", async () => {
    const { node, evil, index } = await dialled();
    const connection = await evil.connect(node.mesh.listenAddresses);
    // One at a time, so no count of open streams sees it, and for a protocol that nobody handles.
    for (let i = 0; i < 1_000 && connection.status === "open"; i++) {
      await Promise.allSettled([connection.newStream("/nobody/1")]);
    }
    await until("the connection is cut", () => connection.status !== "open");
    await until("it is blamed", () => statusOf(node, index).penalties.MUXER_VIOLATION === 1);
  });

  it("does not get more than a few connections", async () => {
    const { node, evil } = await dialled();
    for (let i = 0; i < 8; i++) {
      await Promise.allSettled([evil.connect(node.mesh.listenAddresses)]);
    }
    await until(
      "it is refused",
      () => (node.mesh.metrics().refusals.TOO_MANY_CONNECTIONS ?? 0) > 0,
    );
  });
});

describe("stop", () => {
  it("ends in time although the peer neither reads nor closes", async () => {
    const { node, index, streams } = await linked();
    streams.bulk.pause();
    streams.priority.pause();
    for (let i = 0; i < 100; i++) node.mesh.send(index, FrameKind.batch, new Uint8Array(250_000));
    await until("it waits for drain", () => statusOf(node, index).traffic.bulk.queuedBytes > 0);
    const before = performance.now();
    await node.mesh.stop(4_000);
    expect(performance.now() - before).toBeLessThan(10_000);
    expect(statusOf(node, index)).toMatchObject({ connected: false });
    expect(node.logger.lines.at(-1)?.message).toBe("mesh stopped");
  });
});
