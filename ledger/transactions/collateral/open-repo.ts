import { type Infer, record } from "../../../primitives/codec/schema.ts";
import { calendarIn } from "../../calendar/business-calendar.ts";
import {
  checkLotFaces,
  checkLotsEligible,
  checkLotsKnown,
  lotsValue,
} from "../../collateral/lot.ts";
import { giveLots, towardsTaker } from "../../collateral/repo-lots.ts";
import { type Repo, repoTable, repoTerms } from "../../collateral/repo-record.ts";
import { type Execution, type Failure, failure } from "../../execution.ts";
import type { UnitMovement } from "../../movement.ts";
import { checkMovements, gateCodes } from "../../movement-gate.ts";
import { moveUnits } from "../../postings.ts";
import type { Account } from "../../state/account.ts";
import { CBDC } from "../../types.ts";
import { checkDistinct, checkKinds } from "../account-checks.ts";
import { transactionKind } from "../transaction-kind.ts";

const payload = record(repoTerms);
type Payload = Infer<typeof payload>;

export const openRepo = transactionKind({
  kind: "open-repo",
  summary: "Opens a repo: cash against securities that are earmarked or change hands, at once.",
  payload,
  signers: [
    { by: "operator-of", field: "giverSecuritiesAccount" },
    { by: "operator-of", field: "takerCashAccount" },
  ],
  keyPurpose: "TRANSACTION",
  success: "SETTLED",
  failures: [
    "AMOUNT_ZERO",
    "TERMS_INVALID",
    "SAME_ACCOUNT_TWICE",
    "ACCOUNT_UNKNOWN",
    "ASSET_UNKNOWN",
    "REPO_EXISTS",
    "ACCOUNT_WRONG_KIND",
    "COUNTERPARTY_NOT_MATCHED",
    "COLLATERAL_NOT_ELIGIBLE",
    "DENOMINATION",
    ...gateCodes,
    "COLLATERAL_INSUFFICIENT",
    "INSUFFICIENT_SECURITIES",
    "INSUFFICIENT_CASH",
    "LIMIT_REACHED",
    "AMOUNT_OVERFLOW",
  ],
  execute,
});

function execute(payload: Payload, execution: Execution): Failure | undefined {
  const { repo: id, lots, cash, endDate } = payload;
  const { state, businessDate } = execution;
  if (cash === 0n) return failure("AMOUNT_ZERO", "cash");
  const empty = checkLotFaces(lots, "lots");
  if (empty !== undefined) return empty;
  const isProperEnd = endDate > businessDate && calendarIn(execution).isBusinessDay(endDate);
  if (!isProperEnd) return failure("TERMS_INVALID", "endDate");
  const twice = checkDistinct(FIELDS.map((field) => [field, payload[field]]));
  if (twice !== undefined) return twice;
  const missing = FIELDS.find((field) => state.accounts.get(payload[field]) === undefined);
  if (missing !== undefined) return failure("ACCOUNT_UNKNOWN", missing);
  const unknown = checkLotsKnown(execution, lots, "lots");
  if (unknown !== undefined) return unknown;
  const repos = state.of(repoTable);
  if (repos.get(id) !== undefined) return failure("REPO_EXISTS", "repo");
  const mismatched =
    checkParties(payload, execution) ?? checkLotsEligible(execution, lots, endDate, "lots");
  if (mismatched !== undefined) return mismatched;

  const repo: Repo = { ...payload, startDate: businessDate, callDueMs: undefined, status: "OPEN" };
  const paid = purchase(repo, execution);
  const refused = checkMovements(execution, [...towardsTaker(execution, repo, lots, false), paid]);
  if (refused !== undefined) return refused;
  if (lotsValue(execution, lots) < cash) return failure("COLLATERAL_INSUFFICIENT", "lots");
  const failed = giveLots(execution, repo, lots) ?? moveUnits(execution, [paid]);
  if (failed !== undefined) return failed;
  repos.put(repo);
  const { form, giverSecuritiesAccount, takerSecuritiesAccount, rateE4 } = payload;
  const parties = { giverSecuritiesAccount, takerSecuritiesAccount };
  const terms = { repo: id, form, lots, cash, rateE4, startDate: businessDate, endDate };
  execution.emit({ type: "repoOpened", body: { ...parties, ...terms } });
  return undefined;
}

const FIELDS = [
  "giverSecuritiesAccount",
  "giverCashAccount",
  "takerSecuritiesAccount",
  "takerCashAccount",
] as const;

/** Both accounts of a side belong to one member. */
function checkParties(payload: Payload, { state }: Execution): Failure | undefined {
  const accounts = FIELDS.flatMap((field): readonly { field: typeof field; account: Account }[] => {
    const account = state.accounts.get(payload[field]);
    return account === undefined ? [] : [{ field, account }];
  });
  const wrongKind = checkKinds(
    accounts.map(({ field, account }) => ({
      field,
      account,
      kinds: field.endsWith("CashAccount") ? ["CASH_CBDC"] : ["SGLA", "IPS"],
    })),
  );
  if (wrongKind !== undefined) return wrongKind;
  const [giver, giverCash, taker, takerCash] = accounts.map(({ account }) => account.member);
  if (giver !== giverCash) return failure("COUNTERPARTY_NOT_MATCHED", "giverCashAccount");
  if (taker !== takerCash) return failure("COUNTERPARTY_NOT_MATCHED", "takerSecuritiesAccount");
  return undefined;
}

function purchase(
  { repo, cash, takerCashAccount, giverCashAccount }: Repo,
  { state }: Execution,
): UnitMovement {
  return {
    from: state.accounts.get(takerCashAccount),
    to: state.accounts.get(giverCashAccount),
    asset: CBDC,
    parts: [{ amount: cash, reason: "REPO_CASH" }],
    purpose: "REPO",
    reference: repo,
    fields: { from: "takerCashAccount", to: "giverCashAccount" },
  };
}
