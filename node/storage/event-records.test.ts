import fc from "fast-check";
import { expect, test } from "vitest";
import { byTransaction, packEvents, unpackEvents } from "./event-records.ts";
import { eventsKey } from "./keyspace.ts";

const eventsArb = fc.array(fc.uint8Array({ maxLength: 40 }), { minLength: 1, maxLength: 9 });

test("gives back the events of a transaction, whatever their sizes", () => {
  fc.assert(
    fc.property(fc.nat(1 << 30), fc.nat(70_000), eventsArb, (height, txIndex, all) => {
      const events = all.map((bytes, i) => ({ txIndex, eventIndex: 3 * i, bytes }));
      const found = unpackEvents(eventsKey(height, txIndex), packEvents(events));
      expect(found).toEqual(events.map((event) => ({ ...event, height })));
    }),
  );
});

test("a record that is cut short is a broken invariant", () => {
  const packed = packEvents([{ txIndex: 0, eventIndex: 0, bytes: Uint8Array.of(1, 2, 3) }]);
  for (let length = 1; length < packed.length; length++) {
    expect(() => unpackEvents(eventsKey(1, 0), packed.subarray(0, length))).toThrow("whole");
  }
  expect(unpackEvents(eventsKey(1, 0), new Uint8Array(0))).toEqual([]);
});

test("puts neighbours of one transaction together", () => {
  const event = (txIndex: number, eventIndex: number) => {
    return { txIndex, eventIndex, bytes: new Uint8Array(0) };
  };
  const events = [event(0, 0), event(0, 1), event(2, 0), event(5, 0), event(5, 1)];
  const groups = [...byTransaction(events)].map((group) => group.map(({ txIndex }) => txIndex));
  expect(groups).toEqual([[0, 0], [2], [5, 5]]);
  expect([...byTransaction([])]).toEqual([]);
});
