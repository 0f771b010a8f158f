import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { outcomeOf } from "../../ledger/outcome.ts";
import type { Receipt } from "../../ledger/receipt.ts";
import type { WaitResult } from "../api/ports.ts";
import { digestOf } from "../dissemination/test-transactions.ts";
import { TransactionWaiters } from "./transaction-waiters.ts";

const TX = digestOf("tx");
const NEVER_RAISED = new AbortController().signal;

function receipt(txId: string, executed = true): Receipt {
  return {
    txId,
    member: "HBL",
    clientRef: "ref",
    kind: "open-account",
    height: 5,
    index: 0,
    executed,
    outcome: outcomeOf(executed ? "APPLIED" : "TX_BAD_SIGNATURE"),
    field: undefined,
    first: undefined,
    eventCount: 0,
    moments: undefined,
  };
}

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

test("all who wait for a transaction are told of its receipt", async () => {
  const waiters = new TransactionWaiters();
  const waits = [1, 2].map(() => waiters.wait(TX, 5, 1000, NEVER_RAISED));
  const other = waiters.wait(digestOf("other"), 10, 1000, NEVER_RAISED);
  expect(waiters.size).toBe(3);
  const committed = receipt(TX);
  // At its last height: committed and not expired.
  waiters.applied(5, [receipt(digestOf("third")), committed]);
  expect(await Promise.all(waits)).toEqual([
    { kind: "committed", receipt: committed },
    { kind: "committed", receipt: committed },
  ]);
  expect(waiters.size).toBe(1);
  waiters.applied(10, []);
  expect(await other).toEqual({ kind: "expired" });
  expect([waiters.size, vi.getTimerCount()]).toEqual([0, 0]);
});

test("a refused copy of the transaction ends no wait", async () => {
  const waiters = new TransactionWaiters();
  const wait = waiters.wait(TX, 9, 1000, NEVER_RAISED);
  waiters.applied(5, [receipt(TX, false)]);
  expect(waiters.size).toBe(1);
  waiters.applied(6, [receipt(TX)]);
  expect(await wait).toMatchObject({ kind: "committed" });
});

test("expiry is the block of its last height; without one only time ends the wait", async () => {
  const waiters = new TransactionWaiters();
  const wait = waiters.wait(TX, 7, 1000, NEVER_RAISED);
  const unknown = waiters.wait(digestOf("unknown"), undefined, 1000, NEVER_RAISED);
  waiters.applied(6, []);
  expect(waiters.size).toBe(2);
  waiters.applied(7, []);
  expect(await wait).toEqual({ kind: "expired" });
  waiters.applied(1_000_000, []);
  expect(waiters.size).toBe(1);
  vi.advanceTimersByTime(1000);
  expect(await unknown).toEqual({ kind: "elapsed" });
});

test("time, an abort and an abort before the start end a wait", async () => {
  const waiters = new TransactionWaiters();
  const late = waiters.wait(TX, 7, 1000, NEVER_RAISED);
  const controller = new AbortController();
  const aborted = waiters.wait(TX, 7, 1000, controller.signal);
  controller.abort();
  expect(await aborted).toEqual({ kind: "elapsed" });
  expect(await waiters.wait(TX, 7, 1000, controller.signal)).toEqual({ kind: "elapsed" });
  expect(await waiters.wait(TX, 7, 0, NEVER_RAISED)).toEqual({ kind: "elapsed" });
  vi.advanceTimersByTime(1000);
  expect(await late).toEqual({ kind: "elapsed" });
  expect([waiters.size, vi.getTimerCount()]).toEqual([0, 0]);
});

test("a settled wait is not settled again, and leaves no listener", async () => {
  const waiters = new TransactionWaiters();
  const controller = new AbortController();
  const remove = vi.spyOn(controller.signal, "removeEventListener");
  const result: Promise<WaitResult> = waiters.wait(TX, 5, 1000, controller.signal);
  waiters.applied(5, [receipt(TX), receipt(TX)]);
  controller.abort();
  vi.advanceTimersByTime(5000);
  expect(await result).toMatchObject({ kind: "committed" });
  expect(remove).toHaveBeenCalled();
  expect(waiters.size).toBe(0);
});

test("the number is bounded: one too many does not wait", async () => {
  const waiters = new TransactionWaiters();
  const waits = Array.from({ length: 20_000 }, () =>
    waiters.wait(TX, 5, 1000, new AbortController().signal),
  );
  expect(await waiters.wait(TX, 5, 1000, NEVER_RAISED)).toEqual({ kind: "elapsed" });
  waiters.applied(5, []);
  expect(new Set((await Promise.all(waits)).map(({ kind }) => kind))).toEqual(new Set(["expired"]));
  expect(waiters.size).toBe(0);
});
