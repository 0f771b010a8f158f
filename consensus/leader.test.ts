import { expect, test } from "vitest";
import { leaderOf, leaderSchedule } from "./leader.ts";
import { CHAIN, digestOf } from "./testing/harness.ts";

test("every validator has the same number of turns", () => {
  for (const count of [4, 7, 25]) {
    const schedule = leaderSchedule(CHAIN, 0, CHAIN, count);
    expect([...schedule].sort((a, b) => a - b)).toEqual(
      Array.from({ length: count }, (_, index) => index),
    );
    expect(leaderOf(schedule, 3)).toBe(leaderOf(schedule, 3 + count));
  }
});

test("the order depends on chain, epoch and the closing block before", () => {
  const orders = [
    leaderSchedule(CHAIN, 0, CHAIN, 25),
    leaderSchedule(digestOf("another"), 0, CHAIN, 25),
    leaderSchedule(CHAIN, 1, CHAIN, 25),
    leaderSchedule(CHAIN, 0, digestOf("closing"), 25),
  ];
  expect(new Set(orders.map((order) => order.join())).size).toBe(4);
  expect(leaderSchedule(CHAIN, 0, CHAIN, 25)).toEqual(orders[0]);
});
