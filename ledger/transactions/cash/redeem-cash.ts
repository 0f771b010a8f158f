import { present } from "../../../primitives/assert.ts";
import { amount, type Infer, record } from "../../../primitives/codec/schema.ts";
import { type Execution, type Failure, failure } from "../../execution.ts";
import { gateCodes } from "../../movement-gate.ts";
import { moveUnits } from "../../postings.ts";
import { cashAssetTable } from "../../state/cash-asset.ts";
import { accountId, CBDC, cashAssetId, max35Text, memberId } from "../../types.ts";
import { checkKinds } from "../account-checks.ts";
import { transactionKind } from "../transaction-kind.ts";

const payload = record({
  asset: cashAssetId,
  /** Of the coin: the central bank. */
  issuer: memberId,
  account: accountId,
  /** Minor units. */
  amount,
  /** The transfer outside the ledger by which the issuer pays; used once on the whole ledger. */
  reference: max35Text,
});
type Payload = Infer<typeof payload>;

export const redeemCash = transactionKind({
  kind: "redeem-cash",
  summary: "Gives coins or claims back to their issuer, which pays for them outside the ledger.",
  payload,
  signers: [
    { by: "operator-of", field: "account" },
    { by: "member-in", field: "issuer" },
  ],
  keyPurpose: "TRANSACTION",
  success: "APPLIED",
  failures: [
    "AMOUNT_ZERO",
    "MEMBER_UNKNOWN",
    "ACCOUNT_UNKNOWN",
    "ASSET_UNKNOWN",
    "RESERVE_REFERENCE_USED",
    "ACCOUNT_WRONG_KIND",
    "COUNTERPARTY_NOT_MATCHED",
    ...gateCodes,
    "INSUFFICIENT_CASH",
  ],
  execute,
});

function execute(payload: Payload, execution: Execution): Failure | undefined {
  const { asset, issuer, account: id, amount: redeemed, reference } = payload;
  const { state, txId, height } = execution;
  if (redeemed === 0n) return failure("AMOUNT_ZERO", "amount");
  const member = state.members.get(issuer);
  if (member === undefined) return failure("MEMBER_UNKNOWN", "issuer");
  const account = state.accounts.get(id);
  if (account === undefined) return failure("ACCOUNT_UNKNOWN", "account");
  const money = state.of(cashAssetTable).get(asset);
  if (money === undefined && asset !== CBDC) return failure("ASSET_UNKNOWN", "asset");
  if (state.reserveReferences.get(reference) !== undefined) {
    return failure("RESERVE_REFERENCE_USED", "reference");
  }
  const wrongKind = checkKinds([{ field: "account", account, kinds: ["CASH_CBDC"] }]);
  if (wrongKind !== undefined) return wrongKind;
  const isIssuer =
    money === undefined ? member.roles.includes("CENTRAL_BANK") : money.issuer === issuer;
  if (!isIssuer) return failure("COUNTERPARTY_NOT_MATCHED", "issuer");
  const moved = moveUnits(execution, [
    {
      from: account,
      to: undefined,
      asset,
      parts: [{ amount: redeemed, reason: "CASH_REDEEM" }],
      purpose: "CASH_REDEMPTION",
      reference,
      fields: { from: "account", to: "account" },
    },
  ]);
  if (moved !== undefined) return moved;
  const supply = present(state.supplies.get(asset), "supply of cash");
  state.supplies.put({ ...supply, redeemed: supply.redeemed + redeemed });
  state.reserveReferences.put({ reference, account: id, amount: redeemed, txId, height });
  const body = { asset, account: id, amount: redeemed, reference };
  execution.emit({ type: "cashRedeemed", body });
  return undefined;
}
