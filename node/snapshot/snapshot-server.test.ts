import { expect, test } from "vitest";
import { present } from "../../primitives/assert.ts";
import { FrameKind, type MessageKind } from "../net/frame.ts";
import { FRAME_RULES } from "../net/limits.ts";
import { encodeChunk } from "./chunk.ts";
import {
  CHUNK_BURST,
  MANIFEST_BURST,
  MAX_CHUNK_BYTES,
  MAX_CHUNK_READS,
  MAX_CHUNKS_IN_FLIGHT,
  MAX_MANIFEST_BYTES,
} from "./limits.ts";
import {
  decodeChunkReply,
  decodeManifestReply,
  encodeChunkReply,
  encodeGetChunk,
  encodeGetManifest,
  encodeManifestReply,
} from "./messages.ts";
import { SnapshotServer } from "./snapshot-server.ts";

const HASH = "ab".repeat(32);
const CHUNK = encodeChunk([["a", new Uint8Array(10)]]);

function newServer(serve: (height: number) => Promise<Uint8Array | undefined>) {
  const sent: { to: number; kind: MessageKind; payload: Uint8Array }[] = [];
  const penalties: string[] = [];
  const failures: unknown[] = [];
  const clock = { nowMs: 0 };
  const server = new SnapshotServer({
    send: (to, kind, payload) => sent.push({ to, kind, payload }),
    penalise: (peer, reason) => penalties.push(`${peer} ${reason}`),
    readFailed: (error) => failures.push(error),
    now: () => clock.nowMs,
  });
  server.store = { newest: undefined, serve };
  const ask = (from: number, requestId: number) =>
    server.onFrame(
      from,
      FrameKind.getSnapshotChunk,
      encodeGetChunk({ requestId, height: 1, index: 0, hash: HASH }),
    );
  const answers = () => sent.map(({ payload }) => decodeChunkReply(payload));
  return { server, sent, penalties, failures, clock, ask, answers };
}

test("every request is answered, with a chunk or with the reason why not", async () => {
  const { ask, answers, server, sent } = newServer(async () => CHUNK);
  await ask(1, 7);
  expect(answers()).toEqual([{ requestId: 7, chunk: CHUNK, refusal: undefined }]);
  server.store = { newest: undefined, serve: async () => undefined };
  await ask(1, 8);
  expect(answers()[1]).toEqual({ requestId: 8, chunk: undefined, refusal: "NOT_AVAILABLE" });
  await server.onFrame(1, FrameKind.getSnapshotManifest, encodeGetManifest({ requestId: 9 }));
  const last = present(sent.at(-1), "a reply");
  expect(last.kind).toBe(FrameKind.snapshotManifest);
  expect(decodeManifestReply(last.payload)).toEqual({
    requestId: 9,
    manifest: undefined,
    refusal: "NONE",
  });
});

test("a peer has at most four chunks in work, and all peers sixteen", async () => {
  const { promise, resolve } = Promise.withResolvers<Uint8Array>();
  const { ask, answers } = newServer(() => promise);
  const asked: Promise<void>[] = [];
  for (let peer = 0; peer < 5; peer++) {
    for (let i = 0; i <= MAX_CHUNKS_IN_FLIGHT; i++) asked.push(ask(peer, 100 * peer + i));
  }
  const busy = () => answers().filter(({ refusal }) => refusal === "BUSY").length;
  expect(busy()).toBe(asked.length - MAX_CHUNK_READS);
  resolve(CHUNK);
  await Promise.all(asked);
  expect(answers().length).toBe(asked.length);
  expect(answers().filter(({ chunk }) => chunk !== undefined).length).toBe(MAX_CHUNK_READS);
});

test("a peer's rate is bounded, another peer's is its own, and time gives it back", async () => {
  const { ask, answers, clock } = newServer(async () => CHUNK);
  for (let i = 0; i < CHUNK_BURST + 10; i++) await ask(1, i);
  const served = () => answers().filter(({ chunk }) => chunk !== undefined).length;
  expect(served()).toBe(CHUNK_BURST);
  await ask(2, 1_000);
  expect(served()).toBe(CHUNK_BURST + 1);
  clock.nowMs += 1_000;
  await ask(1, 1_001);
  expect(served()).toBe(CHUNK_BURST + 2);
});

test("manifests have a rate of their own", async () => {
  const { server, sent } = newServer(async () => CHUNK);
  for (let requestId = 0; requestId < MANIFEST_BURST + 3; requestId++) {
    await server.onFrame(1, FrameKind.getSnapshotManifest, encodeGetManifest({ requestId }));
  }
  const refusals = sent.map(({ payload }) => decodeManifestReply(payload).refusal);
  expect(refusals.filter((refusal) => refusal === "BUSY").length).toBe(3);
});

test("a disk that fails is a refusal, and is told", async () => {
  const { ask, answers, failures } = newServer(async () => {
    throw new Error("EIO");
  });
  await ask(1, 7);
  expect(answers()).toEqual([{ requestId: 7, chunk: undefined, refusal: "NOT_AVAILABLE" }]);
  expect(failures.length).toBe(1);
});

test("what is no request is held against its sender", async () => {
  const { server, penalties, sent } = newServer(async () => CHUNK);
  await server.onFrame(1, FrameKind.getSnapshotChunk, new Uint8Array(3));
  const reply = encodeChunkReply({ requestId: 1, chunk: CHUNK, refusal: undefined });
  await server.onFrame(2, FrameKind.snapshotChunk, reply);
  expect(penalties).toEqual(["1 MALFORMED_MESSAGE", "2 UNSOLICITED"]);
  expect(sent).toEqual([]);
});

test("the largest messages fit their frames", () => {
  const capOf = (kind: number) => present(FRAME_RULES.get(kind), "a rule").maxBytes;
  const requestId = Number.MAX_SAFE_INTEGER;
  const chunk = new Uint8Array(MAX_CHUNK_BYTES);
  const manifest = new Uint8Array(MAX_MANIFEST_BYTES);
  const chunkReply = encodeChunkReply({ requestId, chunk, refusal: undefined });
  const manifestReply = encodeManifestReply({ requestId, manifest, refusal: undefined });
  expect(chunkReply.length).toBeLessThanOrEqual(capOf(FrameKind.snapshotChunk));
  expect(manifestReply.length).toBeLessThanOrEqual(capOf(FrameKind.snapshotManifest));
  expect(decodeChunkReply(chunkReply).chunk?.length).toBe(MAX_CHUNK_BYTES);
  expect(decodeManifestReply(manifestReply).manifest?.length).toBe(MAX_MANIFEST_BYTES);
  const ask = encodeGetChunk({ requestId, height: requestId, index: 4095, hash: HASH });
  expect(ask.length).toBeLessThanOrEqual(capOf(FrameKind.getSnapshotChunk));
});
