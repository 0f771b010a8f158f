import { amount, type Infer, record } from "../../../primitives/codec/schema.ts";
import { unpledge } from "../../claims.ts";
import { collateralId, lienHolder, lienTable } from "../../collateral/lien-record.ts";
import { type Execution, type Failure, failure } from "../../execution.ts";
import { memberId } from "../../types.ts";
import { transactionKind } from "../transaction-kind.ts";

const payload = record({
  lien: collateralId,
  pledgee: memberId,
  /** Minor units to be freed; a part is enough. */
  face: amount,
});
type Payload = Infer<typeof payload>;

export const releasePledge = transactionKind({
  kind: "release-pledge",
  summary: "Frees units of a lien, in full or in part.",
  payload,
  signers: [{ by: "member-in", field: "pledgee" }],
  keyPurpose: "TRANSACTION",
  success: "APPLIED",
  failures: ["AMOUNT_ZERO", "LIEN_UNKNOWN", "COUNTERPARTY_NOT_MATCHED", "INSUFFICIENT_SECURITIES"],
  execute,
});

function execute(payload: Payload, execution: Execution): Failure | undefined {
  const { lien: id, pledgee, face } = payload;
  if (face === 0n) return failure("AMOUNT_ZERO", "face");
  const liens = execution.state.of(lienTable);
  const lien = liens.get(id);
  if (lien === undefined) return failure("LIEN_UNKNOWN", "lien");
  if (lien.pledgee !== pledgee) return failure("COUNTERPARTY_NOT_MATCHED", "pledgee");
  const { account, isin } = lien;
  const claim = { account, asset: isin, holder: lienHolder(id), amount: face, field: "face" };
  const failed = unpledge(execution, claim);
  if (failed !== undefined) return failed;
  const left = lien.face - face;
  if (left === 0n) liens.remove(id);
  else liens.put({ ...lien, face: left });
  execution.emit({ type: "pledgeReleased", body: { lien: id, account, isin, face, left } });
  return undefined;
}
