import { invariant } from "../../primitives/assert.ts";
import type { Prng } from "../../primitives/prng.ts";
import type { VirtualClock } from "./virtual-clock.ts";

/**
 * One append-only file. What was appended since the last completed sync may be lost at a crash; a
 * first part of it may survive, ending in a torn entry that the checksum reveals, so it is cut off.
 */
export class LogFile<Entry> {
  readonly #entries: Entry[] = [];
  #synced = 0;
  #dropped = 0;

  append(entry: Entry): void {
    this.#entries.push(entry);
  }

  get length(): number {
    return this.#entries.length;
  }

  /** How many entries older segments held that are deleted by now. */
  get dropped(): number {
    return this.#dropped;
  }

  /** All entries, synced or not, as the running process reads them back. */
  get entries(): readonly Entry[] {
    return this.#entries;
  }

  /** Entries 0 … durableLength − 1 survive a crash. */
  get durableLength(): number {
    return this.#synced;
  }

  markDurable(length: number): void {
    invariant(length <= this.#entries.length, "only what was written becomes durable");
    if (length > this.#synced) this.#synced = length;
  }

  /** Forgets the first `count` entries, all durable: an old segment of the file is deleted. */
  dropFirst(count: number): void {
    invariant(count <= this.#synced, "only durable entries are replaced by a new segment");
    this.#entries.splice(0, count);
    this.#synced -= count;
    this.#dropped += count;
  }

  /** The crash: keeps what is durable and `survivors` of the entries after it. */
  truncate(survivors: number): void {
    this.#entries.length = Math.min(this.#entries.length, this.#synced + survivors);
    // What is found at restart has reached the platter: the restarting node syncs before it serves.
    this.#synced = this.#entries.length;
  }
}

export interface DiskSpeed {
  readonly minSyncMs: number;
  readonly maxSyncMs: number;
}

/**
 * A node's disk: several files and one sync that covers them all. A sync makes durable what was
 * appended before it STARTED. Syncs run one at a time; all that wait share the next (group commit).
 */
export class DiskModel {
  speed: DiskSpeed;
  readonly #clock: VirtualClock;
  readonly #prng: Prng;
  readonly #files: LogFile<unknown>[] = [];
  #waiting: (() => void)[] = [];
  #syncing = false;
  #onFailure: (() => void) | undefined;
  /** Raised by each crash, so that a sync of the former process never completes. */
  #boot = 0;

  constructor(clock: VirtualClock, prng: Prng, speed: DiskSpeed) {
    this.#clock = clock;
    this.#prng = prng;
    this.speed = speed;
  }

  open<Entry>(): LogFile<Entry> {
    const file = new LogFile<Entry>();
    this.#files.push(file);
    return file;
  }

  /** Calls `done` once everything appended so far is durable; never, if the node crashes first. */
  sync(done: () => void): void {
    this.#waiting.push(done);
    if (!this.#syncing) this.#start();
  }

  /** The next sync to complete fails instead: nobody knows what it has made durable. */
  failNext(onFailure: () => void): void {
    this.#onFailure = onFailure;
  }

  /** No sync is going to fail any more. */
  disarm(): void {
    this.#onFailure = undefined;
  }

  /** Each file loses its un-synced tail, or a random rest of it: files are not ordered. */
  crash(): void {
    this.#boot += 1;
    this.#waiting = [];
    this.#syncing = false;
    for (const file of this.#files) {
      file.truncate(this.#prng.below(file.length - file.durableLength + 1));
    }
  }

  #start(): void {
    this.#syncing = true;
    const covered = this.#waiting;
    this.#waiting = [];
    const lengths = this.#files.map((file) => file.dropped + file.length);
    const boot = this.#boot;
    const { minSyncMs, maxSyncMs } = this.speed;
    this.#clock.after(minSyncMs + this.#prng.below(maxSyncMs - minSyncMs + 1), () => {
      if (boot !== this.#boot) return;
      const fail = this.#onFailure;
      if (fail !== undefined) {
        this.#onFailure = undefined;
        fail();
        return;
      }
      for (const [i, file] of this.#files.entries()) {
        file.markDurable((lengths[i] ?? 0) - file.dropped);
      }
      this.#syncing = false;
      for (const done of covered) {
        // One of them may have been the last that this process did.
        if (boot !== this.#boot) return;
        done();
      }
      if (boot === this.#boot && this.#waiting.length > 0 && !this.#syncing) this.#start();
    });
  }
}
