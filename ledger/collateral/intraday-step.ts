import { present } from "../../primitives/assert.ts";
import type { BlockStep } from "../block-steps/block-step.ts";
import type { BlockExecution } from "../execution.ts";
import { balanceId } from "../state/balance.ts";
import { CBDC } from "../types.ts";
import { creditQueue, dueKey, repayCredit } from "./intraday-credit.ts";
import { creditTable } from "./intraday-record.ts";

/** Credits that one block calls in. */
export const CREDITS_PER_BLOCK = 256;

/**
 * At the end of the settlement day every intraday credit is paid out of what is on its account. What
 * cannot be paid stays owed, secured and marked as overdue: no more is lent, and the central bank
 * may enforce it.
 */
export const intradayStep: BlockStep = {
  name: "intraday-credit",
  at: "end",
  run(execution) {
    const { state, timestampMs } = execution;
    const due = creditQueue.takeDue(state, dueKey(timestampMs), CREDITS_PER_BLOCK);
    for (const { id } of due) callIn(execution, id);
  },
};

function callIn(execution: BlockExecution, cashAccount: string): void {
  const { state } = execution;
  const credit = present(state.of(creditTable).get(cashAccount), `credit of ${cashAccount}`);
  const available = state.balances.get(balanceId(cashAccount, CBDC))?.available ?? 0n;
  const paid = available < credit.owed ? available : credit.owed;
  if (paid > 0n) execution.attempt(() => repayCredit(execution, credit, paid));
  const left = state.of(creditTable).get(cashAccount);
  if (left === undefined) return;
  execution.attempt(() => {
    state.of(creditTable).put({ ...left, isOverdue: true });
    execution.emit({ type: "creditOverdue", body: { cashAccount, owed: left.owed } });
    return undefined;
  });
}
