import type { Receipt } from "../../ledger/receipt.ts";
import type { WaitResult } from "../api/ports.ts";

/** Waits at one time, all clients together: each holds a timer and a closure. */
const MAX_WAITERS = 20_000;

interface Waiter {
  readonly expiresAtHeight: number | undefined;
  readonly settle: (result: WaitResult) => void;
}

/** Clients that wait for a transaction to be final. Every wait ends. */
export class TransactionWaiters {
  readonly #byId = new Map<string, Set<Waiter>>();
  #count = 0;

  get size(): number {
    return this.#count;
  }

  /** Without an expiry the transaction is unknown here: only a commit or the time ends the wait. */
  wait(
    txId: string,
    expiresAtHeight: number | undefined,
    ms: number,
    signal: AbortSignal,
  ): Promise<WaitResult> {
    if (this.#count >= MAX_WAITERS || signal.aborted || ms <= 0) {
      return Promise.resolve({ kind: "elapsed" });
    }
    return new Promise((resolve) => {
      const settle = (result: WaitResult): void => {
        clearTimeout(timer);
        signal.removeEventListener("abort", elapsed);
        this.#remove(txId, waiter);
        resolve(result);
      };
      const elapsed = (): void => settle({ kind: "elapsed" });
      const waiter: Waiter = { expiresAtHeight, settle };
      const timer = setTimeout(elapsed, ms);
      signal.addEventListener("abort", elapsed, { once: true });
      const waiters = this.#byId.get(txId) ?? new Set<Waiter>();
      waiters.add(waiter);
      this.#byId.set(txId, waiters);
      this.#count += 1;
    });
  }

  /**
   * The receipts of a block that was just applied, and its height. One that was refused ends no
   * wait: anyone may send the same body under a broken signature, and the proper one still counts.
   */
  applied(height: number, receipts: readonly Receipt[]): void {
    for (const receipt of receipts) {
      if (!receipt.executed) continue;
      for (const waiter of this.#byId.get(receipt.txId) ?? []) {
        waiter.settle({ kind: "committed", receipt });
      }
    }
    for (const waiters of this.#byId.values()) {
      for (const waiter of waiters) {
        if (waiter.expiresAtHeight !== undefined && waiter.expiresAtHeight <= height) {
          waiter.settle({ kind: "expired" });
        }
      }
    }
  }

  #remove(txId: string, waiter: Waiter): void {
    const waiters = this.#byId.get(txId);
    if (waiters?.delete(waiter) !== true) return;
    this.#count -= 1;
    if (waiters.size === 0) this.#byId.delete(txId);
  }
}
