import { beforeEach, expect, test } from "vitest";
import { utf8 } from "../../primitives/bytes.ts";
import { StateTree } from "../../primitives/merkle/state-tree.ts";
import { digestOf } from "../dissemination/test-transactions.ts";
import { CommittedState } from "./committed-state.ts";
import { type ExecutedBlock, ExecutedBlocks, MAX_EXECUTED } from "./executed-blocks.ts";
import { isSettled } from "./test-network.ts";

const GENESIS = digestOf("genesis");
const ENTRIES = [
  ["a", utf8("a0")],
  ["b", utf8("b0")],
] as const;

let committed: CommittedState;
let blocks: ExecutedBlocks;

beforeEach(() => {
  const stateRoot = StateTree.from(ENTRIES).root;
  const head = { height: 0, digest: GENESIS, timestampMs: 0, epoch: 0, stateRoot };
  committed = new CommittedState(ENTRIES, head);
  blocks = new ExecutedBlocks(committed);
});

interface Parent {
  readonly digest: string;
  readonly height: number;
  readonly tree: StateTree;
}

function block(
  name: string,
  parent: Parent,
  changes: readonly (readonly [string, string | null])[] = [],
): ExecutedBlock & Parent {
  const written = changes.map(
    ([key, value]) => [key, value === null ? null : utf8(value)] as const,
  );
  const tree = parent.tree.update(written);
  const height = parent.height + 1;
  const [digest, stateRoot, receiptsRoot] = [digestOf(name), tree.root, digestOf("none")];
  return {
    digest,
    height,
    tree,
    header: {
      version: 1,
      chainId: GENESIS,
      epoch: 0,
      height,
      parentDigest: parent.digest,
      proposer: 0,
      timestampMs: height,
      batchDigests: [],
      stateRoot,
      receiptsRoot,
      evidence: [],
      nextValidators: undefined,
    },
    batches: [],
    changes: new Map(written),
    result: {
      changes: written,
      receipts: [],
      receiptBytes: [],
      events: [],
      tree,
      stateRoot,
      receiptsRoot,
      closing: undefined,
    },
  };
}

function root(): Parent {
  return { digest: GENESIS, height: 0, tree: committed.tree };
}

function advance(to: ExecutedBlock): void {
  const { height, timestampMs, epoch, stateRoot } = to.header;
  const head = { height, digest: to.digest, timestampMs, epoch, stateRoot };
  committed.advance(head, to.changes, to.result.tree);
  blocks.prune();
}

function read(digest: string, ...keys: readonly string[]): readonly (string | undefined)[] {
  const state = blocks.stateAfter(digest);
  return keys.map((key) => {
    const value = state?.reader.get(key);
    return value && Buffer.from(value).toString();
  });
}

test("the newest change on the way down counts, deletions too", () => {
  const first = block("1", root(), [
    ["a", "a1"],
    ["c", "c1"],
  ]);
  const second = block("2", first, [
    ["b", null],
    ["c", null],
  ]);
  const third = block("3", second, [["c", "c3"]]);
  for (const each of [first, second, third]) blocks.add(each);
  expect(read(GENESIS, "a", "b", "c")).toEqual(["a0", "b0", undefined]);
  expect(read(first.digest, "a", "b", "c")).toEqual(["a1", "b0", "c1"]);
  expect(read(second.digest, "a", "b", "c")).toEqual(["a1", undefined, undefined]);
  expect(read(third.digest, "a", "b", "c")).toEqual(["a1", undefined, "c3"]);
  expect(blocks.stateAfter(third.digest)?.tree.root).toBe(third.tree.root);
  expect(blocks.stateAfter(GENESIS)?.tree.root).toBe(committed.tree.root);
});

test("branches do not see one another", () => {
  const left = block("left", root(), [["a", "left"]]);
  const right = block("right", root(), [["b", null]]);
  blocks.add(left);
  blocks.add(right);
  expect(read(left.digest, "a", "b")).toEqual(["left", "b0"]);
  expect(read(right.digest, "a", "b")).toEqual(["a0", undefined]);
});

test("a state can be had only above the head, over an unbroken chain", () => {
  const first = block("1", root());
  const second = block("2", first);
  blocks.add(second);
  expect(blocks.stateAfter(second.digest)).toBeUndefined();
  blocks.add(first);
  expect(blocks.chainTo(second.digest)).toEqual([second, first]);
  expect(blocks.chainTo(GENESIS)).toEqual([]);
});

test("when the head moves, its chain stays readable and the other branches go", () => {
  const first = block("1", root(), [["a", "a1"]]);
  const second = block("2", first, [["b", "b2"]]);
  const lost = block("lost", root(), [["a", "lost"]]);
  const child = block("child", lost);
  for (const each of [first, second, lost, child]) blocks.add(each);
  advance(first);
  expect(read(second.digest, "a", "b")).toEqual(["a1", "b2"]);
  expect(blocks.get(first.digest)).toBeUndefined();
  expect(blocks.stateAfter(lost.digest)).toBeUndefined();
  expect(blocks.stateAfter(child.digest)).toBeUndefined();
  expect(blocks.stateAfter(GENESIS)).toBeUndefined();
  advance(second);
  expect(blocks.size).toBe(0);
});

test("waiting ends when the block is executed", async () => {
  const first = block("1", root());
  const waiting = [blocks.whenExecuted(first.digest, 1), blocks.whenExecuted(first.digest, 1)];
  expect(await isSettled(Promise.race(waiting))).toBe(false);
  blocks.add(first);
  expect(await Promise.all(waiting)).toEqual([true, true]);
  expect(await blocks.whenExecuted(first.digest, 1)).toBe(true);
});

test("waiting for a block above a missing one goes on until that is there too", async () => {
  const first = block("1", root());
  const second = block("2", first);
  const waiting = blocks.whenExecuted(second.digest, 2);
  blocks.add(second);
  expect(await isSettled(waiting)).toBe(false);
  blocks.add(first);
  advance(first);
  expect(await isSettled(waiting)).toBe(false);
  advance(second);
  expect(await waiting).toBe(true);
});

test("waiting ends in vain when the head comes to that height with another block", async () => {
  const first = block("1", root());
  const second = block("2", first);
  const lost = blocks.whenExecuted(digestOf("lost"), 1);
  const later = blocks.whenExecuted(digestOf("later"), 2);
  blocks.add(first);
  blocks.add(second);
  advance(first);
  expect(await lost).toBe(false);
  expect(await isSettled(later)).toBe(false);
  advance(second);
  expect(await later).toBe(false);
  expect(await blocks.whenExecuted(GENESIS, 0)).toBe(false);
});

test("the number is bounded: the oldest that nothing stands on gives way", () => {
  const base = block("base", root());
  const tip = block("tip", base);
  blocks.add(base);
  const first = block("leaf 0", root());
  blocks.add(first);
  blocks.add(tip);
  for (let i = 1; i < MAX_EXECUTED - 1; i++) blocks.add(block(`leaf ${i}`, root()));
  expect(blocks.size).toBe(MAX_EXECUTED);
  expect(blocks.get(base.digest)).toBe(base);
  expect(blocks.get(first.digest)).toBeUndefined();
  // The oldest leaf does not go for its own child.
  blocks.add(block("on tip", tip));
  expect(blocks.chainTo(digestOf("on tip"))).toHaveLength(3);
  expect(blocks.get(digestOf("leaf 1"))).toBeUndefined();
});

test("a block that will be applied does not give way, old and without a child as it may be", () => {
  const final = block("final", root());
  blocks.add(final);
  blocks.keepUntilApplied(final.digest);
  for (let i = 0; i < MAX_EXECUTED; i++) blocks.add(block(`leaf ${i}`, root()));
  expect(blocks.size).toBe(MAX_EXECUTED);
  expect(blocks.get(final.digest)).toBe(final);
  advance(final);
  expect(blocks.size).toBe(0);
  expect(() => blocks.keepUntilApplied(final.digest)).toThrow("executed before it is applied");
});
