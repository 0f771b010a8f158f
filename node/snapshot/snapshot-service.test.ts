import { join } from "node:path";
import { expect, test } from "vitest";
import { headerDigest, headerSchema } from "../../consensus/header.ts";
import { present } from "../../primitives/assert.ts";
import { decode } from "../../primitives/codec/codec.ts";
import { StateTree } from "../../primitives/merkle/state-tree.ts";
import { FrameKind, type MessageKind } from "../net/frame.ts";
import { BlockStore } from "../storage/block-store.ts";
import type { StateEntry } from "../storage/committed-block.ts";
import { Database } from "../storage/database.ts";
import { TICKS_TO_DOUBT, TICKS_TO_GIVE_UP_BLOCKS } from "./limits.ts";
import {
  decodeGetManifest,
  decodeManifestReply,
  encodeGetManifest,
  encodeManifestReply,
} from "./messages.ts";
import { diskFiles, type SnapshotFiles } from "./snapshot-files.ts";
import { type ServiceOptions, SnapshotService } from "./snapshot-service.ts";
import { snapshotHeights } from "./snapshot-store.ts";
import {
  CHAIN,
  certificateBytes,
  finalize,
  headerBytes,
  headerOf,
  ROOT,
  stateOf,
} from "./testing/certified-chain.ts";
import { failingFiles } from "./testing/failing-files.ts";
import { temporaryDirectory } from "./testing/temporary.ts";

/** A chain in a real database: block h sets one entry to h and removes another. */
class Chain {
  readonly blocks: BlockStore;
  readonly state: Map<string, Uint8Array>;
  height = 0;

  constructor(blocks: BlockStore, state: Map<string, Uint8Array>) {
    this.blocks = blocks;
    this.state = state;
  }

  static async create(directory: string): Promise<Chain> {
    const database = await Database.create({ directory: join(directory, "db"), chainId: CHAIN });
    const blocks = await BlockStore.open(database, (bytes) => {
      const header = decode(headerSchema, bytes, undefined, "header");
      return { ...header, digest: headerDigest(header) };
    });
    const state = stateOf(3_000, 50);
    await blocks.writeGenesis({ stateRoot: StateTree.from(state).root, state });
    return new Chain(blocks, new Map(state));
  }

  /** `isOwn` false: the block becomes final with a descendant. */
  async commit(isOwn = true): Promise<void> {
    this.height += 1;
    const { head } = this.blocks;
    const changed = `account/${String(this.height).padStart(8, "0")}`;
    const removed = `account/${String(2_000 + this.height).padStart(8, "0")}`;
    this.state.set(changed, new Uint8Array([this.height]));
    this.state.delete(removed);
    const entries: readonly StateEntry[] = [...this.state];
    const header = headerOf(this.height, entries, { parentDigest: head.digest });
    const certificate = finalize(isOwn ? header : headerOf(this.height + 1, entries));
    await this.blocks.commitBlock({
      height: this.height,
      digest: headerDigest(header),
      previousDigest: head.digest,
      header: headerBytes(header),
      finalization: certificateBytes(certificate),
      batches: [],
      receipts: [],
      events: [],
      transactions: [],
      clientRefs: [],
      stateChanges: [
        [changed, new Uint8Array([this.height])],
        [removed, null],
      ],
      stateRoot: header.stateRoot,
    });
  }
}

async function newService(changes: Partial<ServiceOptions> = {}) {
  const directory = await temporaryDirectory();
  const chain = await Chain.create(directory);
  const log: string[] = [];
  const sent: { to: number; kind: MessageKind; payload: Uint8Array }[] = [];
  const far: number[] = [];
  const fatal: unknown[] = [];
  const penalties: string[] = [];
  const snapshots = join(directory, "snapshots");
  const service = new SnapshotService({
    everyBlocks: 2,
    syncBehindBlocks: 10,
    files: diskFiles,
    directory: snapshots,
    root: ROOT,
    blocks: chain.blocks,
    state: { get: () => undefined },
    isBehind: () => true,
    connected: () => [1],
    send: (to, kind, payload) => {
      sent.push({ to, kind, payload });
      return true;
    },
    penalise: (peer, reason) => penalties.push(`${peer} ${reason}`),
    farBehind: (height) => far.push(height),
    log: (level, event, data) => log.push(`${level} ${event} ${Number(data["height"])}`),
    fatal: (error) => fatal.push(error),
    now: () => performance.now(),
    ...changes,
  });
  await service.start();
  const close = async () => {
    await service.stop();
    await chain.blocks.database.close();
  };
  return { chain, service, log, sent, far, fatal, penalties, snapshots, close };
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}

test("a snapshot is of its own height, however many blocks are committed while it is made", async () => {
  const { chain, service, log, fatal, close, snapshots } = await newService();
  await chain.commit();
  service.applied(1, false);
  await chain.commit();
  service.applied(2, false);
  // All of these change what is being copied.
  for (let i = 0; i < 5; i++) {
    await chain.commit();
    service.applied(chain.height, false);
  }
  await until(() => log.length > 0);
  expect(log[0]).toBe("info snapshot.created 2");
  expect(fatal).toEqual([]);
  expect(await snapshotHeights(diskFiles, snapshots)).toContain(2);
  await close();
});

test("a block without a finalization of its own waits for the next one that has it", async () => {
  const { chain, service, log, close } = await newService();
  await chain.commit();
  service.applied(1, false);
  await chain.commit(false);
  service.applied(2, false);
  await chain.commit();
  service.applied(3, false);
  await until(() => log.length > 0);
  expect(log).toEqual(["info snapshot.created 3"]);
  await close();
});

test("of blocks that came to the disk together only the last one can have a snapshot", async () => {
  const { chain, service, log, fatal, close } = await newService();
  for (let i = 0; i < 3; i++) await chain.commit();
  // Each has a finalization of its own, but the state is that after the third.
  for (const height of [1, 2, 3]) service.applied(height, false);
  await until(() => log.length + fatal.length > 0);
  expect(fatal).toEqual([]);
  expect(log).toEqual(["info snapshot.created 3"]);
  await close();
});

test("a closing block has a snapshot whatever its height; 0 makes none at all", async () => {
  const one = await newService({ everyBlocks: 1_000 });
  await one.chain.commit();
  one.service.applied(1, true);
  await until(() => one.log.length > 0);
  expect(one.log).toEqual(["info snapshot.created 1"]);
  await one.close();
  const none = await newService({ everyBlocks: 0 });
  await none.chain.commit();
  none.service.applied(1, true);
  await none.close();
  expect(await snapshotHeights(diskFiles, none.snapshots)).toEqual([]);
});

test("a disk that refuses is told and does not stop the node; the next one is made", async () => {
  const failing = failingFiles();
  let isFull = true;
  const files: SnapshotFiles = {
    ...failing,
    write: (path, bytes) =>
      isFull ? Promise.reject(new Error("ENOSPC")) : diskFiles.write(path, bytes),
  };
  const { chain, service, log, fatal, close } = await newService({ files });
  for (const _ of [1, 2]) {
    await chain.commit();
    service.applied(chain.height, false);
  }
  await until(() => log.length > 0);
  expect(log).toEqual(["error snapshot.failed 2"]);
  isFull = false;
  for (const _ of [3, 4]) {
    await chain.commit();
    service.applied(chain.height, false);
  }
  await until(() => log.length > 1);
  expect(log[1]).toBe("info snapshot.created 4");
  expect(fatal).toEqual([]);
  await close();
});

test("a stop in the middle ends soon and leaves the database free to close", async () => {
  const { chain, service, log, close, snapshots } = await newService();
  for (const _ of [1, 2]) {
    await chain.commit();
    service.applied(chain.height, false);
  }
  await close();
  expect(log).toEqual([]);
  expect(await snapshotHeights(diskFiles, snapshots)).toEqual([]);
});

test("what is served is the newest snapshot", async () => {
  const { chain, service, sent, log, close } = await newService({ syncBehindBlocks: 0 });
  for (const _ of [1, 2]) {
    await chain.commit();
    service.applied(chain.height, false);
  }
  await until(() => log.length > 0);
  await service.onFrame(1, FrameKind.getSnapshotManifest, encodeGetManifest({ requestId: 5 }));
  const reply = decodeManifestReply(present(sent[0], "an answer").payload);
  expect(reply).toMatchObject({ requestId: 5, refusal: undefined });
  await close();
});

test("a certified snapshot far ahead is told; a claim without certificate is held against the peer", async () => {
  // Another node of this chain made the manifest.
  const other = await newService({ everyBlocks: 12, syncBehindBlocks: 0 });
  while (other.chain.height < 12) {
    await other.chain.commit();
    other.service.applied(other.chain.height, false);
  }
  await until(() => other.log.length > 0);
  await other.service.onFrame(
    1,
    FrameKind.getSnapshotManifest,
    encodeGetManifest({ requestId: 5 }),
  );
  const { manifest } = decodeManifestReply(present(other.sent[0], "an answer").payload);
  await other.close();
  const bytes = present(manifest, "a manifest");
  const damaged = bytes.slice();
  damaged[80] = (damaged[80] ?? 0) ^ 1;

  const { service, sent, far, penalties, close } = await newService();
  const answer = async (peer: number, answered: Uint8Array) => {
    service.peerConnected(peer);
    const asked = present(sent.at(-1), "a request");
    expect(asked.to).toBe(peer);
    const { requestId } = decodeGetManifest(asked.payload);
    const reply = { requestId, manifest: answered, refusal: undefined };
    await service.onFrame(peer, FrameKind.snapshotManifest, encodeManifestReply(reply));
  };
  await answer(3, damaged);
  await until(() => penalties.length > 0);
  expect(penalties).toEqual(["3 WRONG_ANSWER"]);
  expect(far).toEqual([]);
  await answer(4, bytes);
  await until(() => far.length > 0);
  expect(far).toEqual([12]);
  // The node knows where it stands: it asks nobody else.
  const before = sent.length;
  service.peerConnected(5);
  expect(sent.length).toBe(before);
  await close();
});

test("a node whose head stands still below a certified snapshot is told after two minutes", async () => {
  const other = await newService({ everyBlocks: 2, syncBehindBlocks: 0 });
  for (const _ of [1, 2]) {
    await other.chain.commit();
    other.service.applied(other.chain.height, false);
  }
  await until(() => other.log.length > 0);
  await other.service.onFrame(
    1,
    FrameKind.getSnapshotManifest,
    encodeGetManifest({ requestId: 5 }),
  );
  const { manifest } = decodeManifestReply(present(other.sent[0], "an answer").payload);
  await other.close();
  const { service, sent, far, close } = await newService({ isBehind: () => false });
  for (let tick = 0; tick < 40 && far.length === 0; tick++) {
    const before = sent.length;
    service.tick();
    const asked = sent[before];
    if (asked === undefined) {
      expect(tick).toBeLessThan(TICKS_TO_DOUBT);
      continue;
    }
    const { requestId } = decodeGetManifest(asked.payload);
    const reply = { requestId, manifest, refusal: undefined };
    await service.onFrame(asked.to, FrameKind.snapshotManifest, encodeManifestReply(reply));
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
    if (tick < TICKS_TO_GIVE_UP_BLOCKS) expect(far).toEqual([]);
  }
  expect(far).toEqual([2]);
  await close();
});
