import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { InvariantError } from "./assert.ts";
import { BoundedQueue } from "./bounded-queue.ts";

describe("BoundedQueue", () => {
  it("behaves like a list that refuses when full", () => {
    const stepArb = fc.oneof(
      fc.record({ op: fc.constant("push" as const), item: fc.nat() }),
      fc.record({ op: fc.constantFrom("shift" as const, "peek" as const, "clear" as const) }),
      fc.record({ op: fc.constant("take" as const), max: fc.nat(5) }),
    );
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 7 }), fc.array(stepArb), (capacity, steps) => {
        const queue = new BoundedQueue<number>(capacity);
        const model: number[] = [];
        for (const step of steps) {
          switch (step.op) {
            case "push": {
              const fits = model.length < capacity;
              expect(queue.push(step.item)).toBe(fits ? "accepted" : "full");
              if (fits) model.push(step.item);
              break;
            }
            case "shift":
              expect(queue.shift()).toBe(model.shift());
              break;
            case "peek":
              expect(queue.peek()).toBe(model[0]);
              break;
            case "take":
              expect(queue.take(step.max)).toEqual(model.splice(0, step.max));
              break;
            case "clear":
              queue.clear();
              model.length = 0;
              break;
          }
          expect(queue.length).toBe(model.length);
          expect(queue.isFull).toBe(model.length === capacity);
        }
      }),
      { numRuns: 500 },
    );
  });

  it("refuses capacities that are not a count", () => {
    for (const capacity of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 30]) {
      expect(() => new BoundedQueue(capacity)).toThrow(InvariantError);
    }
  });
});
