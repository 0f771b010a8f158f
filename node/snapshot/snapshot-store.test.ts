import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { present } from "../../primitives/assert.ts";
import { StateTree } from "../../primitives/merkle/state-tree.ts";
import type { StateEntry } from "../storage/committed-block.ts";
import { MAX_SNAPSHOTS, SERVING_LEASE_MS } from "./limits.ts";
import { readChunk } from "./snapshot-directory.ts";
import { diskFiles } from "./snapshot-files.ts";
import { SnapshotStore } from "./snapshot-store.ts";
import { writeSnapshot } from "./snapshot-writer.ts";
import { checkRoot, provenEntries } from "./state-check.ts";
import { certified, headerOf, ROOT, stateOf } from "./testing/certified-chain.ts";
import { failingFiles } from "./testing/failing-files.ts";
import { temporaryDirectory } from "./testing/temporary.ts";

function sourceOf(height: number, entries: readonly StateEntry[] = stateOf(50)) {
  return { block: certified(headerOf(height, entries)), entries };
}

async function openStore(directory: string, files = diskFiles) {
  const damaged: string[] = [];
  const clock = { nowMs: 0 };
  const store = await SnapshotStore.open({
    files,
    directory,
    root: ROOT,
    now: () => clock.nowMs,
    damaged: (height, why) => damaged.push(`${height} ${why.split(":")[0]}`),
  });
  return { store, damaged, clock };
}

test("property: the snapshot of a random state restores to the same entries and root", async () => {
  const directory = await temporaryDirectory();
  const key = fc.stringMatching(/^[a-z]{1,12}\/[\x21-\x7e]{1,30}$/);
  const state = fc
    .uniqueArray(fc.tuple(key, fc.uint8Array({ maxLength: 2_000 })), {
      selector: ([name]) => name,
      minLength: 1,
      maxLength: 80,
    })
    .map((entries) => entries.sort(([a], [b]) => (a < b ? -1 : 1)));
  let height = 0;
  await fc.assert(
    fc.asyncProperty(state, async (entries) => {
      height += 1;
      const source = sourceOf(height, entries);
      const snapshot = await writeSnapshot(diskFiles, directory, source, ROOT);
      const { manifest } = snapshot.proven;
      const restored: StateEntry[] = [];
      const read = (index: number) => readChunk(diskFiles, snapshot.directory, manifest, index);
      for await (const chunk of provenEntries(manifest, read)) restored.push(...chunk);
      expect(restored).toEqual(entries);
      expect(StateTree.from(restored).root).toBe(manifest.stateRoot);
    }),
    { numRuns: 30 },
  );
});

test("a state of several chunks, and the order in which it reaches the disk", async () => {
  const directory = await temporaryDirectory();
  const files = failingFiles();
  const entries = stateOf(40, 60_000);
  const snapshot = await writeSnapshot(files, directory, sourceOf(7, entries), ROOT);
  expect(snapshot.proven.manifest.chunkHashes.length).toBe(3);
  expect(files.steps).toEqual([
    "remove 7.unfinished",
    "mkdir 7.unfinished",
    "write chunk-00000",
    "write chunk-00001",
    "write chunk-00002",
    "write manifest",
    "sync 7.unfinished",
    "rename 7",
    `sync ${directory.split("/").at(-1)}`,
  ]);
});

test("a state that is not the header's is never given a name", async () => {
  const directory = await temporaryDirectory();
  const source = { ...sourceOf(5), entries: stateOf(50, 40, "other") };
  await expect(writeSnapshot(diskFiles, directory, source, ROOT)).rejects.toMatchObject({
    code: "SNAPSHOT_ROOT",
  });
  expect((await openStore(directory)).store.heights).toEqual([]);
  expect(await readdir(directory)).toEqual([]);
});

test("an uncertified block is never given a name", async () => {
  const directory = await temporaryDirectory();
  const entries = stateOf(5);
  const block = {
    ...certified(headerOf(5, entries)),
    header: certified(headerOf(6, entries)).header,
  };
  await expect(writeSnapshot(diskFiles, directory, { block, entries }, ROOT)).rejects.toMatchObject(
    { code: "SNAPSHOT_CERTIFICATE" },
  );
  expect((await openStore(directory)).store.newest).toBeUndefined();
});

test("a crash at every step leaves no snapshot or a whole one, and the next start goes on", async () => {
  const entries = stateOf(40, 60_000);
  const whole = failingFiles();
  await writeSnapshot(whole, await temporaryDirectory(), sourceOf(7, entries), ROOT);
  for (const torn of [false, true]) {
    for (let step = 0; step < whole.steps.length; step++) {
      const directory = await temporaryDirectory();
      const dying = failingFiles(step, torn);
      await expect(
        writeSnapshot(dying, directory, sourceOf(7, entries), ROOT),
      ).rejects.toMatchObject({ name: "Crash" });
      const { store, damaged } = await openStore(directory);
      expect(damaged).toEqual([]);
      const isNamed = step > whole.steps.indexOf("rename 7");
      expect(store.heights).toEqual(isNamed ? [7] : []);
      if (isNamed) {
        const { proven, directory: at } = present(store.newest, "the snapshot");
        await checkRoot(proven.manifest, (i) => readChunk(diskFiles, at, proven.manifest, i));
      } else {
        await store.create(sourceOf(7, entries));
        expect(store.heights).toEqual([7]);
      }
      expect(await readdir(directory)).toEqual(["7"]);
    }
  }
});

test("the newest two are kept, and one that is being read, up to four", async () => {
  const directory = await temporaryDirectory();
  const { store, clock } = await openStore(directory);
  for (const height of [10, 20, 30]) await store.create(sourceOf(height));
  expect(store.heights).toEqual([20, 30]);
  const read = async (height: number) => {
    const hash = store.get(height)?.proven.manifest.chunkHashes[0] ?? "";
    expect(await store.serve(height, 0, hash)).toBeDefined();
  };
  await read(20);
  await store.create(sourceOf(40));
  expect(store.heights).toEqual([20, 30, 40]);
  for (const height of [50, 60]) {
    await read(store.heights.at(-1) ?? 0);
    await store.create(sourceOf(height));
  }
  expect(store.heights.length).toBe(MAX_SNAPSHOTS);
  clock.nowMs += SERVING_LEASE_MS;
  await store.create(sourceOf(70));
  expect(store.heights).toEqual([60, 70]);
  expect((await readdir(directory)).sort()).toEqual(["60", "70"]);
  expect((await openStore(directory)).store.heights).toEqual([60, 70]);
});

test("a crash while old ones are removed leaves none of them by half", async () => {
  const directory = await temporaryDirectory();
  for (const height of [10, 20]) {
    await writeSnapshot(diskFiles, directory, sourceOf(height), ROOT);
  }
  const counting = failingFiles();
  const { store } = await openStore(directory, counting);
  await store.create(sourceOf(30));
  const created = counting.steps.length;
  expect(counting.steps.slice(-3)).toEqual([
    "rename 10.unfinished",
    `sync ${directory.split("/").at(-1)}`,
    "remove 10.unfinished",
  ]);
  for (let step = created - 3; step < created; step++) {
    const other = await temporaryDirectory();
    for (const height of [10, 20]) {
      await writeSnapshot(diskFiles, other, sourceOf(height), ROOT);
    }
    const dying = await openStore(other, failingFiles(step));
    await expect(dying.store.create(sourceOf(30))).rejects.toMatchObject({ name: "Crash" });
    const { store: next, damaged } = await openStore(other);
    expect(damaged).toEqual([]);
    expect(next.heights.slice(-2)).toEqual([20, 30]);
  }
});

test("a chunk that changed on disk is not served, and its snapshot not offered any more", async () => {
  const directory = await temporaryDirectory();
  const { store, damaged } = await openStore(directory);
  const snapshot = await store.create(sourceOf(10));
  const path = join(snapshot.directory, "chunk-00000");
  const bytes = await readFile(path);
  bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
  await writeFile(path, bytes);
  const hash = snapshot.proven.manifest.chunkHashes[0] ?? "";
  expect(await store.serve(10, 0, hash)).toBeUndefined();
  expect(damaged).toEqual(["10 SNAPSHOT_CHUNK"]);
  expect(store.newest).toBeUndefined();
});

test("a manifest that changed on disk is not offered, and goes when a newer one is whole", async () => {
  const directory = await temporaryDirectory();
  await writeSnapshot(diskFiles, directory, sourceOf(10), ROOT);
  const path = join(directory, "10", "manifest");
  const bytes = await readFile(path);
  bytes[60] = (bytes[60] ?? 0) ^ 1;
  await writeFile(path, bytes);
  const { store, damaged } = await openStore(directory);
  expect(damaged.length).toBe(1);
  expect(store.heights).toEqual([]);
  await store.create(sourceOf(20));
  expect(await readdir(directory)).toEqual(["20"]);
});

test("a chunk is served by height, place and hash only", async () => {
  const { store } = await openStore(await temporaryDirectory());
  const { proven } = await store.create(sourceOf(10));
  const hash = proven.manifest.chunkHashes[0] ?? "";
  expect(await store.serve(10, 0, hash)).toBeDefined();
  expect(await store.serve(11, 0, hash)).toBeUndefined();
  expect(await store.serve(10, 1, hash)).toBeUndefined();
  expect(await store.serve(10, 0, "00".repeat(32))).toBeUndefined();
});

test("a stop ends the work and leaves nothing of a final name", async () => {
  const directory = await temporaryDirectory();
  const stop = new AbortController();
  stop.abort();
  await expect(
    writeSnapshot(diskFiles, directory, sourceOf(10), ROOT, stop.signal),
  ).rejects.toMatchObject({ code: "SNAPSHOT_STOPPED" });
  expect((await openStore(directory)).store.heights).toEqual([]);
});
