import { mkdir, open, readdir, readFile, rename, rm } from "node:fs/promises";
import { isMissing, syncDirectory } from "../storage/segment-files.ts";

/**
 * The file operations that snapshots rest on. A separate interface, so that tests can fail at any
 * one of them.
 */
export interface SnapshotFiles {
  /** Names in the directory; empty where there is none. */
  list(directory: string): Promise<readonly string[]>;
  read(path: string): Promise<Uint8Array>;
  /** A new file, its bytes on disk when it resolves; the name needs `syncDirectory`. */
  write(path: string, bytes: Uint8Array): Promise<void>;
  /** With its parents, where they are missing. */
  makeDirectory(path: string): Promise<void>;
  /** The caller knows that `to` is free. */
  rename(from: string, to: string): Promise<void>;
  /** A file or a tree; nothing is no error. */
  remove(path: string): Promise<void>;
  /** Makes creations, renames and removals in the directory durable. */
  syncDirectory(path: string): Promise<void>;
}

export const diskFiles: SnapshotFiles = {
  async list(directory) {
    try {
      return await readdir(directory);
    } catch (error) {
      if (isMissing(error)) return [];
      throw error;
    }
  },
  async read(path) {
    // A plain view: Buffer.slice aliases where Uint8Array.slice copies.
    const bytes = await readFile(path);
    return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
  },
  async write(path, bytes) {
    const handle = await open(path, "wx", 0o600);
    try {
      await handle.writeFile(bytes);
      await handle.datasync();
    } finally {
      await handle.close();
    }
  },
  async makeDirectory(path) {
    await mkdir(path, { recursive: true, mode: 0o700 });
  },
  rename: (from, to) => rename(from, to),
  remove: (path) => rm(path, { recursive: true, force: true }),
  syncDirectory,
};
