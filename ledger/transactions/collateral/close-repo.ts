import { type Infer, oneOf, record } from "../../../primitives/codec/schema.ts";
import { collateralId } from "../../collateral/lien-record.ts";
import { repoInterest } from "../../collateral/repo-exposure.ts";
import { returnLots } from "../../collateral/repo-lots.ts";
import { repoTable } from "../../collateral/repo-record.ts";
import { type Execution, type Failure, failure } from "../../execution.ts";
import { gateCodes } from "../../movement-gate.ts";
import { moveUnits } from "../../postings.ts";
import { accountId, CBDC } from "../../types.ts";
import { transactionKind } from "../transaction-kind.ts";
import { openRepoOf } from "./repo-checks.ts";

const payload = record({
  repo: collateralId,
  giverCashAccount: accountId,
  takerCashAccount: accountId,
  /** EARLY: before the end date, by agreement. */
  timing: oneOf(["AT_TERM", "EARLY"]),
});
type Payload = Infer<typeof payload>;

export const closeRepo = transactionKind({
  kind: "close-repo",
  summary: "Pays a repo back with its interest, and gives the securities back in the same step.",
  payload,
  signers: [
    { by: "operator-of", field: "giverCashAccount" },
    {
      by: "operator-of",
      field: "takerCashAccount",
      when: { field: "timing", in: ["EARLY"] },
    },
  ],
  keyPurpose: "TRANSACTION",
  success: "SETTLED",
  failures: [
    "REPO_UNKNOWN",
    "COUNTERPARTY_NOT_MATCHED",
    "REPO_PHASE",
    ...gateCodes,
    "INSUFFICIENT_SECURITIES",
    "INSUFFICIENT_CASH",
    "LIMIT_REACHED",
    "AMOUNT_OVERFLOW",
  ],
  execute,
});

/** Interest runs to the day on which it is paid, also when that is late. */
function execute(payload: Payload, execution: Execution): Failure | undefined {
  const { repo: id, timing, giverCashAccount, takerCashAccount } = payload;
  const { state, businessDate: date } = execution;
  const found = openRepoOf(execution, id, { giverCashAccount, takerCashAccount });
  if ("failed" in found) return found.failed;
  const { repo } = found;
  if (timing === "AT_TERM" && date < repo.endDate) return failure("REPO_PHASE", "timing");
  const { cash } = repo;
  const interest = repoInterest(repo, date);
  const failed =
    returnLots(execution, repo, repo.lots) ??
    moveUnits(execution, [
      {
        from: state.accounts.get(giverCashAccount),
        to: state.accounts.get(takerCashAccount),
        asset: CBDC,
        parts: [
          { amount: cash, reason: "REPO_CASH" },
          { amount: interest, reason: "REPO_INTEREST" },
        ],
        purpose: "REPO",
        reference: id,
        fields: { from: "giverCashAccount", to: "takerCashAccount" },
      },
    ]);
  if (failed !== undefined) return failed;
  state.of(repoTable).put({ ...repo, lots: [], callDueMs: undefined, status: "CLOSED" });
  execution.emit({ type: "repoClosed", body: { repo: id, cash, interest, date } });
  return undefined;
}
