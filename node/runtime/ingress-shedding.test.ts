import { expect, test } from "vitest";
import { present } from "../../primitives/assert.ts";
import { PendingTransactions } from "../dissemination/pending-transactions.ts";
import { admittedOf, digestOf, SAMPLE } from "../dissemination/test-transactions.ts";
import { MAX_QUEUE_AGE_MS, queueOverload, SHED_ABOVE } from "./ingress-shedding.ts";

const ROOM = { maxBytes: 1 << 30, maxTransactions: 100_000 };

function admittedTransactions(count: number) {
  return Array.from({ length: count }, (_, i) =>
    admittedOf({
      ...SAMPLE,
      txId: digestOf(String(i)),
      body: { ...SAMPLE.body, clientRef: `R-${i}` },
    }),
  );
}

/** A queue of so many, all admitted at time 0. */
function queueOf(count: number): PendingTransactions {
  const pending = new PendingTransactions(ROOM);
  for (const each of admittedTransactions(count)) expect(pending.admit(each, 0)).toBe(true);
  return pending;
}

test("a long queue that moves, and a short one that stands, are no overload", () => {
  expect(queueOverload(queueOf(SHED_ABOVE + 1), MAX_QUEUE_AGE_MS)).toBeUndefined();
  expect(queueOverload(queueOf(SHED_ABOVE), 60_000)).toBeUndefined();
  expect(queueOverload(new PendingTransactions(ROOM), 60_000)).toBeUndefined();
});

test("a long and old one is, and asks for more patience the older it is", () => {
  const pending = queueOf(SHED_ABOVE + 1);
  const soon = present(queueOverload(pending, MAX_QUEUE_AGE_MS + 1), "overload");
  const later = present(queueOverload(pending, MAX_QUEUE_AGE_MS + 3_000), "overload");
  expect(soon).toBeGreaterThan(0);
  expect(later).toBeGreaterThan(soon);
  expect(queueOverload(pending, 1e9)).toBeLessThanOrEqual(5_000);
});

test("it is over as soon as the oldest are settled", () => {
  const pending = new PendingTransactions(ROOM);
  const all = admittedTransactions(SHED_ABOVE + 2);
  const [first] = all;
  for (const [i, each] of all.entries()) pending.admit(each, i === 0 ? 0 : MAX_QUEUE_AGE_MS);
  const now = MAX_QUEUE_AGE_MS + 1;
  expect(queueOverload(pending, now)).toBeDefined();
  pending.settle([present(first, "oldest").checked.transaction.txId]);
  expect(queueOverload(pending, now)).toBeUndefined();
});
