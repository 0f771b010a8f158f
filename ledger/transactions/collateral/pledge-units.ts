import { amount, type Infer, record } from "../../../primitives/codec/schema.ts";
import { pledge } from "../../claims.ts";
import { collateralId, lienHolder, lienTable } from "../../collateral/lien-record.ts";
import { type Execution, type Failure, failure } from "../../execution.ts";
import { checkMovements, gateCodes } from "../../movement-gate.ts";
import { accountId, isinText, max35Text, memberId } from "../../types.ts";
import { checkKinds } from "../account-checks.ts";
import { checkFace } from "../instrument-checks.ts";
import { transactionKind } from "../transaction-kind.ts";

const payload = record({
  lien: collateralId,
  account: accountId,
  isin: isinText,
  /** Minor units. */
  face: amount,
  pledgee: memberId,
  /** An account of the pledgee, for the day on which the lien is enforced. */
  pledgeeAccount: accountId,
  purpose: max35Text,
});
type Payload = Infer<typeof payload>;

export const pledgeUnits = transactionKind({
  kind: "pledge-units",
  summary: "Puts units under a lien: they stay where they are, and their account cannot use them.",
  payload,
  signers: [
    { by: "operator-of", field: "account" },
    { by: "member-in", field: "pledgee" },
  ],
  keyPurpose: "TRANSACTION",
  success: "APPLIED",
  failures: [
    "AMOUNT_ZERO",
    "SAME_ACCOUNT_TWICE",
    "MEMBER_UNKNOWN",
    "ACCOUNT_UNKNOWN",
    "ASSET_UNKNOWN",
    "LIEN_EXISTS",
    "ACCOUNT_WRONG_KIND",
    "COUNTERPARTY_NOT_MATCHED",
    "ASSET_MATURED",
    "DENOMINATION",
    ...gateCodes,
    "INSUFFICIENT_SECURITIES",
  ],
  execute,
});

function execute(payload: Payload, execution: Execution): Failure | undefined {
  const { lien: id, account: name, isin, face, pledgee, pledgeeAccount, purpose } = payload;
  const { state } = execution;
  if (face === 0n) return failure("AMOUNT_ZERO", "face");
  if (name === pledgeeAccount) return failure("SAME_ACCOUNT_TWICE", "pledgeeAccount");
  if (state.members.get(pledgee) === undefined) return failure("MEMBER_UNKNOWN", "pledgee");
  const account = state.accounts.get(name);
  if (account === undefined) return failure("ACCOUNT_UNKNOWN", "account");
  const target = state.accounts.get(pledgeeAccount);
  if (target === undefined) return failure("ACCOUNT_UNKNOWN", "pledgeeAccount");
  const instrument = state.instruments.get(isin);
  if (instrument === undefined) return failure("ASSET_UNKNOWN", "isin");
  const liens = state.of(lienTable);
  if (liens.get(id) !== undefined) return failure("LIEN_EXISTS", "lien");
  const kinds = ["SGLA", "IPS", "COLLATERAL_POOL"] as const;
  const wrongKind = checkKinds([
    { field: "account", account, kinds },
    { field: "pledgeeAccount", account: target, kinds },
  ]);
  if (wrongKind !== undefined) return wrongKind;
  if (target.member !== pledgee) return failure("COUNTERPARTY_NOT_MATCHED", "pledgeeAccount");
  const refused =
    checkFace(instrument, face, execution.businessDate) ??
    // What may not leave an account may not be pledged out of it.
    checkMovements(execution, [
      {
        from: account,
        to: target,
        asset: isin,
        parts: [{ amount: face, reason: "COLLATERAL_ENFORCED" }],
        purpose: "COLLATERAL",
        reference: id,
        fields: { from: "account", to: "pledgeeAccount" },
      },
    ]) ??
    pledge(execution, {
      account: name,
      asset: isin,
      holder: lienHolder(id),
      amount: face,
      field: "account",
    });
  if (refused !== undefined) return refused;
  liens.put({ id, account: name, isin, face, pledgee, pledgeeAccount, purpose });
  const body = { lien: id, account: name, isin, face, pledgee, purpose };
  execution.emit({ type: "unitsPledged", body });
  return undefined;
}
