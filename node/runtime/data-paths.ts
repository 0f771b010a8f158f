import { join } from "node:path";

/** What lies where in a node's data directory. */
export interface DataPaths {
  /** LevelDB: blocks, receipts, events, state, batches. */
  readonly database: string;
  /**
   * Consensus journals, a folder for each epoch: what this validator promised. Never restored from
   * a backup.
   */
  readonly journal: string;
}

export function dataPaths(dataDir: string): DataPaths {
  return { database: join(dataDir, "db"), journal: join(dataDir, "journal") };
}
