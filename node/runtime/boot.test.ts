import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { headerDigest } from "../../consensus/header.ts";
import type { Anchor } from "../../consensus/types.ts";
import { chainIdOf, genesisEntries } from "../../ledger/genesis.ts";
import { present } from "../../primitives/assert.ts";
import { Database } from "../storage/database.ts";
import { stateKey } from "../storage/keyspace.ts";
import { createStorage, openStorage } from "./boot.ts";
import { dataPaths } from "./data-paths.ts";
import { anchorOf } from "./epoch-ends.ts";
import {
  batchFrom,
  finalizationOf,
  networkGenesis,
  TestNode,
  transactionFor,
} from "./test-network.ts";

const genesis = networkGenesis();
const chainId = chainIdOf(genesis);

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "mizan-boot-"));
  await createStorage(directory, genesis, 1_700_000_000_000);
});

afterEach(() => rm(directory, { recursive: true }));

async function opened(): Promise<TestNode> {
  return TestNode.open(0, genesis, directory);
}

function anchorIn({ storage: { blocks, committed } }: TestNode): Anchor {
  return anchorOf(blocks, committed, committed.head);
}

async function tamper(change: (put: Map<Uint8Array, Uint8Array | null>) => void): Promise<void> {
  const { database: path } = dataPaths(directory);
  const database = await Database.open({ directory: path, chainId });
  const changes = new Map<Uint8Array, Uint8Array | null>();
  change(changes);
  await database.write((batch) => {
    for (const [key, value] of changes) {
      if (value === null) batch.delete(key);
      else batch.put(key, value);
    }
  });
  await database.close();
}

async function commitOne(node: TestNode, name: string): Promise<void> {
  await node.hold(batchFrom(0, node.head.height + 1, [transactionFor(genesis, name)]));
  const header = present(await node.build(), "a block");
  await node.application.commit([{ headers: [header], finalization: finalizationOf(header) }]);
}

test("a new node starts at genesis, with an empty journal", async () => {
  const { database, blocks, journal, records, committed } = await openStorage(directory, genesis);
  expect(records).toEqual([]);
  expect(blocks.head.height).toBe(0);
  expect(committed.head).toMatchObject({ height: 0, digest: chainId, epoch: 0 });
  expect(committed.size).toBe(genesisEntries(genesis).length);
  expect(anchorOf(blocks, committed, committed.head)).toEqual({
    height: 0,
    view: 0,
    digest: chainId,
    timestampMs: genesis.genesisTimeMs,
  });
  await journal.close();
  await database.close();
});

test("what exists is never overwritten", async () => {
  const node = await opened();
  await commitOne(node, "A");
  const { head } = node;
  await node.close();
  await expect(createStorage(directory, genesis, 2)).rejects.toThrow();
  const again = await opened();
  expect(again.head).toEqual(head);
  await again.close();
});

test("a head with its own finalization is an anchor with a view", async () => {
  const node = await opened();
  const header = present(await node.build(), "a block");
  const finalization = finalizationOf(header, 17);
  await node.application.commit([{ headers: [header], finalization: finalization }]);
  await node.close();
  const again = await opened();
  expect(anchorIn(again)).toEqual({
    height: 1,
    view: 17,
    digest: headerDigest(header),
    timestampMs: header.timestampMs,
    finalization,
  });
  await again.close();
});

test("a head that is final by a descendant claims no view", async () => {
  const node = await opened();
  const header = present(await node.build(), "a block");
  const child = present(await node.build(header), "a block");
  // The process ended after the first block of the range.
  await node.application.commit([{ headers: [header], finalization: finalizationOf(child, 17) }]);
  await node.close();
  const again = await opened();
  expect(anchorIn(again)).toEqual({
    height: 1,
    view: 0,
    digest: headerDigest(header),
    timestampMs: header.timestampMs,
  });
  await again.close();
});

test.each(["flipped", "missing", "added"] as const)(
  "a state entry that was %s is found, and nothing stays locked",
  async (how) => {
    const node = await opened();
    await commitOne(node, "A");
    const key = "account/SGLA-A";
    const value = present(node.storage.committed.get(key), "account");
    await node.close();
    await tamper((changes) => {
      if (how === "missing") changes.set(stateKey(key), null);
      else if (how === "added") changes.set(stateKey("account/SGLA-X"), value);
      else
        changes.set(
          stateKey(key),
          Uint8Array.from(value, (byte, i) => byte ^ (i === 3 ? 1 : 0)),
        );
    });
    await expect(openStorage(directory, genesis)).rejects.toThrow("state entries have root");
    await tamper((changes) => {
      changes.set(stateKey(key), value);
      changes.set(stateKey("account/SGLA-X"), null);
    });
    const again = await opened();
    expect(again.head.height).toBe(1);
    await again.close();
  },
);

test("the data of another chain is refused", async () => {
  const other = networkGenesis({ networkName: "other" });
  await expect(openStorage(directory, other)).rejects.toThrow();
  const node = await opened();
  await node.close();
});

test("a missing journal is not replaced by an empty one", async () => {
  await rm(dataPaths(directory).journal, { recursive: true });
  await expect(openStorage(directory, genesis)).rejects.toThrow();
  await expect(openStorage(directory, genesis)).rejects.toThrow();
});
