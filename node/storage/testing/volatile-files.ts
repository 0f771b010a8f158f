import { present } from "../../../primitives/assert.ts";
import { concatBytes, copyBytes } from "../../../primitives/bytes.ts";
import type { SegmentFiles, SegmentWriter } from "../segment-files.ts";

/** Thrown at the step that a test chose, and by every step after it: the machine is off. */
export class PowerFailure extends Error {
  override readonly name = "PowerFailure";
}

interface Inode {
  /** What a reader sees now. */
  bytes: Uint8Array;
  /** How many of these bytes survive a power failure. */
  syncedBytes: number;
}

/**
 * A directory in memory that forgets at a power failure whatever was not synced: bytes that were
 * not followed by fdatasync, and names (created, renamed, removed) that were not followed by a
 * directory sync. Stricter than any real file system; for tests only.
 */
export class VolatileFiles implements SegmentFiles {
  #entries = new Map<string, Inode>();
  #durableEntries = new Map<string, Inode>();
  #stepsLeft = Number.POSITIVE_INFINITY;
  #failSync = false;
  steps = 0;

  /** The power fails at the `count`-th step from now. */
  failAfter(count: number): void {
    this.#stepsLeft = count;
  }

  /** Every later fdatasync reports an I/O error, as after a lost write-back. */
  failSyncs(): void {
    this.#failSync = true;
  }

  /** `keepUnsynced(length)` says how many of a file's unsynced bytes happen to have reached it. */
  powerCycle(
    keepUnsynced: (length: number) => number,
    keepNames: (name: string) => boolean,
  ): VolatileFiles {
    const next = new VolatileFiles();
    const names = new Set([...this.#entries.keys(), ...this.#durableEntries.keys()]);
    for (const name of names) {
      const inode = (keepNames(name) ? this.#entries : this.#durableEntries).get(name);
      if (inode === undefined) continue;
      const kept = inode.syncedBytes + keepUnsynced(inode.bytes.length - inode.syncedBytes);
      const bytes = inode.bytes.slice(0, kept);
      next.#entries.set(name, { bytes, syncedBytes: bytes.length });
    }
    next.#durableEntries = new Map(next.#entries);
    return next;
  }

  /**
   * What a killed process leaves on a machine that runs on: readers see everything, but what was
   * not synced is still not, and a power failure may yet take it.
   */
  afterKill(): VolatileFiles {
    const next = new VolatileFiles();
    const copies = new Map<Inode, Inode>();
    const copy = (inode: Inode): Inode => {
      const known = copies.get(inode) ?? { ...inode };
      copies.set(inode, known);
      return known;
    };
    for (const [name, inode] of this.#entries) next.#entries.set(name, copy(inode));
    for (const [name, inode] of this.#durableEntries) next.#durableEntries.set(name, copy(inode));
    return next;
  }

  /** Direct access for tests that damage bytes. */
  content(name: string): Uint8Array {
    return present(this.#entries.get(name), name).bytes;
  }

  put(name: string, bytes: Uint8Array): void {
    this.#entries.set(name, { bytes, syncedBytes: bytes.length });
    this.#durableEntries = new Map(this.#entries);
  }

  #step(): void {
    this.steps += 1;
    this.#stepsLeft -= 1;
    if (this.#stepsLeft < 0) throw new PowerFailure("the power failed");
  }

  async list(): Promise<readonly string[]> {
    return [...this.#entries.keys()].sort();
  }

  async read(name: string): Promise<Uint8Array> {
    return copyBytes(present(this.#entries.get(name), name).bytes);
  }

  async create(name: string): Promise<SegmentWriter> {
    this.#step();
    if (this.#entries.has(name)) throw new Error(`EEXIST ${name}`);
    const inode: Inode = { bytes: new Uint8Array(0), syncedBytes: 0 };
    this.#entries.set(name, inode);
    return this.#writer(inode);
  }

  async openAt(name: string): Promise<SegmentWriter> {
    return this.#writer(present(this.#entries.get(name), name));
  }

  #writer(inode: Inode): SegmentWriter {
    return {
      write: async (bytes) => {
        this.#step();
        inode.bytes = concatBytes(inode.bytes, bytes);
      },
      sync: async () => {
        this.#step();
        if (this.#failSync) throw new Error("EIO: i/o error, fdatasync");
        inode.syncedBytes = inode.bytes.length;
      },
      close: async () => {},
    };
  }

  async rename(from: string, to: string): Promise<void> {
    this.#step();
    if (this.#entries.has(to)) throw new Error(`EEXIST ${to}`);
    const inode = present(this.#entries.get(from), from);
    this.#entries.delete(from);
    this.#entries.set(to, inode);
  }

  async truncate(name: string, size: number): Promise<void> {
    this.#step();
    const inode = present(this.#entries.get(name), name);
    inode.bytes = inode.bytes.slice(0, size);
    inode.syncedBytes = Math.min(inode.syncedBytes, size);
  }

  async remove(name: string): Promise<void> {
    this.#step();
    if (!this.#entries.delete(name)) throw new Error(`ENOENT ${name}`);
  }

  async syncDirectory(): Promise<void> {
    this.#step();
    this.#durableEntries = new Map(this.#entries);
  }

  async makeDirectory(): Promise<void> {}
}
