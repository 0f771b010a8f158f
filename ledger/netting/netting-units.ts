import { invariant, present } from "../../primitives/assert.ts";
import { isCash } from "../types.ts";
import { type NettingModel, type NettingView, netsAsset } from "./netting-problem.ts";
import type { NettingCandidate } from "./solver-port.ts";

/** How one unit changes what an account can give away of one asset. */
export interface Effect {
  /** Place in the position book. */
  readonly position: number;
  /** Minor units, not zero. Below zero: the unit is one of the position's payers. */
  readonly delta: bigint;
}

/** A candidate by what it does to positions: settled as a whole or not at all. */
export interface NettingUnit<C extends NettingCandidate> {
  /** Place in the order of service. */
  readonly rank: number;
  readonly candidate: C;
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

  apply(unit: NettingUnit<NettingCandidate>): void {
    for (const { position, delta } of unit.effects) {
      this.values[position] = this.value(position) + delta;
    }
  }

  undo(unit: NettingUnit<NettingCandidate>): void {
    for (const { position, delta } of unit.effects) {
      this.values[position] = this.value(position) - delta;
    }
  }
}

/**
 * The units of a cycle in the order of service: `ordered` is sorted by `compareCandidates`, without
 * an id twice. Candidates with a leg that may not move are left out.
 */
export function unitsOf<C extends NettingCandidate>(
  ordered: readonly C[],
  model: NettingModel,
  view: NettingView,
  book: PositionBook,
): readonly NettingUnit<C>[] {
  const ids = new Set(ordered.map(({ id }) => id));
  invariant(ids.size === ordered.length, "a cycle names each candidate once");
  return ordered
    .filter(({ legs }) => legs.every((leg) => view.mayMove(leg)))
    .map((candidate, rank) => ({ rank, candidate, effects: effectsOf(candidate, model, book) }));
}

/** Incoming units count only where the model nets the asset. */
function effectsOf(
  { id, legs }: NettingCandidate,
  model: NettingModel,
  book: PositionBook,
): readonly Effect[] {
  const deltas = new Map<number, bigint>();
  const add = (position: number, delta: bigint): void => {
    deltas.set(position, (deltas.get(position) ?? 0n) + delta);
  };
  for (const { from, to, asset, amount } of legs) {
    invariant(amount > 0n, `a leg of ${id} moves something`);
    add(book.place(from, asset), -amount);
    if (netsAsset(model, isCash(asset))) add(book.place(to, asset), amount);
  }
  return [...deltas]
    .filter(([, delta]) => delta !== 0n)
    .map(([position, delta]) => ({ position, delta }));
}
