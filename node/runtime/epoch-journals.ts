import { mkdir, readdir, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { JournalFile, type OpenedJournal } from "../storage/journal-file.ts";
import { isMissing, syncDirectory } from "../storage/segment-files.ts";
import { StorageError } from "../storage/storage-error.ts";
import { dataPaths } from "./data-paths.ts";

/** An open journal and what it holds. */
export type EpochJournal = Pick<OpenedJournal, "journal" | "records">;

/** A name as `epoch-12`, in the journal's directory. */
const NAME = /^epoch-(0|[1-9][0-9]{0,15})$/;

/**
 * The consensus journals of a node: one directory for each epoch, since what was promised in one
 * says nothing in another. The old one is kept until the new epoch has a final block: until then
 * the promises of the end of the epoch may still be asked for.
 */
export class EpochJournals {
  readonly #directory: string;
  readonly #chainId: string;

  constructor(dataDir: string, chainId: string) {
    this.#directory = dataPaths(dataDir).journal;
    this.#chainId = chainId;
  }

  /** A new, empty one. Throws JOURNAL_EXISTS. */
  async create(epoch: number): Promise<JournalFile> {
    await mkdir(this.#directory, { recursive: true, mode: 0o700 });
    await syncDirectory(dirname(this.#directory));
    return JournalFile.create(this.#options(epoch));
  }

  /**
   * The journal of an epoch after a process start. `begins` says that the epoch has no block on
   * this node yet: then a crash may have come before its journal was made, and it is made now if
   * that of the epoch before is there. Throws JOURNAL_MISSING otherwise.
   */
  async open(epoch: number, begins: boolean): Promise<EpochJournal> {
    try {
      return await JournalFile.open(this.#options(epoch));
    } catch (error) {
      const isMissing = error instanceof StorageError && error.code === "JOURNAL_MISSING";
      if (!isMissing || !begins || !(await this.#epochs()).includes(epoch - 1)) throw error;
    }
    return { journal: await this.create(epoch), records: [] };
  }

  /**
   * The journal of an epoch that begins in this process. It may be there, with promises in it,
   * where the database is older than the journals: then they stand.
   */
  async begin(epoch: number): Promise<EpochJournal> {
    try {
      return { journal: await this.create(epoch), records: [] };
    } catch (error) {
      if (!(error instanceof StorageError) || error.code !== "JOURNAL_EXISTS") throw error;
    }
    return JournalFile.open(this.#options(epoch));
  }

  /** Makes an empty journal of an epoch durably, unless there is one. */
  async ensure(epoch: number): Promise<void> {
    const { journal } = await this.begin(epoch);
    await journal.close();
  }

  /** Removes those of epochs before this one. */
  async removeBefore(epoch: number): Promise<void> {
    for (const kept of await this.#epochs()) {
      if (kept < epoch) await rm(this.#path(kept), { recursive: true });
    }
  }

  async #epochs(): Promise<readonly number[]> {
    try {
      const names = await readdir(this.#directory);
      return names.flatMap((name) => {
        const match = NAME.exec(name);
        return match === null ? [] : [Number(match[1])];
      });
    } catch (error) {
      if (isMissing(error)) return [];
      throw error;
    }
  }

  #path(epoch: number): string {
    return join(this.#directory, `epoch-${epoch}`);
  }

  #options(epoch: number) {
    return { directory: this.#path(epoch), chainId: this.#chainId };
  }
}
