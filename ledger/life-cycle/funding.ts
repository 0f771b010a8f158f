import { calendarIn } from "../calendar/business-calendar.ts";
import { reserve } from "../claims.ts";
import type { Execution } from "../execution.ts";
import { balanceId } from "../state/balance.ts";
import {
  type CorporateAction,
  corporateActionId,
  type WaitReason,
} from "../state/corporate-action.ts";
import { serviceAccountsTable } from "../state/service-accounts.ts";
import { CBDC } from "../types.ts";

/**
 * AWAITING_FUNDS: sets the whole event's money aside on the funding account, on a business day not
 * before the due date, or says why it cannot. An event that pays nothing needs no money.
 */
export function fund(
  execution: Execution,
  action: CorporateAction,
): { readonly funded: CorporateAction } | { readonly waits: WaitReason } {
  const { state, businessDate } = execution;
  if (businessDate < action.dueDate || !calendarIn(execution).isBusinessDay(businessDate)) {
    return { waits: "NON_BUSINESS_DAY" };
  }
  const funded = {
    ...action,
    stage: "PAYING",
    paymentDate: businessDate,
    reason: undefined,
  } as const;
  if (action.total === 0n) return { funded };
  const fundingAccount = state.of(serviceAccountsTable).get("")?.fundingAccount;
  if (fundingAccount === undefined) return { waits: "NO_FUNDING_ACCOUNT" };
  const status = state.accounts.get(fundingAccount)?.status;
  if (status !== "OPEN" && status !== "BLOCKED_CREDIT") return { waits: "FUNDING_ACCOUNT_BLOCKED" };
  const available = state.balances.get(balanceId(fundingAccount, CBDC))?.available ?? 0n;
  if (available < action.total) return { waits: "FUNDS_SHORT" };
  const short = reserve(execution, {
    account: fundingAccount,
    asset: CBDC,
    holder: corporateActionId(action),
    amount: action.total,
    field: "fundingAccount",
  });
  return short === undefined ? { funded: { ...funded, fundingAccount } } : { waits: "FUNDS_SHORT" };
}
