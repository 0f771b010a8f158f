import { invariant, present } from "../../primitives/assert.ts";
import { Heap } from "./heap.ts";
import { compareCandidates, type NettingModel, type NettingView } from "./netting-problem.ts";
import { type NettingUnit, PositionBook, unitsOf } from "./netting-units.ts";
import type { NetPosition, NettingCandidate } from "./solver-port.ts";

/** Instructions that one cycle looks at, first in the order of service; the rest wait for the next. */
export const MAX_CYCLE_CANDIDATES = 10_000;

/** Rounds of dropping and adding; each is linear but for a logarithm, and most cycles need two. */
export const MAX_CYCLE_ROUNDS = 8;

/**
 * Effects and heap entries that one cycle may touch: a queue of ten thousand that hardly anything
 * can settle from takes about that many in all rounds, half a second on a machine of two cores. It
 * bounds adversarial queues, in which one large account wakes thousands of waiting units again and
 * again.
 */
export const MAX_CYCLE_STEPS = 600_000;

export interface NettingLimits {
  readonly candidates: number;
  readonly rounds: number;
  readonly steps: number;
}

export const NETTING_LIMITS: NettingLimits = {
  candidates: MAX_CYCLE_CANDIDATES,
  rounds: MAX_CYCLE_ROUNDS,
  steps: MAX_CYCLE_STEPS,
};

export interface NettingSolution<C extends NettingCandidate> {
  /** The set that settles in one transition, in the order of service. */
  readonly settled: readonly C[];
  /** The net of the whole set, by account, then asset. */
  readonly net: readonly NetPosition[];
  readonly rounds: number;
  readonly steps: number;
  /** A bound ended the search: what was found stands, more might have been. */
  readonly exhausted: boolean;
}

/**
 * Finds a set of instructions that no account is short for when all of them settle at once.
 *
 * A round takes all units that are left, and while a position is short drops the last in the order
 * of service among the payers of short positions. To what remains it adds dropped units again, the
 * first that fits each time. What it found stays; the next round works on the rest. A round that
 * finds nothing sets aside the unit that it dropped last, since that one held the others up, until
 * a later round finds something. The search ends when no unit is left to look at, or at a bound.
 *
 * Pure; the order in which candidates are given does not matter. Finding the largest set is
 * NP-hard (Güntzer, Jungnickel, Leclerc, 1998); this gives one that no single unit can be added to.
 */
export function solveNetting<C extends NettingCandidate>(
  candidates: readonly C[],
  model: NettingModel,
  view: NettingView,
  limits: NettingLimits = NETTING_LIMITS,
): NettingSolution<C> {
  const ordered = candidates.toSorted(compareCandidates).slice(0, limits.candidates);
  const book = new PositionBook(view);
  const search = new Search(unitsOf(ordered, model, view, book), book, limits);
  search.run();
  for (const value of book.values) invariant(value >= 0n, "no position of a cycle is short");
  const settled = search.accepted.map(({ candidate }) => candidate).toSorted(compareCandidates);
  const { rounds, steps, exhausted } = search;
  return { settled, net: netOf(settled), rounds, steps, exhausted };
}

/** A short position that waits for its last payer to be dropped. */
interface Shortage {
  readonly position: number;
  /** Of the payer that was last when this was noted; payers only become fewer. */
  readonly rank: number;
}

/** A unit that waits until a position holds enough for it. */
interface Waiting<C extends NettingCandidate> {
  readonly unit: NettingUnit<C>;
  readonly need: bigint;
}

class Search<C extends NettingCandidate> {
  readonly accepted: NettingUnit<C>[] = [];
  rounds = 0;
  steps = 0;
  exhausted = false;
  readonly #book: PositionBook;
  readonly #limits: NettingLimits;
  readonly #units: readonly NettingUnit<C>[];
  /** By rank: whether the unit is part of the set being built. */
  readonly #isIn: boolean[];
  #setAside = new Set<number>();

  constructor(units: readonly NettingUnit<C>[], book: PositionBook, limits: NettingLimits) {
    this.#units = units;
    this.#book = book;
    this.#limits = limits;
    this.#isIn = units.map(() => false);
  }

  run(): void {
    let left = this.#units;
    // Units that bring nobody anything cannot unlock one another: they were tried one by one.
    while (left.length > this.#setAside.size && (this.rounds === 0 || left.some(isGiving))) {
      if (this.rounds >= this.#limits.rounds || this.#isSpent()) {
        this.exhausted = true;
        break;
      }
      this.rounds += 1;
      const lastDropped = this.#drop(left.filter(({ rank }) => !this.#setAside.has(rank)));
      this.#add(left.filter(({ rank }) => this.#isIn[rank] !== true));
      const found = left.filter(({ rank }) => this.#isIn[rank] === true);
      if (found.length > 0) {
        this.accepted.push(...found);
        left = left.filter(({ rank }) => this.#isIn[rank] !== true);
        this.#setAside = new Set();
      } else if (lastDropped !== undefined) {
        this.#setAside.add(lastDropped);
      }
    }
  }

  /** Adds all units, then drops payers of short positions. Gives the rank dropped last. */
  #drop(units: readonly NettingUnit<C>[]): number | undefined {
    const payers = new Map<number, number[]>();
    for (const unit of units) {
      this.#take(unit);
      for (const { position, delta } of unit.effects) {
        if (delta > 0n) continue;
        const ranks = payers.get(position);
        if (ranks === undefined) payers.set(position, [unit.rank]);
        else ranks.push(unit.rank);
      }
    }
    const shortages = new Heap<Shortage>((a, b) => a.rank > b.rank);
    const note = (position: number): void => {
      const ranks = present(payers.get(position), "a short position has payers");
      while (this.#isIn[ranks.at(-1) ?? -1] === false) ranks.pop();
      shortages.push({ position, rank: present(ranks.at(-1), "a payer of a short position") });
    };
    for (const position of payers.keys()) if (this.#book.value(position) < 0n) note(position);
    let lastDropped: number | undefined;
    for (let top = shortages.pop(); top !== undefined; top = shortages.pop()) {
      const { position, rank } = top;
      this.steps += 1;
      if (this.#book.value(position) >= 0n) continue;
      if (this.#isIn[rank] === true) {
        this.#leave(rank, note);
        lastDropped = rank;
      }
      if (this.#book.value(position) < 0n) note(position);
    }
    return lastDropped;
  }

  /** Adds units one by one, each time the first in order that fits, until none does. */
  #add(units: readonly NettingUnit<C>[]): void {
    const ready = new Heap<NettingUnit<C>>((a, b) => a.rank < b.rank);
    for (const unit of units) ready.push(unit);
    const waiting = new Map<number, Heap<Waiting<C>>>();
    for (let unit = ready.pop(); unit !== undefined; unit = ready.pop()) {
      // Out of steps: the set as it stands is short nowhere.
      if (this.#isSpent()) return;
      this.steps += 1;
      const lacking = unit.effects.find(
        ({ position, delta }) => delta < 0n && this.#book.value(position) + delta < 0n,
      );
      if (lacking !== undefined) {
        const queue =
          waiting.get(lacking.position) ?? new Heap<Waiting<C>>((a, b) => a.need < b.need);
        waiting.set(lacking.position, queue);
        queue.push({ unit, need: -lacking.delta });
        continue;
      }
      this.#take(unit);
      for (const { position, delta } of unit.effects) {
        if (delta > 0n) this.#wake(waiting.get(position), this.#book.value(position), ready);
      }
    }
  }

  #wake(queue: Heap<Waiting<C>> | undefined, value: bigint, ready: Heap<NettingUnit<C>>): void {
    if (queue === undefined) return;
    for (let top = queue.top; top !== undefined && top.need <= value; top = queue.top) {
      queue.pop();
      ready.push(top.unit);
      this.steps += 1;
    }
  }

  #take(unit: NettingUnit<C>): void {
    this.#book.apply(unit);
    this.#isIn[unit.rank] = true;
    this.steps += unit.effects.length;
  }

  #leave(rank: number, nowShort: (position: number) => void): void {
    const unit = present(this.#units[rank], "unit");
    this.#book.undo(unit);
    this.#isIn[rank] = false;
    this.steps += unit.effects.length;
    for (const { position, delta } of unit.effects) {
      // Short now, and was not before.
      const value = this.#book.value(position);
      if (delta > 0n && value < 0n && value + delta >= 0n) nowShort(position);
    }
  }

  #isSpent(): boolean {
    return this.steps >= this.#limits.steps;
  }
}

function isGiving(unit: NettingUnit<NettingCandidate>): boolean {
  return unit.effects.some(({ delta }) => delta > 0n);
}

/** Every leg of the set counts, whatever the model: this is what balances change by. */
function netOf(settled: readonly NettingCandidate[]): readonly NetPosition[] {
  const byAccount = new Map<string, Map<string, bigint>>();
  const add = (account: string, asset: string, amount: bigint): void => {
    const nets = byAccount.get(account) ?? new Map<string, bigint>();
    byAccount.set(account, nets);
    nets.set(asset, (nets.get(asset) ?? 0n) + amount);
  };
  for (const { legs } of settled) {
    for (const { from, to, asset, amount } of legs) {
      add(from, asset, -amount);
      add(to, asset, amount);
    }
  }
  const out: NetPosition[] = [];
  for (const account of [...byAccount.keys()].toSorted()) {
    const nets = byAccount.get(account) ?? new Map<string, bigint>();
    for (const asset of [...nets.keys()].toSorted()) {
      const net = nets.get(asset) ?? 0n;
      if (net !== 0n) out.push({ account, asset, net });
    }
  }
  return out;
}
