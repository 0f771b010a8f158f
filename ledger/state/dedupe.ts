import { counter, hash, type Infer, list, record, uint } from "../../primitives/codec/schema.ts";
import { DEDUPE_PAGE_ENTRIES, MAX_BLOCK_TRANSACTIONS } from "../limits.ts";
import { outcomeSchema } from "../outcome.ts";
import { clientRef, memberId } from "../types.ts";
import { Table } from "./table.ts";

/** The executed transaction that holds a client reference, and what it came to. */
const schema = record({
  member: memberId,
  clientRef,
  txId: hash,
  outcome: outcomeSchema,
  /** Block and place in it where it was executed. */
  height: counter,
  index: uint(MAX_BLOCK_TRANSACTIONS),
  /** The last height at which the reference still answers with this result. */
  retainUntilHeight: counter,
});
export type DedupeEntry = Infer<typeof schema>;

export function dedupeId(member: string, reference: string): string {
  return `${member}/${reference}`;
}

export const dedupeTable = new Table<DedupeEntry>({
  name: "dedupe",
  schema,
  idOf: (entry) => dedupeId(entry.member, entry.clientRef),
  remember: false,
});

/**
 * The pruning queue: the references executed at one height, in pages, written once with the block
 * and removed when no entry of that height can be alive any more.
 */
const pageSchema = record({
  height: counter,
  page: uint(MAX_BLOCK_TRANSACTIONS),
  references: list(record({ member: memberId, clientRef }), DEDUPE_PAGE_ENTRIES),
});
export type DedupePage = Infer<typeof pageSchema>;

export function dedupePageId(height: number, page: number): string {
  return `${String(height).padStart(16, "0")}/${String(page).padStart(5, "0")}`;
}

export const dedupePageTable = new Table<DedupePage>({
  name: "dedupe-page",
  schema: pageSchema,
  idOf: (page) => dedupePageId(page.height, page.page),
  remember: false,
});

/** The next page to prune. */
const cursorSchema = record({ height: counter, page: uint(MAX_BLOCK_TRANSACTIONS) });
export type DedupeCursor = Infer<typeof cursorSchema>;

export const dedupeCursorTable = new Table<DedupeCursor>({
  name: "dedupe-cursor",
  schema: cursorSchema,
  idOf: () => "",
  remember: true,
});
