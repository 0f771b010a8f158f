import { invariant, present } from "../../primitives/assert.ts";
import { isCash } from "../types.ts";
import type { NettingModel } from "./netting-problem.ts";
import { type NettingCandidate, type NettingView, netsAsset } from "./netting-problem.ts";

/** How one unit changes what an account can give away of one asset. */
export interface Effect {
  /** Place in the position book. */
  readonly position: number;
  /** Minor units, not zero. Below zero: the unit is one of the position's payers. */
  readonly delta: bigint;
}

/** Instructions that settle together or not at all: one alone, or a linked set. */
export interface NettingUnit {
  /** Place in the order of service: that of its weakest member among all units. */
  readonly rank: number;
  readonly members: readonly NettingCandidate[];
  readonly effects: readonly Effect[];
}

/** What each (account, asset) can give away: opening, and as units are added and dropped. */
export class PositionBook {
  readonly values: bigint[] = [];
  readonly #places = new Map<string, number>();
  readonly #view: NettingView;

  constructor(view: NettingView) {
    this.#view = view;
  }

  place(account: string, asset: string): number {
    // No account id holds a '/'.
    const key = `${account}/${asset}`;
    const known = this.#places.get(key);
    if (known !== undefined) return known;
    const place = this.values.length;
    const opening = this.#view.available(account, asset);
    invariant(opening >= 0n, "an opening position is not below zero");
    this.#places.set(key, place);
    this.values.push(opening);
    return place;
  }

  value(position: number): bigint {
    return present(this.values[position], "position");
  }

  apply(unit: NettingUnit): void {
    for (const { position, delta } of unit.effects) {
      this.values[position] = this.value(position) + delta;
    }
  }

  undo(unit: NettingUnit): void {
    for (const { position, delta } of unit.effects) {
      this.values[position] = this.value(position) - delta;
    }
  }
}

/**
 * The units of a cycle in the order of service. Left out, with everything linked to them, are
 * candidates with a leg that may not move and those linked to one that is not in the cycle.
 * `ordered` is sorted by `compareCandidates`, without an id twice.
 */
export function unitsOf(
  ordered: readonly NettingCandidate[],
  model: NettingModel,
  view: NettingView,
  book: PositionBook,
): readonly NettingUnit[] {
  const groups = linkedGroups(ordered);
  const units: NettingUnit[] = [];
  for (const members of groups) {
    const complete = members.every(({ linkedTo }) => linkedTo.every((id) => groups.has(id)));
    if (!complete || !members.every((member) => mayMove(member, view))) continue;
    units.push({ rank: units.length, members, effects: effectsOf(members, model, book) });
  }
  return units;
}

function mayMove(candidate: NettingCandidate, view: NettingView): boolean {
  return candidate.legs.every((leg) => view.mayMove(candidate, leg));
}

/** Incoming units count only where the model nets the asset. */
function effectsOf(
  members: readonly NettingCandidate[],
  model: NettingModel,
  book: PositionBook,
): readonly Effect[] {
  const deltas = new Map<number, bigint>();
  const add = (position: number, delta: bigint): void => {
    deltas.set(position, (deltas.get(position) ?? 0n) + delta);
  };
  for (const { id, legs } of members) {
    for (const { from, to, asset, amount } of legs) {
      invariant(amount > 0n, `a leg of ${id} moves something`);
      add(book.place(from, asset), -amount);
      if (netsAsset(model, isCash(asset))) add(book.place(to, asset), amount);
    }
  }
  return [...deltas]
    .filter(([, delta]) => delta !== 0n)
    .map(([position, delta]) => ({ position, delta }));
}

/** Connected sets of linked candidates, each ordered, sorted by their last members. */
class LinkedGroups implements Iterable<readonly NettingCandidate[]> {
  readonly #places: ReadonlyMap<string, number>;
  readonly #groups: readonly (readonly NettingCandidate[])[];

  constructor(
    places: ReadonlyMap<string, number>,
    groups: readonly (readonly NettingCandidate[])[],
  ) {
    this.#places = places;
    this.#groups = groups;
  }

  has(id: string): boolean {
    return this.#places.has(id);
  }

  [Symbol.iterator](): Iterator<readonly NettingCandidate[]> {
    return this.#groups.values();
  }
}

function linkedGroups(ordered: readonly NettingCandidate[]): LinkedGroups {
  const places = new Map(ordered.map(({ id }, place) => [id, place]));
  invariant(places.size === ordered.length, "a cycle names each instruction once");
  // Union-find: the root of a set is its last member.
  const parents = ordered.map((_, place) => place);
  const rootOf = (place: number): number => {
    let at = place;
    for (;;) {
      const parent = present(parents[at], "parent");
      if (parent === at) return at;
      const above = present(parents[parent], "parent");
      parents[at] = above;
      at = above;
    }
  };
  for (const [place, { linkedTo }] of ordered.entries()) {
    for (const id of linkedTo) {
      const other = places.get(id);
      if (other === undefined) continue;
      const [a, b] = [rootOf(place), rootOf(other)];
      parents[Math.min(a, b)] = Math.max(a, b);
    }
  }
  const sets: NettingCandidate[][] = ordered.map(() => []);
  for (const [place, candidate] of ordered.entries()) sets[rootOf(place)]?.push(candidate);
  return new LinkedGroups(
    places,
    sets.filter((set) => set.length > 0),
  );
}
