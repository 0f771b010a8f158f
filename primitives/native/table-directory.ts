import { invariant } from "../assert.ts";
import { COLD_WIDTH, HOT_WIDTH, type MemoryPlan } from "../kernel/memory-plan.ts";
import type { VerificationLane } from "../verifier.ts";
import type { TablePlace } from "./signature-slab.ts";

export interface TableCounts {
  readonly hot: number;
  readonly cold: number;
}

export interface TableStats extends TableCounts {
  readonly built: number;
  readonly evicted: number;
  /** Keys that the kernel found not to be ones that may be registered. */
  readonly refused: number;
}

/** A table costs as much as 8 (small) or 30 (large) verifications by libsodium. */
const USES_BEFORE_COLD = 4;
/** A large table saves a fifth of a verification: it has to be used often to pay. */
const USES_BEFORE_HOT = 512;
/**
 * A table that was used within so many signatures is not given up: with more busy keys than tables,
 * the surplus goes to libsodium, rather than tables being built all the time.
 */
const IDLE_SIGNATURES = 65_536;
/** Keys without a table whose uses are counted. */
const MAX_CANDIDATES = 4_096;
/** Tables waited for at a time. */
const MAX_ORDERS = 64;

interface KeyTable extends TablePlace {
  readonly key: string;
  readonly size: keyof TableCounts;
  readonly index: number;
  /** Batches in work that refer to it. */
  pending: number;
  uses: number;
  lastUse: number;
  /** No longer the key's table: free as soon as no batch refers to it. */
  retired: boolean;
  /** A larger one is on its way. */
  promoted: boolean;
}

interface Candidate {
  uses: number;
  ordered: boolean;
  refused: boolean;
}

interface Wish {
  readonly key: string;
  readonly size: keyof TableCounts;
}

/** A table to be built for `key` at `place`. */
export interface TableOrder {
  readonly key: string;
  readonly place: TablePlace;
  readonly size: keyof TableCounts;
  readonly index: number;
}

export type KeyTableRef = KeyTable;

/**
 * Which key has a table, of which size, and where. Belongs to the calling thread, which alone gives
 * tables out and takes them back: a thread gets addresses with each signature and has no say. Keys
 * are named by their 32 bytes as a latin1 string. Bounded: the least recently used table goes first,
 * if it is idle.
 */
export class TableDirectory {
  readonly #plan: MemoryPlan;
  readonly #free: Record<keyof TableCounts, number[]>;
  readonly #tables = new Map<string, KeyTable>();
  readonly #candidates = new Map<string, Candidate>();
  readonly #wishes: Wish[] = [];
  /** Signatures so far: the time by which tables are idle. */
  #clock = 0;
  #built = 0;
  #evicted = 0;
  #refused = 0;

  constructor(plan: MemoryPlan, counts: TableCounts) {
    this.#plan = plan;
    const indexes = (count: number): number[] =>
      Array.from({ length: count }, (_, i) => count - 1 - i);
    this.#free = { hot: indexes(counts.hot), cold: indexes(counts.cold) };
  }

  /** The key's table, held until `release`; undefined if it has none (yet). Counts the use. */
  hold(key: string, lane: VerificationLane): KeyTable | undefined {
    this.#clock += 1;
    const table = this.#tables.get(key);
    if (table === undefined) {
      this.#countCandidate(key, lane);
      return undefined;
    }
    table.pending += 1;
    table.uses += 1;
    table.lastUse = this.#clock;
    if (table.size === "cold" && !table.promoted) this.#considerPromotion(table, lane);
    return table;
  }

  /** Whether the key has a table; counts nothing. */
  has(key: string): boolean {
    return this.#tables.has(key);
  }

  release(table: KeyTable): void {
    table.pending -= 1;
    invariant(table.pending >= 0, "a table is released as often as it is held");
    if (table.retired && table.pending === 0) this.#free[table.size].push(table.index);
  }

  /** Asks for a table now, as for a key just registered. */
  want(key: string, size: keyof TableCounts): void {
    if (this.#tables.has(key)) return;
    const candidate = this.#candidateOf(key);
    if (!candidate.ordered && !candidate.refused) candidate.ordered = this.#wish({ key, size });
  }

  get hasOrders(): boolean {
    return this.#wishes.length > 0;
  }

  /** The next table to build. Answer it by `completed` or `abandoned`. */
  nextOrder(): TableOrder | undefined {
    for (;;) {
      const wish = this.#wishes.shift();
      if (wish === undefined) return undefined;
      const order = this.#place(wish.key, wish.size);
      if (order !== undefined) return order;
      this.#forgetWish(wish.key);
    }
  }

  /** `isKey`: what the kernel found. */
  completed(order: TableOrder, isKey: boolean): void {
    const { key, place, size, index } = order;
    if (!isKey) {
      this.#free[size].push(index);
      this.#candidateOf(key).refused = true;
      this.#refused += 1;
      return;
    }
    this.#built += 1;
    this.#candidates.delete(key);
    const before = this.#tables.get(key);
    if (before !== undefined) this.#retire(before);
    this.#tables.set(key, {
      ...place,
      key,
      size,
      index,
      pending: 0,
      uses: 0,
      lastUse: this.#clock,
      retired: false,
      promoted: false,
    });
  }

  /** The table was not built; nobody writes there any more. */
  abandoned(order: TableOrder): void {
    this.#free[order.size].push(order.index);
    this.#forgetWish(order.key);
  }

  stats(): TableStats {
    let hot = 0;
    for (const table of this.#tables.values()) if (table.size === "hot") hot += 1;
    return {
      hot,
      cold: this.#tables.size - hot,
      built: this.#built,
      evicted: this.#evicted,
      refused: this.#refused,
    };
  }

  #countCandidate(key: string, lane: VerificationLane): void {
    const candidate = this.#candidateOf(key);
    candidate.uses += 1;
    if (candidate.ordered || candidate.refused) return;
    // Validators vote in every view for as long as they are validators.
    if (lane === "vote") candidate.ordered = this.#wish({ key, size: "hot" });
    else if (candidate.uses >= USES_BEFORE_COLD) {
      candidate.ordered = this.#wish({ key, size: "cold" });
    }
  }

  #considerPromotion(table: KeyTable, lane: VerificationLane): void {
    if (lane !== "vote" && table.uses < USES_BEFORE_HOT) return;
    if (this.#free.hot.length === 0 && this.#idle("hot") === undefined) {
      table.uses = 0;
      return;
    }
    table.promoted = this.#wish({ key: table.key, size: "hot" });
  }

  #wish(wish: Wish): boolean {
    if (this.#wishes.length >= MAX_ORDERS) return false;
    this.#wishes.push(wish);
    return true;
  }

  #forgetWish(key: string): void {
    const table = this.#tables.get(key);
    if (table !== undefined) {
      table.promoted = false;
      table.uses = 0;
    }
    const candidate = this.#candidates.get(key);
    if (candidate !== undefined) {
      candidate.ordered = false;
      candidate.uses = 0;
    }
  }

  #candidateOf(key: string): Candidate {
    const known = this.#candidates.get(key);
    if (known !== undefined) return known;
    const candidate: Candidate = { uses: 0, ordered: false, refused: false };
    this.#candidates.set(key, candidate);
    if (this.#candidates.size > MAX_CANDIDATES) {
      const [oldest] = this.#candidates.keys();
      if (oldest !== undefined) this.#candidates.delete(oldest);
    }
    return candidate;
  }

  /** A free table of the size, or an idle one, or for "hot" a small one if there is none. */
  #place(key: string, size: keyof TableCounts): TableOrder | undefined {
    if (this.#free[size].length === 0) {
      const idle = this.#idle(size);
      if (idle !== undefined) {
        this.#tables.delete(idle.key);
        this.#retire(idle);
        this.#evicted += 1;
      }
    }
    const index = this.#free[size].pop();
    if (index === undefined) {
      return size === "hot" && !this.#tables.has(key) ? this.#place(key, "cold") : undefined;
    }
    const place =
      size === "hot"
        ? { address: this.#plan.hotTable(index), width: HOT_WIDTH }
        : { address: this.#plan.coldTable(index), width: COLD_WIDTH };
    return { key, place, size, index };
  }

  #retire(table: KeyTable): void {
    table.retired = true;
    if (table.pending === 0) this.#free[table.size].push(table.index);
  }

  #idle(size: keyof TableCounts): KeyTable | undefined {
    let oldest: KeyTable | undefined;
    for (const table of this.#tables.values()) {
      if (table.size !== size || table.pending > 0) continue;
      if (oldest === undefined || table.lastUse < oldest.lastUse) oldest = table;
    }
    if (oldest === undefined || this.#clock - oldest.lastUse < IDLE_SIGNATURES) return undefined;
    return oldest;
  }
}
