import type { PendingTransactions } from "../dissemination/pending-transactions.ts";

/**
 * A queue is too old when its oldest transaction has waited for so long: one that joined it now
 * would hardly be final before its sender looks elsewhere. Twice the time to finality that the
 * network is built for.
 */
export const MAX_QUEUE_AGE_MS = 2_000;

/**
 * Fewer waiting ones than these are no overload, however old: the network stands still, and they
 * are settled within a block or two when it moves again.
 */
export const SHED_ABOVE = 256;

/** Proposed to a client that is turned away; the longer the queue, the longer. */
const LEAST_RETRY_MS = 200;
const MOST_RETRY_MS = 5_000;

/**
 * Sheds load where it enters. A queue that is longer than what is settled in a second or two makes
 * everybody late and nothing faster, so above that new transactions are refused, retryable, before
 * their signatures cost anything. Returns when to ask again; undefined while all is well.
 */
export function queueOverload(pending: PendingTransactions, nowMs: number): number | undefined {
  if (pending.count <= SHED_ABOVE) return undefined;
  const ageMs = pending.oldestAgeMs(nowMs);
  if (ageMs <= MAX_QUEUE_AGE_MS) return undefined;
  return Math.round(Math.min(MOST_RETRY_MS, Math.max(LEAST_RETRY_MS, ageMs - MAX_QUEUE_AGE_MS)));
}
