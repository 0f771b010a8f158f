import { toHex, utf8 } from "../../../primitives/bytes.ts";
import { sha256 } from "../../../primitives/sha256.ts";
import type { MessageKind } from "../frame.ts";
import { networkIdentity } from "../host.ts";
import { Mesh, type MeshOptions, type MeshPeer, type NetLogger } from "../mesh.ts";

/** Real meshes on 127.0.0.1 for tests: what a node received, saw and logged is kept in order. */

export const CHAIN = toHex(sha256(utf8("mesh test chain")));

export interface Received {
  readonly from: number;
  readonly kind: MessageKind;
  readonly payload: Uint8Array;
}

export interface LogLine {
  readonly level: "debug" | "info" | "warn" | "error";
  readonly data: Readonly<Record<string, unknown>>;
  readonly message: string;
}

export class RecordingLogger implements NetLogger {
  readonly lines: LogLine[] = [];
  debug = (data: object, message: string) => this.#keep("debug", data, message);
  info = (data: object, message: string) => this.#keep("info", data, message);
  warn = (data: object, message: string) => this.#keep("warn", data, message);
  error = (data: object, message: string) => this.#keep("error", data, message);

  #keep(level: LogLine["level"], data: object, message: string): void {
    this.lines.push({ level, data: { ...data }, message });
  }
}

export interface TestNode {
  readonly index: number;
  readonly mesh: Mesh;
  readonly received: Received[];
  readonly peerEvents: string[];
  readonly logger: RecordingLogger;
}

export function seedOf(index: number): Uint8Array {
  return sha256(utf8(`mesh test seed ${index}`));
}

export async function networkKeyOf(index: number): Promise<Uint8Array> {
  return (await networkIdentity(seedOf(index))).privateKey.publicKey.raw;
}

/** Registered validators 0 … count−1, without addresses. */
export async function validators(count: number): Promise<MeshPeer[]> {
  const out: MeshPeer[] = [];
  for (let index = 0; index < count; index++) {
    const networkKey = await networkKeyOf(index);
    out.push({ index, name: `validator-${index}`, networkKey, addresses: [] });
  }
  return out;
}

export async function createNode(
  index: number,
  peers: readonly MeshPeer[],
  overrides: Partial<MeshOptions> & {
    readonly handle?: (frame: Received) => void | Promise<void>;
  } = {},
): Promise<TestNode> {
  const { handle, ...options } = overrides;
  const received: Received[] = [];
  const peerEvents: string[] = [];
  const logger = new RecordingLogger();
  const mesh = await Mesh.create({
    chainId: CHAIN,
    self: index,
    networkSeed: seedOf(index),
    peers,
    listen: ["127.0.0.1:0"],
    protocolVersion: 1,
    software: "mizan-test/1",
    logger,
    ...options,
  });
  mesh.onFrame((from, kind, payload) => {
    const frame = { from, kind, payload };
    received.push(frame);
    return handle?.(frame);
  });
  mesh.onPeer((peer, event, reason) => peerEvents.push(`${peer} ${event} ${reason}`));
  return { index, mesh, received, peerEvents, logger };
}

/** Tells every node where every other one listens. */
export function introduce(nodes: readonly TestNode[]): void {
  for (const node of nodes) {
    for (const other of nodes) {
      if (other !== node) node.mesh.setAddresses(other.index, other.mesh.listenAddresses);
    }
  }
}

/** Starts `count` nodes and waits until all are connected with all. */
export async function startCluster(
  count: number,
  overrides: Parameters<typeof createNode>[2] = {},
): Promise<TestNode[]> {
  const peers = await validators(count);
  const nodes: TestNode[] = [];
  for (let index = 0; index < count; index++) {
    nodes.push(await createNode(index, peers, overrides));
  }
  await Promise.all(nodes.map((node) => node.mesh.start()));
  introduce(nodes);
  await until("all are connected", () =>
    nodes.every((node) => node.mesh.metrics().connected === count - 1),
  );
  return nodes;
}

export async function stopAll(nodes: readonly TestNode[]): Promise<void> {
  await Promise.all(nodes.map((node) => node.mesh.stop(3_000)));
}

/** Waits for a condition; the limit is generous and only there to name what did not come. */
export async function until(what: string, condition: () => boolean): Promise<void> {
  const end = performance.now() + 30_000;
  while (!condition()) {
    if (performance.now() > end) throw new Error(`did not happen: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** Of two nodes: the one that dials and the one that is dialled. */
export function dialerFirst(a: TestNode, b: TestNode): [dialer: TestNode, listener: TestNode] {
  const status = a.mesh.peers().find((peer) => peer.index === b.index);
  return status?.dialer === "self" ? [a, b] : [b, a];
}

/** A node's view of another. */
export function statusOf(node: TestNode, peer: number) {
  const status = node.mesh.peers().find((candidate) => candidate.index === peer);
  if (status === undefined) throw new Error(`no peer ${peer}`);
  return status;
}
