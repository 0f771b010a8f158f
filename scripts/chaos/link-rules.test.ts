import fc from "fast-check";
import { expect, test } from "vitest";
import { CLEAR, cutOff, lossy, oneWay, slow, transitMs } from "./link-rules.ts";

const all = [0, 1, 2, 3];
const pairs = all.flatMap((from) => all.filter((to) => to !== from).map((to) => ({ from, to })));

test("a cut lets nothing across, in neither direction, and all else through", () => {
  const rules = cutOff([1, 3]);
  const open = pairs.filter(({ from, to }) => !rules(from, to).blocked);
  expect(open).toEqual([
    { from: 0, to: 2 },
    { from: 1, to: 3 },
    { from: 2, to: 0 },
    { from: 3, to: 1 },
  ]);
});

test("a one-way cut takes one direction of one validator's links", () => {
  const blocked = (lost: "sent" | "received") =>
    pairs.filter(({ from, to }) => oneWay(2, lost)(from, to).blocked);
  expect(blocked("sent")).toEqual(pairs.filter(({ from }) => from === 2));
  expect(blocked("received")).toEqual(pairs.filter(({ to }) => to === 2));
});

test("a delay stays within its jitter; a clear link takes no time", () => {
  fc.assert(
    fc.property(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (unit) => {
      const ms = transitMs(slow(300, 75)(0, 1), () => unit);
      expect(ms >= 225 && ms <= 375).toBe(true);
      expect(transitMs(CLEAR, () => unit)).toBe(0);
    }),
  );
});

test("a lost piece waits for each retransmission twice as long, and not for ever", () => {
  const draws = (...units: readonly number[]) => {
    let i = 0;
    return () => units[i++] ?? 1;
  };
  const rule = lossy(0.2)(0, 1);
  expect(transitMs(rule, draws(0.2))).toBe(0);
  expect(transitMs(rule, draws(0.19, 0.5))).toBe(200);
  expect(transitMs(rule, draws(0.1, 0.1, 0.5))).toBe(600);
  expect(transitMs(rule, () => 0)).toBe(200 + 400 + 800 + 1_600 + 3_200);
});
