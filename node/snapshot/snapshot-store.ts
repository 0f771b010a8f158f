import { join } from "node:path";
import { messageOf } from "../../primitives/errors.ts";
import { KEPT_SNAPSHOTS, MAX_SNAPSHOTS, SERVING_LEASE_MS } from "./limits.ts";
import type { TrustRoot } from "./manifest-check.ts";
import { type OpenSnapshot, openSnapshot, readChunk } from "./snapshot-directory.ts";
import { SnapshotError } from "./snapshot-error.ts";
import type { SnapshotFiles } from "./snapshot-files.ts";
import { type SnapshotSource, UNFINISHED, writeSnapshot } from "./snapshot-writer.ts";

export interface StoreOptions {
  readonly files: SnapshotFiles;
  /** `<dataDir>/snapshots`. */
  readonly directory: string;
  readonly root: TrustRoot;
  /** Monotonic, ms. */
  readonly now: () => number;
  /** A snapshot on disk is not what was written: it is not offered any more. */
  readonly damaged: (height: number, why: string) => void;
}

interface Kept {
  readonly snapshot: OpenSnapshot;
  /** When a chunk of it was last asked for. */
  servedAtMs: number;
}

const HEIGHT_NAME = /^[1-9][0-9]{0,15}$/;

/** Heights of the snapshots in a directory, rising; unfinished ones are left out. */
export async function snapshotHeights(
  files: SnapshotFiles,
  directory: string,
): Promise<readonly number[]> {
  const names = await files.list(directory);
  const heights = names.filter((name) => HEIGHT_NAME.test(name)).map(Number);
  return heights.filter(Number.isSafeInteger).sort((a, b) => a - b);
}

/**
 * The snapshots of a node. What is offered was proven when it was written, its manifest again at
 * every start, and each chunk again whenever it is read.
 */
export class SnapshotStore {
  readonly #options: StoreOptions;
  /** By height, rising. */
  readonly #kept = new Map<number, Kept>();

  private constructor(options: StoreOptions) {
    this.#options = options;
  }

  /** Removes what a crash left half written. Damaged snapshots stay on disk and are not offered. */
  static async open(options: StoreOptions): Promise<SnapshotStore> {
    const { files, directory, root } = options;
    const store = new SnapshotStore(options);
    for (const name of await files.list(directory)) {
      if (name.endsWith(UNFINISHED)) await files.remove(join(directory, name));
    }
    for (const height of await snapshotHeights(files, directory)) {
      try {
        const snapshot = await openSnapshot(files, join(directory, String(height)), root);
        store.#keep(snapshot);
      } catch (error) {
        if (!(error instanceof SnapshotError)) throw error;
        options.damaged(height, `${error.code}: ${messageOf(error)}`);
      }
    }
    return store;
  }

  /** The newest one that is offered. */
  get newest(): OpenSnapshot | undefined {
    return [...this.#kept.values()].at(-1)?.snapshot;
  }

  get heights(): readonly number[] {
    return [...this.#kept.keys()];
  }

  get(height: number): OpenSnapshot | undefined {
    return this.#kept.get(height)?.snapshot;
  }

  /** Writes, proves and offers a snapshot, then lets go of old ones. Throws as writeSnapshot. */
  async create(source: SnapshotSource, signal?: AbortSignal): Promise<OpenSnapshot> {
    const { files, directory, root } = this.#options;
    const snapshot = await writeSnapshot(files, directory, source, root, signal);
    this.#keep(snapshot);
    await this.prune();
    return snapshot;
  }

  /**
   * A chunk to be sent to a peer: of an offered snapshot, by place and hash. Undefined where there
   * is none such. A chunk that changed on disk withdraws its snapshot.
   */
  async serve(height: number, index: number, hash: string): Promise<Uint8Array | undefined> {
    const kept = this.#kept.get(height);
    const manifest = kept?.snapshot.proven.manifest;
    if (kept === undefined || manifest?.chunkHashes[index] !== hash) return undefined;
    kept.servedAtMs = this.#options.now();
    try {
      return await readChunk(this.#options.files, kept.snapshot.directory, manifest, index);
    } catch (error) {
      if (!(error instanceof SnapshotError)) throw error;
      // Pruned meanwhile, although somebody still read it: there were too many.
      if (this.#kept.get(height) !== kept) return undefined;
      this.#kept.delete(height);
      this.#options.damaged(height, `${error.code}: ${messageOf(error)}`);
      return undefined;
    }
  }

  /**
   * Keeps the newest two, and up to four in all as long as somebody reads them. Damaged ones go when
   * a newer one is whole.
   */
  async prune(): Promise<void> {
    const { files, directory, now } = this.#options;
    const entries = [...this.#kept].reverse();
    const doomed = entries.filter(([, { servedAtMs }], age) => {
      const isServed = now() - servedAtMs < SERVING_LEASE_MS;
      return age >= MAX_SNAPSHOTS || (age >= KEPT_SNAPSHOTS && !isServed);
    });
    for (const [height] of doomed) this.#kept.delete(height);
    const newest = this.heights.at(-1) ?? 0;
    for (const height of await snapshotHeights(files, directory)) {
      if (height >= newest || this.#kept.has(height)) continue;
      const path = join(directory, String(height));
      // Its name goes first: a removal that a crash cuts short leaves no half snapshot of that name.
      const grave = `${path}${UNFINISHED}`;
      await files.rename(path, grave);
      await files.syncDirectory(directory);
      await files.remove(grave);
    }
  }

  #keep(snapshot: OpenSnapshot): void {
    const kept = { snapshot, servedAtMs: Number.NEGATIVE_INFINITY };
    const entries = [...this.#kept, [snapshot.proven.manifest.height, kept] as const];
    this.#kept.clear();
    for (const [height, value] of entries.sort(([a], [b]) => a - b)) this.#kept.set(height, value);
  }
}
