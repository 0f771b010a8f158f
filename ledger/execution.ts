import type { LedgerEvent } from "./events.ts";
import type { FailureCode } from "./outcome.ts";
import type { LedgerState } from "./state/ledger-state.ts";

/** Why a transaction failed: its code and the payload field at fault. */
export interface Failure {
  readonly code: FailureCode;
  readonly field: string | undefined;
}

export function failure(code: FailureCode, field?: string): Failure {
  return { code, field };
}

/** What a transaction sees while it runs: the state, its place in time, and where events go. */
export interface Execution {
  readonly state: LedgerState;
  /** Of the block. */
  readonly height: number;
  /** Of the block, milliseconds of Unix time. */
  readonly timestampMs: number;
  /** The calendar day of that time in Karachi, "YYYY-MM-DD". */
  readonly businessDate: string;
  readonly txId: string;
  emit(event: LedgerEvent): void;
  /** Takes one of the public-key operations that the block may still do; false when none is left. */
  takeKeyCheck(): boolean;
}

/**
 * What a block step sees: it has no transaction of its own (`txId` is NO_TRANSACTION), works through
 * what is due, and makes each item stand or fall by itself.
 */
export interface BlockExecution extends Execution {
  /**
   * Runs one item. When it gives undefined, what it wrote and emitted stands; when it gives a
   * failure, both are undone. Items do not nest.
   */
  attempt(item: () => Failure | undefined): Failure | undefined;
}
