import { setTimeout as delay } from "node:timers/promises";
import type { RpcClient } from "../../client/rpc-client.ts";
import { present } from "../../primitives/assert.ts";
import { transactionFact } from "./evidence.ts";
import type { OpenLoad } from "./open-load.ts";
import type { JournalEntry, TransactionJournal } from "./transaction-journal.ts";

/** A recovered network finishes what it holds within this time; what it lacks is sent again. */
const PATIENCE_MS = 3_000;
/** Until then every transaction must have ended. */
const LIMIT_MS = 60_000;
const ROUND_MS = 150;
/** Questions to one node at a time. */
const CONCURRENCY = 16;

/**
 * Waits until every transaction of the window has ended, as a careful client would: it asks, then
 * sends the same bytes again at another node, until a node proves commitment or expiry. Heights
 * only grow with work, so while something is left to expire, new transactions keep coming.
 */
export async function reckon(
  journal: TransactionJournal,
  load: OpenLoad,
  clients: readonly RpcClient[],
  signal: AbortSignal,
): Promise<void> {
  const startedAt = performance.now();
  const ended = new Set<string>();
  for (let round = 0; ; round++) {
    const open = journal.window().filter(({ txId }) => !ended.has(txId));
    const client = present(clients[round % clients.length], "client");
    await inGroups(open, async (entry) => {
      if (await hasEnded(client, entry)) ended.add(entry.txId);
    });
    const left = open.filter(({ txId }) => !ended.has(txId));
    const waitedMs = performance.now() - startedAt;
    if (left.length === 0 || waitedMs > LIMIT_MS) return;
    if (waitedMs > PATIENCE_MS) {
      await inGroups(left, (entry) => load.sendAgain(entry, (round + 1) % clients.length));
      await load.sendOne();
    }
    await delay(ROUND_MS, undefined, { signal });
  }
}

/** What a node does not answer is asked again in the next round, of the next node. */
async function hasEnded(client: RpcClient, entry: JournalEntry): Promise<boolean> {
  try {
    const { status } = await transactionFact(client, entry);
    return status === "committed" || status === "expired";
  } catch (error) {
    if (error instanceof Error) return false;
    throw error;
  }
}

async function inGroups<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  for (let i = 0; i < items.length; i += CONCURRENCY) {
    await Promise.all(items.slice(i, i + CONCURRENCY).map(work));
  }
}
