import { type Infer, record } from "../../../primitives/codec/schema.ts";
import { type Execution, type Failure, failure } from "../../execution.ts";
import { serviceAccountsTable } from "../../state/service-accounts.ts";
import { accountId } from "../../types.ts";
import { checkDistinct, checkKinds } from "../account-checks.ts";
import { transactionKind } from "../transaction-kind.ts";

const payload = record({
  /** The sovereign's CASH_CBDC account that pays coupons and redemptions. */
  fundingAccount: accountId,
  /** The TAX account that collects what is withheld. */
  taxAccount: accountId,
});
type Payload = Infer<typeof payload>;

export const setServiceAccounts = transactionKind({
  kind: "set-service-accounts",
  summary: "Names the account that pays for the life of all instruments, and the one for taxes.",
  payload,
  signers: [
    { by: "role", role: "SOVEREIGN" },
    { by: "role", role: "CENTRAL_BANK" },
  ],
  keyPurpose: "TRANSACTION",
  success: "APPLIED",
  failures: ["SAME_ACCOUNT_TWICE", "ACCOUNT_UNKNOWN", "ACCOUNT_WRONG_KIND", "MEMBER_WRONG_ROLE"],
  execute,
});

/** What has been set aside already stays where it is. */
function execute(payload: Payload, execution: Execution): Failure | undefined {
  const { state } = execution;
  const { fundingAccount, taxAccount } = payload;
  const twice = checkDistinct([
    ["fundingAccount", fundingAccount],
    ["taxAccount", taxAccount],
  ]);
  if (twice !== undefined) return twice;
  const funding = state.accounts.get(fundingAccount);
  if (funding === undefined) return failure("ACCOUNT_UNKNOWN", "fundingAccount");
  const tax = state.accounts.get(taxAccount);
  if (tax === undefined) return failure("ACCOUNT_UNKNOWN", "taxAccount");
  const wrongKind = checkKinds([
    { field: "fundingAccount", account: funding, kinds: ["CASH_CBDC"] },
    { field: "taxAccount", account: tax, kinds: ["TAX"] },
  ]);
  if (wrongKind !== undefined) return wrongKind;
  if (state.members.get(funding.member)?.roles.includes("SOVEREIGN") !== true) {
    return failure("MEMBER_WRONG_ROLE", "fundingAccount");
  }
  state.of(serviceAccountsTable).put(payload);
  execution.emit({ type: "serviceAccountsSet", body: payload });
  return undefined;
}
