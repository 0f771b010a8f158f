import { present } from "../../primitives/assert.ts";

/** What one transaction moves when it succeeds. */
export interface Movement {
  readonly account: string;
  readonly asset: string;
  /** Minor units; negative takes away. */
  readonly change: bigint;
}

export interface JournalEntry {
  readonly txId: string;
  readonly kind: string;
  /** The signed bytes as sent: what is sent again must be the same. */
  readonly bytes: Uint8Array;
  readonly expiresAtHeight: number;
  readonly movements: readonly Movement[];
  /** How it must end once it is in a block. */
  readonly expected: string;
  /** The node that said it had taken it; undefined while none has. */
  acknowledgedBy: string | undefined;
  /** Sendings after the acknowledgement. */
  resent: number;
}

/** More would mean that a run has no end; each entry holds under 1 KiB. */
const MAX_ENTRIES = 1_000_000;

/**
 * What the client side knows of every transaction: kept before the first sending, so that nothing
 * that a node may have taken is forgotten. A window holds those of the present fault.
 */
export class TransactionJournal {
  readonly #entries = new Map<string, JournalEntry>();
  #windowStart = 0;

  /** Throws when the journal is full. */
  add(entry: JournalEntry): void {
    if (this.#entries.size >= MAX_ENTRIES) throw new Error("the transaction journal is full");
    this.#entries.set(entry.txId, entry);
  }

  get(txId: string): JournalEntry {
    return present(this.#entries.get(txId), "journalled transaction");
  }

  has(txId: string): boolean {
    return this.#entries.has(txId);
  }

  /** Entries added since the last call of `openWindow`. */
  window(): readonly JournalEntry[] {
    return [...this.#entries.values()].slice(this.#windowStart);
  }

  openWindow(): void {
    this.#windowStart = this.#entries.size;
  }
}
