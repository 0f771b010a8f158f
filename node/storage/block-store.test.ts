import { cp, mkdtemp, readdir, rm, stat, truncate } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { InvariantError, present } from "../../primitives/assert.ts";
import { fromUtf8, toHex, utf8 } from "../../primitives/bytes.ts";
import { BlockStore, MAX_BLOCKS_PER_COMMIT } from "./block-store.ts";
import { verifyAtBoot } from "./boot-check.ts";
import type { CommittedBlock, EventPosition } from "./committed-block.ts";
import { Database } from "./database.ts";
import { SENTINEL_KEY } from "./keyspace.ts";
import { batchOf, CHAIN, digestOf, hashOf, readHeader, toyBlock } from "./testing/chain-fixture.ts";

let root: string;
let database: Database;
let store: BlockStore;

const ROOT = hashOf("genesis root");

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "mizan-blocks-"));
  database = await Database.create({ directory: join(root, "db"), chainId: CHAIN });
  store = await BlockStore.open(database, readHeader);
});

afterEach(async () => {
  await database.close();
  await rm(root, { recursive: true, force: true });
});

async function genesis(): Promise<void> {
  await store.writeGenesis({ stateRoot: ROOT, state: [["member/A", utf8("a")]] });
}

async function commit(count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    await store.commitBlock(toyBlock(store.head.height + 1, store.head.digest));
  }
}

async function reopen(): Promise<void> {
  await database.close();
  database = await Database.open({ directory: join(root, "db"), chainId: CHAIN });
  store = await BlockStore.open(database, readHeader);
}

async function stateText(): Promise<Record<string, string>> {
  const out: Record<string, string> = {};
  for await (const [key, value] of store.state.entries()) out[key] = fromUtf8(value);
  return out;
}

describe("genesis", () => {
  test("is the anchor at height 0, written once", async () => {
    expect(store.isEmpty).toBe(true);
    expect(() => store.head).toThrow(expect.objectContaining({ code: "DB_NO_GENESIS" }));
    await genesis();
    expect(store.head).toEqual({ height: 0, digest: CHAIN, stateRoot: ROOT });
    expect(store.digest(0)).toBe(CHAIN);
    expect(store.heightOf(CHAIN)).toBe(0);
    await expect(genesis()).rejects.toThrow(InvariantError);
    await reopen();
    expect(store.head.stateRoot).toBe(ROOT);
    expect(await stateText()).toEqual({ "member/A": "a" });
  });
});

describe("a committed block", () => {
  test("is found by height, digest, transaction, client reference, also after a restart", async () => {
    await genesis();
    await commit(3);
    await reopen();
    const block = toyBlock(3, present(store.digest(2), "digest"));
    expect(store.head).toEqual({ height: 3, digest: block.digest, stateRoot: block.stateRoot });
    expect(store.header(3)).toEqual(block.header);
    expect(store.finalization(3)).toEqual(block.finalization);
    expect(store.heightOf(block.digest)).toBe(3);
    expect(store.batchDigests(3)).toEqual(block.batches);
    expect(store.stateRoot(3)).toBe(block.stateRoot);
    expect(await store.receipts(3)).toEqual(block.receipts);
    expect(store.receipt(3, 1)).toEqual(block.receipts[1]);
    expect(store.locate(hashOf("tx 3/1"))).toEqual({ height: 3, index: 1 });
    expect(store.txIdOf("BANKPKKA", "ref-3-1")).toBe(hashOf("tx 3/1"));
    expect((await store.eventsAt(3))?.map(({ bytes }) => fromUtf8(bytes))).toEqual([
      "event 3/0/0",
      "event 3/0/1",
      "event 3/1/0",
      "event 3/1/1",
    ]);
    expect(await stateText()).toEqual({
      "account/2": "opened",
      "account/3": "opened",
      height: "3",
      "member/A": "a",
    });
    expect(store.state.get("account/1")).toBeUndefined();
  });

  test("is nothing at a height or under a name that does not exist", async () => {
    await genesis();
    await commit(1);
    expect(store.header(2)).toBeUndefined();
    expect(await store.receipts(2)).toBeUndefined();
    expect(await store.eventsAt(2)).toBeUndefined();
    expect(store.locate(hashOf("no such"))).toBeUndefined();
    expect(store.txIdOf("BANKPKK", "Aref-1-0")).toBeUndefined();
    expect(store.heightOf(hashOf("no such"))).toBeUndefined();
  });

  test("gives its reference to the newest transaction under it", async () => {
    await genesis();
    await commit(1);
    const block = toyBlock(2, store.head.digest);
    const txId = hashOf("tx 2/0");
    await store.commitBlock({
      ...block,
      clientRefs: [{ member: "BANKPKKA", clientRef: "ref-1-0", txId }],
    });
    expect(store.txIdOf("BANKPKKA", "ref-1-0")).toBe(txId);
  });
});

describe("what is refused, with nothing written", () => {
  const good = (): CommittedBlock => toyBlock(2, store.head.digest);
  const cases: readonly (readonly [string, () => CommittedBlock])[] = [
    ["a gap", () => toyBlock(3, store.head.digest)],
    ["a repetition", () => toyBlock(1, CHAIN)],
    ["another parent", () => toyBlock(2, hashOf("elsewhere"))],
    ["a digest that is not the header's", () => ({ ...good(), digest: hashOf("other") })],
    ["a root that is not the header's", () => ({ ...good(), stateRoot: hashOf("other") })],
    ["batches that are not the header's", () => ({ ...good(), batches: [] })],
    ["a header of another height", () => ({ ...good(), header: toyBlock(3, CHAIN).header })],
    ["a batch that is nowhere", () => ({ ...good(), batchBodies: [] })],
    [
      "a batch that the block does not name",
      () => ({ ...good(), batchBodies: [batchOf(2), batchOf(9)] }),
    ],
    ["an indexed transaction without a receipt", () => ({ ...good(), receipts: [] })],
    ["events out of order", () => ({ ...good(), events: good().events.toReversed() })],
    [
      "an event twice",
      () => ({ ...good(), events: [...good().events, ...good().events.slice(-1)] }),
    ],
  ];
  test.each(cases)("%s", async (_, block) => {
    await genesis();
    await commit(1);
    const before = store.head;
    await expect(store.commitBlock(block())).rejects.toThrow(InvariantError);
    expect(store.head).toEqual(before);
    expect(store.header(2)).toBeUndefined();
    expect(store.state.get("height")).toEqual(utf8("1"));
    await store.commitBlock(good());
    expect(store.head.height).toBe(2);
  });

  test("a second commit while one is under way", async () => {
    await genesis();
    const block = toyBlock(1, CHAIN);
    const results = await Promise.allSettled([store.commitBlock(block), store.commitBlock(block)]);
    expect(results.map(({ status }) => status)).toEqual(["fulfilled", "rejected"]);
  });
});

describe("several blocks in one commit", () => {
  function chain(count: number): readonly CommittedBlock[] {
    const blocks: CommittedBlock[] = [];
    for (let i = 0; i < count; i++) {
      const before = blocks.at(-1) ?? store.head;
      blocks.push(toyBlock(store.head.height + 1 + i, before.digest));
    }
    return blocks;
  }

  /** Everything in the database, byte by byte. */
  async function content(): Promise<readonly string[]> {
    const entries: string[] = [];
    for await (const [key, value] of database.scan({ gte: new Uint8Array([1]) })) {
      entries.push(`${toHex(key)} ${toHex(value)}`);
    }
    return entries.filter((entry) => !entry.startsWith(toHex(SENTINEL_KEY)));
  }

  test("leave what as many commits of one block leave", async () => {
    await genesis();
    await commit(MAX_BLOCKS_PER_COMMIT);
    const one = await content();
    await database.close();
    await rm(join(root, "db"), { recursive: true });
    database = await Database.create({ directory: join(root, "db"), chainId: CHAIN });
    store = await BlockStore.open(database, readHeader);
    await genesis();
    const blocks = chain(MAX_BLOCKS_PER_COMMIT);
    await store.commitBlocks(blocks);
    expect(store.head.digest).toBe(blocks.at(-1)?.digest);
    const many = await content();
    expect(many.length).toBeGreaterThan(MAX_BLOCKS_PER_COMMIT * 10);
    expect(many).toEqual(one);
  });

  test("are refused together, and nothing of them is forgotten or written", async () => {
    await genesis();
    const blocks = chain(3);
    await store.batches.putBatches([batchOf(1)]);
    const before = await content();
    const bodiless = blocks.map((block, i) => (i === 2 ? { ...block, batchBodies: [] } : block));
    const unlinked = blocks.map((block, i) => (i === 1 ? toyBlock(2, CHAIN) : block));
    const tooMany = chain(MAX_BLOCKS_PER_COMMIT + 1);
    for (const refused of [bodiless, unlinked, blocks.toReversed(), tooMany, []]) {
      await expect(store.commitBlocks(refused)).rejects.toThrow(InvariantError);
      expect(store.head.height).toBe(0);
      expect(store.batches.unreferencedCount).toBe(1);
      expect(await content()).toEqual(before);
    }
    await store.commitBlocks(blocks);
    expect(store.batches.unreferencedCount).toBe(0);
    expect(store.head.height).toBe(3);
  });

  test("may name one batch: its body is needed once, and the lowest of them counts", async () => {
    await genesis();
    const [first] = chain(1);
    if (first === undefined) expect.unreachable();
    const shared = batchOf(1);
    const second = toyBlock(2, first.digest);
    const header = utf8(
      JSON.stringify({
        height: 2,
        parentDigest: first.digest,
        stateRoot: second.stateRoot,
        batchDigests: [shared[0]],
      }),
    );
    const { digest } = readHeader(header);
    const named = { ...second, digest, header, batches: [shared[0]], batchBodies: [] };
    await store.commitBlocks([first, named]);
    expect(store.batches.committedHeight(shared[0])).toBe(1);
    await reopen();
    expect(store.batches.getBatch(shared[0])).toEqual(shared[1]);
  });

  test("are all there or not at all wherever a crash cuts LevelDB's log", async () => {
    await genesis();
    await commit(2);
    const blocks = chain(5);
    const log = async (): Promise<string> => {
      const names = await readdir(join(root, "db"));
      return present(
        names
          .filter((name) => name.endsWith(".log"))
          .sort()
          .at(-1),
        "log of LevelDB",
      );
    };
    const file = await log();
    const { size: before } = await stat(join(root, "db", file));
    await store.commitBlocks(blocks);
    expect(await log()).toBe(file);
    const { size: after } = await stat(join(root, "db", file));
    await database.close();
    const whole = join(root, "whole");
    await cp(join(root, "db"), whole, { recursive: true });
    const seen: number[] = [];
    const cuts = [
      before,
      before + 1,
      ...[1, 2, 3, 4, 5, 6, 7].map((i) => before + Math.floor((i * (after - before)) / 8)),
      after - 1,
      after,
    ];
    for (const cut of cuts) {
      await rm(join(root, "db"), { recursive: true });
      await cp(whole, join(root, "db"), { recursive: true });
      await truncate(join(root, "db", file), cut);
      database = await Database.open({ directory: join(root, "db"), chainId: CHAIN });
      store = await BlockStore.open(database, readHeader);
      const { height } = store.head;
      seen.push(height);
      expect((await stateText())["height"]).toBe(String(height));
      expect((await verifyAtBoot(store, { blocks: "all", batchDigest: digestOf })).complete).toBe(
        true,
      );
      expect(store.header(height + 1)).toBeUndefined();
      // What was cut off comes again.
      if (height === 2) await store.commitBlocks(blocks);
      expect(store.head.height).toBe(7);
      await database.close();
    }
    database = await Database.open({ directory: join(root, "db"), chainId: CHAIN });
    expect(seen).toEqual([...cuts.slice(1).map(() => 2), 7]);
  });
});

describe("paging through events", () => {
  test("visits each event once and in order, whatever the page size", async () => {
    await genesis();
    await commit(7);
    const expected: string[] = [];
    for (let height = 1; height <= 7; height++) {
      for (const event of toyBlock(height, CHAIN).events) expected.push(fromUtf8(event.bytes));
    }
    for (const limit of [1, 3, 4, 100]) {
      const seen: string[] = [];
      let after: EventPosition | "genesis" = "genesis";
      for (;;) {
        const page: Awaited<ReturnType<BlockStore["events"]>> = await store.events(after, limit);
        for (const { bytes } of page) seen.push(fromUtf8(bytes));
        const last = page.at(-1);
        if (last === undefined) break;
        after = last;
      }
      expect(seen).toEqual(expected);
    }
  });

  test("stops at the height it is told, and meets later blocks from the same cursor", async () => {
    await genesis();
    await commit(2);
    const upToOne = await store.events("genesis", 100, 1);
    expect(upToOne.at(-1)).toMatchObject({ height: 1, txIndex: 1, eventIndex: 1 });
    const last = present((await store.events("genesis", 100)).at(-1), "event");
    expect(await store.events(last, 100)).toEqual([]);
    await commit(1);
    expect((await store.events(last, 1)).at(0)).toMatchObject({ height: 3, txIndex: 0 });
  });
});

describe("batches", () => {
  test("are stored before a vote, stay once committed, and go when nothing names them", async () => {
    await genesis();
    const [kept, dropped, named] = [batchOf(1), batchOf(90), batchOf(91)];
    await store.batches.putBatches([kept, dropped, named]);
    await reopen();
    expect(store.batches.unreferencedCount).toBe(3);
    expect(store.batches.getBatch(dropped[0])).toEqual(dropped[1]);
    await store.commitBlock({ ...toyBlock(1, CHAIN), batchBodies: [] });
    expect(store.batches.committedHeight(kept[0])).toBe(1);
    const keep = new Set([named[0]]);
    expect(await store.batches.collectGarbage({ storedBelowHeight: 0, keep })).toBe(0);
    expect(await store.batches.collectGarbage({ storedBelowHeight: 1, keep })).toBe(1);
    await reopen();
    expect(store.batches.getBatch(kept[0])).toEqual(kept[1]);
    expect(store.batches.getBatch(named[0])).toEqual(named[1]);
    expect(store.batches.getBatch(dropped[0])).toBeUndefined();
    expect(store.batches.has(dropped[0])).toBe(false);
    expect(store.batches.unreferencedCount).toBe(1);
  });

  test("a committed batch that is stored again is not collected", async () => {
    await genesis();
    await commit(1);
    const batch = batchOf(1);
    await Promise.all([store.batches.putBatches([batch]), store.batches.putBatches([batch])]);
    expect(store.batches.unreferencedCount).toBe(0);
    const racing = batchOf(2);
    await Promise.all([
      store.batches.putBatches([racing]),
      store.commitBlock(toyBlock(2, store.head.digest)),
    ]);
    await store.batches.collectGarbage({ storedBelowHeight: 1000, keep: new Set() });
    expect(store.batches.getBatch(batch[0])).toEqual(batch[1]);
    expect(store.batches.getBatch(racing[0])).toEqual(racing[1]);
    expect(store.batches.committedHeight(racing[0])).toBe(2);
  });

  test("a batch stored while it is collected is there afterwards", async () => {
    await genesis();
    const batch = batchOf(1);
    await store.batches.putBatches([batch]);
    const [removed] = await Promise.all([
      store.batches.collectGarbage({ storedBelowHeight: 1, keep: new Set() }),
      store.batches.putBatches([batch]),
    ]);
    expect(removed).toBe(1);
    expect(store.batches.getBatch(batch[0])).toEqual(batch[1]);
    expect(store.batches.has(batch[0])).toBe(true);
  });

  test("the first block that names a batch counts", async () => {
    await genesis();
    await commit(1);
    const block = toyBlock(2, store.head.digest);
    const batches = [batchOf(1)[0]];
    const header = utf8(
      JSON.stringify({
        height: 2,
        parentDigest: store.head.digest,
        stateRoot: block.stateRoot,
        batchDigests: batches,
      }),
    );
    const { digest } = readHeader(header);
    await store.commitBlock({ ...block, digest, header, batches, batchBodies: [] });
    expect(store.batches.committedHeight(batchOf(1)[0])).toBe(1);
  });

  test("too many that no block names are refused, and room comes back", async () => {
    await genesis();
    const many = Array.from({ length: 4096 }, (_, i) => batchOf(1000, i));
    await store.batches.putBatches(many);
    await expect(store.batches.putBatches([batchOf(1)])).rejects.toMatchObject({
      code: "BATCH_LIMIT",
    });
    const keep = new Set<string>();
    await store.batches.collectGarbage({ storedBelowHeight: 1, keep, limit: 1 });
    await store.batches.putBatches([batchOf(1)]);
    expect(store.batches.has(batchOf(1)[0])).toBe(true);
  });
});

describe("a chain that a snapshot began", () => {
  const base = toyBlock(40, hashOf("block 39"));
  const STATE = [
    ["account/38", utf8("opened")],
    ["member/A", utf8("a")],
  ] as const;

  async function begin(): Promise<void> {
    const { header, finalization } = base;
    const epochEnds = [utf8("end of epoch 0"), utf8("end of epoch 1")];
    const state = STATE.map((entry) => [entry]);
    await store.writeBase({ header, finalization, epochEnds, state });
  }

  test("has its header and certificate, its state, and nothing else of it or below", async () => {
    await begin();
    await reopen();
    expect(store.head).toEqual({ height: 40, digest: base.digest, stateRoot: base.stateRoot });
    expect(store.baseHeight).toBe(40);
    expect(store.earliestHeight).toBe(41);
    expect(store.header(40)).toEqual(base.header);
    expect(store.finalization(40)).toEqual(base.finalization);
    expect(store.heightOf(base.digest)).toBe(40);
    expect(await stateText()).toEqual({ "account/38": "opened", "member/A": "a" });
    expect(await store.receipts(40)).toBeUndefined();
    expect(await store.eventsAt(40)).toBeUndefined();
    expect(await store.events("genesis", 10)).toEqual([]);
    expect(store.header(39)).toBeUndefined();
    expect([0, 1, 2].map((epoch) => store.epochEnd(epoch)?.length)).toEqual([14, 14, undefined]);
  });

  test("goes on with the next block", async () => {
    await begin();
    await expect(store.commitBlock(toyBlock(42, base.digest))).rejects.toThrow(InvariantError);
    await expect(store.commitBlock(toyBlock(41, hashOf("other")))).rejects.toThrow(InvariantError);
    await commit(2);
    await reopen();
    expect(store.head.height).toBe(42);
    expect(store.baseHeight).toBe(40);
    expect((await store.receipts(41))?.length).toBe(2);
    expect((await store.events("genesis", 10)).map(({ height }) => height)).toEqual([
      41, 41, 41, 41, 42, 42, 42, 42,
    ]);
  });

  test("is begun once, and not where there is a genesis", async () => {
    await begin();
    await expect(begin()).rejects.toThrow(InvariantError);
    await reopen();
    await expect(genesis()).rejects.toThrow(InvariantError);
  });

  test("cut short while the state is written is still empty", async () => {
    const { header, finalization } = base;
    function* dying(): Generator<readonly (typeof STATE)[number][]> {
      yield [STATE[0]];
      throw new Error("crash");
    }
    const begun = store.writeBase({ header, finalization, epochEnds: [], state: dying() });
    await expect(begun).rejects.toThrow("crash");
    await reopen();
    expect(store.isEmpty).toBe(true);
    expect(store.baseHeight).toBe(0);
  });
});

test("a view of the state does not move with later blocks", async () => {
  await genesis();
  await commit(3);
  const before = await stateText();
  const view = store.state.view();
  await commit(3);
  const seen: Record<string, string> = {};
  for await (const [key, value] of view.entries()) seen[key] = fromUtf8(value);
  expect(seen).toEqual(before);
  expect((await view.head()).height).toBe(3);
  expect(await stateText()).not.toEqual(before);
  await view.close();
});

test("an open view does not keep the database from closing", async () => {
  await genesis();
  const view = store.state.view();
  const entries = view.entries();
  await entries.next();
  await database.close();
  await expect(
    (async () => {
      for await (const _ of view.entries());
    })(),
  ).rejects.toMatchObject({ code: "DB_CLOSED" });
  await reopen();
});
