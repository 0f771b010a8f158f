import { present } from "../primitives/assert.ts";
import type { TransactionBody } from "./envelope.ts";
import { DEDUPE_PAGE_ENTRIES, PRUNE_FLOOR, PRUNE_PER_TRANSACTION } from "./limits.ts";
import { dedupeId, dedupePageId } from "./state/dedupe.ts";
import type { LedgerState } from "./state/ledger-state.ts";

/** Queues the client references executed in this block for removal, in pages written once. */
export function queueForPruning(
  state: LedgerState,
  height: number,
  executed: readonly TransactionBody[],
): void {
  const references = executed.map(({ member, clientRef }) => ({ member, clientRef }));
  for (let page = 0; page * DEDUPE_PAGE_ENTRIES < references.length; page++) {
    const start = page * DEDUPE_PAGE_ENTRIES;
    const slice = references.slice(start, start + DEDUPE_PAGE_ENTRIES);
    state.dedupePages.put({ height, page, references: slice });
  }
}

/**
 * Removes client references of heights so old that none can be alive: an entry made at height h
 * lives at most until h + maxExpiryBlocks + dedupWindowBlocks. The work of one block is bounded,
 * and more than the block adds, so a backlog shrinks. A reference that was taken again since
 * belongs to a younger page and stays.
 */
export function pruneReferences(state: LedgerState, height: number, executed: number): void {
  const { maxExpiryBlocks, dedupWindowBlocks } = state.parameters;
  const lastDead = height - 1 - maxExpiryBlocks - dedupWindowBlocks;
  const start = present(state.dedupeCursors.get(""), "pruning cursor");
  let budget = PRUNE_FLOOR + PRUNE_PER_TRANSACTION * executed;
  let cursor = start;
  while (budget > 0 && cursor.height <= lastDead) {
    const id = dedupePageId(cursor.height, cursor.page);
    const page = state.dedupePages.get(id);
    budget -= 1;
    if (page === undefined) {
      cursor = { height: cursor.height + 1, page: 0 };
      continue;
    }
    for (const { member, clientRef } of page.references) {
      const entryId = dedupeId(member, clientRef);
      if (state.dedupe.get(entryId)?.height === page.height) state.dedupe.remove(entryId);
    }
    budget -= page.references.length;
    state.dedupePages.remove(id);
    cursor = { height: cursor.height, page: cursor.page + 1 };
  }
  if (cursor !== start) state.dedupeCursors.put(cursor);
}
