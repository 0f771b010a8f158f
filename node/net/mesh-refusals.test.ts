import { connect } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { NetError, type RefusalCode } from "./net-error.ts";
import {
  createNode,
  dialerFirst,
  introduce,
  networkKeyOf,
  seedOf,
  statusOf,
  stopAll,
  type TestNode,
  until,
  validators,
} from "./testing/cluster.ts";
import { RawPeer } from "./testing/raw-peer.ts";

let nodes: TestNode[] = [];
let raw: RawPeer | undefined;

afterEach(async () => {
  await raw?.stop();
  raw = undefined;
  await stopAll(nodes);
  nodes = [];
});

/** Two started nodes that know each other's addresses; the second one's options are changed. */
async function startPair(changes: Parameters<typeof createNode>[2]) {
  const peers = await validators(2);
  const first = await createNode(0, peers);
  const second = await createNode(1, peers, changes);
  nodes = [first, second];
  await Promise.all(nodes.map((node) => node.mesh.start()));
  introduce(nodes);
  return { first, second };
}

function refusals(node: TestNode, code: RefusalCode): number {
  return node.mesh.metrics().refusals[code] ?? 0;
}

describe("a stranger", () => {
  it("is refused before any stream, counted by code and logged", async () => {
    const node = await createNode(0, await validators(2));
    nodes = [node];
    await node.mesh.start();
    raw = await RawPeer.start(77);
    const { host } = raw;
    // The dial may resolve before the denial; a stream never does.
    const attempt = raw
      .connect(node.mesh.listenAddresses)
      .then((connection) => connection.newStream("/mizan/priority/1"))
      .then((stream) => stream.status);
    const outcome = await attempt.catch(() => "refused");
    await until("it is counted", () => refusals(node, "UNKNOWN_PEER") === 1);
    await until("the connection is gone", () => host.getConnections().length === 0);
    expect(outcome).not.toBe("open");
    expect(node.peerEvents).toEqual([]);
    const line = node.logger.lines.find(({ data }) => data["code"] === "UNKNOWN_PEER");
    expect(line).toMatchObject({
      level: "warn",
      data: { peerId: host.peerId.toString(), direction: "inbound", ip: "127.0.0.1" },
    });
  });

  it("that comes again and again costs a log line a second, not one each", async () => {
    const node = await createNode(0, await validators(2));
    nodes = [node];
    await node.mesh.start();
    raw = await RawPeer.start(77);
    for (let i = 0; i < 20; i++) {
      await raw.connect(node.mesh.listenAddresses).then(
        (connection) => connection.abort(new Error("next")),
        () => undefined,
      );
      await until("counted", () => refusals(node, "UNKNOWN_PEER") === i + 1);
    }
    const lines = node.logger.lines.filter(({ data }) => data["code"] === "UNKNOWN_PEER");
    expect(lines.length).toBeLessThan(20);
  });

  it("that answers at a validator's address is not taken for the validator", async () => {
    raw = await RawPeer.start(77);
    await raw.greetIncoming();
    const peers = await validators(2);
    const a = await createNode(0, peers);
    const b = await createNode(1, peers);
    nodes = [a, b];
    const [dialer, listener] = dialerFirst(a, b);
    await dialer.mesh.start();
    const address = raw.addresses.map((text) => String(text.split("/p2p/")[0]));
    dialer.mesh.setAddresses(listener.index, address);
    await until("the dial fails", () => {
      return statusOf(dialer, listener.index).lastError?.code === "DIAL_FAILED";
    });
    expect(dialer.peerEvents).toEqual([]);
    expect(raw.accepted).toEqual([]);
  });

  it("from an address that is not allowed does not even shake hands", async () => {
    const node = await createNode(0, await validators(2), { inboundAddresses: ["10.1.0.0/16"] });
    nodes = [node];
    await node.mesh.start();
    const port = Number(/tcp\/([0-9]+)/.exec(node.mesh.listenAddresses[0] ?? "")?.[1]);
    const socket = connect(port, "127.0.0.1");
    socket.on("error", () => undefined);
    await until("it is counted", () => refusals(node, "ADDRESS_NOT_ALLOWED") === 1);
    await until("the socket is closed", () => socket.destroyed);
    expect(node.mesh.metrics().refusals).toEqual({ ADDRESS_NOT_ALLOWED: 1 });
  });
});

describe("a validator", () => {
  it.each([
    { code: "WRONG_CHAIN", changes: { chainId: "ab".repeat(32) } },
    { code: "PROTOCOL_VERSION", changes: { protocolVersion: 2 } },
  ] as const)("of another kind is refused with $code, seen on both sides", async (entry) => {
    const { first, second } = await startPair(entry.changes);
    for (const [node, other] of [
      [first, 1],
      [second, 0],
    ] as const) {
      await until("the code is seen", () => (statusOf(node, other).ends[entry.code] ?? 0) > 0);
      expect(refusals(node, entry.code)).toBeGreaterThan(0);
      expect(statusOf(node, other)).toMatchObject({ connected: false, penaltyPoints: 0 });
      expect(node.peerEvents).toEqual([]);
      expect(node.logger.lines.some(({ data }) => data["code"] === entry.code)).toBe(true);
    }
  });

  it("that believes to be another one is told so", async () => {
    const [zero, one] = await validators(2);
    if (zero === undefined || one === undefined) throw new Error("two validators");
    const first = await createNode(0, [zero, one]);
    // The second node's own set has it at place 2, with the same key.
    const second = await createNode(2, [zero], { networkSeed: seedOf(1) });
    nodes = [first, second];
    await Promise.all(nodes.map((node) => node.mesh.start()));
    first.mesh.setAddresses(1, second.mesh.listenAddresses);
    second.mesh.setAddresses(0, first.mesh.listenAddresses);
    await until("refused here", () => (statusOf(first, 1).ends.WRONG_VALIDATOR ?? 0) > 0);
    await until("told there", () => (statusOf(second, 0).ends.WRONG_VALIDATOR ?? 0) > 0);
    expect(statusOf(second, 0).lastError?.message).toContain("the peer refuses us");
    expect(statusOf(second, 0).penaltyPoints).toBe(0);
  });

  it("that dials where it should be dialled is refused before any stream", async () => {
    const peers = await validators(2);
    const a = await createNode(0, peers);
    const b = await createNode(1, peers);
    const [dialer, listener] = dialerFirst(a, b);
    nodes = [dialer];
    await dialer.mesh.start();
    raw = await RawPeer.start(listener.index);
    const attempt = raw.link(dialer.mesh.listenAddresses);
    await Promise.allSettled([attempt]);
    await until("it is counted", () => refusals(dialer, "WRONG_DIALER") === 1);
    expect(dialer.peerEvents).toEqual([]);
    // Its own dials, which have no address, may have failed since.
    expect(statusOf(dialer, listener.index).ends.WRONG_DIALER).toBe(1);
  });
});

describe("options", () => {
  it("that contradict each other are refused when the mesh is built", async () => {
    const peers = await validators(3);
    const twice = [
      ...peers,
      { index: 9, name: "x", networkKey: await networkKeyOf(2), addresses: [] },
    ];
    const cases = [
      createNode(0, peers, { networkSeed: seedOf(5) }),
      createNode(0, peers, { networkSeed: new Uint8Array(31) }),
      createNode(0, peers, { chainId: "short" }),
      createNode(0, peers, { software: "bell \u0007" }),
      createNode(0, peers, { listen: ["nowhere"] }),
      createNode(0, peers, { inboundAddresses: ["10.0.0.0/33"] }),
      createNode(0, twice),
    ];
    const outcomes = await Promise.allSettled(cases);
    const codes = outcomes.map((outcome) =>
      outcome.status === "rejected" && outcome.reason instanceof NetError
        ? outcome.reason.code
        : outcome.status,
    );
    expect(codes).toEqual([
      "BAD_OPTIONS",
      "BAD_OPTIONS",
      "BAD_OPTIONS",
      "BAD_OPTIONS",
      "BAD_ADDRESS",
      "BAD_ADDRESS",
      "BAD_OPTIONS",
    ]);
  });

  it("a listen address that is taken fails the start with a code", async () => {
    const peers = await validators(2);
    const first = await createNode(0, peers);
    await first.mesh.start();
    const listen = first.mesh.listenAddresses.map((address) => String(address.split("/p2p/")[0]));
    const second = await createNode(1, peers, { listen });
    nodes = [first, second];
    await expect(second.mesh.start()).rejects.toMatchObject({ code: "LISTEN_FAILED" });
  });
});
