import { expect, test } from "vitest";
import { BadSignatureBudget } from "./bad-signature-budget.ts";

const limits = { burst: 10, perSecond: 2 };

test("a source is heard until its burst is spent, and again when enough is forgiven", () => {
  const budget = new BadSignatureBudget(limits);
  expect(budget.waitMs("A", 0)).toBe(0);
  budget.spend("A", 9, 0);
  expect(budget.waitMs("A", 0)).toBe(0);
  budget.spend("A", 1, 0);
  expect(budget.waitMs("A", 0)).toBe(500);
  expect(budget.waitMs("A", 499)).toBeGreaterThan(0);
  expect(budget.waitMs("A", 500)).toBe(0);
});

test("sources are counted apart", () => {
  const budget = new BadSignatureBudget(limits);
  budget.spend("A", 100, 0);
  expect(budget.waitMs("B", 0)).toBe(0);
});

test("a flood that was in flight costs no more than twice the burst", () => {
  const budget = new BadSignatureBudget(limits);
  for (let i = 0; i < 100; i++) budget.spend("A", 1_000, 0);
  expect(budget.waitMs("A", 0)).toBe(5_500);
});

test("remembers a bounded number of sources, the latest ones", () => {
  const budget = new BadSignatureBudget(limits);
  for (let i = 0; i < 5_000; i++) budget.spend(`source ${i}`, 10, 0);
  expect(budget.waitMs("source 0", 0)).toBe(0);
  expect(budget.waitMs("source 4999", 0)).toBeGreaterThan(0);
});
