import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { BOND, candidate, cash, pay, solvedIds, viewOf } from "../testing/netting-queue.ts";
import { CBDC, isCash } from "../types.ts";
import {
  compareCandidates,
  type NettingModel,
  type NettingView,
  netsAsset,
  nettingModels,
} from "./netting-problem.ts";
import { MAX_CYCLE_CANDIDATES, NETTING_LIMITS, solveNetting } from "./solver.ts";
import type { NettingCandidate } from "./solver-port.ts";

/** The rules of the solver, written down as plainly as possible: cubic. */
function reference(
  candidates: readonly NettingCandidate[],
  model: NettingModel,
  view: NettingView,
): readonly string[] {
  const ordered = candidates
    .toSorted(compareCandidates)
    .filter((one) => one.legs.every((leg) => view.mayMove(leg)));
  const delta = ({ legs }: NettingCandidate, key: string): bigint => {
    let sum = 0n;
    for (const { from, to, asset, amount } of legs) {
      if (`${from}/${asset}` === key) sum -= amount;
      if (`${to}/${asset}` === key && netsAsset(model, isCash(asset))) sum += amount;
    }
    return sum;
  };
  const legs = ordered.flatMap((one) => one.legs);
  const keys = [...new Set(legs.map(({ from, asset }) => `${from}/${asset}`))];
  const isShort = (set: readonly NettingCandidate[], key: string): boolean => {
    const [account = "", asset = ""] = key.split("/");
    return set.reduce((sum, one) => sum + delta(one, key), view.available(account, asset)) < 0n;
  };
  const settled: NettingCandidate[] = [];
  let left = ordered;
  let aside: NettingCandidate[] = [];
  for (let round = 0; round < NETTING_LIMITS.rounds && left.length > aside.length; round++) {
    let set = left.filter((one) => !aside.includes(one));
    let lastDropped: NettingCandidate | undefined;
    for (;;) {
      const short = keys.filter((key) => isShort([...settled, ...set], key));
      const dropped = set.findLast((one) => short.some((key) => delta(one, key) < 0n));
      if (dropped === undefined) break;
      set = set.filter((one) => one !== dropped);
      lastDropped = dropped;
    }
    for (;;) {
      const fits = left.find(
        (one) =>
          !set.includes(one) &&
          keys.every((key) => delta(one, key) >= 0n || !isShort([...settled, ...set, one], key)),
      );
      if (fits === undefined) break;
      set.push(fits);
    }
    if (set.length > 0) {
      settled.push(...set);
      left = left.filter((one) => !set.includes(one));
      aside = [];
    } else if (lastDropped !== undefined) aside.push(lastDropped);
  }
  return settled.toSorted(compareCandidates).map(({ id }) => id);
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
      // Up to three, as of linked instructions.
      legs: fc.array(leg, { minLength: 1, maxLength: 3 }),
    }),
    { maxLength: 10 },
  )
  .map((drawn) => drawn.map(({ legs, ...place }, i) => candidate(`i${i}`, legs, place)));
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
        expect(solvedIds(candidates, view, key)).toEqual(reference(candidates, key, view));
        expect(solveNetting(shuffled, key, view)).toEqual(solveNetting(candidates, key, view));
      },
    );
    fc.assert(law, { numRuns: 600 });
  });

  test("nobody is short, candidates are whole, frozen accounts rest, nothing is made", () => {
    const law = fc.property(queue, holdings, frozen, model, (candidates, held, blocked, key) => {
      const view = viewOf(held, blocked);
      const { settled, net } = solveNetting(candidates, key, view);
      expect(new Set(settled.map(({ id }) => id)).size).toBe(settled.length);
      const after = new Map(Object.entries(held));
      for (const { account, asset, net: amount } of net) {
        const name = `${account}/${asset}`;
        after.set(name, (after.get(name) ?? 0n) + amount);
      }
      for (const value of after.values()) expect(value >= 0n).toBe(true);
      for (const one of settled) {
        // With all its legs at their own gross amounts.
        expect(candidates).toContain(one);
        for (const { from, to } of one.legs) {
          expect(blocked.some((account) => account === from || account === to)).toBe(false);
        }
      }
      expect(net.reduce((sum, { net: amount }) => sum + amount, 0n)).toBe(0n);
    });
    fc.assert(law, { numRuns: 1_500 });
  });

  test("whatever can settle as a whole does", () => {
    const law = fc.property(queue, (candidates) => {
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
    const { settled, net: nets, exhausted, steps } = solveNetting(queued, "DVP_3", view);
    expect(settled.length).toBeGreaterThan(5_000);
    expect(settled.length).toBeLessThanOrEqual(MAX_CYCLE_CANDIDATES);
    for (const { asset, net } of nets) {
      expect(net >= (asset === CBDC ? -300_000n : -3_000n)).toBe(true);
    }
    expect(steps).toBeLessThan(NETTING_LIMITS.steps);
    expect(exhausted).toBe(true); // by its rounds: some are left that no round took
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
    expect(short.net.every(({ net }) => net >= -500n)).toBe(true);
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
