import { type Infer, record } from "../../../primitives/codec/schema.ts";
import { closeOut } from "../../collateral/close-out.ts";
import { collateralId } from "../../collateral/lien-record.ts";
import { exposureOf } from "../../collateral/repo-exposure.ts";
import { returnLots, towardsTaker } from "../../collateral/repo-lots.ts";
import { repoTable } from "../../collateral/repo-record.ts";
import { type Execution, type Failure, failure } from "../../execution.ts";
import { gateCodes } from "../../movement-gate.ts";
import { moveUnits } from "../../postings.ts";
import { accountId } from "../../types.ts";
import { transactionKind } from "../transaction-kind.ts";
import { openRepoOf } from "./repo-checks.ts";

const payload = record({ repo: collateralId, takerSecuritiesAccount: accountId });
type Payload = Infer<typeof payload>;

export const defaultRepo = transactionKind({
  kind: "default-repo",
  summary: "Closes a repo out against a giver that did not pay, or did not answer a margin call.",
  payload,
  signers: [
    { by: "operator-of", field: "takerSecuritiesAccount" },
    { by: "role", role: "CENTRAL_BANK" },
  ],
  keyPurpose: "TRANSACTION",
  success: "APPLIED",
  failures: [
    "REPO_UNKNOWN",
    "COUNTERPARTY_NOT_MATCHED",
    "REPO_PHASE",
    ...gateCodes,
    "INSUFFICIENT_SECURITIES",
    "LIMIT_REACHED",
    "AMOUNT_OVERFLOW",
  ],
  execute,
});

/** The taker keeps what is worth what it is owed, at the prices in force; the rest goes back. */
function execute(payload: Payload, execution: Execution): Failure | undefined {
  const { repo: id, ...named } = payload;
  const { businessDate, timestampMs, state } = execution;
  const found = openRepoOf(execution, id, named);
  if ("failed" in found) return found.failed;
  const { repo } = found;
  const isUnanswered = repo.callDueMs !== undefined && repo.callDueMs < timestampMs;
  if (businessDate <= repo.endDate && !isUnanswered) return failure("REPO_PHASE", "repo");
  const owed = exposureOf(repo, businessDate);
  const { kept, returned, value, shortfall } = closeOut(execution, repo.lots, owed);
  const taken =
    repo.form === "EARMARK"
      ? moveUnits(execution, towardsTaker(execution, repo, kept, true))
      : undefined;
  const failed = taken ?? returnLots(execution, repo, returned);
  if (failed !== undefined) return failed;
  state.of(repoTable).put({ ...repo, lots: [], callDueMs: undefined, status: "DEFAULTED" });
  const body = { repo: id, owed, kept, returned, value, shortfall };
  execution.emit({ type: "repoDefaulted", body });
  return undefined;
}
