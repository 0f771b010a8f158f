import { present } from "../../../primitives/assert.ts";
import { AMOUNT_MAX, amount, type Infer, record } from "../../../primitives/codec/schema.ts";
import { type Execution, type Failure, failure } from "../../execution.ts";
import { gateCodes } from "../../movement-gate.ts";
import { moveUnits } from "../../postings.ts";
import { cashAssetTable } from "../../state/cash-asset.ts";
import { accountId, cashAssetId, max35Text, memberId } from "../../types.ts";
import { checkKinds } from "../account-checks.ts";
import { transactionKind } from "../transaction-kind.ts";

const payload = record({
  asset: cashAssetId,
  issuer: memberId,
  account: accountId,
  /** Minor units of the asset's currency. */
  amount,
  /** The issuer's proof that it received the money; used once on the whole ledger. */
  reserveRef: max35Text,
});
type Payload = Infer<typeof payload>;

export const issueCashClaim = transactionKind({
  kind: "issue-cash-claim",
  summary: "Creates units of an issued claim against money that its issuer received.",
  payload,
  signers: [{ by: "member-in", field: "issuer" }],
  keyPurpose: "TRANSACTION",
  success: "APPLIED",
  failures: [
    "AMOUNT_ZERO",
    "ACCOUNT_UNKNOWN",
    "ASSET_UNKNOWN",
    "RESERVE_REFERENCE_USED",
    "ACCOUNT_WRONG_KIND",
    "COUNTERPARTY_NOT_MATCHED",
    ...gateCodes,
    "LIMIT_REACHED",
    "AMOUNT_OVERFLOW",
  ],
  execute,
});

function execute(payload: Payload, execution: Execution): Failure | undefined {
  const { asset, issuer, account: id, amount: added, reserveRef } = payload;
  const { state, txId, height } = execution;
  if (added === 0n) return failure("AMOUNT_ZERO", "amount");
  const account = state.accounts.get(id);
  if (account === undefined) return failure("ACCOUNT_UNKNOWN", "account");
  const money = state.of(cashAssetTable).get(asset);
  if (money === undefined) return failure("ASSET_UNKNOWN", "asset");
  if (state.reserveReferences.get(reserveRef) !== undefined) {
    return failure("RESERVE_REFERENCE_USED", "reserveRef");
  }
  const wrongKind = checkKinds([{ field: "account", account, kinds: ["CASH_CBDC"] }]);
  if (wrongKind !== undefined) return wrongKind;
  if (money.issuer !== issuer) return failure("COUNTERPARTY_NOT_MATCHED", "issuer");
  const moved = moveUnits(execution, [
    {
      from: undefined,
      to: account,
      asset,
      parts: [{ amount: added, reason: "MINT" }],
      purpose: "MINT",
      reference: reserveRef,
      fields: { from: "account", to: "account" },
    },
  ]);
  if (moved !== undefined) return moved;
  const supply = present(state.supplies.get(asset), "supply of a claim");
  const issued = supply.issued + added;
  if (issued > AMOUNT_MAX) return failure("AMOUNT_OVERFLOW", "amount");
  state.supplies.put({ ...supply, issued });
  state.reserveReferences.put({ reference: reserveRef, account: id, amount: added, txId, height });
  const body = { asset, issuer, account: id, amount: added, reserveRef };
  execution.emit({ type: "cashClaimIssued", body });
  return undefined;
}
