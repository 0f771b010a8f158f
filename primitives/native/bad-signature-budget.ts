import { invariant } from "../assert.ts";

/** What one source may have verified for nothing. */
export interface BudgetLimits {
  /** Bad signatures at once. */
  readonly burst: number;
  /** Bad signatures a second that are forgiven. */
  readonly perSecond: number;
}

/** Honest members send none; a few come of keys changed while a transaction is on its way. */
const DEFAULT_LIMITS: BudgetLimits = { burst: 64, perSecond: 4 };

/** Sources remembered; beyond them the one that was bad longest ago is forgotten. */
const MAX_SOURCES = 4_096;

interface Account {
  spent: number;
  /** Milliseconds of the pool's clock. */
  at: number;
}

/**
 * Counts bad signatures by source (the member that sent them), so that nobody can keep a node busy
 * with rubbish. A source that has spent its budget is refused until enough time has passed; others
 * don't notice.
 */
export class BadSignatureBudget {
  readonly #limits: BudgetLimits;
  /** In the order of the last bad signature. */
  readonly #accounts = new Map<string, Account>();

  constructor(limits: BudgetLimits = DEFAULT_LIMITS) {
    invariant(limits.burst >= 1 && limits.perSecond > 0, "a budget allows something");
    this.#limits = limits;
  }

  /** Milliseconds until the source is heard again; 0 = now. */
  waitMs(source: string, nowMs: number): number {
    const account = this.#accounts.get(source);
    if (account === undefined) return 0;
    // Heard while there is room for one more.
    const over = this.#spentNow(account, nowMs) - (this.#limits.burst - 1);
    return over <= 0 ? 0 : Math.ceil((over * 1_000) / this.#limits.perSecond);
  }

  spend(source: string, badSignatures: number, nowMs: number): void {
    const account = this.#accounts.get(source);
    const before = account === undefined ? 0 : this.#spentNow(account, nowMs);
    // No deeper than twice the burst: a flood that was in flight already is not held against it.
    const spent = Math.min(before + badSignatures, 2 * this.#limits.burst);
    this.#accounts.delete(source);
    this.#accounts.set(source, { spent, at: nowMs });
    if (this.#accounts.size <= MAX_SOURCES) return;
    const [oldest] = this.#accounts.keys();
    if (oldest !== undefined) this.#accounts.delete(oldest);
  }

  #spentNow(account: Account, nowMs: number): number {
    const forgiven = ((nowMs - account.at) / 1_000) * this.#limits.perSecond;
    return Math.max(0, account.spent - forgiven);
  }
}
