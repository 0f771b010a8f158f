import type { VerificationLane } from "../verifier.ts";
import { type SharedBytes, SignatureSlab, SLAB_BYTES } from "./signature-slab.ts";

/*
 * What the calling thread and one verification thread share beside the tables: words for atomic
 * access, then slabs. Per slab four words say who holds it.
 *
 *   word 0  bell: counts what was posted; the thread sleeps on it
 *   word 1  1 = end
 *   from word 8, for slab s at 8 + 4 s: state | batch number | count | what to do
 */

const BELL = 0;
const END = 1;
const FIRST_SLAB = 8;
const WORDS_PER_SLAB = 4;
const CONTROL_BYTES = 256;

export const STATE_FREE = 0;
export const STATE_POSTED = 1;
export const STATE_DONE = 2;

/** Verify a batch, or build the table that the first record names for the key that it names. */
export type SlabTask = "verify" | "build";

/** A batch in work, and the next ones waiting: a busy calling thread must not starve this one. */
const TRANSACTION_SLABS = 4;
const VOTE_SLABS = 2;
export const SLABS = VOTE_SLABS + TRANSACTION_SLABS;
export const REGION_BYTES = CONTROL_BYTES + SLABS * SLAB_BYTES;

/** Slabs of a lane; those of votes come first. */
export function slabsOf(lane: VerificationLane): readonly number[] {
  return lane === "vote" ? [0, 1] : [2, 3, 4, 5];
}

export interface PostedSlab {
  readonly index: number;
  readonly number: number;
  readonly task: SlabTask;
}

export class ThreadRegion {
  readonly slabs: readonly SignatureSlab[];
  readonly memory: SharedBytes;
  readonly #control: Int32Array;
  readonly #first: number;

  /** `start`: address of REGION_BYTES bytes. */
  constructor(memory: SharedBytes, start: number) {
    this.memory = memory;
    this.#control = memory.control;
    this.#first = start / 4;
    this.slabs = Array.from(
      { length: SLABS },
      (_, i) => new SignatureSlab(memory, start + CONTROL_BYTES + i * SLAB_BYTES),
    );
  }

  /** Before a thread starts in the region; none uses it then. */
  reset(): void {
    for (let i = 0; i < CONTROL_BYTES / 4; i++) Atomics.store(this.#control, this.#first + i, 0);
  }

  /** Calling thread: hands slab `index` over. */
  post(index: number, number: number, task: SlabTask): void {
    const word = this.#wordOf(index);
    const slab = this.slabs[index];
    Atomics.store(this.#control, word + 1, number | 0);
    Atomics.store(this.#control, word + 2, slab?.count ?? 0);
    Atomics.store(this.#control, word + 3, task === "verify" ? 0 : 1);
    Atomics.store(this.#control, word, STATE_POSTED);
    this.#ring();
  }

  end(): void {
    Atomics.store(this.#control, this.#first + END, 1);
    this.#ring();
  }

  /** Calling thread: takes slab `index` back if it is done, with the number that was answered. */
  takeBack(index: number): number | undefined {
    const word = this.#wordOf(index);
    if (Atomics.load(this.#control, word) !== STATE_DONE) return undefined;
    Atomics.store(this.#control, word, STATE_FREE);
    return Atomics.load(this.#control, word + 1) >>> 0;
  }

  get isEnding(): boolean {
    return Atomics.load(this.#control, this.#first + END) === 1;
  }

  /** Verification thread: the bell's count, to sleep on if nothing is posted after it was read. */
  get bell(): number {
    return Atomics.load(this.#control, this.#first + BELL);
  }

  /** Verification thread: sleeps until the bell has another count than this. */
  sleep(bell: number): void {
    Atomics.wait(this.#control, this.#first + BELL, bell);
  }

  /** Verification thread: the posted slab of the lane with the lowest number. */
  nextPosted(lane: VerificationLane): PostedSlab | undefined {
    let next: PostedSlab | undefined;
    for (const index of slabsOf(lane)) {
      const word = this.#wordOf(index);
      if (Atomics.load(this.#control, word) !== STATE_POSTED) continue;
      const number = Atomics.load(this.#control, word + 1);
      // Numbers wrap: their difference tells the older one.
      if (next !== undefined && ((number - next.number) | 0) > 0) continue;
      const task = Atomics.load(this.#control, word + 3) === 0 ? "verify" : "build";
      next = { index, number, task };
    }
    if (next === undefined) return undefined;
    this.slabs[next.index]?.adopt(Atomics.load(this.#control, this.#wordOf(next.index) + 2));
    return next;
  }

  /** Verification thread: hands the slab back; `number` repeats the batch's. */
  finish(index: number, number: number): void {
    const word = this.#wordOf(index);
    Atomics.store(this.#control, word + 1, number | 0);
    Atomics.store(this.#control, word, STATE_DONE);
  }

  #wordOf(index: number): number {
    return this.#first + FIRST_SLAB + WORDS_PER_SLAB * index;
  }

  #ring(): void {
    Atomics.add(this.#control, this.#first + BELL, 1);
    Atomics.notify(this.#control, this.#first + BELL);
  }
}
