import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { present } from "../../primitives/assert.ts";
import { HOLDER_PAGE_ENTRIES } from "../limits.ts";
import { balanceId, emptyBalance } from "../state/balance.ts";
import { holderPageTable, holdersAfter } from "../state/holder-index.ts";
import { LedgerState } from "../state/ledger-state.ts";
import {
  liveCapturesTable,
  positionPageId,
  positionPageTable,
  savedPositionTable,
} from "../state/position-capture.ts";
import {
  beforeChange,
  continueCapture,
  holderJoins,
  holderLeaves,
  startCapture,
} from "./position-capture.ts";

const ISIN = "PK0PIB003015";

function account(i: number): string {
  return `A${String(i).padStart(6, "0")}`;
}

/** Sets a balance as postings do: positions and lists first. */
function setUnits(state: LedgerState, id: string, units: bigint): void {
  const before = state.balances.get(balanceId(id, ISIN))?.total ?? 0n;
  if (before === units) return;
  beforeChange(state, ISIN, id, before);
  if (before === 0n) expect(holderJoins(state, ISIN, id)).toBe(true);
  if (units === 0n) {
    state.balances.remove(balanceId(id, ISIN));
    holderLeaves(state, ISIN, id);
  } else {
    state.balances.put({ ...emptyBalance(id, ISIN), total: units, available: units });
  }
}

function positionsAt(state: LedgerState, recordDate: string, pages: number): [string, bigint][] {
  const out: [string, bigint][] = [];
  for (let page = 0; page < pages; page++) {
    const found = state.of(positionPageTable).get(positionPageId(ISIN, recordDate, page));
    const { positions } = present(found, `page ${page}`);
    out.push(...positions.map(({ account: id, units }): [string, bigint] => [id, units]));
  }
  return out;
}

function leftovers(state: LedgerState): number {
  const changes = [
    ...state.of(liveCapturesTable).changed(),
    ...state.of(savedPositionTable).changed(),
  ];
  return changes.filter(({ after }) => after !== undefined).length;
}

type Step = { readonly move: number; readonly units: number } | "walk";

describe("positions of a record date", () => {
  it("are those of the close of the day, whatever moves while they are read", () => {
    const holders = 3 * HOLDER_PAGE_ENTRIES;
    const move = fc.record({ move: fc.nat(holders + 40), units: fc.nat(3) });
    const steps = fc.array(fc.oneof({ weight: 20, arbitrary: move }, fc.constant("walk")), {
      minLength: 50,
      maxLength: 300,
    });
    fc.assert(
      fc.property(
        fc.array(fc.nat(3), { minLength: holders, maxLength: holders }),
        steps,
        (...input) => {
          const [start, program]: [number[], readonly Step[]] = [input[0], input[1] as Step[]];
          const state = new LedgerState(new Map());
          for (const [i, units] of start.entries()) setUnits(state, account(i), BigInt(units));
          const expected = start.flatMap((units, i): [string, bigint][] =>
            units === 0 ? [] : [[account(i), BigInt(units)]],
          );
          expect(startCapture(state, ISIN, "2026-02-19")).toBe(true);
          let pages: number | undefined;
          for (const step of program) {
            if (step !== "walk") setUnits(state, account(step.move), BigInt(step.units));
            else pages ??= continueCapture(state, ISIN, "2026-02-19").finishedPages;
          }
          while (pages === undefined) {
            pages = continueCapture(state, ISIN, "2026-02-19").finishedPages;
          }
          expect(positionsAt(state, "2026-02-19", pages)).toEqual(expected);
          expect(leftovers(state)).toBe(0);
          const holding = state.balances
            .changed()
            .flatMap(({ after }) => (after === undefined ? [] : [after.account]));
          const listed = holdersAfter(state, ISIN, undefined, 10_000);
          expect(listed).toEqual(holding.toSorted());
        },
      ),
      { numRuns: 60 },
    );
  });

  it("of two record dates are kept apart while both are read", () => {
    const state = new LedgerState(new Map());
    for (let i = 0; i < 300; i++) setUnits(state, account(i), 1n);
    expect(startCapture(state, ISIN, "2026-02-19")).toBe(true);
    expect(continueCapture(state, ISIN, "2026-02-19").finishedPages).toBeUndefined();
    // 0 is behind the first walk, 299 is ahead of it.
    for (const i of [0, 299]) setUnits(state, account(i), 2n);
    expect(startCapture(state, ISIN, "2026-02-20")).toBe(true);
    for (const i of [0, 299]) setUnits(state, account(i), 0n);
    const walk = (recordDate: string): Map<string, bigint> => {
      let pages: number | undefined;
      while (pages === undefined) pages = continueCapture(state, ISIN, recordDate).finishedPages;
      return new Map(positionsAt(state, recordDate, pages));
    };
    const later = walk("2026-02-20");
    const earlier = walk("2026-02-19");
    expect([earlier.get(account(0)), earlier.get(account(299))]).toEqual([1n, 1n]);
    expect([later.get(account(0)), later.get(account(299))]).toEqual([2n, 2n]);
    expect([earlier.size, later.size]).toEqual([300, 300]);
    expect(leftovers(state)).toBe(0);
    expect(holdersAfter(state, ISIN, undefined, 1_000)).toHaveLength(298);
  });

  it("are captured for a bounded number of record dates at once", () => {
    const state = new LedgerState(new Map());
    for (const day of [1, 2, 3, 4]) expect(startCapture(state, ISIN, `2026-01-0${day}`)).toBe(true);
    expect(startCapture(state, ISIN, "2026-01-05")).toBe(false);
  });
});

describe("the list of holders", () => {
  it("is sorted, splits its pages and drops empty ones", () => {
    const state = new LedgerState(new Map());
    const ids = Array.from({ length: 1_000 }, (_, i) => account((i * 7_919) % 1_000));
    for (const id of ids) expect(holderJoins(state, ISIN, id)).toBe(true);
    expect(holdersAfter(state, ISIN, undefined, 2_000)).toEqual(ids.toSorted());
    expect(holdersAfter(state, ISIN, account(499), 3)).toEqual([500, 501, 502].map(account));
    expect(holdersAfter(state, ISIN, account(999), 3)).toEqual([]);
    for (const id of ids) holderLeaves(state, ISIN, id);
    expect(holdersAfter(state, ISIN, undefined, 1)).toEqual([]);
    const pages = state.of(holderPageTable).changed();
    expect(pages.every(({ after }) => after === undefined)).toBe(true);
  });
});
