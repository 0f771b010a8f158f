import { join } from "node:path";
import { isMissing } from "../storage/segment-files.ts";
import type { Manifest } from "./manifest.ts";
import { MANIFEST_NAME } from "./snapshot-directory.ts";
import { SnapshotError } from "./snapshot-error.ts";
import type { SnapshotFiles } from "./snapshot-files.ts";

const DRAFT = ".draft";
const HASH_NAME = /^[0-9a-f]{64}$/;

/**
 * A snapshot on its way in: the manifest that is followed and the chunks that came, each a file
 * under its own hash. A file of a final name was synced and had its hash when it was written, so a
 * restart goes on where the last one stopped.
 */
export class IncomingStore {
  readonly #files: SnapshotFiles;
  readonly #directory: string;
  readonly #hashes: Set<string>;

  private constructor(files: SnapshotFiles, directory: string, hashes: Set<string>) {
    this.#files = files;
    this.#directory = directory;
    this.#hashes = hashes;
  }

  static async open(files: SnapshotFiles, directory: string): Promise<IncomingStore> {
    const names = await files.list(directory);
    for (const name of names) {
      if (name.endsWith(DRAFT)) await files.remove(join(directory, name));
    }
    const hashes = new Set(names.filter((name) => HASH_NAME.test(name)));
    return new IncomingStore(files, directory, hashes);
  }

  /** The manifest that was followed before; nothing in it is believed. */
  async manifest(): Promise<Uint8Array | undefined> {
    try {
      return await this.#files.read(join(this.#directory, MANIFEST_NAME));
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  }

  /** Follows this manifest from now on; chunks that it does not name go. */
  async follow(manifest: Manifest, bytes: Uint8Array): Promise<void> {
    const files = this.#files;
    await files.makeDirectory(this.#directory);
    const named = new Set(manifest.chunkHashes);
    for (const hash of this.#hashes) if (!named.has(hash)) await this.forget(hash);
    await files.remove(join(this.#directory, MANIFEST_NAME));
    await this.#put(MANIFEST_NAME, bytes);
    await files.syncDirectory(this.#directory);
  }

  has(hash: string): boolean {
    return this.#hashes.has(hash);
  }

  /** The caller has checked the hash. */
  async add(hash: string, chunk: Uint8Array): Promise<void> {
    if (this.#hashes.has(hash)) return;
    await this.#put(hash, chunk);
    this.#hashes.add(hash);
  }

  async read(hash: string): Promise<Uint8Array> {
    try {
      return await this.#files.read(join(this.#directory, hash));
    } catch (error) {
      if (!isMissing(error)) throw error;
      this.#hashes.delete(hash);
      throw new SnapshotError("SNAPSHOT_CHUNK", `the chunk ${hash} is gone`, { hash });
    }
  }

  /** The chunk on disk is not what was written. */
  async forget(hash: string): Promise<void> {
    this.#hashes.delete(hash);
    await this.#files.remove(join(this.#directory, hash));
  }

  /** Everything that came goes: it was installed, or it was worth nothing. */
  async clear(): Promise<void> {
    this.#hashes.clear();
    await this.#files.remove(this.#directory);
  }

  async #put(name: string, bytes: Uint8Array): Promise<void> {
    const path = join(this.#directory, name);
    await this.#files.remove(`${path}${DRAFT}`);
    await this.#files.write(`${path}${DRAFT}`, bytes);
    await this.#files.rename(`${path}${DRAFT}`, path);
  }
}
