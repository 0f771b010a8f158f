import { amount, type Infer, record } from "../../primitives/codec/schema.ts";
import { type Execution, type Failure, failure } from "../execution.ts";
import { gateCodes } from "../movement-gate.ts";
import { moveUnits } from "../postings.ts";
import { accountId, CBDC, max35Text } from "../types.ts";
import { checkDistinct, checkKinds } from "./account-checks.ts";
import { transactionKind } from "./transaction-kind.ts";

const payload = record({
  fromAccount: accountId,
  toAccount: accountId,
  /** Paisa. */
  amount,
  /** The payer's end-to-end reference. */
  reference: max35Text,
});
type Payload = Infer<typeof payload>;

export const transferCbdc = transactionKind({
  kind: "transfer-cbdc",
  summary: "Moves coins from one cash account to another.",
  payload,
  signers: [{ by: "operator-of", field: "fromAccount" }],
  keyPurpose: "TRANSACTION",
  success: "SETTLED",
  failures: [
    "AMOUNT_ZERO",
    "SAME_ACCOUNT_TWICE",
    "ACCOUNT_UNKNOWN",
    "ACCOUNT_WRONG_KIND",
    ...gateCodes,
    "INSUFFICIENT_CASH",
    "LIMIT_REACHED",
    "AMOUNT_OVERFLOW",
  ],
  execute,
});

function execute(payload: Payload, execution: Execution): Failure | undefined {
  const { fromAccount, toAccount, reference } = payload;
  if (payload.amount === 0n) return failure("AMOUNT_ZERO", "amount");
  const twice = checkDistinct([
    ["fromAccount", fromAccount],
    ["toAccount", toAccount],
  ]);
  if (twice !== undefined) return twice;
  const from = execution.state.accounts.get(fromAccount);
  if (from === undefined) return failure("ACCOUNT_UNKNOWN", "fromAccount");
  const to = execution.state.accounts.get(toAccount);
  if (to === undefined) return failure("ACCOUNT_UNKNOWN", "toAccount");
  const wrongKind = checkKinds([
    { field: "fromAccount", account: from, kinds: ["CASH_CBDC"] },
    { field: "toAccount", account: to, kinds: ["CASH_CBDC"] },
  ]);
  if (wrongKind !== undefined) return wrongKind;
  return moveUnits(execution, [
    {
      from,
      to,
      asset: CBDC,
      parts: [{ amount: payload.amount, reason: "CASH_TRANSFER" }],
      purpose: "CASH_TRANSFER",
      reference,
      fields: { from: "fromAccount", to: "toAccount" },
    },
  ]);
}
