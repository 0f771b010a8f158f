import { expect, test } from "vitest";
import { ExecutionPace, LEAST_TRANSACTIONS } from "./execution-pace.ts";

const MOST = 4_096;

test("starts at the protocol's bound, and stays there on a fast machine", () => {
  const pace = new ExecutionPace(MOST);
  expect(pace.transactions).toBe(MOST);
  for (let i = 0; i < 20; i++) pace.observed(0.001, 1_000);
  expect(pace.transactions).toBe(MOST);
});

test("comes down to what fits when blocks take long, and up again after", () => {
  const pace = new ExecutionPace(MOST);
  for (let i = 0; i < 40; i++) pace.observed(0.04, 1_000);
  const slow = pace.transactions;
  expect(slow).toBeLessThan(MOST);
  expect(slow).toBeGreaterThan(LEAST_TRANSACTIONS);
  for (let i = 0; i < 60; i++) pace.observed(0.01, 1_000);
  expect(pace.transactions).toBe(MOST);
});

test("never below a full batch's share, whatever happened", () => {
  const pace = new ExecutionPace(MOST);
  for (let i = 0; i < 40; i++) pace.observed(30, 100);
  expect(pace.transactions).toBe(LEAST_TRANSACTIONS);
});

test("small and empty blocks say nothing", () => {
  const pace = new ExecutionPace(MOST);
  for (let i = 0; i < 40; i++) pace.observed(5, i % 16);
  expect(pace.transactions).toBe(MOST);
});
