import { present } from "../../primitives/assert.ts";
import { AMOUNT_MAX, amount, type Infer, record } from "../../primitives/codec/schema.ts";
import { type Execution, type Failure, failure } from "../execution.ts";
import { gateCodes } from "../movement-gate.ts";
import { moveUnits } from "../postings.ts";
import { accountId, CBDC, max35Text } from "../types.ts";
import { checkKinds } from "./account-checks.ts";
import { transactionKind } from "./transaction-kind.ts";

const payload = record({
  /** The coin account to credit. */
  account: accountId,
  /** Paisa. */
  amount,
  /** The debit in the central bank's RTGS that backs the coins; each backs one minting. */
  reserveRef: max35Text,
});
type Payload = Infer<typeof payload>;

export const mintCbdc = transactionKind({
  kind: "mint-cbdc",
  summary: "Creates coins against a reserve debit at the central bank.",
  payload,
  signers: [{ by: "role", role: "CENTRAL_BANK" }],
  keyPurpose: "TRANSACTION",
  success: "APPLIED",
  failures: [
    "AMOUNT_ZERO",
    "ACCOUNT_UNKNOWN",
    "RESERVE_REFERENCE_USED",
    "ACCOUNT_WRONG_KIND",
    ...gateCodes,
    "LIMIT_REACHED",
    "AMOUNT_OVERFLOW",
  ],
  execute,
});

function execute(payload: Payload, execution: Execution): Failure | undefined {
  const { account: id, amount: minted, reserveRef } = payload;
  const { state, txId, height } = execution;
  if (minted === 0n) return failure("AMOUNT_ZERO", "amount");
  const account = state.accounts.get(id);
  if (account === undefined) return failure("ACCOUNT_UNKNOWN", "account");
  if (state.reserveReferences.get(reserveRef) !== undefined) {
    return failure("RESERVE_REFERENCE_USED", "reserveRef");
  }
  const wrongKind = checkKinds([{ field: "account", account, kinds: ["CASH_CBDC"] }]);
  if (wrongKind !== undefined) return wrongKind;
  const supply = present(state.supplies.get(CBDC), "supply of the coin");
  const issued = supply.issued + minted;
  const credited = moveUnits(execution, [
    {
      from: undefined,
      to: account,
      asset: CBDC,
      parts: [{ amount: minted, reason: "MINT" }],
      purpose: "MINT",
      reference: reserveRef,
      fields: { from: "account", to: "account" },
    },
  ]);
  if (credited !== undefined) return credited;
  if (issued > AMOUNT_MAX) return failure("AMOUNT_OVERFLOW", "amount");
  state.supplies.put({ ...supply, issued });
  state.reserveReferences.put({ reference: reserveRef, account: id, amount: minted, txId, height });
  execution.emit({ type: "cbdcMinted", body: { account: id, amount: minted, reserveRef } });
  return undefined;
}
