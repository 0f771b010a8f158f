/** Distinct names a run may count: they come from closed sets, so more means a name was built. */
const MAX_NAMES = 512;

/**
 * How often each kind of thing happened in a run. A simulator that never reaches a branch proves
 * nothing about it, so the tests ask for the rare ones by name.
 */
export class Coverage {
  readonly #counts = new Map<string, number>();

  count(name: string): void {
    const before = this.#counts.get(name);
    if (before === undefined && this.#counts.size >= MAX_NAMES) return;
    this.#counts.set(name, (before ?? 0) + 1);
  }

  get counts(): ReadonlyMap<string, number> {
    return this.#counts;
  }
}

/** Sums of several runs, in alphabetical order. */
export function mergeCounts(
  runs: Iterable<ReadonlyMap<string, number>>,
): ReadonlyMap<string, number> {
  const sum = new Map<string, number>();
  for (const counts of runs) {
    for (const [name, count] of counts) sum.set(name, (sum.get(name) ?? 0) + count);
  }
  return new Map([...sum].sort(([a], [b]) => (a < b ? -1 : 1)));
}
