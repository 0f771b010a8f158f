import { amount, type Infer, record } from "../../primitives/codec/schema.ts";
import { type Execution, type Failure, failure } from "../execution.ts";
import { createUnits, issuanceCodes } from "../issuance.ts";
import { accountId, isinText, max35Text } from "../types.ts";
import { checkKinds } from "./account-checks.ts";
import { transactionKind } from "./transaction-kind.ts";

const payload = record({
  isin: isinText,
  /** Face to create, paisa. */
  face: amount,
  /** The ISSUANCE account that receives the units. */
  account: accountId,
  /** The sovereign's mandate under which the agent issues. */
  mandateRef: max35Text,
});
type Payload = Infer<typeof payload>;

export const issue = transactionKind({
  kind: "issue",
  summary: "Creates units of an authorised instrument on an issuance account.",
  payload,
  signers: [{ by: "role", role: "CENTRAL_BANK" }],
  keyPurpose: "TRANSACTION",
  success: "APPLIED",
  failures: [
    "AMOUNT_ZERO",
    "ACCOUNT_UNKNOWN",
    "ASSET_UNKNOWN",
    "ACCOUNT_WRONG_KIND",
    ...issuanceCodes,
  ],
  execute,
});

function execute(payload: Payload, execution: Execution): Failure | undefined {
  const { isin, face, account: id, mandateRef } = payload;
  const { state } = execution;
  if (face === 0n) return failure("AMOUNT_ZERO", "face");
  const account = state.accounts.get(id);
  if (account === undefined) return failure("ACCOUNT_UNKNOWN", "account");
  const instrument = state.instruments.get(isin);
  const supply = state.supplies.get(isin);
  if (instrument === undefined || supply === undefined) return failure("ASSET_UNKNOWN", "isin");
  const wrongKind = checkKinds([{ field: "account", account, kinds: ["ISSUANCE"] }]);
  if (wrongKind !== undefined) return wrongKind;
  const fields = { face: "face", account: "account" };
  return createUnits(execution, { instrument, supply, face, account, mandateRef, fields });
}
