import { type Infer, record } from "../../../primitives/codec/schema.ts";
import { collateralId } from "../../collateral/lien-record.ts";
import {
  checkLotFaces,
  checkLotsEligible,
  checkLotsKnown,
  lotSchema,
  MAX_LOTS,
  withLot,
} from "../../collateral/lot.ts";
import { isCovered } from "../../collateral/repo-exposure.ts";
import { giveLots, towardsTaker } from "../../collateral/repo-lots.ts";
import { repoTable } from "../../collateral/repo-record.ts";
import { type Execution, type Failure, failure } from "../../execution.ts";
import { checkMovements, gateCodes } from "../../movement-gate.ts";
import { accountId } from "../../types.ts";
import { transactionKind } from "../transaction-kind.ts";
import { openRepoOf } from "./repo-checks.ts";

const payload = record({
  repo: collateralId,
  giverSecuritiesAccount: accountId,
  lot: lotSchema,
});
type Payload = Infer<typeof payload>;

export const addMargin = transactionKind({
  kind: "add-margin",
  summary: "Adds collateral to a repo; a margin call is met when it covers what is owed.",
  payload,
  signers: [{ by: "operator-of", field: "giverSecuritiesAccount" }],
  keyPurpose: "TRANSACTION",
  success: "APPLIED",
  failures: [
    "AMOUNT_ZERO",
    "ASSET_UNKNOWN",
    "REPO_UNKNOWN",
    "COUNTERPARTY_NOT_MATCHED",
    "REPO_PHASE",
    "COLLATERAL_NOT_ELIGIBLE",
    "DENOMINATION",
    ...gateCodes,
    "INSUFFICIENT_SECURITIES",
    "LIMIT_REACHED",
    "AMOUNT_OVERFLOW",
  ],
  execute,
});

function execute(payload: Payload, execution: Execution): Failure | undefined {
  const { repo: id, lot, ...named } = payload;
  const early = checkLotFaces([lot], "lot") ?? checkLotsKnown(execution, [lot], "lot");
  if (early !== undefined) return early;
  const found = openRepoOf(execution, id, named);
  if ("failed" in found) return found.failed;
  const { repo } = found;
  const lots = withLot(repo.lots, lot);
  const refused =
    checkLotsEligible(execution, [lot], repo.endDate, "lot") ??
    checkMovements(execution, towardsTaker(execution, repo, [lot], false)) ??
    giveLots(execution, repo, [lot]);
  if (refused !== undefined) return refused;
  if (lots.length > MAX_LOTS) return failure("LIMIT_REACHED", "lot");
  const callDueMs = isCovered(execution, repo, lots) ? undefined : repo.callDueMs;
  execution.state.of(repoTable).put({ ...repo, lots, callDueMs });
  const body = { repo: id, given: [lot], returned: [] };
  execution.emit({ type: "repoCollateralChanged", body });
  return undefined;
}
