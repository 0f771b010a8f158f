import { type Infer, record } from "../../../primitives/codec/schema.ts";
import { collateralId } from "../../collateral/lien-record.ts";
import { checkLotFaces, lotSchema, withoutLot } from "../../collateral/lot.ts";
import { isCovered } from "../../collateral/repo-exposure.ts";
import { returnLots } from "../../collateral/repo-lots.ts";
import { repoTable } from "../../collateral/repo-record.ts";
import { type Execution, type Failure, failure } from "../../execution.ts";
import { gateCodes } from "../../movement-gate.ts";
import { accountId } from "../../types.ts";
import { transactionKind } from "../transaction-kind.ts";
import { openRepoOf } from "./repo-checks.ts";

const payload = record({
  repo: collateralId,
  takerSecuritiesAccount: accountId,
  lot: lotSchema,
});
type Payload = Infer<typeof payload>;

export const returnMargin = transactionKind({
  kind: "return-margin",
  summary: "Gives collateral of a repo back that is no longer needed.",
  payload,
  signers: [{ by: "operator-of", field: "takerSecuritiesAccount" }],
  keyPurpose: "TRANSACTION",
  success: "APPLIED",
  failures: [
    "AMOUNT_ZERO",
    "REPO_UNKNOWN",
    "COUNTERPARTY_NOT_MATCHED",
    "REPO_PHASE",
    ...gateCodes,
    "COLLATERAL_UNKNOWN",
    "COLLATERAL_INSUFFICIENT",
    "INSUFFICIENT_SECURITIES",
    "LIMIT_REACHED",
    "AMOUNT_OVERFLOW",
  ],
  execute,
});

function execute(payload: Payload, execution: Execution): Failure | undefined {
  const { repo: id, lot, ...named } = payload;
  const early = checkLotFaces([lot], "lot");
  if (early !== undefined) return early;
  const found = openRepoOf(execution, id, named);
  if ("failed" in found) return found.failed;
  const { repo } = found;
  const lots = withoutLot(repo.lots, lot);
  if (lots === undefined) return failure("COLLATERAL_UNKNOWN", "lot");
  if (!isCovered(execution, repo, lots)) return failure("COLLATERAL_INSUFFICIENT", "lot");
  const failed = returnLots(execution, repo, [lot]);
  if (failed !== undefined) return failed;
  execution.state.of(repoTable).put({ ...repo, lots });
  const body = { repo: id, given: [], returned: [lot] };
  execution.emit({ type: "repoCollateralChanged", body });
  return undefined;
}
