import { invariant } from "./assert.ts";

/** A ring this large is a mistake in a limit, not a queue. */
const CAPACITY_MAX = 1 << 24;

/**
 * First in, first out, with a fixed capacity. A full queue refuses: the caller is told and must
 * decide what to drop or whom to slow down. All operations take constant time.
 */
export class BoundedQueue<T> {
  readonly capacity: number;
  /** Grows up to the capacity by pushes, then is reused in place. */
  readonly #ring: (T | undefined)[] = [];
  #head = 0;
  #length = 0;

  constructor(capacity: number) {
    invariant(
      Number.isInteger(capacity) && capacity >= 1 && capacity <= CAPACITY_MAX,
      `queue capacity is 1..${CAPACITY_MAX}`,
    );
    this.capacity = capacity;
  }

  get length(): number {
    return this.#length;
  }

  get isFull(): boolean {
    return this.#length === this.capacity;
  }

  /** "full" means that the item was not taken. */
  push(item: T): "accepted" | "full" {
    if (this.isFull) return "full";
    this.#ring[(this.#head + this.#length) % this.capacity] = item;
    this.#length += 1;
    return "accepted";
  }

  /** The oldest item, which stays; undefined if there is none. */
  peek(): T | undefined {
    return this.#length === 0 ? undefined : this.#ring[this.#head];
  }

  /** Takes the oldest item; undefined if there is none. */
  shift(): T | undefined {
    if (this.#length === 0) return undefined;
    const item = this.#ring[this.#head];
    this.#ring[this.#head] = undefined; // the queue must not keep it alive
    this.#head = (this.#head + 1) % this.capacity;
    this.#length -= 1;
    return item;
  }

  /** Takes up to `max` of the oldest items, in order. */
  take(max: number): T[] {
    const count = Math.min(max, this.#length);
    const out: T[] = [];
    for (let i = 0; i < count; i++) out.push(this.shift() as T); // there are `count` of them
    return out;
  }

  clear(): void {
    this.#ring.length = 0;
    this.#head = 0;
    this.#length = 0;
  }
}
