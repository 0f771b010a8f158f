import { invariant } from "../../primitives/assert.ts";
import { decode, encode } from "../../primitives/codec/codec.ts";
import type { Schema } from "../../primitives/codec/schema.ts";
import type { StateReader } from "../state-reader.ts";

interface TableDefinition<T> {
  /** First part of every key of the table; no table's name is another's. */
  readonly name: string;
  readonly schema: Schema<T>;
  /** What follows the name: "" for a table of one record, else its id, parts joined by '/'. */
  readonly idOf: (value: T) => string;
  /**
   * Whether decoded values are remembered by the identity of their bytes. For records that many
   * blocks read; not for those written once and looked at rarely.
   */
  readonly remember: boolean;
}

/**
 * Decoded values of one table remembered at a time: the busy accounts of a market, some MB in all
 * tables together. Remembering every record ever read would hold a large state twice.
 */
const MAX_REMEMBERED = 16_384;

/** One kind of record in the flat state: its keys and its canonical bytes. */
export class Table<T> {
  readonly name: string;
  readonly #definition: TableDefinition<T>;
  /**
   * By the identity of the bytes, in two generations: when the younger one is full the older one is
   * forgotten as a whole. (A Map from which the first entry is always removed gets slow: it steps
   * over all that was removed before.)
   */
  #decoded = new Map<Uint8Array, T>();
  #older = new Map<Uint8Array, T>();

  constructor(definition: TableDefinition<T>) {
    this.name = definition.name;
    this.#definition = definition;
  }

  idOf(value: T): string {
    return this.#definition.idOf(value);
  }

  /**
   * References may hold spaces (Max35Text), keys of the state may not: a space becomes '~', which
   * stands in no identifier or reference, so that two ids never share a key.
   */
  key(id: string): string {
    return id === "" ? this.name : `${this.name}/${id.replaceAll(" ", "~")}`;
  }

  encode(value: T): Uint8Array {
    const bytes = encode(this.#definition.schema, value, this.name);
    if (this.#definition.remember) this.#remember(bytes, value);
    return bytes;
  }

  /** Throws CodecError on bytes that are not one canonical record of this table. */
  decode(bytes: Uint8Array): T {
    const known = this.#decoded.get(bytes) ?? this.#fromOlder(bytes);
    if (known !== undefined) return known;
    const value = decode(this.#definition.schema, bytes, undefined, this.name);
    if (this.#definition.remember) this.#remember(bytes, value);
    return value;
  }

  #remember(bytes: Uint8Array, value: T): void {
    if (this.#decoded.size >= MAX_REMEMBERED / 2) {
      this.#older = this.#decoded;
      this.#decoded = new Map();
    }
    this.#decoded.set(bytes, value);
  }

  /** What is still read stays. */
  #fromOlder(bytes: Uint8Array): T | undefined {
    const value = this.#older.get(bytes);
    if (value !== undefined) this.#remember(bytes, value);
    return value;
  }

  /** The record as committed, or undefined. State that does not decode is an InvariantError. */
  read(reader: StateReader, id: string): T | undefined {
    const bytes = reader.get(this.key(id));
    if (bytes === undefined) return undefined;
    const value = this.decode(bytes);
    invariant(this.idOf(value) === id, `record of ${this.key(id)} stands under its own key`);
    return value;
  }

  /** An entry of the flat state, for genesis and tests. */
  entry(value: T): readonly [string, Uint8Array] {
    return [this.key(this.idOf(value)), this.encode(value)];
  }
}
