import { present } from "../../../primitives/assert.ts";
import { type Infer, record } from "../../../primitives/codec/schema.ts";
import { collateralId, lienHolder, lienTable } from "../../collateral/lien-record.ts";
import { type Execution, type Failure, failure } from "../../execution.ts";
import { gateCodes } from "../../movement-gate.ts";
import { moveUnits } from "../../postings.ts";
import { memberId } from "../../types.ts";
import { transactionKind } from "../transaction-kind.ts";

const payload = record({ lien: collateralId, pledgee: memberId });
type Payload = Infer<typeof payload>;

export const enforcePledge = transactionKind({
  kind: "enforce-pledge",
  summary: "Moves what a lien holds to the pledgee, with the central bank's word that it may.",
  payload,
  signers: [
    { by: "member-in", field: "pledgee" },
    { by: "role", role: "CENTRAL_BANK" },
  ],
  keyPurpose: "TRANSACTION",
  success: "APPLIED",
  failures: [
    "LIEN_UNKNOWN",
    "COUNTERPARTY_NOT_MATCHED",
    ...gateCodes,
    "LIMIT_REACHED",
    "AMOUNT_OVERFLOW",
  ],
  execute,
});

function execute(payload: Payload, execution: Execution): Failure | undefined {
  const { lien: id, pledgee } = payload;
  const { state } = execution;
  const lien = state.of(lienTable).get(id);
  if (lien === undefined) return failure("LIEN_UNKNOWN", "lien");
  if (lien.pledgee !== pledgee) return failure("COUNTERPARTY_NOT_MATCHED", "pledgee");
  const { account, isin, face, pledgeeAccount } = lien;
  const failed = moveUnits(execution, [
    {
      from: present(state.accounts.get(account), `account ${account}`),
      to: present(state.accounts.get(pledgeeAccount), `account ${pledgeeAccount}`),
      asset: isin,
      parts: [{ amount: face, reason: "COLLATERAL_ENFORCED" }],
      purpose: "COLLATERAL",
      reference: id,
      claim: { part: "PLEDGED", holder: lienHolder(id) },
      fields: { from: "lien", to: "lien" },
    },
  ]);
  if (failed !== undefined) return failed;
  state.of(lienTable).remove(id);
  const body = { lien: id, account, isin, face, pledgeeAccount };
  execution.emit({ type: "pledgeEnforced", body });
  return undefined;
}
