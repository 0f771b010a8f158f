import { cp, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { present } from "../../primitives/assert.ts";
import { utf8 } from "../../primitives/bytes.ts";
import { encodeBlockRecord } from "./block-record.ts";
import { BlockStore } from "./block-store.ts";
import { verifyAtBoot } from "./boot-check.ts";
import { Database } from "./database.ts";
import { blockKey, hashKey, u64Bytes } from "./keyspace.ts";
import { batchOf, CHAIN, digestOf, hashOf, readHeader, toyBlock } from "./testing/chain-fixture.ts";

let root: string;
let database: Database;
let store: BlockStore;

const BLOCKS = 30;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "mizan-boot-"));
  database = await Database.create({ directory: join(root, "db"), chainId: CHAIN });
  store = await BlockStore.open(database, readHeader);
  const state = [["member/A", utf8("a")]] as const;
  await store.writeGenesis({ stateRoot: hashOf("genesis root"), state });
});

afterEach(async () => {
  await database.close();
  await rm(root, { recursive: true, force: true });
});

async function commit(count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    await store.commitBlock(toyBlock(store.head.height + 1, store.head.digest));
  }
}

test("an empty chain is the genesis anchor", async () => {
  expect(await verifyAtBoot(store)).toMatchObject({
    head: { height: 0, digest: CHAIN },
    fromHeight: 1,
    toHeight: 0,
    complete: true,
  });
});

test("a whole chain: reports what it walked and returns the state", async () => {
  await commit(BLOCKS);
  const report = await verifyAtBoot(store, { batchDigest: digestOf });
  expect(report).toMatchObject({ fromHeight: 1, toHeight: BLOCKS, complete: true });
  expect(report.batchesChecked).toBe(BLOCKS);
  expect(report.state.map(([key]) => key)).toEqual([
    `account/${BLOCKS - 1}`,
    `account/${BLOCKS}`,
    "height",
    "member/A",
  ]);
  const part = await verifyAtBoot(store, { blocks: 5 });
  expect(part).toMatchObject({ fromHeight: BLOCKS - 4, toHeight: BLOCKS, complete: false });
  expect(part.state).toEqual(report.state);
});

describe("names the first bad height", () => {
  const without = (kind: "block" | "header" | "finalization", height: number) => () =>
    database.write((batch) => batch.delete(blockKey(kind, height)));
  const cases: readonly (readonly [string, number, () => Promise<void>])[] = [
    ["a missing header", 12, without("header", 12)],
    ["the first missing", 1, without("header", 1)],
    ["the last missing", BLOCKS, without("header", BLOCKS)],
    ["a missing record", 12, without("block", 12)],
    ["a missing certificate", 12, without("finalization", 12)],
    [
      "a header of a block that does not link",
      12,
      () =>
        database.write((batch) => {
          batch.put(blockKey("header", 12), toyBlock(12, hashOf("elsewhere")).header);
        }),
    ],
    [
      "a header that does not link, with a record that hides it",
      12,
      () => {
        const { header, digest, stateRoot, batches } = toyBlock(12, hashOf("elsewhere"));
        const previousDigest = present(store.digest(11), "digest");
        const record = {
          digest,
          previousDigest,
          stateRoot,
          batches,
          receiptCount: 2,
          eventCount: 4,
        };
        return database.write((batch) => {
          batch.put(blockKey("header", 12), header);
          batch.put(blockKey("block", 12), encodeBlockRecord(record));
          batch.put(hashKey("height", digest), u64Bytes(12));
        });
      },
    ],
    [
      "bytes that are no header",
      12,
      () => database.write((batch) => batch.put(blockKey("header", 12), utf8("{"))),
    ],
    [
      "a digest that is not indexed",
      12,
      () =>
        database.write((batch) => {
          batch.delete(hashKey("height", present(store.digest(12), "digest")));
        }),
    ],
    [
      "a block above the head",
      BLOCKS + 1,
      () => {
        const { header } = toyBlock(BLOCKS + 1, store.head.digest);
        return database.write((batch) => batch.put(blockKey("header", BLOCKS + 1), header));
      },
    ],
  ];
  test.each(cases)("%s", async (_, height, damage) => {
    await commit(BLOCKS);
    await damage();
    await expect(verifyAtBoot(store)).rejects.toMatchObject({
      code: "DB_CORRUPT",
      data: { height },
    });
  });

  test("a batch that is missing or changed, where bodies are checked", async () => {
    await commit(BLOCKS);
    const [digest] = batchOf(7);
    await database.write((batch) => batch.put(hashKey("batch", digest), utf8("other")));
    await expect(verifyAtBoot(store, { batchDigest: digestOf })).rejects.toMatchObject({
      data: { height: 7 },
    });
    await database.write((batch) => batch.delete(hashKey("batch", digest)));
    await expect(verifyAtBoot(store, { batchDigest: digestOf })).rejects.toMatchObject({
      data: { height: 7 },
    });
    expect((await verifyAtBoot(store)).complete).toBe(true);
  });
});

describe("damage to the files", () => {
  /** Opens a damaged copy: either it is refused, or what it serves is a whole prefix of the chain. */
  async function outcome(directory: string): Promise<string> {
    let copy: Database | undefined;
    try {
      copy = await Database.open({ directory, chainId: CHAIN });
      const blocks = await BlockStore.open(copy, readHeader);
      const report = await verifyAtBoot(blocks, { blocks: "all" });
      expect(report.head.digest).toBe(store.digest(report.head.height));
      for (let height = 1; height <= report.head.height; height++) {
        expect(await blocks.receipts(height)).toEqual(await store.receipts(height));
      }
      return `head ${report.head.height}`;
    } catch (error) {
      if (error instanceof Error && "code" in error) return String(error.code);
      throw error;
    } finally {
      await copy?.close();
    }
  }

  test("a byte flipped in the log is refused or costs only the newest blocks, never a hole", async () => {
    await commit(BLOCKS);
    const log = present(
      (await readdir(database.directory)).find((n) => n.endsWith(".log")),
      "log",
    );
    const bytes = await readFile(join(database.directory, log));
    const seen = new Set<string>();
    for (let i = 1; i < 40; i++) {
      const at = join(root, `copy-${i}`);
      await cp(database.directory, at, { recursive: true });
      const flipped = Uint8Array.from(bytes);
      const offset = Math.floor((bytes.length * i) / 40);
      flipped[offset] = present(bytes[offset], "byte") ^ 0x10;
      await writeFile(join(at, log), flipped);
      seen.add(await outcome(at));
      await rm(at, { recursive: true });
    }
    expect(seen).toContain("DB_CORRUPT");
    const allowed = /^(DB_CORRUPT|DB_IO|head [0-9]+)$/;
    for (const result of seen) expect(result).toMatch(allowed);
  });

  test("a lost CURRENT is refused instead of opening an empty database", async () => {
    await commit(2);
    const at = join(root, "copy");
    await cp(database.directory, at, { recursive: true });
    await rm(join(at, "CURRENT"));
    expect(await outcome(at)).toBe("DB_CORRUPT");
    await expect(Database.create({ directory: at, chainId: CHAIN })).rejects.toMatchObject({
      code: "DB_EXISTS",
    });
  });
});

describe("a chain that a snapshot began", () => {
  const base = toyBlock(40, hashOf("block 39"));

  beforeEach(async () => {
    await database.close();
    await rm(join(root, "db"), { recursive: true });
    database = await Database.create({ directory: join(root, "db"), chainId: CHAIN });
    store = await BlockStore.open(database, readHeader);
    const { header, finalization } = base;
    const state = [[["member/A", utf8("a")] as const]];
    await store.writeBase({ header, finalization, epochEnds: [], state });
  });

  test("is walked from its first block on", async () => {
    expect(await verifyAtBoot(store)).toMatchObject({
      head: { height: 40, digest: base.digest },
      fromHeight: 41,
      toHeight: 40,
      complete: true,
    });
    await commit(10);
    const all = await verifyAtBoot(store, { blocks: "all", batchDigest: digestOf });
    expect(all).toMatchObject({ fromHeight: 41, toHeight: 50, complete: true, batchesChecked: 10 });
    const part = await verifyAtBoot(store, { blocks: 5 });
    expect(part).toMatchObject({ fromHeight: 46, toHeight: 50, complete: false });
  });

  test.each([
    ["its header is missing", blockKey("header", 40)],
    ["its record is missing", blockKey("block", 40)],
    ["it has no finalization", blockKey("finalization", 40)],
    ["its digest is not indexed", hashKey("height", base.digest)],
  ])("the first block with a part lost: %s", async (why, key) => {
    await commit(3);
    await database.write((batch) => batch.delete(key));
    await expect(verifyAtBoot(store)).rejects.toMatchObject({
      code: "DB_CORRUPT",
      message: expect.stringContaining(why),
      data: { height: 40 },
    });
  });

  test("another header in its place, and a block below it", async () => {
    await commit(3);
    const other = toyBlock(40, hashOf("other"));
    await database.write((batch) => batch.put(blockKey("header", 40), other.header));
    await expect(verifyAtBoot(store)).rejects.toMatchObject({ data: { height: 40 } });
    await database.write((batch) => {
      batch.put(blockKey("header", 40), base.header);
      batch.put(blockKey("header", 39), other.header);
    });
    await expect(verifyAtBoot(store)).rejects.toMatchObject({
      message: expect.stringContaining("below the first one"),
    });
  });
});
