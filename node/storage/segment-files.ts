import { mkdir, open, readdir, readFile, rename, truncate, unlink } from "node:fs/promises";
import { join } from "node:path";

/**
 * The file operations that a journal rests on. A separate interface, so that tests can lose
 * whatever was not synced, or fail at any step.
 */
export interface SegmentFiles {
  /** Names in the directory; empty where the directory does not exist. */
  list(): Promise<readonly string[]>;
  read(name: string): Promise<Uint8Array>;
  /** A new empty file; fails where the name is taken. */
  create(name: string): Promise<SegmentWriter>;
  /** An existing file, to be written at its end. */
  openAt(name: string, size: number): Promise<SegmentWriter>;
  /** Never replaces: the caller knows that `to` is free. */
  rename(from: string, to: string): Promise<void>;
  truncate(name: string, size: number): Promise<void>;
  remove(name: string): Promise<void>;
  /** Makes creations, renames and removals durable. */
  syncDirectory(): Promise<void>;
  makeDirectory(): Promise<void>;
}

export interface SegmentWriter {
  /** Appends all bytes or fails. */
  write(bytes: Uint8Array): Promise<void>;
  /** fdatasync: resolves when the bytes written so far survive a power failure. */
  sync(): Promise<void>;
  close(): Promise<void>;
}

export function segmentFilesIn(directory: string): SegmentFiles {
  const at = (name: string): string => join(directory, name);
  return {
    async list() {
      try {
        return await readdir(directory);
      } catch (error) {
        if (isMissing(error)) return [];
        throw error;
      }
    },
    read: (name) => readFile(at(name)),
    create: (name) => openWriter(at(name), "wx", 0),
    openAt: (name, size) => openWriter(at(name), "r+", size),
    rename: (from, to) => rename(at(from), at(to)),
    async truncate(name, size) {
      await truncate(at(name), size);
      const writer = await openWriter(at(name), "r+", size);
      try {
        await writer.sync();
      } finally {
        await writer.close();
      }
    },
    remove: (name) => unlink(at(name)),
    syncDirectory: () => syncDirectory(directory),
    async makeDirectory() {
      await mkdir(directory, { recursive: true, mode: 0o700 });
      await syncDirectory(join(directory, ".."));
    },
  };
}

/** A directory entry is durable only after the directory itself is synced. */
export async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

export function isMissing(error: unknown): boolean {
  return errnoOf(error) === "ENOENT";
}

/** The `code` of a system error, such as ENOENT, where it has one. */
export function errnoOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !("code" in error)) return undefined;
  return typeof error.code === "string" ? error.code : undefined;
}

async function openWriter(path: string, flags: "wx" | "r+", size: number): Promise<SegmentWriter> {
  const handle = await open(path, flags, 0o600);
  let end = size;
  return {
    async write(bytes) {
      let done = 0;
      while (done < bytes.length) {
        const { bytesWritten } = await handle.write(bytes, done, bytes.length - done, end);
        done += bytesWritten;
        end += bytesWritten;
      }
    },
    sync: () => handle.datasync(),
    close: () => handle.close(),
  };
}
