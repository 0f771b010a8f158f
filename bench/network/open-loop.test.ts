import { expect, test } from "vitest";
import { type Door, dueAt, sendOpenLoop } from "./open-loop.ts";
import type { Reply } from "./submit-door.ts";

const ADMITTED: Reply = { kind: "admitted" };
const prepared = Array.from({ length: 20 }, (_, i) => ({ txId: String(i), text: `text ${i}` }));

test("no answer is waited for: all is sent before the first one comes", async () => {
  let sent = 0;
  const { promise, resolve } = Promise.withResolvers<void>();
  const door: Door = {
    async submit(texts) {
      sent += texts.length;
      // Only the last sending lets any answer come: a loop that waited would stand still here.
      if (sent === prepared.length) resolve();
      await promise;
      return texts.map(() => ADMITTED);
    },
  };
  const sendings = await sendOpenLoop(prepared, 2_000, [door], 3);
  expect(sent).toBe(prepared.length);
  expect(sendings.map(({ txId }) => txId)).toEqual(prepared.map(({ txId }) => txId));
});

test("latency counts from the schedule; nodes take turns; each reply is its sending's own", async () => {
  const taken: string[][][] = [[], [], []];
  const doors = taken.map(
    (calls): Door => ({
      async submit(texts) {
        calls.push([...texts]);
        return texts.map((reason) => ({ kind: "refused", reason }));
      },
    }),
  );
  const sendings = await sendOpenLoop(prepared, 1_000, doors, 4);
  const start = sendings[0]?.intendedAt ?? Number.NaN;
  for (const [i, { intendedAt, sentAt, reply }] of sendings.entries()) {
    expect(intendedAt).toBeCloseTo(dueAt(start, 1_000, i), 6);
    expect(sentAt).toBeGreaterThanOrEqual(intendedAt);
    expect(reply).toEqual({ kind: "refused", reason: `text ${i}` });
  }
  const calls = taken.flat();
  expect(calls.every(({ length }) => length >= 1 && length <= 4)).toBe(true);
  expect(calls.flat().toSorted()).toEqual(prepared.map(({ text }) => text).toSorted());
  const counts = taken.map(({ length }) => length);
  expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
});
