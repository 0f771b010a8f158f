import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { copyBytes } from "../../primitives/bytes.ts";
import { FrameKind, type MessageKind } from "../net/frame.ts";
import {
  createNode,
  introduce,
  type Received,
  statusOf,
  stopAll,
  type TestNode,
  until,
  validators,
} from "../net/testing/cluster.ts";
import { decodeChunkReply, encodeChunkReply } from "./messages.ts";
import { diskFiles } from "./snapshot-files.ts";
import { SnapshotServer } from "./snapshot-server.ts";
import { SnapshotStore } from "./snapshot-store.ts";
import { StateSync } from "./state-sync.ts";
import { certified, headerOf, ROOT, stateOf } from "./testing/certified-chain.ts";
import { temporaryDirectory } from "./testing/temporary.ts";

let nodes: TestNode[] = [];
afterEach(() => stopAll(nodes));

const JOINER = 4;
const LIAR = 0;

function falsified(payload: Uint8Array): Uint8Array {
  const { requestId, chunk, refusal } = decodeChunkReply(payload);
  if (chunk === undefined) return payload;
  const changed = copyBytes(chunk);
  changed[300] = (changed[300] ?? 0) ^ 1;
  return encodeChunkReply({ requestId, chunk: changed, refusal });
}

test("over real sockets: a peer that sends false chunks is demoted, and the sync ends well", async () => {
  // Twelve chunks, so that every peer is asked.
  const entries = stateOf(190, 60_000);
  const store = await SnapshotStore.open({
    files: diskFiles,
    directory: await temporaryDirectory(),
    root: ROOT,
    now: () => performance.now(),
    damaged: () => undefined,
  });
  await store.create({ block: certified(headerOf(50, entries)), entries });
  const peers = await validators(5);
  const server = (place: number) => {
    const send = (to: number, kind: MessageKind, payload: Uint8Array): void => {
      const isFalse = place === LIAR && kind === FrameKind.snapshotChunk;
      nodes[place]?.mesh.send(to, kind, isFalse ? falsified(payload) : payload);
    };
    const made = new SnapshotServer({
      send,
      penalise: () => undefined,
      readFailed: () => undefined,
      now: () => performance.now(),
    });
    made.store = store;
    return ({ from, kind, payload }: Received) => made.onFrame(from, kind, payload);
  };
  const log: string[] = [];
  const sync = new StateSync({
    files: diskFiles,
    directory: join(await temporaryDirectory(), "incoming"),
    root: ROOT,
    atLeastHeight: 1,
    hasHonest: (answered) => answered.size >= 4,
    send: (peer, kind, payload) =>
      nodes[JOINER]?.mesh.send(peer, kind, payload).status === "queued",
    penalise: (peer, reason) => nodes[JOINER]?.mesh.penalise(peer, reason),
    log: (event, data) => log.push(`${event} ${data["peer"] ?? data["height"]}`),
    now: () => performance.now(),
    offerWaitMs: 30_000,
    requestTimeoutMs: 30_000,
  });
  nodes = await Promise.all(
    [0, 1, 2, 3].map((place) => createNode(place, peers, { handle: server(place) })),
  );
  const joiner = await createNode(JOINER, peers, {
    handle: ({ from, kind, payload }) => sync.onFrame(from, kind, payload),
  });
  nodes = [...nodes, joiner];
  await Promise.all(nodes.map((node) => node.mesh.start()));
  introduce(nodes);
  await until("the joiner has its peers", () => joiner.mesh.metrics().connected === 4);
  for (const peer of [0, 1, 2, 3]) sync.peerConnected(peer);
  // Chunks, order, count and root are proven; a made-up state has no books.
  await expect(sync.run()).rejects.toMatchObject({ code: "SNAPSHOT_STATE" });
  expect(log.filter((line) => line.startsWith("snapshot.false-answer"))).toEqual([
    `snapshot.false-answer ${LIAR}`,
  ]);
  expect(statusOf(joiner, LIAR).penalties).toEqual({ WRONG_ANSWER: 1 });
  expect(statusOf(joiner, 1).penalties).toEqual({});
});
