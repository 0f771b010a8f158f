import { invariant, present } from "../../primitives/assert.ts";
import { type Infer, list, record, text, uint } from "../../primitives/codec/schema.ts";
import type { LedgerState } from "./ledger-state.ts";
import { Table } from "./table.ts";

/** Entries in one page (some 6 KiB), and what is left of two pages before they become one. */
export const QUEUE_PAGE_ENTRIES = 64;
const MERGE_AT = QUEUE_PAGE_ENTRIES / 2;

/** Entries of one queue: what an institution-wide day brings, with room for several. */
export const MAX_QUEUE_ENTRIES = 65_536;

/** Two neighbouring pages hold more than MERGE_AT entries together, so there are at most: */
const MAX_PAGES = Math.ceil((2 * MAX_QUEUE_ENTRIES) / MERGE_AT) + 2;

const queueName = text(32, /^[a-z][a-z-]*$/);
/** Sorts as text: a business date, or numbers padded to a fixed width; parts joined by '.'. */
const dueKey = text(64, /^[0-9A-Za-z.-]{1,64}$/);
const entryId = text(64, /^[0-9A-Za-z][0-9A-Za-z._:-]{0,63}$/);

export const queueEntry = record({ due: dueKey, id: entryId });
/** What is due, and when. Entries are ordered by the due key, then by the id, as text. */
export type QueueEntry = Infer<typeof queueEntry>;

const pageSchema = record({
  queue: queueName,
  page: uint(),
  /** Sorted, at least one. */
  entries: list(queueEntry, QUEUE_PAGE_ENTRIES),
});
export type QueuePage = Infer<typeof pageSchema>;

const directorySchema = record({
  queue: queueName,
  size: uint(MAX_QUEUE_ENTRIES),
  /** The next new page gets it. */
  nextPage: uint(),
  /** Pages in order; `first` is a bound that no entry of the page lies before. */
  pages: list(record({ page: uint(), first: queueEntry }), MAX_PAGES),
});
export type QueueDirectory = Infer<typeof directorySchema>;

function pageId(queue: string, page: number): string {
  return `${queue}/${String(page).padStart(10, "0")}`;
}

export const queuePageTable = new Table<QueuePage>({
  name: "queue-page",
  schema: pageSchema,
  idOf: ({ queue, page }) => pageId(queue, page),
  remember: true,
});

export const queueDirectoryTable = new Table<QueueDirectory>({
  name: "queue",
  schema: directorySchema,
  idOf: ({ queue }) => queue,
  remember: true,
});

export function compareEntries(a: QueueEntry, b: QueueEntry): number {
  if (a.due !== b.due) return a.due < b.due ? -1 : 1;
  if (a.id === b.id) return 0;
  return a.id < b.id ? -1 : 1;
}

/**
 * An ordered, bounded queue that lives in the state: a directory of pages of sorted entries. An
 * operation reads and writes one or two pages and the directory, whatever the length.
 */
export class DueQueue {
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }

  size(state: LedgerState): number {
    return this.#directory(state).size;
  }

  has(state: LedgerState, due: string, id: string): boolean {
    const entry = { due, id };
    const directory = this.#directory(state);
    const at = placeOf(directory, entry);
    if (at < 0) return false;
    return this.#page(state, directory, at).entries.some(
      (held) => compareEntries(held, entry) === 0,
    );
  }

  /** Adds an entry that is not there yet; false when the queue is full. */
  add(state: LedgerState, due: string, id: string): boolean {
    const entry = { due, id };
    const directory = this.#directory(state);
    if (directory.size >= MAX_QUEUE_ENTRIES) return false;
    const size = directory.size + 1;
    const at = Math.max(placeOf(directory, entry), 0);
    if (directory.pages.length === 0) {
      const page = directory.nextPage;
      this.#putPage(state, page, [entry]);
      const pages = [{ page, first: entry }];
      this.#putDirectory(state, { ...directory, size, nextPage: page + 1, pages });
      return true;
    }
    const held = this.#page(state, directory, at);
    const place = lowerBound(held.entries, entry);
    const next = held.entries[place];
    invariant(
      next === undefined || compareEntries(next, entry) !== 0,
      `${this.name}: ${id} waits once`,
    );
    const entries = held.entries.toSpliced(place, 0, entry);
    if (entries.length <= QUEUE_PAGE_ENTRIES) {
      this.#putPage(state, held.page, entries);
      this.#putDirectory(state, lowered({ ...directory, size }, at, entry));
    } else {
      this.#split(state, lowered({ ...directory, size }, at, entry), at, entries);
    }
    return true;
  }

  /** Removes an entry; false when it is not there. */
  remove(state: LedgerState, due: string, id: string): boolean {
    const entry = { due, id };
    const directory = this.#directory(state);
    const at = placeOf(directory, entry);
    if (at < 0) return false;
    const held = this.#page(state, directory, at);
    const entries = held.entries.filter((other) => compareEntries(other, entry) !== 0);
    if (entries.length === held.entries.length) return false;
    this.#shrink(state, { ...directory, size: directory.size - 1 }, at, entries);
    return true;
  }

  /** The first `limit` entries. */
  first(state: LedgerState, limit: number): readonly QueueEntry[] {
    return this.after(state, undefined, limit);
  }

  /** The next `limit` entries behind that one, whether it is still there or not. */
  after(state: LedgerState, entry: QueueEntry | undefined, limit: number): readonly QueueEntry[] {
    const directory = this.#directory(state);
    const out: QueueEntry[] = [];
    let at = entry === undefined ? 0 : Math.max(placeOf(directory, entry), 0);
    while (out.length < limit && at < directory.pages.length) {
      for (const held of this.#page(state, directory, at).entries) {
        if (out.length === limit) break;
        if (entry === undefined || compareEntries(held, entry) > 0) out.push(held);
      }
      at += 1;
    }
    return out;
  }

  /** Takes out the first entries, at most `limit`, whose due key is `upTo` or earlier. */
  takeDue(state: LedgerState, upTo: string, limit: number): readonly QueueEntry[] {
    const due = this.first(state, limit).filter((entry) => entry.due <= upTo);
    for (const entry of due) this.remove(state, entry.due, entry.id);
    return due;
  }

  #split(
    state: LedgerState,
    directory: QueueDirectory,
    at: number,
    entries: readonly QueueEntry[],
  ): void {
    const held = present(directory.pages[at], "page to split");
    const half = Math.ceil(entries.length / 2);
    const [left, right] = [entries.slice(0, half), entries.slice(half)];
    const page = directory.nextPage;
    this.#putPage(state, held.page, left);
    this.#putPage(state, page, right);
    const first = present(right[0], "first entry of a new page");
    const pages = directory.pages.toSpliced(at + 1, 0, { page, first });
    this.#putDirectory(state, { ...directory, nextPage: page + 1, pages });
  }

  /** Writes a page that lost an entry; drops it when empty, joins it to a neighbour when small. */
  #shrink(
    state: LedgerState,
    directory: QueueDirectory,
    at: number,
    entries: readonly QueueEntry[],
  ): void {
    const { page } = present(directory.pages[at], "page that shrinks");
    if (entries.length === 0) {
      state.of(queuePageTable).remove(pageId(this.name, page));
      this.#putDirectory(state, { ...directory, pages: directory.pages.toSpliced(at, 1) });
      return;
    }
    this.#putPage(state, page, entries);
    for (const left of [at - 1, at]) {
      if (left < 0 || left + 1 >= directory.pages.length) continue;
      const a = this.#page(state, directory, left);
      const b = this.#page(state, directory, left + 1);
      if (a.entries.length + b.entries.length > MERGE_AT) continue;
      this.#putPage(state, a.page, [...a.entries, ...b.entries]);
      state.of(queuePageTable).remove(pageId(this.name, b.page));
      const pages = directory.pages.toSpliced(left + 1, 1);
      this.#putDirectory(state, { ...directory, pages });
      return;
    }
    this.#putDirectory(state, directory);
  }

  #directory(state: LedgerState): QueueDirectory {
    const empty = { queue: this.name, size: 0, nextPage: 0, pages: [] };
    return state.of(queueDirectoryTable).get(this.name) ?? empty;
  }

  #page(state: LedgerState, directory: QueueDirectory, at: number): QueuePage {
    const { page } = present(directory.pages[at], `page ${at} of ${this.name}`);
    return present(state.of(queuePageTable).get(pageId(this.name, page)), `page of ${this.name}`);
  }

  #putPage(state: LedgerState, page: number, entries: readonly QueueEntry[]): void {
    state.of(queuePageTable).put({ queue: this.name, page, entries });
  }

  #putDirectory(state: LedgerState, directory: QueueDirectory): void {
    if (directory.size === 0) state.of(queueDirectoryTable).remove(this.name);
    else state.of(queueDirectoryTable).put(directory);
  }
}

/** The page that an entry belongs to: the last one whose bound is not behind it; -1 for none. */
function placeOf({ pages }: QueueDirectory, entry: QueueEntry): number {
  let [low, high] = [0, pages.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    const bound = present(pages[middle], "page in the middle").first;
    if (compareEntries(bound, entry) <= 0) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

function lowerBound(entries: readonly QueueEntry[], entry: QueueEntry): number {
  let [low, high] = [0, entries.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (compareEntries(present(entries[middle], "entry in the middle"), entry) < 0)
      low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The first page takes what lies before all others: its bound moves down. */
function lowered(directory: QueueDirectory, at: number, entry: QueueEntry): QueueDirectory {
  const held = present(directory.pages[at], "page that grows");
  if (compareEntries(held.first, entry) <= 0) return directory;
  return { ...directory, pages: directory.pages.with(at, { ...held, first: entry }) };
}
