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
  /** Snapshots of the state, a folder for each height, and `incoming` for one that is fetched. */
  readonly snapshots: string;
}

export function dataPaths(dataDir: string): DataPaths {
  return {
    database: join(dataDir, "db"),
    journal: join(dataDir, "journal"),
    snapshots: join(dataDir, "snapshots"),
  };
}
