import { expect, test } from "vitest";
import { type Door, dueAt, sendOpenLoop } from "./open-loop.ts";
import type { Reply } from "./submit-door.ts";

const ADMITTED: Reply = { kind: "admitted" };
const prepared = Array.from({ length: 20 }, (_, i) => ({
  txId: String(i),
  body: Buffer.from(String(i)),
}));

test("no answer is waited for: all is sent before the first one comes", async () => {
  let sent = 0;
  let answer: ((reply: Reply) => void) | undefined;
  const answered = new Promise<Reply>((resolve) => {
    answer = resolve;
  });
  const door: Door = {
    submit() {
      sent += 1;
      // Only the last sending lets any answer come: a loop that waited would stand still here.
      if (sent === prepared.length) answer?.(ADMITTED);
      return answered;
    },
  };
  const sendings = await sendOpenLoop(prepared, 2_000, [door]);
  expect(sent).toBe(prepared.length);
  expect(sendings.map(({ txId }) => txId)).toEqual(prepared.map(({ txId }) => txId));
});

test("latency counts from the schedule, and nodes take turns", async () => {
  const taken: string[][] = [[], [], []];
  const doors = taken.map(
    (bodies): Door => ({
      async submit(body) {
        bodies.push(body.toString());
        return ADMITTED;
      },
    }),
  );
  const sendings = await sendOpenLoop(prepared, 1_000, doors);
  const start = sendings[0]?.intendedAt ?? Number.NaN;
  for (const [i, { intendedAt, sentAt }] of sendings.entries()) {
    expect(intendedAt).toBeCloseTo(dueAt(start, 1_000, i), 6);
    expect(sentAt).toBeGreaterThanOrEqual(intendedAt);
  }
  for (const [d, bodies] of taken.entries()) {
    expect(bodies).toEqual(prepared.map(({ txId }) => txId).filter((_, i) => i % 3 === d));
  }
});
