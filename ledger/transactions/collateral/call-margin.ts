import { type Infer, record } from "../../../primitives/codec/schema.ts";
import { collateralId } from "../../collateral/lien-record.ts";
import { lotsValue } from "../../collateral/lot.ts";
import { exposureOf } from "../../collateral/repo-exposure.ts";
import { repoTable } from "../../collateral/repo-record.ts";
import { type Execution, type Failure, failure } from "../../execution.ts";
import { settlementDayOf, timeOf } from "../../instructions/settlement-day.ts";
import { accountId } from "../../types.ts";
import { transactionKind } from "../transaction-kind.ts";
import { openRepoOf } from "./repo-checks.ts";

const payload = record({ repo: collateralId, takerSecuritiesAccount: accountId });
type Payload = Infer<typeof payload>;

export const callMargin = transactionKind({
  kind: "call-margin",
  summary: "Calls for more collateral when a repo's is worth less than what is owed.",
  payload,
  signers: [{ by: "operator-of", field: "takerSecuritiesAccount" }],
  keyPurpose: "TRANSACTION",
  success: "APPLIED",
  failures: ["REPO_UNKNOWN", "COUNTERPARTY_NOT_MATCHED", "REPO_PHASE", "MARGIN_SUFFICIENT"],
  execute,
});

/** It must be answered by the end of the next business day. A call that stands is not renewed. */
function execute(payload: Payload, execution: Execution): Failure | undefined {
  const { repo: id, ...named } = payload;
  const found = openRepoOf(execution, id, named);
  if ("failed" in found) return found.failed;
  const { repo } = found;
  if (repo.callDueMs !== undefined) return failure("REPO_PHASE", "repo");
  const exposure = exposureOf(repo, execution.businessDate);
  const value = lotsValue(execution, repo.lots);
  if (value >= exposure) return failure("MARGIN_SUFFICIENT", "repo");
  const { calendar, date, parameters } = settlementDayOf(execution);
  const dueMs = timeOf(calendar.addBusinessDays(date, 1), parameters.endMinute);
  execution.state.of(repoTable).put({ ...repo, callDueMs: dueMs });
  execution.emit({ type: "marginCalled", body: { repo: id, exposure, value, dueMs } });
  return undefined;
}
