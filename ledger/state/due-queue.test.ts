import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { TestLedger } from "../testing/test-ledger.ts";
import { checkWholeState } from "../whole-state.ts";
import {
  compareEntries,
  DueQueue,
  MAX_QUEUE_ENTRIES,
  QUEUE_PAGE_ENTRIES,
  type QueueEntry,
  queueDirectoryTable,
} from "./due-queue.ts";
import { LedgerState } from "./ledger-state.ts";

const queue = new DueQueue("test-queue");

function emptyState(): Map<string, Uint8Array> {
  return new TestLedger().state;
}

/** The state that the changes give, checked whole. */
function committed(before: ReadonlyMap<string, Uint8Array>, state: LedgerState) {
  const after = new Map(before);
  for (const [key, value] of state.changes()) {
    if (value === null) after.delete(key);
    else after.set(key, value);
  }
  checkWholeState(after);
  return after;
}

const entry = fc.record({
  due: fc.integer({ min: 1, max: 12 }).map((day) => `2026-01-${String(day).padStart(2, "0")}`),
  id: fc.nat(400).map((i) => `I${i}`),
});
const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant("add" as const), entry }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("remove" as const), entry }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("take" as const),
      entry,
      limit: fc.integer({ min: 1, max: 40 }),
    }),
  },
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** One step on the queue and on a plain sorted list; both must answer alike. */
function play(state: LedgerState, model: QueueEntry[], drawn: Step): QueueEntry[] {
  const { due, id } = drawn.entry;
  const at = model.findIndex((held) => compareEntries(held, drawn.entry) === 0);
  expect(queue.has(state, due, id)).toBe(at >= 0);
  switch (drawn.kind) {
    case "add":
      if (at >= 0) return model;
      expect(queue.add(state, due, id)).toBe(true);
      return [...model, drawn.entry].toSorted(compareEntries);
    case "remove":
      expect(queue.remove(state, due, id)).toBe(at >= 0);
      return model.filter((_, i) => i !== at);
    case "take": {
      const taken = model.filter((held) => held.due <= due).slice(0, drawn.limit);
      expect(queue.takeDue(state, due, drawn.limit)).toEqual(taken);
      return model.slice(taken.length);
    }
  }
}

describe("a due queue", () => {
  test("is a sorted list, over many blocks and pages", () => {
    fc.assert(
      fc.property(fc.array(fc.array(step, { maxLength: 150 }), { maxLength: 5 }), (blocks) => {
        let bytes: ReadonlyMap<string, Uint8Array> = emptyState();
        let model: QueueEntry[] = [];
        for (const steps of blocks) {
          const state = new LedgerState(bytes);
          for (const drawn of steps) model = play(state, model, drawn);
          expect(queue.size(state)).toBe(model.length);
          expect(queue.first(state, 1_000)).toEqual(model);
          const middle = model[Math.floor(model.length / 2)];
          const behind = model.filter((held) => middle && compareEntries(held, middle) > 0);
          expect(queue.after(state, middle, 7)).toEqual(
            (middle === undefined ? model : behind).slice(0, 7),
          );
          bytes = committed(bytes, state);
        }
      }),
      { numRuns: 60 },
    );
  });

  test("emptied from either end leaves no record behind", () => {
    const before = emptyState();
    const state = new LedgerState(before);
    const count = 5 * QUEUE_PAGE_ENTRIES;
    const name = (i: number) => String(i).padStart(4, "0");
    for (let i = 0; i < count; i++) queue.add(state, "2026-01-01", name((i * 37) % count));
    expect(queue.takeDue(state, "2025-12-31", count)).toEqual([]);
    const first = queue.takeDue(state, "2026-01-01", 100);
    expect(first.map(({ id }) => id)).toEqual(Array.from({ length: 100 }, (_, i) => name(i)));
    for (let i = count - 1; i >= 100; i--) {
      expect(queue.remove(state, "2026-01-01", name(i))).toBe(true);
    }
    expect(queue.size(state)).toBe(0);
    expect(committed(before, state)).toEqual(before);
  });

  test("is bounded: a full one takes nothing more", () => {
    const state = new LedgerState(emptyState());
    queue.add(state, "2026-01-01", "A");
    const directory = state.of(queueDirectoryTable).get(queue.name);
    if (directory === undefined) throw new Error("no directory");
    state.of(queueDirectoryTable).put({ ...directory, size: MAX_QUEUE_ENTRIES });
    expect(queue.add(state, "2026-01-01", "B")).toBe(false);
  });

  test("an entry waits once", () => {
    const state = new LedgerState(emptyState());
    queue.add(state, "2026-01-01", "A");
    expect(() => queue.add(state, "2026-01-01", "A")).toThrow(/waits once/);
  });
});
