import { type Infer, record } from "../../../primitives/codec/schema.ts";
import type { Execution, Failure } from "../../execution.ts";
import { payOnRequest } from "../../life-cycle/waiting-payment.ts";
import { gateCodes } from "../../movement-gate.ts";
import { lifeCycleType } from "../../state/corporate-action.ts";
import { accountId, isinText, isoDate } from "../../types.ts";
import { transactionKind } from "../transaction-kind.ts";

const payload = record({
  isin: isinText,
  type: lifeCycleType,
  recordDate: isoDate,
  /** The securities account whose payment waits. */
  account: accountId,
});
type Payload = Infer<typeof payload>;

export const claimPayment = transactionKind({
  kind: "claim-payment",
  summary: "Asks for a payment that could not be made with the others of its event.",
  payload,
  signers: [{ by: "operator-of", field: "account" }],
  keyPurpose: "TRANSACTION",
  success: "SETTLED",
  failures: [
    "ACCOUNT_UNKNOWN",
    "PAYMENT_UNKNOWN",
    ...gateCodes,
    "INSUFFICIENT_SECURITIES",
    "INSUFFICIENT_CASH",
    "LIMIT_REACHED",
    "AMOUNT_OVERFLOW",
  ],
  execute,
});

function execute({ account, ...key }: Payload, execution: Execution): Failure | undefined {
  return payOnRequest(execution, key, account);
}
