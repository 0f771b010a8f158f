import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Batch } from "./batch.ts";
import { BatchPool, type VerifiedBatch } from "./batch-pool.ts";
import { batchOf, checkedOf, opaqueBatch } from "./test-transactions.ts";

const LIMITS = { maxBatches: 64, maxTransactions: 4096 };
const NONE: ReadonlySet<string> = new Set();
const SHARE_BYTES = 16 * 1024 * 1024;

function poolOfFour(self = 0): BatchPool {
  return new BatchPool({ weights: [1, 1, 1, 1], quorum: 3, self });
}

function verified(batch: Batch): VerifiedBatch {
  return { batch, checked: batch.transactions.map(({ transaction }) => checkedOf(transaction)) };
}

function names(pool: BatchPool, nowMs: number, excluded = NONE): readonly string[] {
  return pool.candidates(excluded, LIMITS, nowMs).map(({ batch }) => batch.digest);
}

describe("room", () => {
  test("each author has its own share of the bytes, exact to the byte", () => {
    const pool = poolOfFour();
    expect(pool.add(verified(opaqueBatch(1, "a", SHARE_BYTES - 100)), 0)).toBe(true);
    expect(pool.hasRoom(1, 101)).toBe(false);
    expect(pool.add(verified(opaqueBatch(1, "b", 101)), 0)).toBe(false);
    expect(pool.add(verified(opaqueBatch(1, "c", 100)), 0)).toBe(true);
    expect(pool.hasRoom(1, 1)).toBe(false);
    expect(pool.add(verified(opaqueBatch(2, "d", SHARE_BYTES)), 0)).toBe(true);
    expect(pool.bytes).toBe(2 * SHARE_BYTES);
    pool.remove([opaqueBatch(1, "c").digest]);
    expect(pool.hasRoom(1, 100)).toBe(true);
    expect(pool.bytes).toBe(2 * SHARE_BYTES - 100);
  });

  test("small batches are bounded in number", () => {
    const pool = poolOfFour();
    let kept = 0;
    while (kept < 10_000 && pool.add(verified(opaqueBatch(1, `b${kept}`, 50)), 0)) kept += 1;
    expect(kept).toBe(4096);
    expect(pool.hasRoom(1, 50)).toBe(false);
    expect(pool.hasRoom(2, 50)).toBe(true);
  });

  test("an author outside the set has no room", () => {
    const pool = poolOfFour();
    expect(pool.hasRoom(4, 1)).toBe(false);
    expect(pool.add(verified(opaqueBatch(63, "x")), 0)).toBe(false);
    expect(pool.size).toBe(0);
  });

  test("law: bytes and size are those of what is in it", () => {
    const batches = Array.from({ length: 16 }, (_, i) =>
      opaqueBatch(i % 4, `law ${i}`, 1 + i * 700_000),
    );
    const action = fc.tuple(fc.boolean(), fc.nat(batches.length - 1));
    fc.assert(
      fc.property(fc.array(action, { maxLength: 60 }), (actions) => {
        const pool = poolOfFour();
        const model = new Set<Batch>();
        for (const [isAdded, index] of actions) {
          const batch = batches[index];
          if (batch === undefined) continue;
          if (!isAdded) {
            pool.remove([batch.digest]);
            model.delete(batch);
          } else if (pool.add(verified(batch), 0)) model.add(batch);
          expect(pool.size).toBe(model.size);
          expect(pool.bytes).toBe([...model].reduce((sum, { bytes }) => sum + bytes.length, 0));
          expect(pool.digests()).toEqual(new Set([...model].map(({ digest }) => digest)));
          for (const author of [0, 1, 2, 3]) {
            const own = [...model].filter((each) => each.author === author);
            const used = own.reduce((sum, { bytes }) => sum + bytes.length, 0);
            expect(used).toBeLessThanOrEqual(SHARE_BYTES);
          }
        }
      }),
      { numRuns: 100 },
    );
  });
});

describe("what goes into a block", () => {
  test("a batch that a quorum holds at once, any other after a while", () => {
    const pool = poolOfFour(0);
    const batch = batchOf(1, 1);
    pool.add(verified(batch), 1000);
    expect(names(pool, 1000)).toEqual([]);
    pool.noteHolder(batch.digest, 1);
    expect(names(pool, 1000)).toEqual([]);
    pool.noteHolder(batch.digest, 2);
    expect(names(pool, 1000)).toEqual([batch.digest]);
    const lonely = batchOf(3, 1);
    pool.add(verified(lonely), 1000);
    expect(names(pool, 1249)).toEqual([batch.digest]);
    expect(names(pool, 1250)).toContain(lonely.digest);
  });

  test("holders count with their weight, once each", () => {
    const pool = new BatchPool({ weights: [1, 3, 3, 3], quorum: 7, self: 0 });
    const batch = batchOf(1, 1);
    pool.add(verified(batch), 0);
    for (let i = 0; i < 5; i++) pool.noteHolder(batch.digest, 0);
    pool.noteHolder(batch.digest, 99);
    expect(names(pool, 0)).toEqual([]);
    pool.noteHolder(batch.digest, 2);
    expect(names(pool, 0)).toEqual([batch.digest]);
  });

  test("acknowledgements that come before the batch count", () => {
    const pool = poolOfFour(0);
    const batch = batchOf(1, 1);
    pool.noteHolder(batch.digest, 2);
    pool.add(verified(batch), 0);
    expect(names(pool, 0)).toEqual([batch.digest]);
    expect(pool.earlyHaves).toBe(0);
  });

  test("early acknowledgements are bounded, the oldest give way", () => {
    const pool = poolOfFour(0);
    const first = batchOf(1, 1);
    pool.noteHolder(first.digest, 2);
    for (let i = 0; i < 5000; i++) pool.noteHolder(opaqueBatch(2, `h${i}`, 40).digest, 3);
    expect(pool.earlyHaves).toBe(4096);
    pool.add(verified(first), 0);
    expect(names(pool, 0)).toEqual([]);
  });

  test("not what is excluded, not more than the bounds", () => {
    const pool = poolOfFour(0);
    const batches = [0, 1, 2].map((i) => batchOf(0, i, 3));
    for (const batch of batches) pool.add(verified(batch), 0);
    const digests = batches.map(({ digest }) => digest);
    expect(names(pool, 1000)).toEqual(digests);
    expect(names(pool, 1000, new Set(digests.slice(0, 1)))).toEqual(digests.slice(1));
    const two = pool.candidates(NONE, { maxBatches: 2, maxTransactions: 100 }, 1000);
    expect(two.map(({ batch }) => batch.digest)).toEqual(digests.slice(0, 2));
    const eight = pool.candidates(NONE, { maxBatches: 64, maxTransactions: 8 }, 1000);
    expect(eight.map(({ batch }) => batch.digest)).toEqual(digests.slice(0, 2));
  });

  test("a flooding author delays nobody: every author has a turn in every block", () => {
    const pool = poolOfFour(0);
    for (let i = 0; i < 1000; i++) pool.add(verified(opaqueBatch(3, `f${i}`, 100)), 0);
    const late = [batchOf(0, 1), batchOf(1, 1), batchOf(2, 1)];
    for (const batch of late) pool.add(verified(batch), 1);
    for (let block = 0; block < 8; block++) {
      const chosen = pool.candidates(NONE, { maxBatches: 4, maxTransactions: 4096 }, 1000);
      const authors = chosen.map(({ batch }) => batch.author);
      expect(new Set(authors)).toEqual(new Set([0, 1, 2, 3]));
    }
  });

  test("one that does not fit keeps its author's later ones behind it", () => {
    const pool = poolOfFour(0);
    const [large, small, other] = [batchOf(1, 1, 5), batchOf(1, 2, 1), batchOf(2, 1, 1)];
    for (const batch of [large, small, other]) pool.add(verified(batch), 0);
    const chosen = pool.candidates(NONE, { maxBatches: 64, maxTransactions: 4 }, 1000);
    expect(chosen.map(({ batch }) => batch.digest)).toEqual([other.digest]);
  });
});

test("own batches that somebody does not have, oldest first", () => {
  const pool = poolOfFour(0);
  const [own, foreign, young] = [batchOf(0, 1), batchOf(1, 1), batchOf(0, 2)];
  pool.add(verified(own), 0);
  pool.add(verified(foreign), 0);
  pool.add(verified(young), 900);
  pool.noteHolder(own.digest, 2);
  expect(pool.unacknowledged(1000, 1000)).toEqual([{ batch: own, missing: [1, 3] }]);
  expect(pool.unacknowledged(1000, 1900).map(({ batch }) => batch)).toEqual([own, young]);
  for (const peer of [1, 3]) pool.noteHolder(own.digest, peer);
  expect(pool.unacknowledged(1000, 1000)).toEqual([]);
});

test("what is removed is gone, with early acknowledgements of it", () => {
  const pool = poolOfFour(0);
  const batch = batchOf(1, 1);
  pool.noteHolder(batch.digest, 2);
  pool.remove([batch.digest]);
  expect(pool.earlyHaves).toBe(0);
  pool.add(verified(batch), 0);
  expect(pool.get(batch.digest)?.batch).toBe(batch);
  expect(pool.add(verified(batch), 0)).toBe(true);
  pool.remove([batch.digest, batch.digest]);
  expect(pool.has(batch.digest)).toBe(false);
  expect([pool.size, pool.bytes]).toEqual([0, 0]);
});

describe("when the validators change", () => {
  test("what waits of one that left is still proposed, and no more is taken from it", () => {
    const pool = poolOfFour(0);
    const [left, stayed, late] = [batchOf(3, 1), batchOf(1, 1), batchOf(3, 2)];
    for (const batch of [left, stayed]) pool.add(verified(batch), 0);
    pool.setValidators(new Map([0, 1, 2, 9].map((number) => [number, 1])), 3);
    expect([pool.isAuthor(3), pool.hasRoom(3, 1), pool.add(verified(late), 0)]).toEqual([
      false,
      false,
      false,
    ]);
    expect(new Set(names(pool, 1000))).toEqual(new Set([left.digest, stayed.digest]));
    pool.remove([left.digest]);
    expect(names(pool, 1000)).toEqual([stayed.digest]);
    expect(pool.bytes).toBe(stayed.bytes.length);
  });

  test("one that joins has a share, and its acknowledgements count", () => {
    const pool = poolOfFour(0);
    expect(pool.hasRoom(9, 1)).toBe(false);
    pool.setValidators(new Map([0, 1, 2, 9].map((number) => [number, 1])), 3);
    const batch = batchOf(9, 1);
    expect(pool.add(verified(batch), 0)).toBe(true);
    // Self, author, and one that has gone.
    pool.noteHolder(batch.digest, 3);
    expect(names(pool, 0)).toEqual([]);
    pool.noteHolder(batch.digest, 2);
    expect(names(pool, 0)).toEqual([batch.digest]);
    expect(pool.unacknowledged(1000, 5000)).toEqual([]);
    const own = batchOf(0, 1);
    pool.add(verified(own), 0);
    expect(pool.unacknowledged(1000, 5000)).toEqual([{ batch: own, missing: [1, 2, 9] }]);
  });
});
