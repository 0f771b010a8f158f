import { amount, type Infer, record } from "../../../primitives/codec/schema.ts";
import { drawCredit } from "../../collateral/intraday-credit.ts";
import { mandateTable } from "../../collateral/intraday-record.ts";
import { type Execution, type Failure, failure } from "../../execution.ts";
import { settlementDayOf } from "../../instructions/settlement-day.ts";
import { gateCodes } from "../../movement-gate.ts";
import { accountId } from "../../types.ts";
import { transactionKind } from "../transaction-kind.ts";

const payload = record({
  cashAccount: accountId,
  /** Paisa. */
  amount,
});
type Payload = Infer<typeof payload>;

export const drawIntradayCredit = transactionKind({
  kind: "draw-intraday-credit",
  summary:
    "Borrows coins of the central bank until the end of the day against eligible securities.",
  payload,
  signers: [{ by: "operator-of", field: "cashAccount" }],
  keyPurpose: "TRANSACTION",
  success: "APPLIED",
  failures: [
    "AMOUNT_ZERO",
    "ACCOUNT_UNKNOWN",
    "MANDATE_MISSING",
    "FUNDING_WINDOW_CLOSED",
    ...gateCodes,
    "CREDIT_LIMIT",
    "COLLATERAL_INSUFFICIENT",
    "INSUFFICIENT_CASH",
    "LIMIT_REACHED",
    "AMOUNT_OVERFLOW",
  ],
  execute,
});

function execute(payload: Payload, execution: Execution): Failure | undefined {
  const { cashAccount, amount: drawn } = payload;
  if (drawn === 0n) return failure("AMOUNT_ZERO", "amount");
  if (execution.state.accounts.get(cashAccount) === undefined) {
    return failure("ACCOUNT_UNKNOWN", "cashAccount");
  }
  if (execution.state.of(mandateTable).get(cashAccount) === undefined) {
    return failure("MANDATE_MISSING", "cashAccount");
  }
  if (!settlementDayOf(execution).isOpen) return failure("FUNDING_WINDOW_CLOSED", "amount");
  return drawCredit(execution, cashAccount, drawn, "REQUESTED");
}
