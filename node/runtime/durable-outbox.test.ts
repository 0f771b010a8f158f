import fc from "fast-check";
import { expect, test } from "vitest";
import { DurableOutbox, type GatedEffect } from "./durable-outbox.ts";

const record = (n: number): Uint8Array => Uint8Array.of(n);
const effect = (requestId: number): GatedEffect => ({
  type: "serveBlocks",
  to: 0,
  requestId,
  fromHeight: 1,
  count: 1,
});

function harness() {
  const durable: number[] = [];
  const released: { id: number; durable: number[] }[] = [];
  const writes: { records: number[]; done: () => void; fail: (error: Error) => void }[] = [];
  const fatal: unknown[] = [];
  const outbox = new DurableOutbox({
    append: (records) =>
      new Promise((resolve, reject) => {
        const numbers = records.map((bytes) => bytes[0] ?? -1);
        writes.push({
          records: numbers,
          done: () => {
            durable.push(...numbers);
            resolve();
          },
          fail: reject,
        });
      }),
    release: (gated) => {
      if (gated.type === "serveBlocks") {
        released.push({ id: gated.requestId, durable: [...durable] });
      }
    },
    fatal: (error) => fatal.push(error),
    wrote: () => {},
  });
  return { outbox, durable, released, writes, fatal };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test("nothing to wait for: released at once", () => {
  const { outbox, released } = harness();
  outbox.gate(effect(1));
  expect(released.map(({ id }) => id)).toEqual([1]);
});

test("records that come during a write are not taken for durable with it", async () => {
  const { outbox, released, writes } = harness();
  outbox.persist([record(1)]);
  await turn();
  outbox.persist([record(2)]);
  outbox.gate(effect(2));
  writes[0]?.done();
  await turn();
  expect(released).toEqual([]);
  expect(writes[1]?.records).toEqual([2]);
  writes[1]?.done();
  await turn();
  expect(released).toEqual([{ id: 2, durable: [1, 2] }]);
});

test("a failed write is fatal and releases nothing", async () => {
  const { outbox, released, writes, fatal } = harness();
  outbox.persist([record(1)]);
  outbox.gate(effect(1));
  await turn();
  writes[0]?.fail(new Error("EIO"));
  await turn();
  expect(fatal).toHaveLength(1);
  outbox.persist([record(2)]);
  outbox.gate(effect(2));
  await turn();
  expect(released).toEqual([]);
});

test("after the stop nothing is released, not even what waits for nothing", async () => {
  const { outbox, released, writes } = harness();
  outbox.persist([record(1)]);
  outbox.gate(effect(1));
  await turn();
  const stopped = outbox.stop();
  outbox.gate(effect(2));
  writes[0]?.done();
  await stopped;
  outbox.persist([record(2)]);
  outbox.gate(effect(3));
  await turn();
  expect(released).toEqual([]);
  expect(writes).toHaveLength(1);
});

test("a disk that never answers is fatal before memory runs out", () => {
  const { outbox, fatal } = harness();
  outbox.persist([record(1)]);
  for (let i = 0; i < 70_000 && fatal.length === 0; i++) outbox.gate(effect(i));
  expect(fatal).toMatchObject([{ code: "JOURNAL_STALLED" }]);
});

test("law: every effect is released once, in order, after all records persisted before it", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.constantFrom("persist", "gate", "complete", "turn"), { maxLength: 60 }),
      async (actions) => {
        const { outbox, released, writes } = harness();
        let nextRecord = 0;
        const expected: { id: number; needs: number }[] = [];
        let completed = 0;
        const complete = async (): Promise<void> => {
          writes[completed]?.done();
          if (writes[completed] !== undefined) completed += 1;
          await turn();
        };
        for (const action of actions) {
          if (action === "persist") outbox.persist([record(nextRecord++)]);
          else if (action === "gate") {
            expected.push({ id: expected.length, needs: nextRecord });
            outbox.gate(effect(expected.length - 1));
          } else if (action === "complete") await complete();
          else await turn();
        }
        await turn();
        while (completed < writes.length) await complete();
        expect(released.map(({ id }) => id)).toEqual(expected.map(({ id }) => id));
        for (const [i, { needs }] of expected.entries()) {
          expect(released[i]?.durable.length).toBeGreaterThanOrEqual(needs);
        }
      },
    ),
    { numRuns: 200 },
  );
});
