import { type Repo, repoTable } from "../../collateral/repo-record.ts";
import { type Execution, type Failure, failure } from "../../execution.ts";

/** Accounts of a repo that a payload names, so that its signers follow from it. */
export type NamedAccounts = Partial<
  Pick<
    Repo,
    "giverSecuritiesAccount" | "giverCashAccount" | "takerSecuritiesAccount" | "takerCashAccount"
  >
>;

/**
 * The open repo that a payload speaks of: REPO_UNKNOWN, COUNTERPARTY_NOT_MATCHED for an account that
 * is not the repo's, REPO_PHASE for one that has ended.
 */
export function openRepoOf(
  execution: Execution,
  id: string,
  named: NamedAccounts,
): { readonly repo: Repo } | { readonly failed: Failure } {
  const repo = execution.state.of(repoTable).get(id);
  if (repo === undefined) return { failed: failure("REPO_UNKNOWN", "repo") };
  for (const field of FIELDS) {
    if (named[field] !== undefined && named[field] !== repo[field]) {
      return { failed: failure("COUNTERPARTY_NOT_MATCHED", field) };
    }
  }
  if (repo.status !== "OPEN") return { failed: failure("REPO_PHASE", "repo") };
  return { repo };
}

const FIELDS = [
  "giverSecuritiesAccount",
  "giverCashAccount",
  "takerSecuritiesAccount",
  "takerCashAccount",
] as const;
