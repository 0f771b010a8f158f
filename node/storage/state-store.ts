import { present } from "../../primitives/assert.ts";
import { decodeHead } from "./block-record.ts";
import type { ChainHead, StateChange, StateEntry } from "./committed-block.ts";
import type { Database, WriteBatch } from "./database.ts";
import { HEAD_KEY, PREFIX, prefixRange, stateKey, stateKeyText } from "./keyspace.ts";

/** The state after one block, whatever is committed while it is read. */
export interface StateView {
  /** The block whose state it is, read from the same moment. */
  head(): Promise<ChainHead>;
  /** Every entry, in order of the UTF-8 keys. */
  entries(): AsyncGenerator<StateEntry>;
  close(): Promise<void>;
}

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

  /** The state as it is now: take it in the turn in which a commit has resolved. */
  view(): StateView {
    const view = this.#database.view();
    return {
      async head() {
        let bytes: Uint8Array | undefined;
        for await (const [, value] of view.scan({ gte: HEAD_KEY, lte: HEAD_KEY })) bytes = value;
        return decodeHead(present(bytes, "the head of a state that is copied"));
      },
      async *entries() {
        for await (const [key, value] of view.scan(prefixRange(PREFIX.state))) {
          yield [stateKeyText(key), value];
        }
      },
      close: () => view.close(),
    };
  }

  /** Adds the changes to a batch that a block commit writes. */
  stage(batch: WriteBatch, changes: Iterable<StateChange>): void {
    for (const [key, value] of changes) {
      if (value === null) batch.delete(stateKey(key));
      else batch.put(stateKey(key), value);
    }
  }
}
