import { diskFiles, type SnapshotFiles } from "../snapshot-files.ts";

/** Thrown at the step that a test chose, and by every step after it: the process is dead. */
export class Crash extends Error {
  override readonly name = "Crash";
}

export interface FailingFiles extends SnapshotFiles {
  /** Steps taken that change the disk, in order: the operation and the name. */
  readonly steps: readonly string[];
}

/**
 * The real disk up to its `crashAfter`-th change, then nothing. `torn` says that the write at which
 * it dies leaves half of its bytes.
 */
export function failingFiles(crashAfter = Number.POSITIVE_INFINITY, torn = false): FailingFiles {
  const steps: string[] = [];
  const step = (operation: string, path: string): void => {
    if (steps.length >= crashAfter) throw new Crash(`dead before ${operation} ${path}`);
    steps.push(`${operation} ${path.split("/").at(-1)}`);
  };
  return {
    steps,
    list: (directory) => diskFiles.list(directory),
    read: (path) => diskFiles.read(path),
    async write(path, bytes) {
      try {
        step("write", path);
      } catch (error) {
        if (torn) await diskFiles.write(path, bytes.subarray(0, bytes.length >> 1));
        throw error;
      }
      await diskFiles.write(path, bytes);
    },
    async makeDirectory(path) {
      step("mkdir", path);
      await diskFiles.makeDirectory(path);
    },
    async rename(from, to) {
      step("rename", to);
      await diskFiles.rename(from, to);
    },
    async remove(path) {
      step("remove", path);
      await diskFiles.remove(path);
    },
    async syncDirectory(path) {
      step("sync", path);
      await diskFiles.syncDirectory(path);
    },
  };
}
