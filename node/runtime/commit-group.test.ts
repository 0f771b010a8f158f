import { expect, test } from "vitest";
import { StateTree } from "../../primitives/merkle/state-tree.ts";
import { MAX_BATCH_BYTES } from "../dissemination/batch.ts";
import { batchOf, digestOf } from "../dissemination/test-transactions.ts";
import { MAX_BLOCKS_PER_COMMIT } from "../storage/block-store.ts";
import { CommitGroup, type FinalBlock, MAX_GROUP_BYTES } from "./commit-group.ts";
import { finalizationOf } from "./test-network.ts";

function block(height: number, batches = 0): FinalBlock {
  const batch = { ...batchOf(0, height), bytes: new Uint8Array(MAX_BATCH_BYTES) };
  const header = {
    version: 1,
    chainId: digestOf("chain"),
    epoch: 0,
    height,
    parentDigest: digestOf(`block ${height - 1}`),
    proposer: 0,
    timestampMs: height,
    batchDigests: [],
    stateRoot: digestOf("state"),
    receiptsRoot: digestOf("receipts"),
    evidence: [],
    nextValidators: undefined,
  } as const;
  return {
    digest: digestOf(`block ${height}`),
    header,
    batches: Array.from({ length: batches }, () => ({ batch, checked: undefined })),
    changes: new Map(),
    finalization: finalizationOf(header),
    result: {
      changes: [],
      receipts: [],
      receiptBytes: [],
      events: [],
      tree: StateTree.empty,
      stateRoot: header.stateRoot,
      receiptsRoot: header.receiptsRoot,
      closing: undefined,
    },
  };
}

test("holds blocks in order, up to their number, and is empty once taken", () => {
  const group = new CommitGroup();
  expect(group.isEmpty).toBe(true);
  expect(group.last).toBeUndefined();
  for (let height = 5; height < 5 + MAX_BLOCKS_PER_COMMIT; height++) {
    expect(group.isFull).toBe(false);
    group.add(block(height));
    expect(group.last?.header.height).toBe(height);
  }
  expect(group.isFull).toBe(true);
  expect(group.digestAt(5)).toBe(digestOf("block 5"));
  expect(group.digestAt(4)).toBeUndefined();
  const heights = group.take().map(({ header }) => header.height);
  expect(heights).toEqual(Array.from({ length: MAX_BLOCKS_PER_COMMIT }, (_, i) => 5 + i));
  expect(group.isEmpty).toBe(true);
  expect(group.isFull).toBe(false);
  expect(group.take()).toEqual([]);
});

test("is full at its share of bytes, and counts anew once taken", () => {
  const group = new CommitGroup();
  const half = MAX_GROUP_BYTES / MAX_BATCH_BYTES / 2;
  group.add(block(1, half));
  expect(group.isFull).toBe(false);
  group.add(block(2, half));
  expect(group.isFull).toBe(true);
  group.take();
  group.add(block(3, half));
  expect(group.isFull).toBe(false);
});
