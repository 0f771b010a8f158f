import type { Account } from "../state/account.ts";
import type { LedgerState } from "../state/ledger-state.ts";
import { memberCashTable, payoutTable } from "../state/service-accounts.ts";

/**
 * The cash account that receives what is paid on a securities account: the one named for it, else
 * its operator's; undefined while there is neither.
 */
export function cashAccountFor(state: LedgerState, account: Account): Account | undefined {
  const named = state.of(payoutTable).get(account.id)?.cashAccount;
  const id = named ?? state.of(memberCashTable).get(account.member)?.cashAccount;
  return id === undefined ? undefined : state.accounts.get(id);
}

/** A member's first cash account receives its payments until the member names another. */
export function noteCashAccount(state: LedgerState, account: Account): void {
  if (account.kind !== "CASH_CBDC") return;
  if (state.of(memberCashTable).get(account.member) !== undefined) return;
  state.of(memberCashTable).put({ member: account.member, cashAccount: account.id });
}
