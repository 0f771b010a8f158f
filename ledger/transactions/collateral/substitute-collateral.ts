import { type Infer, record } from "../../../primitives/codec/schema.ts";
import { collateralId } from "../../collateral/lien-record.ts";
import {
  checkLotFaces,
  checkLotsEligible,
  checkLotsKnown,
  lotSchema,
  MAX_LOTS,
  withLot,
  withoutLot,
} from "../../collateral/lot.ts";
import { isCovered } from "../../collateral/repo-exposure.ts";
import { giveLots, returnLots, towardsTaker } from "../../collateral/repo-lots.ts";
import { repoTable } from "../../collateral/repo-record.ts";
import { type Execution, type Failure, failure } from "../../execution.ts";
import { checkMovements, gateCodes } from "../../movement-gate.ts";
import { accountId } from "../../types.ts";
import { transactionKind } from "../transaction-kind.ts";
import { openRepoOf } from "./repo-checks.ts";

const payload = record({
  repo: collateralId,
  giverSecuritiesAccount: accountId,
  takerSecuritiesAccount: accountId,
  /** What comes in, and what goes back for it. */
  given: lotSchema,
  returned: lotSchema,
});
type Payload = Infer<typeof payload>;

export const substituteCollateral = transactionKind({
  kind: "substitute-collateral",
  summary: "Exchanges collateral of a repo for other collateral, in one step.",
  payload,
  signers: [
    { by: "operator-of", field: "giverSecuritiesAccount" },
    { by: "operator-of", field: "takerSecuritiesAccount" },
  ],
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
    "COLLATERAL_UNKNOWN",
    "COLLATERAL_INSUFFICIENT",
    "INSUFFICIENT_SECURITIES",
    "LIMIT_REACHED",
    "AMOUNT_OVERFLOW",
  ],
  execute,
});

function execute(payload: Payload, execution: Execution): Failure | undefined {
  const { repo: id, given, returned, ...named } = payload;
  const early =
    checkLotFaces([given], "given") ??
    checkLotFaces([returned], "returned") ??
    checkLotsKnown(execution, [given], "given");
  if (early !== undefined) return early;
  const found = openRepoOf(execution, id, named);
  if ("failed" in found) return found.failed;
  const { repo } = found;
  const refused =
    checkLotsEligible(execution, [given], repo.endDate, "given") ??
    checkMovements(execution, towardsTaker(execution, repo, [given], false));
  if (refused !== undefined) return refused;
  const without = withoutLot(repo.lots, returned);
  if (without === undefined) return failure("COLLATERAL_UNKNOWN", "returned");
  const lots = withLot(without, given);
  if (!isCovered(execution, repo, lots)) return failure("COLLATERAL_INSUFFICIENT", "given");
  if (lots.length > MAX_LOTS) return failure("LIMIT_REACHED", "given");
  const failed = giveLots(execution, repo, [given]) ?? returnLots(execution, repo, [returned]);
  if (failed !== undefined) return failed;
  // A call is met when what is there now covers what is owed.
  execution.state.of(repoTable).put({ ...repo, lots, callDueMs: undefined });
  const body = { repo: id, given: [given], returned: [returned] };
  execution.emit({ type: "repoCollateralChanged", body });
  return undefined;
}
