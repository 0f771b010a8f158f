import { describe, expect, test } from "vitest";
import { utf8 } from "../bytes.ts";
import type { SignatureCheck } from "../verifier.ts";
import { MAX_BATCH_BYTES, MAX_MESSAGE_BYTES } from "./signature-slab.ts";
import { LaneQueue } from "./verification-lane.ts";

const LIMITS = { signatures: 1_000, bytes: 10_000_000 };

function checks(count: number, label: string, messageBytes = 20): SignatureCheck[] {
  return Array.from({ length: count }, (_, i) => {
    const message = new Uint8Array(messageBytes);
    message.set(utf8(`${label}${i}`));
    return { publicKey: new Uint8Array(32), message, signature: new Uint8Array(64) };
  });
}

/** The messages of the next batch, without their numbers. */
function nextBatch(queue: LaneQueue, limit = 256): string[] {
  const batch = queue.take(limit, 0);
  return (batch?.parts ?? []).flatMap(({ job, from, to }) =>
    Array.from({ length: to - from }, (_, i) => {
      const item = job.bytes.subarray(job.startOf(from + i), job.startOf(from + i + 1));
      const text = new TextDecoder().decode(item.subarray(96));
      return text.replace(/[\d\0]+/g, "");
    }),
  );
}

function countOf(batch: readonly string[], label: string): number {
  return batch.filter((one) => one === label).length;
}

describe("sources", () => {
  test("take turns: a small one does not wait behind a flood", () => {
    const queue = new LaneQueue("transaction", LIMITS);
    queue.admit(checks(500, "flood"), "HUGE", 0);
    queue.admit(checks(10, "small"), "SMALL", 1);
    queue.admit(checks(40, "other"), "OTHER", 2);
    const first = nextBatch(queue, 128);
    expect(countOf(first, "small")).toBe(10);
    expect(countOf(first, "other")).toBe(40);
    expect(countOf(first, "flood")).toBe(78);
    expect(nextBatch(queue)).toHaveLength(256);
  });

  test("keep their order within themselves", () => {
    const queue = new LaneQueue("transaction", LIMITS);
    queue.admit(checks(3, "first"), "A", 0);
    queue.admit(checks(3, "second"), "A", 0);
    expect(nextBatch(queue)).toEqual(["first", "first", "first", "second", "second", "second"]);
  });

  test("are forgotten when nothing of them is pending", () => {
    const queue = new LaneQueue("transaction", { signatures: 10, bytes: 10_000 });
    for (let i = 0; i < 50; i++) {
      queue.admit(checks(5, "x"), `source ${i}`, 0);
      const batch = queue.take(256, 0);
      if (batch !== undefined) queue.settle(batch, () => true);
    }
    expect(queue.stats()).toMatchObject({ pendingSignatures: 0, verifiedSignatures: 250 });
  });
});

describe("batches", () => {
  test("end where the slab's bytes end, with every signature in one of them", async () => {
    const queue = new LaneQueue("transaction", LIMITS);
    const job = queue.admit(checks(5, "long", MAX_MESSAGE_BYTES), undefined, 0);
    const sizes: number[] = [];
    for (let batch = queue.take(256, 0); batch !== undefined; batch = queue.take(256, 0)) {
      expect(batch.bytes).toBeLessThanOrEqual(MAX_BATCH_BYTES);
      sizes.push(batch.count);
      queue.settle(batch, () => true);
    }
    expect(sizes).toEqual([1, 1, 1, 1, 1]);
    expect(await job.promise).toEqual([true, true, true, true, true]);
  });

  test("report the bad signatures of named sources", () => {
    const queue = new LaneQueue("transaction", LIMITS);
    queue.admit(checks(4, "a"), "A", 0);
    queue.admit(checks(4, "b"), "B", 0);
    queue.admit(checks(4, "c"), undefined, 0);
    const batch = queue.take(256, 0);
    const bad = batch === undefined ? undefined : queue.settle(batch, (i) => i % 2 === 0 && i < 4);
    expect(bad).toEqual(
      new Map([
        ["A", 2],
        ["B", 4],
      ]),
    );
  });

  test("that failed run again before all others, and their call fails with them", async () => {
    const queue = new LaneQueue("vote", LIMITS);
    const job = queue.admit(checks(3, "first"), undefined, 0);
    const batch = queue.take(256, 0);
    queue.admit(checks(3, "second"), undefined, 0);
    if (batch !== undefined) queue.returnToFront(batch);
    expect(queue.hasFailed).toBe(true);
    expect(queue.take(256, 0)).toBe(batch);
    if (batch !== undefined) queue.fail(batch, new Error("no verdict"));
    await expect(job.promise).rejects.toThrow("no verdict");
    expect(queue.stats().pendingSignatures).toBe(3);
  });
});
