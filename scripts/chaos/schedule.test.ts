import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { FAULT_NAMES, type Fault } from "./fault.ts";
import { quorumOf, type ScheduleOptions, scheduleOf } from "./schedule.ts";
import { SeededRandom } from "./seeded-random.ts";

const options: ScheduleOptions = {
  seed: 7,
  validators: 4,
  names: FAULT_NAMES,
  cycles: 50,
  quick: false,
};

const anyOptions = fc.record({
  seed: fc.integer({ min: 0, max: 2 ** 40 }),
  validators: fc.integer({ min: 4, max: 7 }),
  names: fc.constant(FAULT_NAMES),
  cycles: fc.integer({ min: 1, max: 60 }),
  quick: fc.boolean(),
});

function victimsOf(fault: Fault): readonly number[] {
  if ("victims" in fault) return fault.victims;
  if ("victim" in fault) return [fault.victim];
  if ("side" in fault) return fault.side;
  if ("rotator" in fault) return [fault.rotator];
  return fault.name === "kill-one" ? fault.cycles.map(({ victim }) => victim) : [];
}

describe("the schedule", () => {
  test("depends on the seed alone, and differs between seeds", () => {
    fc.assert(
      fc.property(anyOptions, (o) => {
        expect(scheduleOf(o)).toEqual(scheduleOf(o));
      }),
    );
    const schedules = [1, 2, 3, 4].map((seed) => JSON.stringify(scheduleOf({ ...options, seed })));
    expect(new Set(schedules).size).toBe(4);
  });

  test("gives a fault the same figures alone as among all", () => {
    fc.assert(
      fc.property(anyOptions, fc.constantFrom(...FAULT_NAMES), (o, name) => {
        const among = scheduleOf(o).filter((fault) => fault.name === name);
        expect(scheduleOf({ ...o, names: [name] })).toEqual(among);
      }),
    );
  });

  test("names validators that exist, each once where several fail together", () => {
    fc.assert(
      fc.property(anyOptions, (o) => {
        for (const fault of scheduleOf(o)) {
          const victims = victimsOf(fault);
          for (const victim of victims) expect(victim < o.validators && victim >= 0).toBe(true);
          if (fault.name !== "kill-one") expect(new Set(victims).size).toBe(victims.length);
        }
      }),
    );
  });

  test("takes the quorum away where it says so, and nowhere else", () => {
    fc.assert(
      fc.property(anyOptions, (o) => {
        const quorum = quorumOf(o.validators);
        for (const fault of scheduleOf(o)) {
          if (fault.name === "pause-quorum") {
            expect(o.validators - fault.victims.length).toBe(quorum - 1);
          }
          if (fault.name === "partition-halves") {
            const side = fault.side.length;
            expect(Math.max(side, o.validators - side)).toBeLessThan(quorum);
          }
          if (fault.name === "partition-minority") {
            expect(o.validators - fault.side.length).toBeGreaterThanOrEqual(quorum);
          }
        }
      }),
    );
  });

  test("kills every validator equally often, give or take one", () => {
    fc.assert(
      fc.property(anyOptions, (o) => {
        const [kills] = scheduleOf({ ...o, names: ["kill-one"] });
        const victims = kills === undefined ? [] : victimsOf(kills);
        const counts = Array.from(
          { length: o.validators },
          (_, i) => victims.filter((victim) => victim === i).length,
        );
        expect(victims).toHaveLength(o.cycles);
        expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
      }),
    );
  });

  test("the whole run has both signs of a skew and both directions of a one-way cut", () => {
    const faults = scheduleOf(options);
    const signs = faults.flatMap((fault) =>
      fault.name === "clock-large" ? [Math.sign(fault.offsetMs)] : [],
    );
    const ways = faults.flatMap((fault) =>
      fault.name === "partition-one-way" ? [fault.lost] : [],
    );
    expect([signs, ways]).toEqual([
      [1, -1],
      ["sent", "received"],
    ]);
    expect(new Set(faults.map(({ name }) => name))).toEqual(new Set(FAULT_NAMES));
  });
});

test("numbers of a stream stay in range and a shuffle loses nothing", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0 }), fc.array(fc.integer()), (seed, items) => {
      const random = new SeededRandom(seed, "test");
      const drawn = random.between(3, 9);
      expect(drawn >= 3 && drawn <= 9).toBe(true);
      const sorted = (list: readonly number[]) => list.toSorted((a, b) => a - b);
      expect(sorted(random.shuffled(items))).toEqual(sorted(items));
    }),
  );
});
