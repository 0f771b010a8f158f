import { readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { present } from "../../primitives/assert.ts";
import { FrameKind } from "../net/frame.ts";
import { chunkHash, encodeChunk } from "./chunk.ts";
import { encodeManifest, type Manifest, SNAPSHOT_VERSION } from "./manifest.ts";
import {
  decodeChunkReply,
  decodeGetChunk,
  decodeGetManifest,
  encodeChunkReply,
  encodeManifestReply,
} from "./messages.ts";
import { CHAIN, certified, finalize, headerOf, stateOf } from "./testing/certified-chain.ts";
import { failingFiles } from "./testing/failing-files.ts";
import { joiner, type PeerBehaviour, servingPeer } from "./testing/sync-network.ts";
import { temporaryDirectory } from "./testing/temporary.ts";

/** Five chunks: more than are in flight. The books of a made-up state cannot be checked. */
const STATE = stateOf(80, 60_000);

async function honestPeer(height = 100, entries = STATE) {
  const { behaviour } = await servingPeer(await temporaryDirectory(), [[height, entries]]);
  return behaviour;
}

/** Runs to the end: all entries proven, and then refused by the ledger, which knows no such keys. */
async function runsToTheBooks(sync: { run(): Promise<unknown> }): Promise<void> {
  await expect(sync.run()).rejects.toMatchObject({ code: "SNAPSHOT_STATE" });
}

async function incomingOf() {
  return join(await temporaryDirectory(), "incoming");
}

const silent: PeerBehaviour = () => undefined;
const empty: PeerBehaviour = (kind, payload, reply) => {
  if (kind === FrameKind.getSnapshotChunk) {
    const { requestId } = decodeGetChunk(payload);
    const none = { requestId, chunk: undefined, refusal: "NOT_AVAILABLE" as const };
    reply(FrameKind.snapshotChunk, encodeChunkReply(none));
    return;
  }
  const { requestId } = decodeGetManifest(payload);
  const answer = { requestId, manifest: undefined, refusal: "NONE" as const };
  reply(FrameKind.snapshotManifest, encodeManifestReply(answer));
};

/** Offers these manifest bytes; serves what `inner` serves. */
function offering(bytes: Uint8Array, inner: PeerBehaviour = silent): PeerBehaviour {
  return (kind, payload, reply) => {
    if (kind !== FrameKind.getSnapshotManifest) return inner(kind, payload, reply);
    const { requestId } = decodeGetManifest(payload);
    const answer = { requestId, manifest: bytes, refusal: undefined };
    reply(FrameKind.snapshotManifest, encodeManifestReply(answer));
  };
}

/** Every chunk that it sends is another one. */
function falsifying(inner: PeerBehaviour): PeerBehaviour {
  return (kind, payload, reply) =>
    inner(kind, payload, (answerKind, answer) => {
      if (answerKind !== FrameKind.snapshotChunk) return reply(answerKind, answer);
      const { requestId, chunk } = decodeChunkReply(answer);
      const changed = present(chunk, "a chunk").slice();
      changed[200] = (changed[200] ?? 0) ^ 1;
      reply(answerKind, encodeChunkReply({ requestId, chunk: changed, refusal: undefined }));
    });
}

test("a state comes in from several peers at once, at most four chunks in flight", async () => {
  const honest = await honestPeer();
  const { sync, penalties, requests, mostInFlight, log } = joiner(await incomingOf(), [
    honest,
    honest,
    honest,
  ]);
  await runsToTheBooks(sync);
  expect(penalties).toEqual([]);
  expect(requests.every((count) => count >= 2)).toBe(true);
  expect(mostInFlight()).toBeLessThanOrEqual(4);
  expect(log[0]).toMatch(/snapshot.downloading 100/);
});

test("no snapshot anywhere: the answer of peers with an honest one among them is enough", async () => {
  const { sync } = joiner(await incomingOf(), [empty, empty, silent], { offerWaitMs: 60_000 });
  expect(await sync.run()).toBeUndefined();
});

test("nobody answers: blocks are fetched instead", async () => {
  const { sync } = joiner(await incomingOf(), [silent, silent], { offerWaitMs: 50 });
  expect(await sync.run()).toBeUndefined();
});

test("a snapshot that is not ahead enough is no offer", async () => {
  const honest = await honestPeer(100);
  const { sync } = joiner(await incomingOf(), [honest, honest], { atLeastHeight: 101 });
  expect(await sync.run()).toBeUndefined();
});

test("a peer that sends false chunks is demoted and the chunks are taken elsewhere", async () => {
  const honest = await honestPeer();
  const { sync, penalties, log } = joiner(await incomingOf(), [falsifying(honest), honest, honest]);
  await runsToTheBooks(sync);
  expect(penalties).toEqual(["0 WRONG_ANSWER"]);
  expect(log).toContain("snapshot.false-answer 0");
});

test("a peer that claims a height without its certificate is demoted and another is followed", async () => {
  const honest = await honestPeer();
  const far = headerOf(9_000, STATE);
  const lie: Manifest = {
    version: SNAPSHOT_VERSION,
    chainId: CHAIN,
    height: 9_000,
    ...certified(far, [], finalize(headerOf(100, STATE))),
    stateRoot: far.stateRoot,
    entryCount: 1,
    chunkHashes: ["ab".repeat(32)],
  };
  const { sync, penalties, log } = joiner(await incomingOf(), [
    offering(encodeManifest(lie)),
    honest,
    honest,
  ]);
  await runsToTheBooks(sync);
  expect(penalties).toEqual(["0 WRONG_ANSWER"]);
  expect(log).toContain("snapshot.downloading 100");
});

test("a certified header with chunks of another state: the root finds it out", async () => {
  const honest = await honestPeer(100);
  const forged = stateOf(3, 40, "forged");
  const chunk = encodeChunk(forged);
  const header = headerOf(200, STATE);
  const lie: Manifest = {
    version: SNAPSHOT_VERSION,
    chainId: CHAIN,
    height: 200,
    ...certified(header),
    stateRoot: header.stateRoot,
    entryCount: 3,
    chunkHashes: [chunkHash(chunk)],
  };
  const serving: PeerBehaviour = (_, payload, reply) => {
    const { requestId } = decodeGetChunk(payload);
    reply(FrameKind.snapshotChunk, encodeChunkReply({ requestId, chunk, refusal: undefined }));
  };
  // The liar alone offers first; then the honest ones are asked again.
  const liar = offering(encodeManifest(lie), serving);
  const { sync, penalties, log } = joiner(await incomingOf(), [liar, empty, honest, honest], {
    hasHonest: (answered) => answered.size >= 4,
  });
  await runsToTheBooks(sync);
  expect(penalties).toContain("0 WRONG_ANSWER");
  expect(log.filter((line) => line.startsWith("snapshot.downloading"))).toEqual([
    "snapshot.downloading 200",
    "snapshot.downloading 100",
  ]);
});

test("lists of chunks that an honest peer names are tried before a lone one, however high", async () => {
  const honest = await honestPeer(100);
  const lone = await honestPeer(200, stateOf(5, 40));
  const { sync, log } = joiner(await incomingOf(), [lone, honest, honest]);
  await runsToTheBooks(sync);
  expect(log[0]).toBe("snapshot.downloading 100");
});

test("a peer that stops answering in the middle is left alone", async () => {
  const honest = await honestPeer();
  const stalling: PeerBehaviour = (kind, payload, reply) =>
    kind === FrameKind.getSnapshotManifest ? honest(kind, payload, reply) : undefined;
  const { sync, penalties } = joiner(await incomingOf(), [stalling, honest], {
    requestTimeoutMs: 30,
  });
  await runsToTheBooks(sync);
  expect(penalties).toEqual([]);
});

test("a busy peer is asked again", async () => {
  const honest = await honestPeer();
  let refusals = 0;
  const busy: PeerBehaviour = (kind, payload, reply) => {
    if (kind === FrameKind.getSnapshotManifest || refusals >= 3)
      return honest(kind, payload, reply);
    refusals += 1;
    const { requestId } = decodeGetChunk(payload);
    reply(
      FrameKind.snapshotChunk,
      encodeChunkReply({ requestId, chunk: undefined, refusal: "BUSY" }),
    );
  };
  const { sync } = joiner(await incomingOf(), [busy], { hasHonest: (peers) => peers.size >= 1 });
  await runsToTheBooks(sync);
  expect(refusals).toBe(3);
});

test("answers that nobody asked for are held against their sender", async () => {
  const { sync, penalties } = joiner(await incomingOf(), []);
  const answer = { requestId: 77, manifest: undefined, refusal: "NONE" as const };
  sync.onFrame(3, FrameKind.snapshotManifest, encodeManifestReply(answer));
  sync.onFrame(4, FrameKind.snapshotChunk, new Uint8Array(2));
  expect(penalties).toEqual(["3 UNSOLICITED", "4 MALFORMED_MESSAGE"]);
});

test("a stop ends the sync at once", async () => {
  const { sync } = joiner(await incomingOf(), [silent], { offerWaitMs: 60_000 });
  const run = sync.run();
  sync.stop();
  await expect(run).rejects.toMatchObject({ code: "SNAPSHOT_STOPPED" });
});

test("a crash at every step: the next start keeps the chunks that came and ends", async () => {
  const honest = await honestPeer();
  const whole = failingFiles();
  await runsToTheBooks(joiner(await incomingOf(), [honest, honest], { files: whole }).sync);
  for (let step = 0; step < whole.steps.length; step++) {
    const directory = await incomingOf();
    const torn = step % 2 === 1;
    const dying = joiner(directory, [honest, honest], { files: failingFiles(step, torn) });
    await expect(dying.sync.run()).rejects.toMatchObject({ name: "Crash" });
    const names = await readdir(directory).catch((): string[] => []);
    const kept = names.filter((name) => /^[0-9a-f]{64}$/.test(name)).length;
    const next = joiner(directory, [honest, honest]);
    await runsToTheBooks(next.sync);
    const asked = next.requests.reduce((sum, count) => sum + count, 0);
    // Two requests for manifests at most, and a chunk each for those that are not there.
    const missing = names.includes("manifest") ? 5 - kept : 5;
    expect(asked).toBeLessThanOrEqual(2 + missing);
  }
});

test("a kept chunk that changed on disk is fetched again", async () => {
  const honest = await honestPeer();
  const directory = await incomingOf();
  await runsToTheBooks(joiner(directory, [honest, honest]).sync);
  const [first] = (await readdir(directory)).filter((name) => name.length === 64);
  await writeFile(join(directory, first ?? ""), "damaged");
  const { sync, penalties } = joiner(directory, [honest, honest]);
  await runsToTheBooks(sync);
  expect(penalties).toEqual([]);
});
