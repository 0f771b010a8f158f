import { afterEach, describe, expect, it } from "vitest";
import { utf8 } from "../../primitives/bytes.ts";
import { FrameKind, type MessageKind } from "./frame.ts";
import { DEFAULT_MESH_LIMITS, FRAME_RULES, HOST_LIMITS } from "./limits.ts";
import {
  createNode,
  dialerFirst,
  introduce,
  startCluster,
  statusOf,
  stopAll,
  type TestNode,
  until,
  validators,
} from "./testing/cluster.ts";

const KINDS = Object.values(FrameKind).filter(
  (kind): kind is MessageKind => kind >= FrameKind.proposal,
);
const MiB = 1 << 20;

let nodes: TestNode[] = [];

afterEach(async () => {
  await stopAll(nodes);
  nodes = [];
});

async function pair(overrides: Parameters<typeof createNode>[2] = {}) {
  nodes = await startCluster(2, overrides);
  const [a, b] = nodes;
  if (a === undefined || b === undefined) throw new Error("two nodes");
  return { a, b };
}

describe("two nodes", () => {
  it("carry every kind at its cap, on the stream of its class", async () => {
    const { a, b } = await pair();
    for (const kind of KINDS) {
      const payload = new Uint8Array(FRAME_RULES.get(kind)?.maxBytes ?? 0).fill(kind);
      expect(a.mesh.send(1, kind, payload)).toEqual({ status: "queued" });
    }
    await until("all kinds arrived", () => b.received.length === KINDS.length);
    for (const { from, kind, payload } of b.received) {
      expect(from).toBe(0);
      expect(payload.length).toBe(FRAME_RULES.get(kind)?.maxBytes);
      expect(payload.every((byte) => byte === kind)).toBe(true);
    }
    expect(new Set(b.received.map((frame) => frame.kind))).toEqual(new Set(KINDS));
    expect(a.peerEvents).toEqual(["1 connected HELLO"]);
    const { priority, bulk } = statusOf(a, 1).traffic;
    // Two of the handshake's frames on either stream are not counted: they are sent directly.
    expect(priority.framesOut).toBe(KINDS.filter((kind) => classOf(kind) === "priority").length);
    expect(bulk.framesOut).toBe(KINDS.filter((kind) => classOf(kind) === "bulk").length);
    expect(priority.queuedBytes + bulk.queuedBytes).toBe(0);
  });

  it("keep the order within a stream over many sizes and turns", async () => {
    const { a, b } = await pair();
    const count = 3_000;
    for (let i = 0; i < count; i++) {
      const payload = new Uint8Array(4 + (i % 900));
      new DataView(payload.buffer).setUint32(0, i);
      a.mesh.send(1, FrameKind.vote, payload);
      if (i % 500 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    await until("all votes arrived", () => b.received.length === count);
    for (const [i, { payload }] of b.received.entries()) {
      expect(new DataView(payload.buffer, payload.byteOffset).getUint32(0)).toBe(i);
    }
  });

  it("show each other's software, round trip and address", async () => {
    const { a } = await pair({
      limits: { tickMs: 10, heartbeatEveryTicks: 1, heartbeatsMissed: 1_000 },
    });
    await until("a ping was answered", () => statusOf(a, 1).rttMs !== undefined);
    const status = statusOf(a, 1);
    expect(status).toMatchObject({ connected: true, software: "mizan-test/1", protocolVersion: 1 });
    expect(status.remoteAddress).toContain("/ip4/127.0.0.1/tcp/");
    expect(status.sinceMs).toBeLessThanOrEqual(Date.now());
  });

  it("keep their link when the event loop is blocked for long", async () => {
    const { a, b } = await pair({
      limits: { tickMs: 20, heartbeatEveryTicks: 1, heartbeatsMissed: 5 },
    });
    const end = performance.now() + 2_000;
    while (performance.now() < end) {
      // Blocked: twenty times as long as the silence after which a peer is given up.
    }
    const before = statusOf(a, 1).traffic.priority.framesIn;
    await until("heartbeats go on", () => statusOf(a, 1).traffic.priority.framesIn > before + 10);
    expect(a.peerEvents).toEqual(["1 connected HELLO"]);
    expect(b.peerEvents).toEqual(["0 connected HELLO"]);
  });

  it("move 32 MiB through a reader that works on each frame, within the bounds", async () => {
    let largestInFlight = 0;
    let done = 0;
    const { a, b } = await pair({
      handle: async () => {
        largestInFlight = Math.max(largestInFlight, statusOf(b, 0).traffic.bulk.inFlightBytes);
        await new Promise((resolve) => setImmediate(resolve));
        done += 1;
      },
    });
    const payload = new Uint8Array(256 << 10);
    let sent = 0;
    while (sent < 128) {
      if (a.mesh.send(1, FrameKind.batch, payload).status === "queued") sent += 1;
      else await new Promise((resolve) => setImmediate(resolve));
    }
    await until("all batches are worked on", () => done === 128);
    // What was handed on when reading stopped, and one window that was under way.
    const bound = DEFAULT_MESH_LIMITS.inFlightHighBytes + 2 * HOST_LIMITS.maxStreamWindowBytes;
    expect(largestInFlight).toBeLessThanOrEqual(bound);
    expect(a.peerEvents).toEqual(["1 connected HELLO"]);
  });
});

describe("a vote", () => {
  it("overtakes the bulk that was queued before it", async () => {
    const { a, b } = await pair();
    const batches = 100;
    for (let i = 0; i < batches; i++) a.mesh.send(1, FrameKind.batch, new Uint8Array(256 << 10));
    a.mesh.send(1, FrameKind.vote, utf8("vote"));
    await until("all arrived", () => b.received.length === batches + 1);
    const place = b.received.findIndex((frame) => frame.kind === FrameKind.vote);
    // 25 MiB stood in front of it; a few chunks and what the kernel buffers may still do so.
    expect(place).toBeLessThan(batches / 2);
  });
});

describe("four nodes", () => {
  it("started at once have one link per pair, and a broadcast reaches all", async () => {
    nodes = await startCluster(4);
    for (const node of nodes) node.mesh.broadcast(FrameKind.vote, utf8(`from ${node.index}`));
    await until("everyone heard everyone", () => nodes.every((n) => n.received.length === 3));
    for (const node of nodes) {
      const others = [0, 1, 2, 3].filter((index) => index !== node.index);
      expect(new Set(node.received.map((frame) => frame.from))).toEqual(new Set(others));
      expect(node.peerEvents.toSorted()).toEqual(others.map((i) => `${i} connected HELLO`));
      expect(node.mesh.peers().map((peer) => peer.links)).toEqual([1, 1, 1]);
      expect(node.mesh.metrics().refusals).toEqual({});
    }
  });
});

describe("a peer that goes and comes back", () => {
  it("is reconnected, whichever side dials", async () => {
    nodes = await startCluster(2);
    const peers = await validators(2);
    for (const index of [0, 1]) {
      const [restarting, staying] = index === 0 ? nodes : [...nodes].reverse();
      if (restarting === undefined || staying === undefined) throw new Error("two nodes");
      const listen = restarting.mesh.listenAddresses.map((address) => address.split("/p2p/")[0]);
      const linksBefore = statusOf(staying, index).links;
      await restarting.mesh.stop(3_000);
      await until("the loss is seen", () => !statusOf(staying, index).connected);
      expect(staying.mesh.send(index, FrameKind.vote, utf8("lost"))).toEqual({
        status: "not-connected",
      });
      const fresh = await createNode(index, peers, { listen: listen.map(String) });
      nodes[index] = fresh;
      await fresh.mesh.start();
      introduce([fresh, staying]);
      await until("connected again", () => statusOf(staying, index).links === linksBefore + 1);
      await until("both ends", () => statusOf(fresh, 1 - index).connected);
      fresh.mesh.send(1 - index, FrameKind.vote, utf8(`again ${index}`));
      await until("frames flow", () => staying.received.some((f) => f.payload.length === 7));
      expect(statusOf(staying, index).drops.NOT_CONNECTED).toBe(1);
      staying.received.length = 0;
    }
  });

  it("is redialled on an operator's word, and told who has to dial", async () => {
    const { a, b } = await pair();
    const [dialer, listener] = dialerFirst(a, b);
    expect(listener.mesh.redial(dialer.index)).toBe("awaits-peer");
    await until("back again", () => statusOf(dialer, listener.index).links === 2);
    await until("both ends", () => statusOf(listener, dialer.index).connected);
    expect(dialer.mesh.redial(listener.index)).toBe("dialing");
    await until("back again", () => statusOf(dialer, listener.index).links === 3);
    expect(listener.peerEvents[1]).toBe(`${dialer.index} disconnected REDIAL`);
    expect(listener.mesh.metrics().linksEnded.REDIAL).toBe(1);
    // Each established link that ended is counted once, at either end.
    const endedAt = ({ mesh }: TestNode): number =>
      Object.values(mesh.metrics().linksEnded).reduce((sum, count) => sum + count, 0);
    await until(
      "the third link stands at both ends",
      () => statusOf(listener, dialer.index).links === 3,
    );
    expect([a, b].map(endedAt)).toEqual([2, 2]);
  });
});

describe("queues", () => {
  const limits = {
    inFlightHighBytes: 512 << 10,
    inFlightLowBytes: 128 << 10,
    queues: {
      priority: { maxBytes: 1 * MiB, maxFrames: 2_000, whenFull: "evict-oldest" },
      bulk: { maxBytes: 2 * MiB, maxFrames: 1_000, whenFull: "refuse-new" },
    },
  } as const;

  it("stay bounded when the peer stops reading: bulk refuses, priority evicts", async () => {
    const never = new Promise<void>(() => {});
    const { a, b } = await pair({ limits, handle: () => never });
    const batch = new Uint8Array(256 << 10);
    const vote = new Uint8Array(1_000);
    let refused = 0;
    let votes = 0;
    for (let i = 0; i < 200; i++) {
      if (a.mesh.send(1, FrameKind.batch, batch).status === "dropped") refused += 1;
      for (let j = 0; j < 100; j++) {
        expect(a.mesh.send(1, FrameKind.vote, vote).status).toBe("queued");
        votes += 1;
      }
      await new Promise((resolve) => setImmediate(resolve));
      const { priority, bulk } = statusOf(a, 1).traffic;
      expect(bulk.queuedBytes).toBeLessThanOrEqual(limits.queues.bulk.maxBytes);
      expect(priority.queuedBytes).toBeLessThanOrEqual(limits.queues.priority.maxBytes);
      expect(priority.queuedFrames).toBeLessThanOrEqual(limits.queues.priority.maxFrames);
    }
    expect(refused).toBeGreaterThan(0);
    const status = statusOf(a, 1);
    expect(status.drops.QUEUE_FULL).toBe(refused);
    expect(status.drops.EVICTED).toBeGreaterThan(0);
    const { priority } = status.traffic;
    expect(priority.framesOut + priority.queuedFrames + (status.drops.EVICTED ?? 0)).toBe(votes);
    const window = 2 * HOST_LIMITS.maxStreamWindowBytes;
    for (const traffic of Object.values(statusOf(b, 0).traffic)) {
      expect(traffic.inFlightBytes).toBeLessThanOrEqual(limits.inFlightHighBytes + window);
    }
  });

  it("refuse an own frame above its cap without sending a byte of it", async () => {
    const { a, b } = await pair();
    const result = a.mesh.send(1, FrameKind.vote, new Uint8Array(1_025));
    expect(result).toEqual({ status: "dropped", reason: "FRAME_TOO_LARGE" });
    a.mesh.send(1, FrameKind.vote, utf8("good"));
    await until("the good one arrives", () => b.received.length === 1);
    expect(statusOf(a, 1).drops).toEqual({ FRAME_TOO_LARGE: 1 });
  });
});

describe("handlers of the owner", () => {
  it("that throw or reject end the link, are counted, and the link comes back", async () => {
    let fault: "throw" | "reject" | "none" = "none";
    const { a, b } = await pair({
      handle: ({ from }) => {
        if (from !== 0 || fault === "none") return undefined;
        if (fault === "throw") throw new Error("handler is broken");
        return Promise.reject(new Error("handler is broken"));
      },
    });
    for (const [i, next] of (["throw", "reject"] as const).entries()) {
      fault = next;
      a.mesh.send(1, FrameKind.vote, utf8("x"));
      await until("the link ended", () => b.mesh.metrics().handlerErrors === i + 1);
      fault = "none";
      await until("the link is back", () => statusOf(a, 1).links === i + 2);
      await until("on both ends", () => statusOf(b, 0).connected);
      expect(statusOf(b, 0).ends.HANDLER_FAILED).toBe(i + 1);
    }
    expect(b.logger.lines.some((line) => line.message === "handler failed")).toBe(true);
  });

  it("that break an invariant stop the process, not only the link", async () => {
    const { InvariantError } = await import("../../primitives/assert.ts");
    const fatal: Error[] = [];
    const { a } = await pair({
      onFatal: (error) => fatal.push(error),
      handle: () => {
        throw new InvariantError("books do not balance");
      },
    });
    a.mesh.send(1, FrameKind.vote, utf8("x"));
    await until("the process hears of it", () => fatal.length > 0);
    expect(fatal[0]?.message).toBe("books do not balance");
  });
});

describe("penalties", () => {
  it("cut the link at the threshold, hold the peer off, and a redial pardons", async () => {
    const { a, b } = await pair();
    const [dialer, listener] = dialerFirst(a, b);
    listener.mesh.penalise(dialer.index, "BAD_SIGNATURE");
    expect(statusOf(listener, dialer.index).connected).toBe(true);
    expect(statusOf(listener, dialer.index).penaltyPoints).toBeGreaterThan(40);
    listener.mesh.penalise(dialer.index, "BAD_BLOCK");
    listener.mesh.penalise(dialer.index, "MALFORMED_MESSAGE");
    const status = statusOf(listener, dialer.index);
    expect(status).toMatchObject({ connected: false, lastError: { code: "PENALISED" } });
    expect(status.banLeftMs).toBeGreaterThan(0);
    await until("its dials are refused", () => {
      return (listener.mesh.metrics().refusals.PEER_BANNED ?? 0) > 0;
    });
    listener.mesh.redial(dialer.index);
    await until("pardoned", () => statusOf(listener, dialer.index).connected);
  });
});

describe("stop", () => {
  it("that comes while the mesh starts wins", async () => {
    const [node] = [await createNode(0, await validators(2))];
    const starting = node.mesh.start();
    await node.mesh.stop(3_000);
    await expect(starting).rejects.toMatchObject({ code: "STOPPED" });
    expect(node.mesh.listenAddresses).toEqual([]);
  });

  it("is seen by the peer, is safe to repeat, and leaves no connection", async () => {
    const { a, b } = await pair();
    await Promise.all([a.mesh.stop(3_000), a.mesh.stop(3_000)]);
    await until("the peer sees it", () => !statusOf(b, 0).connected);
    expect(statusOf(a, 1)).toMatchObject({ connected: false, lastError: { code: "STOPPED" } });
    expect(a.peerEvents).toEqual(["1 connected HELLO", "1 disconnected STOPPED"]);
    expect(a.mesh.send(1, FrameKind.vote, utf8("late"))).toEqual({ status: "not-connected" });
  });
});

function classOf(kind: MessageKind) {
  return FRAME_RULES.get(kind)?.stream;
}
