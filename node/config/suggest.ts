/** Letters that may differ before two names count as different. */
const MAX_DISTANCE = 3;

/** Letters that a cut-short name still has. */
const MIN_CUT = 4;

/** The candidate that a misspelt name most likely means, if any is near. */
export function suggest(name: string, candidates: Iterable<string>): string | undefined {
  let best: string | undefined;
  let least = MAX_DISTANCE + 1;
  for (const candidate of candidates) {
    const distance = distanceOf(normalised(name), normalised(candidate));
    // Half of the letters wrong is another word, however short it is.
    if (distance < least && distance * 2 < Math.max(name.length, candidate.length)) {
      best = candidate;
      least = distance;
    }
  }
  return best;
}

/** A name that was cut short, or has something after it, counts as one letter off. */
function distanceOf(a: string, b: string): number {
  const [short, long] = a.length < b.length ? [a, b] : [b, a];
  const isCut = short.length >= MIN_CUT && short.length < long.length && long.startsWith(short);
  return isCut ? 1 : editDistance(a, b);
}

/** `data_dir`, `data-dir`, `DataDir` and `dataDir` are one name. */
function normalised(name: string): string {
  return name.replace(/[-_]/g, "").toLowerCase();
}

/** Longest name that is compared: a longer one is no misspelling of ours. */
const MAX_NAME = 64;

/** Insertions, deletions, replacements and swaps of neighbours (optimal string alignment). */
function editDistance(a: string, b: string): number {
  if (a.length > MAX_NAME || b.length > MAX_NAME) return Number.POSITIVE_INFINITY;
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (last[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      let cost = Math.min(replaced, (last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        cost = Math.min(cost, (beforeLast[j - 2] ?? 0) + 1);
      }
      row.push(cost);
    }
    beforeLast = last;
    last = row;
  }
  return last[b.length] ?? 0;
}
