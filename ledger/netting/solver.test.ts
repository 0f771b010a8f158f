import { describe, expect, test } from "vitest";
import {
  BOND,
  candidate,
  cash,
  type Place,
  pay,
  solvedIds,
  viewOf,
} from "../testing/netting-queue.ts";
import { CBDC } from "../types.ts";
import { solveNetting } from "./solver.ts";

const ring = [
  candidate("1", [pay("A", "B", 100n)]),
  candidate("2", [pay("B", "C", 100n)]),
  candidate("3", [pay("C", "A", 100n)]),
];
const unequalRing = [
  candidate("1", [pay("A", "B", 60n)]),
  candidate("2", [pay("B", "C", 50n)]),
  candidate("3", [pay("C", "A", 55n)]),
];

describe("gridlocks", () => {
  test("a: a ring of equal payments without any cash settles", () => {
    const solution = solveNetting(ring, "DVP_3", cash({}));
    expect(solution.settled.map(({ id }) => id)).toEqual(["1", "2", "3"]);
    expect(solution.net).toEqual([]);
    expect(solution.exhausted).toBe(false);
  });

  test("b: a ring whose nets nobody can carry does not move", () => {
    expect(solvedIds(unequalRing, cash({ A: 10n }))).toEqual([]);
  });

  test("c: with five more it settles", () => {
    const solution = solveNetting(unequalRing, "DVP_3", cash({ A: 10n, C: 5n }));
    expect(solution.settled).toHaveLength(3);
    expect(solution.net).toEqual([
      { account: "A", asset: CBDC, net: -5n },
      { account: "B", asset: CBDC, net: 10n },
      { account: "C", asset: CBDC, net: -5n },
    ]);
  });

  test("d: with one frozen account nothing moves", () => {
    expect(solvedIds(ring, cash({}, ["B"]))).toEqual([]);
  });

  test("e: a chain of buying and selling on settles only where securities are netted", () => {
    const chain = [
      candidate("1", [pay("S2", "S3", 10n, BOND), pay("C3", "C2", 103n)]),
      candidate("2", [pay("S1", "S2", 10n, BOND), pay("C2", "C1", 101n)]),
    ];
    const view = viewOf({ [`S1/${BOND}`]: 10n, [`C3/${CBDC}`]: 103n });
    expect(solvedIds(chain, view, "DVP_3")).toEqual(["1", "2"]);
    // Securities gross: the second seller has nothing to deliver, so the first buyer no cash.
    expect(solvedIds(chain, view, "DVP_2")).toEqual([]);
    expect(solvedIds(chain, view, "DVP_1")).toEqual([]);
  });

  test("a ring of one security without any stock settles by model 3 alone", () => {
    const lots = ring.map(({ id, legs }) =>
      candidate(
        id,
        legs.map((leg) => ({ ...leg, asset: BOND })),
      ),
    );
    expect(solvedIds(lots, viewOf({}), "DVP_3")).toEqual(["1", "2", "3"]);
    expect(solvedIds(lots, viewOf({}), "DVP_2")).toEqual([]);
  });

  test("model 2 nets cash against securities that are there", () => {
    const swap = [
      candidate("1", [pay("SA", "SB", 5n, BOND), pay("CB", "CA", 500n)]),
      candidate("2", [pay("SB", "SA", 5n, "PK0GIS005012"), pay("CA", "CB", 498n)]),
    ];
    const view = viewOf({
      [`SA/${BOND}`]: 5n,
      "SB/PK0GIS005012": 5n,
      [`CB/${CBDC}`]: 2n,
    });
    expect(solvedIds(swap, view, "DVP_1")).toEqual([]);
    const solution = solveNetting(swap, "DVP_2", view);
    expect(solution.settled.map(({ id }) => id)).toEqual(["1", "2"]);
    // Confirmed at their own gross amounts; only the positions are net.
    expect(solution.settled.map(({ legs }) => legs[1]?.amount)).toEqual([500n, 498n]);
    expect(solution.net.filter(({ asset }) => asset === CBDC)).toEqual([
      { account: "CA", asset: CBDC, net: 2n },
      { account: "CB", asset: CBDC, net: -2n },
    ]);
  });
});

describe("the order of service", () => {
  const two = (first: Place, second: Place) => [
    candidate("x", [pay("A", "B", 100n)], first),
    candidate("y", [pay("A", "C", 100n)], second),
  ];
  const view = cash({ A: 100n });

  test.each([
    ["priority", { priority: 3 }, { priority: 2 }, "y"],
    ["date", { settlementDate: "2026-01-06" }, { settlementDate: "2026-01-05" }, "y"],
    ["entry", { entryHeight: 3 }, { entryHeight: 2 }, "y"],
    ["id", {}, {}, "x"],
  ] as const)("%s decides", (_, first, second, winner) => {
    expect(solvedIds(two(first, second), view)).toEqual([winner]);
  });

  test("what was dropped for a shortage that another drop has cured comes back", () => {
    const candidates = [
      candidate("big", [pay("A", "B", 90n)], { entryHeight: 1 }),
      candidate("never", [pay("B", "Z", 500n)], { entryHeight: 2 }),
      candidate("small", [pay("B", "C", 40n)], { entryHeight: 3 }),
    ];
    expect(solvedIds(candidates, cash({ A: 90n }))).toEqual(["big", "small"]);
  });

  test("a ring behind an instruction that cannot be covered settles all the same", () => {
    const candidates = [
      candidate("uncovered", [pay("A", "C", 50n)], { priority: 2 }),
      candidate("there", [pay("A", "B", 100n)]),
      candidate("back", [pay("B", "A", 100n)]),
    ];
    const solution = solveNetting(candidates, "DVP_3", cash({}));
    expect(solution.settled.map(({ id }) => id)).toEqual(["back", "there"]);
  });
});

test.each([
  ["all is there", cash({ A: 10n, C: 10n }), ["1"]],
  ["one leg is short", cash({ A: 10n }), []],
  ["one leg is frozen", cash({ A: 10n, C: 10n }, ["D"]), []],
])("linked instructions are one candidate, moved whole or not at all: %s", (_, view, ids) => {
  const linked = [candidate("1", [pay("A", "B", 10n), pay("C", "D", 10n)])];
  expect(solvedIds(linked, view)).toEqual(ids);
});

test("an instruction that stands in the queue twice is a defect of the caller", () => {
  expect(() => solvedIds([...ring, ...ring], cash({}))).toThrow(/names each candidate once/);
});
