import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { CBDC, isCash } from "../types.ts";
import type { NettingCandidate, NettingLeg, NettingModel, NettingView } from "./netting-problem.ts";
import { compareCandidates, netsAsset, nettingModels } from "./netting-problem.ts";
import { MAX_CYCLE_CANDIDATES, NETTING_LIMITS, solveNetting } from "./solver.ts";

const BOND = "PK0PIB003015";

function candidate(
  id: string,
  legs: readonly NettingLeg[],
  more: Partial<NettingCandidate> = {},
): NettingCandidate {
  const usual = { priority: 4, settlementDate: "2026-01-05", entryHeight: 1, linkedTo: [] };
  return { id, legs, ...usual, ...more };
}

function pay(from: string, to: string, amount: bigint, asset = CBDC): NettingLeg {
  return { from, to, asset, amount };
}

function viewOf(
  holdings: Readonly<Record<string, bigint>>,
  frozen: readonly string[] = [],
): NettingView {
  return {
    available: (account, asset) => holdings[`${account}/${asset}`] ?? 0n,
    mayMove: (_, { from, to }) => !frozen.includes(from) && !frozen.includes(to),
  };
}

const cash = (accounts: Readonly<Record<string, bigint>>, frozen: readonly string[] = []) =>
  viewOf(Object.fromEntries(Object.entries(accounts).map(([a, n]) => [`${a}/${CBDC}`, n])), frozen);

function solvedIds(
  candidates: readonly NettingCandidate[],
  view: NettingView,
  model: NettingModel = "DVP_3",
) {
  return solveNetting(candidates, model, view).settled.map(({ id }) => id);
}

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
      { account: "A", asset: CBDC, delta: -5n },
      { account: "B", asset: CBDC, delta: 10n },
      { account: "C", asset: CBDC, delta: -5n },
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
      { account: "CA", asset: CBDC, delta: 2n },
      { account: "CB", asset: CBDC, delta: -2n },
    ]);
  });
});

describe("the order of service", () => {
  const two = (first: Partial<NettingCandidate>, second: Partial<NettingCandidate>) => [
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

describe("linked instructions", () => {
  const linked = [
    candidate("1", [pay("A", "B", 10n)], { linkedTo: ["2"] }),
    candidate("2", [pay("C", "D", 10n)]),
  ];

  test("settle together", () => {
    expect(solvedIds(linked, cash({ A: 10n, C: 10n }))).toEqual(["1", "2"]);
  });

  test.each([
    ["one is short", cash({ A: 10n })],
    ["one is frozen", cash({ A: 10n, C: 10n }, ["D"])],
  ])("do not move when %s", (_, view) => {
    expect(solvedIds(linked, view)).toEqual([]);
  });

  test("do not move when one is not in the cycle", () => {
    expect(solvedIds(linked.slice(0, 1), cash({ A: 10n }))).toEqual([]);
    const limits = { ...NETTING_LIMITS, candidates: 1 };
    const cut = solveNetting(linked, "DVP_3", cash({ A: 10n, C: 10n }), limits);
    expect(cut.settled).toEqual([]);
  });
});

test("an instruction that stands in the queue twice is a defect of the caller", () => {
  expect(() => solvedIds([...ring, ...ring], cash({}))).toThrow(/names each instruction once/);
});

/** The rules of the solver, written down as plainly as possible: quadratic. */
function reference(
  candidates: readonly NettingCandidate[],
  model: NettingModel,
  view: NettingView,
): readonly string[] {
  const ordered = candidates.toSorted(compareCandidates);
  let groups: NettingCandidate[][] = ordered.map((one) => [one]);
  for (const { id, linkedTo } of ordered) {
    for (const other of linkedTo) {
      const a = groups.find((group) => group.some((one) => one.id === id)) ?? [];
      const b = groups.find((group) => group.some((one) => one.id === other));
      if (b === undefined) a.push(candidate(`missing ${other}`, [], { priority: 9 }));
      else if (a !== b) groups = [...groups.filter((g) => g !== a && g !== b), [...a, ...b]];
    }
  }
  const lastOf = (group: readonly NettingCandidate[]) =>
    Math.max(...group.map((one) => ordered.indexOf(one)));
  let left = groups
    .filter((group) => !group.some(({ id }) => id.startsWith("missing")))
    .filter((group) => group.every((one) => one.legs.every((leg) => view.mayMove(one, leg))))
    .toSorted((a, b) => lastOf(a) - lastOf(b));
  const settled: NettingCandidate[][] = [];

  const delta = (group: readonly NettingCandidate[], key: string): bigint => {
    let sum = 0n;
    for (const { from, to, asset, amount } of group.flatMap(({ legs }) => legs)) {
      if (`${from}/${asset}` === key) sum -= amount;
      if (`${to}/${asset}` === key && netsAsset(model, isCash(asset))) sum += amount;
    }
    return sum;
  };
  const keys = [
    ...new Set(
      ordered.flatMap(({ legs }) =>
        legs.flatMap(({ from, to, asset }) => [`${from}/${asset}`, `${to}/${asset}`]),
      ),
    ),
  ];
  const isShort = (groupsIn: readonly NettingCandidate[][], key: string): boolean => {
    const [account = "", asset = ""] = key.split("/");
    return groupsIn.reduce((sum, g) => sum + delta(g, key), view.available(account, asset)) < 0n;
  };
  let aside: NettingCandidate[][] = [];
  for (let round = 0; round < NETTING_LIMITS.rounds && left.length > aside.length; round++) {
    let set = left.filter((group) => !aside.includes(group));
    let lastDropped: NettingCandidate[] | undefined;
    for (;;) {
      const all = [...settled, ...set];
      const short = keys.filter((key) => isShort(all, key));
      const dropped = set.findLast((group) => short.some((key) => delta(group, key) < 0n));
      if (dropped === undefined) break;
      set = set.filter((group) => group !== dropped);
      lastDropped = dropped;
    }
    for (;;) {
      const fits = left.find(
        (group) =>
          !set.includes(group) &&
          keys.every(
            (key) => delta(group, key) >= 0n || !isShort([...settled, ...set, group], key),
          ),
      );
      if (fits === undefined) break;
      set.push(fits);
    }
    if (set.length > 0) {
      settled.push(...set);
      left = left.filter((group) => !set.includes(group));
      aside = [];
    } else if (lastDropped !== undefined) aside.push(lastDropped);
  }
  return settled
    .flat()
    .toSorted(compareCandidates)
    .map(({ id }) => id);
}

const accounts = ["A", "B", "C", "D"] as const;
const leg = fc.record({
  from: fc.constantFrom(...accounts),
  to: fc.constantFrom(...accounts),
  asset: fc.constantFrom(CBDC, BOND),
  amount: fc.bigInt(1n, 40n),
});
const queue = fc
  .array(
    fc.record({
      priority: fc.integer({ min: 1, max: 4 }),
      settlementDate: fc.constantFrom("2026-01-05", "2026-01-06"),
      entryHeight: fc.nat(3),
      legs: fc.array(leg, { minLength: 1, maxLength: 2 }),
      links: fc.array(fc.nat(11), { maxLength: 1 }),
      isLinked: fc.integer({ min: 0, max: 3 }),
    }),
    { maxLength: 10 },
  )
  .map((drawn) =>
    drawn.map(({ links, isLinked, ...rest }, i) => {
      const linkedTo =
        isLinked === 0 ? links.map((n) => `i${n}`).filter((id) => id !== `i${i}`) : [];
      return { id: `i${i}`, linkedTo, ...rest };
    }),
  );
const holdings = fc.dictionary(
  fc.constantFrom(...accounts.flatMap((a) => [`${a}/${CBDC}`, `${a}/${BOND}`])),
  fc.bigInt(0n, 60n),
);
const frozen = fc.subarray([...accounts], { maxLength: 1 });
const model = fc.constantFrom(...nettingModels);

describe("laws", () => {
  test("what is found is what the plain rules give, in whatever order the queue comes", () => {
    const law = fc.property(
      queue,
      holdings,
      frozen,
      model,
      fc.infiniteStream(fc.nat()),
      (candidates, held, blocked, key, keys) => {
        const view = viewOf(held, blocked);
        const shuffled = candidates
          .map((one) => [keys.next().value ?? 0, one] as const)
          .toSorted(([a], [b]) => a - b)
          .map(([, one]) => one);
        const ids = solvedIds(candidates, view, key);
        expect(ids).toEqual(reference(candidates, key, view));
        expect(solveNetting(shuffled, key, view)).toEqual(solveNetting(candidates, key, view));
      },
    );
    fc.assert(law, { numRuns: 1_500 });
  });

  test("nobody is short, links hold, frozen accounts rest, nothing more fits", () => {
    const law = fc.property(queue, holdings, frozen, model, (candidates, held, blocked, key) => {
      const view = viewOf(held, blocked);
      const { settled, net } = solveNetting(candidates, key, view);
      const inSet = new Set(settled.map(({ id }) => id));
      expect(inSet.size).toBe(settled.length);
      const after = new Map(Object.entries(held));
      for (const { account, asset, delta } of net) {
        const name = `${account}/${asset}`;
        after.set(name, (after.get(name) ?? 0n) + delta);
      }
      for (const value of after.values()) expect(value >= 0n).toBe(true);
      for (const one of settled) {
        expect(candidates).toContain(one);
        for (const other of one.linkedTo) expect(inSet.has(other)).toBe(true);
        for (const { from, to } of one.legs) {
          expect(blocked.some((account) => account === from || account === to)).toBe(false);
        }
      }
      for (const one of candidates) {
        if (!inSet.has(one.id)) continue;
        const links = candidates.filter(({ linkedTo }) => linkedTo.includes(one.id));
        for (const { id } of links) expect(inSet.has(id)).toBe(true);
      }
      expect(net.reduce((sum, { delta }) => sum + delta, 0n)).toBe(0n);
    });
    fc.assert(law, { numRuns: 1_500 });
  });

  test("whatever can settle as a whole does", () => {
    const law = fc.property(queue, (drawn) => {
      const candidates = drawn.map((one) => ({ ...one, linkedTo: [] }));
      const need = new Map<string, bigint>();
      for (const { from, to, asset, amount } of candidates.flatMap(({ legs }) => legs)) {
        need.set(`${from}/${asset}`, (need.get(`${from}/${asset}`) ?? 0n) + amount);
        need.set(`${to}/${asset}`, (need.get(`${to}/${asset}`) ?? 0n) - amount);
      }
      const held = Object.fromEntries([...need].filter(([, amount]) => amount > 0n));
      expect(solvedIds(candidates, viewOf(held))).toHaveLength(candidates.length);
    });
    fc.assert(law, { numRuns: 500 });
  });
});

/** A queue without luck in it: a small generator with a fixed seed. */
function bigQueue(count: number, parties: number): readonly NettingCandidate[] {
  let seed = 12_345;
  const next = (bound: number): number => {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) & 0x7fff_ffff;
    return (seed >> 8) % bound;
  };
  return Array.from({ length: count }, (_, i) => {
    const [a, b] = [next(parties), next(parties)];
    const amount = BigInt(1 + next(1_000));
    const legs = [pay(`S${a}`, `S${b}`, amount, BOND), pay(`C${b}`, `C${a}`, amount * 97n)];
    const more = { priority: 2 + next(3), entryHeight: next(500) };
    return candidate(`i${String(i).padStart(5, "0")}`, legs, more);
  });
}

describe("bounds", () => {
  test("ten thousand instructions make a cycle, and what is later waits", () => {
    const queued = bigQueue(MAX_CYCLE_CANDIDATES + 50, 200);
    const view: NettingView = {
      available: (_, asset) => (asset === CBDC ? 300_000n : 3_000n),
      mayMove: () => true,
    };
    const { settled, net, exhausted, steps } = solveNetting(queued, "DVP_3", view);
    expect(settled.length).toBeGreaterThan(5_000);
    expect(settled.length).toBeLessThanOrEqual(MAX_CYCLE_CANDIDATES);
    for (const { asset, delta } of net) {
      expect(delta >= (asset === CBDC ? -300_000n : -3_000n)).toBe(true);
    }
    expect(steps).toBeLessThan(NETTING_LIMITS.steps);
    expect(exhausted).toBe(true); // by its rounds: instructions are left that none of 16 rounds took
  });

  test("a search that runs out of rounds or steps gives what it has, and says so", () => {
    const queued = bigQueue(500, 20);
    const view: NettingView = { available: () => 500n, mayMove: () => true };
    const whole = solveNetting(queued, "DVP_3", view);
    const few = solveNetting(queued, "DVP_3", view, { ...NETTING_LIMITS, rounds: 1 });
    expect(few.exhausted).toBe(true);
    expect(few.rounds).toBe(1);
    expect(few.settled.length).toBeLessThanOrEqual(whole.settled.length);
    const short = solveNetting(queued, "DVP_3", view, { ...NETTING_LIMITS, steps: 1 });
    expect(short.exhausted).toBe(true);
    expect(short.net.every(({ delta }) => delta >= -500n)).toBe(true);
  });

  test("a chain against the order of service resolves whole", () => {
    const chain = Array.from({ length: 2_000 }, (_, i) =>
      candidate(`c${i}`, [pay(`A${2_000 - i}`, `A${1_999 - i}`, 7n)], { entryHeight: i }),
    );
    const view = cash({ A2000: 7n });
    expect(solvedIds(chain.toReversed(), view)).toHaveLength(2_000);
    expect(solvedIds(chain, cash({ A1000: 7n }))).toHaveLength(1_000);
  });
});
