import { present } from "../../../primitives/assert.ts";
import { type Infer, record } from "../../../primitives/codec/schema.ts";
import { closeOut } from "../../collateral/close-out.ts";
import { freeLots, putCredit } from "../../collateral/intraday-credit.ts";
import { creditHolder, creditTable } from "../../collateral/intraday-record.ts";
import { type Execution, type Failure, failure } from "../../execution.ts";
import { gateCodes } from "../../movement-gate.ts";
import { moveUnits } from "../../postings.ts";
import { accountId } from "../../types.ts";
import { checkKinds } from "../account-checks.ts";
import { transactionKind } from "../transaction-kind.ts";

const payload = record({
  cashAccount: accountId,
  /** The central bank's own securities account. */
  securitiesAccount: accountId,
});
type Payload = Infer<typeof payload>;

export const enforceIntradayCredit = transactionKind({
  kind: "enforce-intraday-credit",
  summary: "Takes the collateral of a credit that was not paid at the end of its day.",
  payload,
  signers: [
    { by: "role", role: "CENTRAL_BANK" },
    { by: "operator-of", field: "securitiesAccount" },
  ],
  keyPurpose: "TRANSACTION",
  success: "APPLIED",
  failures: [
    "ACCOUNT_UNKNOWN",
    "CREDIT_UNKNOWN",
    "ACCOUNT_WRONG_KIND",
    "COUNTERPARTY_NOT_MATCHED",
    "REPO_PHASE",
    ...gateCodes,
    "LIMIT_REACHED",
    "AMOUNT_OVERFLOW",
  ],
  execute,
});

/** What the collateral does not cover is owed outside the ledger; the event says how much. */
function execute(payload: Payload, execution: Execution): Failure | undefined {
  const { cashAccount, securitiesAccount } = payload;
  const { state } = execution;
  if (state.accounts.get(cashAccount) === undefined) {
    return failure("ACCOUNT_UNKNOWN", "cashAccount");
  }
  const target = state.accounts.get(securitiesAccount);
  if (target === undefined) return failure("ACCOUNT_UNKNOWN", "securitiesAccount");
  const credit = state.of(creditTable).get(cashAccount);
  if (credit === undefined) return failure("CREDIT_UNKNOWN", "cashAccount");
  const kinds = ["SGLA", "COLLATERAL_POOL"] as const;
  const wrongKind = checkKinds([{ field: "securitiesAccount", account: target, kinds }]);
  if (wrongKind !== undefined) return wrongKind;
  if (state.members.get(target.member)?.roles.includes("CENTRAL_BANK") !== true) {
    return failure("COUNTERPARTY_NOT_MATCHED", "securitiesAccount");
  }
  if (!credit.isOverdue) return failure("REPO_PHASE", "cashAccount");
  const { owed } = credit;
  const { kept, returned, value, shortfall } = closeOut(execution, credit.lots, owed);
  const from = present(state.accounts.get(credit.securitiesAccount), "account of the collateral");
  const failed =
    moveUnits(
      execution,
      kept.map(({ isin, face }) => ({
        from,
        to: target,
        asset: isin,
        parts: [{ amount: face, reason: "COLLATERAL_ENFORCED" as const }],
        purpose: "COLLATERAL" as const,
        reference: cashAccount,
        claim: { part: "PLEDGED" as const, holder: creditHolder(cashAccount) },
        fields: { from: "cashAccount", to: "securitiesAccount" },
      })),
    ) ?? freeLots(execution, credit, returned);
  if (failed !== undefined) return failed;
  putCredit(execution, { ...credit, owed: 0n, lots: [] });
  const body = { cashAccount, securitiesAccount, owed, kept, returned, value, shortfall };
  execution.emit({ type: "creditEnforced", body });
  return undefined;
}
