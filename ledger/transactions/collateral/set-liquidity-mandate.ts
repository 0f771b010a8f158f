import { type Infer, record } from "../../../primitives/codec/schema.ts";
import { creditTable, mandateTable, mandateTerms } from "../../collateral/intraday-record.ts";
import { type Execution, type Failure, failure } from "../../execution.ts";
import { checkDistinct, checkKinds } from "../account-checks.ts";
import { transactionKind } from "../transaction-kind.ts";

const payload = record(mandateTerms);
type Payload = Infer<typeof payload>;

export const setLiquidityMandate = transactionKind({
  kind: "set-liquidity-mandate",
  summary:
    "Lets the ledger draw credit against a bank's securities, and sweep its coins at day's end.",
  payload,
  signers: [
    { by: "operator-of", field: "cashAccount" },
    { by: "operator-of", field: "securitiesAccount" },
    { by: "role", role: "CENTRAL_BANK" },
  ],
  keyPurpose: "TRANSACTION",
  success: "APPLIED",
  failures: [
    "SAME_ACCOUNT_TWICE",
    "ACCOUNT_UNKNOWN",
    "ACCOUNT_WRONG_KIND",
    "COUNTERPARTY_NOT_MATCHED",
    "CREDIT_OUTSTANDING",
  ],
  execute,
});

function execute(payload: Payload, execution: Execution): Failure | undefined {
  const { cashAccount, securitiesAccount, poolAccount } = payload;
  const { state } = execution;
  const twice = checkDistinct([
    ["cashAccount", cashAccount],
    ["poolAccount", poolAccount],
  ]);
  if (twice !== undefined) return twice;
  const cash = state.accounts.get(cashAccount);
  if (cash === undefined) return failure("ACCOUNT_UNKNOWN", "cashAccount");
  const securities = state.accounts.get(securitiesAccount);
  if (securities === undefined) return failure("ACCOUNT_UNKNOWN", "securitiesAccount");
  const pool = state.accounts.get(poolAccount);
  if (pool === undefined) return failure("ACCOUNT_UNKNOWN", "poolAccount");
  const wrongKind = checkKinds([
    { field: "cashAccount", account: cash, kinds: ["CASH_CBDC"] },
    { field: "securitiesAccount", account: securities, kinds: ["SGLA", "COLLATERAL_POOL"] },
    { field: "poolAccount", account: pool, kinds: ["CASH_CBDC"] },
  ]);
  if (wrongKind !== undefined) return wrongKind;
  // A bank lends out nothing that belongs to its clients.
  if (securities.member !== cash.member || securities.ownership !== "OWN") {
    return failure("COUNTERPARTY_NOT_MATCHED", "securitiesAccount");
  }
  if (state.members.get(pool.member)?.roles.includes("CENTRAL_BANK") !== true) {
    return failure("COUNTERPARTY_NOT_MATCHED", "poolAccount");
  }
  const credit = state.of(creditTable).get(cashAccount);
  const isKept =
    credit === undefined ||
    (credit.securitiesAccount === securitiesAccount && credit.poolAccount === poolAccount);
  // What is owed is secured on the accounts of the old mandate.
  if (!isKept) return failure("CREDIT_OUTSTANDING", "cashAccount");
  state.of(mandateTable).put(payload);
  execution.emit({ type: "mandateSet", body: payload });
  return undefined;
}
