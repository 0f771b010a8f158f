import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { BATCH_CAPACITY, MAX_BATCH_TRANSACTIONS, packedSize } from "./batch.ts";
import { type AdmittedTransaction, PendingTransactions } from "./pending-transactions.ts";
import { admittedOf, transactionOf } from "./test-transactions.ts";

const ROOMY = { maxBytes: 1 << 30, maxTransactions: 100_000 };

let references = 0;
function fresh(member: string, length?: number, expiresAtHeight?: number): AdmittedTransaction {
  references += 1;
  return admittedOf(transactionOf(`r${references}`, member, expiresAtHeight), length);
}

function admitAll(pending: PendingTransactions, member: string, most = 10_000, length = 100) {
  let admitted = 0;
  while (admitted < most && pending.admit(fresh(member, length))) admitted += 1;
  return admitted;
}

function idOf({ checked }: AdmittedTransaction): string {
  return checked.transaction.txId;
}

function memberOf({ checked }: AdmittedTransaction): string {
  return checked.transaction.body.member;
}

describe("fair shares", () => {
  test("one flooding member fills half and leaves the rest to others", () => {
    const pending = new PendingTransactions({ ...ROOMY, maxTransactions: 100 });
    expect(admitAll(pending, "FLOOD")).toBe(50);
    expect(admitAll(pending, "HBL", 20)).toBe(20);
    expect(pending.admit(fresh("FLOOD", 100))).toBe(false);
    expect(pending.count).toBe(70);
  });

  test("members that flood together never keep another one out", () => {
    const pending = new PendingTransactions({ ...ROOMY, maxTransactions: 1000 });
    for (const member of ["F1", "F2", "F3", "F4", "F5"]) admitAll(pending, member);
    for (const member of ["F1", "F2", "F3", "F4", "F5"]) {
      expect(pending.admit(fresh(member, 100))).toBe(false);
    }
    expect(admitAll(pending, "UBL", 5)).toBe(5);
  });

  test("bytes are shared in the same way", () => {
    const pending = new PendingTransactions({ ...ROOMY, maxBytes: 100 * packedSize(1000) });
    expect(admitAll(pending, "FLOOD", 10_000, 1000)).toBe(50);
    expect(pending.admit(fresh("UBL", 1000))).toBe(true);
    expect(pending.bytes).toBe(51 * packedSize(1000));
  });

  test("a bound of its own for one member", () => {
    const pending = new PendingTransactions({ ...ROOMY, maxPerMember: 3 });
    expect(admitAll(pending, "FLOOD")).toBe(3);
    expect(admitAll(pending, "UBL")).toBe(3);
  });

  test("nothing is kept of what is refused", () => {
    const pending = new PendingTransactions({ ...ROOMY, maxTransactions: 2 });
    expect(pending.admit(fresh("HBL"))).toBe(true);
    const refused = fresh("HBL");
    expect(pending.admit(refused)).toBe(false);
    expect(pending.get(idOf(refused))).toBeUndefined();
    expect(pending.txIdOf("HBL", refused.checked.transaction.body.clientRef)).toBeUndefined();
    expect(pending.count).toBe(1);
  });
});

describe("batches", () => {
  test("members take turns, each in the order of admission", () => {
    const pending = new PendingTransactions(ROOMY);
    const flood = Array.from({ length: 4 }, () => fresh("FLOOD"));
    const other = Array.from({ length: 2 }, () => fresh("HBL"));
    for (const each of [...flood, ...other]) pending.admit(each);
    const taken = pending.takeForBatch();
    expect(taken).toEqual([flood[0], other[0], flood[1], other[1], flood[2], flood[3]]);
    expect(pending.hasUnpacked).toBe(false);
    expect(pending.takeForBatch()).toEqual([]);
    expect(pending.count).toBe(6);
  });

  test("the turn goes on where the last batch ended: large ones of some starve nobody", () => {
    const pending = new PendingTransactions(ROOMY);
    // Three of these fill a batch.
    const large = Math.floor(BATCH_CAPACITY / 3) - 10;
    for (const member of ["F1", "F2", "F3", "HBL", "UBL"]) {
      for (let i = 0; i < 4; i++) pending.admit(fresh(member, large));
    }
    const served = Array.from({ length: 5 }, () => pending.takeForBatch().map(memberOf)).flat();
    expect(served).toHaveLength(15);
    for (const member of ["F1", "F2", "F3", "HBL", "UBL"]) {
      expect(served.filter((each) => each === member)).toHaveLength(3);
    }
  });

  test("a batch ends at its bytes and at its count", () => {
    const bytes = new PendingTransactions(ROOMY);
    admitAll(bytes, "HBL", 300, 1000);
    expect(bytes.batchIsFull).toBe(true);
    const most = Math.floor(BATCH_CAPACITY / packedSize(1000));
    expect(bytes.takeForBatch()).toHaveLength(most);
    expect(bytes.batchIsFull).toBe(false);
    const count = new PendingTransactions(ROOMY);
    admitAll(count, "HBL", MAX_BATCH_TRANSACTIONS + 1, 10);
    expect(count.batchIsFull).toBe(true);
    expect(count.takeForBatch()).toHaveLength(MAX_BATCH_TRANSACTIONS);
    expect(count.takeForBatch()).toHaveLength(1);
  });
});

test("a client reference names one transaction until that leaves", () => {
  const pending = new PendingTransactions(ROOMY);
  const first = admittedOf(transactionOf("same", "HBL", 10));
  const second = admittedOf(transactionOf("same", "HBL", 11));
  pending.admit(first);
  expect(pending.txIdOf("HBL", "same")).toBe(idOf(first));
  expect(pending.txIdOf("UBL", "same")).toBeUndefined();
  expect(() => pending.admit(second)).toThrow("names one transaction");
  expect(() => pending.admit(first)).toThrow("admitted once");
  pending.settle([idOf(first)]);
  expect(pending.txIdOf("HBL", "same")).toBeUndefined();
  expect(pending.admit(second)).toBe(true);
});

test("what is past its height goes, unless a batch already carries it", () => {
  const pending = new PendingTransactions(ROOMY);
  const packed = fresh("HBL", 100, 5);
  pending.admit(packed);
  pending.takeForBatch();
  const late = fresh("HBL", 100, 5);
  const good = fresh("HBL", 100, 6);
  pending.admit(late);
  pending.admit(good);
  expect(pending.expire(5)).toEqual([]);
  expect(pending.expire(6)).toEqual([idOf(late)]);
  expect(pending.count).toBe(2);
  pending.settle([idOf(packed), idOf(good), idOf(late)]);
  expect([pending.count, pending.bytes, pending.hasUnpacked]).toEqual([0, 0, false]);
});

const pool = ["A1", "B1", "C1"].flatMap((member) =>
  Array.from({ length: 12 }, (_, i) =>
    admittedOf(transactionOf(`m${i}`, member, 1 + (i % 6)), 1 + 7_000 * (i % 5)),
  ),
);

test("law: counters equal those of a plain list, whatever happens", () => {
  const action = fc.oneof(
    { arbitrary: fc.record({ admit: fc.nat(pool.length - 1) }), weight: 6 },
    { arbitrary: fc.record({ settle: fc.nat(pool.length - 1) }), weight: 2 },
    { arbitrary: fc.record({ take: fc.constant(true) }), weight: 1 },
    { arbitrary: fc.record({ expire: fc.nat(7) }), weight: 1 },
  );
  fc.assert(
    fc.property(fc.array(action, { maxLength: 80 }), (actions) => {
      const limits = { maxBytes: 200_000, maxTransactions: 20 };
      const pending = new PendingTransactions(limits);
      const model = new Map<AdmittedTransaction, { packed: boolean }>();
      for (const each of actions) {
        if ("admit" in each) {
          const chosen = pool[each.admit];
          if (chosen === undefined || model.has(chosen)) continue;
          if (pending.admit(chosen)) model.set(chosen, { packed: false });
        } else if ("settle" in each) {
          const chosen = pool[each.settle];
          if (chosen === undefined) continue;
          pending.settle([idOf(chosen)]);
          model.delete(chosen);
        } else if ("take" in each) {
          const taken = pending.takeForBatch();
          for (const one of taken) {
            expect(model.get(one)).toEqual({ packed: false });
            model.set(one, { packed: true });
          }
        } else {
          const expected = [...model]
            .filter(([one, state]) => {
              const { expiresAtHeight } = one.checked.transaction.body;
              return !state.packed && expiresAtHeight < each.expire;
            })
            .map(([one]) => one);
          expect(pending.expire(each.expire)).toEqual(expected.map(idOf));
          for (const one of expected) model.delete(one);
        }
        const sizes = [...model.keys()].map(({ bytes }) => packedSize(bytes.length));
        expect(pending.count).toBe(model.size);
        expect(pending.bytes).toBe(sizes.reduce((sum, size) => sum + size, 0));
        expect(pending.count).toBeLessThanOrEqual(limits.maxTransactions);
        expect(pending.bytes).toBeLessThanOrEqual(limits.maxBytes);
        const unpacked = [...model].filter(([, state]) => !state.packed);
        expect(pending.hasUnpacked).toBe(unpacked.length > 0);
        for (const one of pool) {
          const { member, clientRef } = one.checked.transaction.body;
          const isHere = model.has(one);
          expect(pending.get(idOf(one))).toBe(isHere ? one.checked : undefined);
          expect(pending.txIdOf(member, clientRef)).toBe(isHere ? idOf(one) : undefined);
        }
      }
    }),
    { numRuns: 100 },
  );
});
