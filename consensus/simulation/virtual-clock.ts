import { invariant } from "../../primitives/assert.ts";

/** More pending actions than any healthy run holds: reaching it means messages feed on themselves. */
const MAX_PENDING = 1_000_000;

interface Scheduled {
  readonly atMs: number;
  readonly sequence: number;
  readonly run: () => void;
}

/**
 * The only time there is in a simulation. Actions run one after the other, ordered by their time and,
 * at equal times, by the order in which they were scheduled: a run depends on nothing but its seed.
 */
export class VirtualClock {
  #nowMs = 0;
  #sequence = 0;
  /** A binary heap: the earliest action is at 0, the children of i are at 2i+1 and 2i+2. */
  readonly #heap: Scheduled[] = [];

  /** Milliseconds since the start of the run. */
  get nowMs(): number {
    return this.#nowMs;
  }

  get pending(): number {
    return this.#heap.length;
  }

  /** Runs `run` once, `delayMs` (>= 0, rounded to whole milliseconds) from now. */
  after(delayMs: number, run: () => void): void {
    invariant(delayMs >= 0, "an action lies in the future");
    invariant(this.#heap.length < MAX_PENDING, "the event queue stays bounded");
    this.#push({ atMs: this.#nowMs + Math.round(delayMs), sequence: this.#sequence++, run });
  }

  /** Runs the next action; false when there is none at or before `untilMs`. */
  runNext(untilMs: number): boolean {
    const first = this.#heap[0];
    if (first === undefined || first.atMs > untilMs) return false;
    this.#pop();
    this.#nowMs = first.atMs;
    first.run();
    return true;
  }

  #push(item: Scheduled): void {
    const heap = this.#heap;
    let i = heap.length;
    heap.push(item);
    while (i > 0) {
      const above = (i - 1) >> 1;
      const parent = heap[above];
      if (parent === undefined || before(parent, item)) break;
      heap[i] = parent;
      i = above;
    }
    heap[i] = item;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let i = 0;
    for (;;) {
      const leftIndex = 2 * i + 1;
      const left = heap[leftIndex];
      if (left === undefined) break;
      const right = heap[leftIndex + 1];
      const [child, childIndex] =
        right !== undefined && before(right, left) ? [right, leftIndex + 1] : [left, leftIndex];
      if (before(last, child)) break;
      heap[i] = child;
      i = childIndex;
    }
    heap[i] = last;
  }
}

function before(a: Scheduled, b: Scheduled): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.sequence < b.sequence);
}
