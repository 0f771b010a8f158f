import { present } from "../../../primitives/assert.ts";
import { amount, type Infer, record } from "../../../primitives/codec/schema.ts";
import { type Execution, type Failure, failure } from "../../execution.ts";
import { takeFromSupply } from "../../instruments/redeem-units.ts";
import { gateCodes } from "../../movement-gate.ts";
import { moveUnits } from "../../postings.ts";
import { accountId, isinText, max35Text } from "../../types.ts";
import { checkKinds } from "../account-checks.ts";
import { transactionKind } from "../transaction-kind.ts";

const payload = record({
  isin: isinText,
  /** The holder's securities account. */
  account: accountId,
  /** Units handed over, of the instrument's own unit (kWh). */
  quantity: amount,
  /** The delivery note. */
  reference: max35Text,
});
type Payload = Infer<typeof payload>;

export const redeemClaim = transactionKind({
  kind: "redeem-claim",
  summary: "Ends units of another federal asset against its delivery within its days of delivery.",
  payload,
  signers: [
    { by: "operator-of", field: "account" },
    { by: "role", role: "SOVEREIGN" },
  ],
  keyPurpose: "TRANSACTION",
  success: "SETTLED",
  failures: [
    "AMOUNT_ZERO",
    "ACCOUNT_UNKNOWN",
    "ASSET_UNKNOWN",
    "ACCOUNT_WRONG_KIND",
    "ASSET_WRONG_TYPE",
    "OUTSIDE_DELIVERY",
    "DENOMINATION",
    ...gateCodes,
    "INSUFFICIENT_SECURITIES",
  ],
  execute,
});

function execute(payload: Payload, execution: Execution): Failure | undefined {
  const { isin, quantity, reference } = payload;
  const { state, businessDate } = execution;
  if (quantity === 0n) return failure("AMOUNT_ZERO", "quantity");
  const account = state.accounts.get(payload.account);
  if (account === undefined) return failure("ACCOUNT_UNKNOWN", "account");
  const terms = state.instruments.get(isin)?.terms;
  if (terms === undefined) return failure("ASSET_UNKNOWN", "isin");
  const wrongKind = checkKinds([{ field: "account", account, kinds: ["SGLA", "IPS"] }]);
  if (wrongKind !== undefined) return wrongKind;
  if (terms.type !== "OTHER" || terms.body.settlement !== "DELIVERY") {
    return failure("ASSET_WRONG_TYPE", "isin");
  }
  const { from, to } = present(terms.body.delivery, "days of delivery");
  if (businessDate < from || businessDate > to) return failure("OUTSIDE_DELIVERY", "isin");
  if (quantity % terms.body.denomination !== 0n) return failure("DENOMINATION", "quantity");
  const failed = moveUnits(execution, [
    {
      from: account,
      to: undefined,
      asset: isin,
      parts: [{ amount: quantity, reason: "DELIVERED_IN_KIND" }],
      purpose: "COMMODITY_REDEMPTION",
      reference,
      fields: { from: "account", to: "account" },
    },
  ]);
  if (failed !== undefined) return failed;
  const releasedUsdCents = takeFromSupply(execution, isin, quantity);
  execution.emit({
    type: "claimDelivered",
    body: { isin, account: account.id, quantity, releasedUsdCents, reference },
  });
  return undefined;
}
