import { invariant } from "../../primitives/assert.ts";
import { LIFE_CYCLE_RETRY_BLOCKS } from "../limits.ts";
import { type CorporateActionKey, corporateActionId } from "../state/corporate-action.ts";
import { DueQueue } from "../state/due-queue.ts";
import type { LedgerState } from "../state/ledger-state.ts";

/** Dates of instruments: on which an event is due or a period begins. Keyed by business date. */
export const datesQueue = new DueQueue("life-cycle-dates");

/** Events, rates and cleaning under way, keyed by the height that takes them up. A few an ISIN. */
export const workQueue = new DueQueue("life-cycle-work");

/**
 * Payments that wait by themselves and market claims, keyed by the height that tries again. Best
 * effort: what finds no room is not tried again by itself, and its operator can ask for it.
 */
export const retryQueue = new DueQueue("life-cycle-retries");

export function heightKey(height: number): string {
  return String(height).padStart(16, "0");
}

/** Ids in the queues. Their first letters say what they are; every part is of bounded length. */
export const workIds = {
  event: (key: CorporateActionKey): string => corporateActionId(key),
  rate: (isin: string, periodStart: string): string => `RF:${isin}:${periodStart}`,
  cleaning: (isin: string, recordDate: string): string => `XP:${isin}:${recordDate}`,
  payment: (key: CorporateActionKey, account: string): string =>
    `P${corporateActionId(key).slice(2)}:${account}`,
  claim: (number: number): string => `M:${String(number).padStart(10, "0")}`,
} as const;

export function queueWork(state: LedgerState, height: number, id: string): void {
  const isQueued = workQueue.add(state, heightKey(height), id);
  invariant(isQueued, "instruments are fewer than the queue has places");
}

/** Looks at a waiting payment or claim again after a while. */
export function queueRetry(state: LedgerState, height: number, id: string): void {
  retryQueue.add(state, heightKey(height + LIFE_CYCLE_RETRY_BLOCKS), id);
}
