import { type Infer, record } from "../../../primitives/codec/schema.ts";
import { type Execution, type Failure, failure } from "../../execution.ts";
import { payoutTable } from "../../state/service-accounts.ts";
import { accountId } from "../../types.ts";
import { checkKinds } from "../account-checks.ts";
import { transactionKind } from "../transaction-kind.ts";

const payload = record({
  /** A securities account. */
  account: accountId,
  /** The cash account of the same operator that receives what is paid on it. */
  cashAccount: accountId,
});
type Payload = Infer<typeof payload>;

export const setPayoutAccount = transactionKind({
  kind: "set-payout-account",
  summary: "Names the cash account that receives what is paid on a securities account.",
  payload,
  signers: [{ by: "operator-of", field: "account" }],
  keyPurpose: "TRANSACTION",
  success: "APPLIED",
  failures: ["ACCOUNT_UNKNOWN", "ACCOUNT_WRONG_KIND", "COUNTERPARTY_NOT_MATCHED"],
  execute,
});

function execute(payload: Payload, execution: Execution): Failure | undefined {
  const { state } = execution;
  const account = state.accounts.get(payload.account);
  if (account === undefined) return failure("ACCOUNT_UNKNOWN", "account");
  const cashAccount = state.accounts.get(payload.cashAccount);
  if (cashAccount === undefined) return failure("ACCOUNT_UNKNOWN", "cashAccount");
  const wrongKind = checkKinds([
    { field: "account", account, kinds: ["SGLA", "IPS", "COLLATERAL_POOL"] },
    { field: "cashAccount", account: cashAccount, kinds: ["CASH_CBDC"] },
  ]);
  if (wrongKind !== undefined) return wrongKind;
  if (cashAccount.member !== account.member) {
    return failure("COUNTERPARTY_NOT_MATCHED", "cashAccount");
  }
  state.of(payoutTable).put(payload);
  execution.emit({ type: "payoutAccountSet", body: payload });
  return undefined;
}
