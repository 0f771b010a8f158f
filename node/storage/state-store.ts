import type { StateChange, StateEntry } from "./committed-block.ts";
import type { Database, WriteBatch } from "./database.ts";
import { PREFIX, prefixRange, stateKey, stateKeyText } from "./keyspace.ts";

/** The ledger state after the newest applied block: a flat map from text keys to bytes. */
export class StateStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  get(key: string): Uint8Array | undefined {
    return this.#database.get(stateKey(key));
  }

  /** Every entry, in order of the UTF-8 keys. */
  async *entries(): AsyncGenerator<StateEntry> {
    for await (const [key, value] of this.#database.scan(prefixRange(PREFIX.state))) {
      yield [stateKeyText(key), value];
    }
  }

  /** Adds the changes to a batch that a block commit writes. */
  stage(batch: WriteBatch, changes: Iterable<StateChange>): void {
    for (const [key, value] of changes) {
      if (value === null) batch.delete(stateKey(key));
      else batch.put(stateKey(key), value);
    }
  }
}
