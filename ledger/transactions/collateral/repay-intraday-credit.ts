import { amount, type Infer, record } from "../../../primitives/codec/schema.ts";
import { repayCredit } from "../../collateral/intraday-credit.ts";
import { creditTable } from "../../collateral/intraday-record.ts";
import { type Execution, type Failure, failure } from "../../execution.ts";
import { gateCodes } from "../../movement-gate.ts";
import { accountId } from "../../types.ts";
import { transactionKind } from "../transaction-kind.ts";

const payload = record({
  cashAccount: accountId,
  /** Paisa; more than is owed pays what is owed. */
  amount,
});
type Payload = Infer<typeof payload>;

export const repayIntradayCredit = transactionKind({
  kind: "repay-intraday-credit",
  summary: "Pays a credit of the central bank back, in full or in part, and frees collateral.",
  payload,
  signers: [{ by: "operator-of", field: "cashAccount" }],
  keyPurpose: "TRANSACTION",
  success: "APPLIED",
  failures: [
    "AMOUNT_ZERO",
    "ACCOUNT_UNKNOWN",
    "CREDIT_UNKNOWN",
    ...gateCodes,
    "INSUFFICIENT_CASH",
    "LIMIT_REACHED",
    "AMOUNT_OVERFLOW",
  ],
  execute,
});

function execute(payload: Payload, execution: Execution): Failure | undefined {
  const { cashAccount, amount: offered } = payload;
  const { state } = execution;
  if (offered === 0n) return failure("AMOUNT_ZERO", "amount");
  if (state.accounts.get(cashAccount) === undefined) {
    return failure("ACCOUNT_UNKNOWN", "cashAccount");
  }
  const credit = state.of(creditTable).get(cashAccount);
  if (credit === undefined) return failure("CREDIT_UNKNOWN", "cashAccount");
  if (offered > credit.owed) return repayCredit(execution, credit, credit.owed);
  return repayCredit(execution, credit, offered);
}
