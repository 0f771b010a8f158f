import type { StateReader } from "../state-reader.ts";
import type { Table } from "./table.ts";

/** A record that a block changed: as committed before the block, and as the block leaves it. */
export interface RecordChange<T> {
  readonly id: string;
  readonly before: T | undefined;
  readonly after: T | undefined;
}

/** Slots that the running transaction has written, to be undone together. */
export class UndoLog {
  readonly #slots: { undo(): void; keep(): void }[] = [];

  add(slot: { undo(): void; keep(): void }): void {
    this.#slots.push(slot);
  }

  /** The transaction failed: every record is again what it was when the transaction began. */
  undo(): void {
    for (const slot of this.#slots) slot.undo();
    this.#slots.length = 0;
  }

  /** The transaction's writes stand. */
  keep(): void {
    for (const slot of this.#slots) slot.keep();
    this.#slots.length = 0;
  }
}

class Slot<T> {
  readonly before: T | undefined;
  value: T | undefined;
  #saved: T | undefined;
  #written = false;

  constructor(before: T | undefined) {
    this.before = before;
    this.value = before;
  }

  write(value: T | undefined, log: UndoLog): void {
    if (!this.#written) {
      this.#written = true;
      this.#saved = this.value;
      log.add(this);
    }
    this.value = value;
  }

  undo(): void {
    this.value = this.#saved;
    this.keep();
  }

  keep(): void {
    this.#saved = undefined;
    this.#written = false;
  }
}

/**
 * The records of one table during one block. A record is decoded at most once and encoded once, at
 * the end of the block; values are immutable, so undoing a write is putting the old value back.
 */
export class RecordCache<T> {
  readonly table: Table<T>;
  readonly #reader: StateReader;
  readonly #log: UndoLog;
  readonly #slots = new Map<string, Slot<T>>();

  constructor(table: Table<T>, reader: StateReader, log: UndoLog) {
    this.table = table;
    this.#reader = reader;
    this.#log = log;
  }

  /** The record as the block has it now. */
  get(id: string): T | undefined {
    return this.#slot(id).value;
  }

  /** The record as it was committed before the block. */
  committed(id: string): T | undefined {
    return this.#slot(id).before;
  }

  put(value: T): void {
    this.#slot(this.table.idOf(value)).write(value, this.#log);
  }

  remove(id: string): void {
    this.#slot(id).write(undefined, this.#log);
  }

  /** Records that differ from the committed ones, in the order in which they were first touched. */
  changed(): readonly RecordChange<T>[] {
    const out: RecordChange<T>[] = [];
    for (const [id, slot] of this.#slots) {
      if (slot.value !== slot.before) out.push({ id, before: slot.before, after: slot.value });
    }
    return out;
  }

  #slot(id: string): Slot<T> {
    let slot = this.#slots.get(id);
    if (slot === undefined) {
      slot = new Slot(this.table.read(this.#reader, id));
      this.#slots.set(id, slot);
    }
    return slot;
  }
}
