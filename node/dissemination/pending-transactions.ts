import type { CheckedTransaction } from "../../ledger/checked-transaction.ts";
import { invariant } from "../../primitives/assert.ts";
import { BATCH_CAPACITY, MAX_BATCH_TRANSACTIONS, packedSize } from "./batch.ts";

/** A transaction that this node verified and admitted, with its bytes on the wire. */
export interface AdmittedTransaction {
  readonly bytes: Uint8Array;
  readonly checked: CheckedTransaction;
}

export interface PendingLimits {
  readonly maxBytes: number;
  readonly maxTransactions: number;
  /** Transactions of one member, where its share of the room is not bound enough. */
  readonly maxPerMember?: number;
}

interface Pending {
  readonly admitted: AdmittedTransaction;
  readonly member: string;
  readonly size: number;
  /** On the clock of the caller. */
  readonly admittedMs: number;
  packed: boolean;
}

interface MemberShare {
  /** Transactions not yet in a batch, oldest first. */
  readonly queue: Pending[];
  /** Client reference to transaction id. */
  readonly references: Map<string, string>;
  count: number;
  bytes: number;
}

/**
 * Transactions that this node admitted and that no committed block holds yet. Bounded in count and
 * bytes. No member may hold more than the room that is left to all (dynamic thresholds, Choudhury
 * and Hahne, IEEE/ACM Transactions on Networking 6(2), 1998): one busy member fills half, two
 * together two thirds, and k leave 1/(k+1) of it, so that none are ever kept out by others.
 */
export class PendingTransactions {
  readonly #limits: PendingLimits;
  readonly #byId = new Map<string, Pending>();
  /** The member that has waited longest for a place in a batch comes first. */
  readonly #members = new Map<string, MemberShare>();
  #bytes = 0;
  #unpackedCount = 0;
  #unpackedBytes = 0;

  constructor(limits: PendingLimits) {
    this.#limits = limits;
  }

  get count(): number {
    return this.#byId.size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get(txId: string): CheckedTransaction | undefined {
    return this.#byId.get(txId)?.admitted.checked;
  }

  /** The pending transaction under a client reference. */
  txIdOf(member: string, clientRef: string): string | undefined {
    return this.#members.get(member)?.references.get(clientRef);
  }

  /** False when there is no room for this member: nothing is kept, the sender must be told. */
  admit(admitted: AdmittedTransaction, nowMs = performance.now()): boolean {
    const { txId, body } = admitted.checked.transaction;
    invariant(!this.#byId.has(txId), "a pending transaction is admitted once");
    const size = packedSize(admitted.bytes.length);
    if (!this.#hasRoom(body.member, size)) return false;
    const share = this.#share(body.member);
    invariant(!share.references.has(body.clientRef), "a client reference names one transaction");
    const pending: Pending = {
      admitted,
      member: body.member,
      size,
      admittedMs: nowMs,
      packed: false,
    };
    this.#byId.set(txId, pending);
    share.queue.push(pending);
    share.references.set(body.clientRef, txId);
    this.#countUnpacked(1, size);
    share.count += 1;
    share.bytes += size;
    this.#bytes += size;
    return true;
  }

  /**
   * The next transactions for a batch, at most one batch full, taken from the members in turn; the
   * turn goes on where the last batch ended. They stay pending until a block holds them.
   */
  takeForBatch(): readonly AdmittedTransaction[] {
    const taken: AdmittedTransaction[] = [];
    let size = 0;
    let open = [...this.#members].filter(([, share]) => share.queue.length > 0);
    while (open.length > 0) {
      for (const [member, share] of open) {
        const next = share.queue[0];
        if (next === undefined) continue;
        if (taken.length === MAX_BATCH_TRANSACTIONS) return taken;
        if (size + next.size > BATCH_CAPACITY) return taken;
        share.queue.shift();
        this.#members.delete(member);
        this.#members.set(member, share);
        this.#countUnpacked(-1, -next.size);
        next.packed = true;
        size += next.size;
        taken.push(next.admitted);
      }
      open = open.filter(([, share]) => share.queue.length > 0);
    }
    return taken;
  }

  /** Whether a whole batch waits: no reason to wait for more. */
  get batchIsFull(): boolean {
    return this.#unpackedBytes >= BATCH_CAPACITY || this.#unpackedCount >= MAX_BATCH_TRANSACTIONS;
  }

  /** How long the oldest one has waited for a block, ms; 0 when none waits. */
  oldestAgeMs(nowMs: number): number {
    // Insertion order is order of admission.
    const oldest = this.#byId.values().next().value;
    return oldest === undefined ? 0 : Math.max(0, nowMs - oldest.admittedMs);
  }

  get hasUnpacked(): boolean {
    return this.#unpackedCount > 0;
  }

  /** A committed block holds these: they are no longer ours to carry. */
  settle(txIds: Iterable<string>): void {
    for (const txId of txIds) this.#remove(txId);
  }

  /** Drops what can no longer be executed at or above `height` and was never packed. */
  expire(height: number): readonly string[] {
    const expired: string[] = [];
    for (const [txId, pending] of this.#byId) {
      if (!pending.packed && pending.admitted.checked.transaction.body.expiresAtHeight < height) {
        expired.push(txId);
      }
    }
    this.settle(expired);
    return expired;
  }

  #remove(txId: string): void {
    const pending = this.#byId.get(txId);
    if (pending === undefined) return;
    this.#byId.delete(txId);
    const share = this.#share(pending.member);
    if (!pending.packed) {
      const place = share.queue.indexOf(pending);
      invariant(place >= 0, "an unpacked transaction stands in its member's queue");
      share.queue.splice(place, 1);
      this.#countUnpacked(-1, -pending.size);
    }
    share.references.delete(pending.admitted.checked.transaction.body.clientRef);
    share.count -= 1;
    share.bytes -= pending.size;
    this.#bytes -= pending.size;
    if (share.count === 0) this.#members.delete(pending.member);
  }

  #countUnpacked(count: number, bytes: number): void {
    this.#unpackedCount += count;
    this.#unpackedBytes += bytes;
  }

  #share(member: string): MemberShare {
    let share = this.#members.get(member);
    if (share === undefined) {
      share = { queue: [], references: new Map(), count: 0, bytes: 0 };
      this.#members.set(member, share);
    }
    return share;
  }

  #hasRoom(member: string, size: number): boolean {
    const { maxBytes, maxTransactions, maxPerMember = maxTransactions } = this.#limits;
    const own = this.#members.get(member) ?? { count: 0, bytes: 0 };
    const roomCount = Math.min(maxTransactions - this.#byId.size, maxPerMember);
    return own.count < roomCount && own.bytes + size <= maxBytes - this.#bytes;
  }
}
