import { present } from "../../primitives/assert.ts";
import { pledge, unpledge } from "../claims.ts";
import type { Execution, Failure } from "../execution.ts";
import type { UnitMovement } from "../movement.ts";
import { checkMovements } from "../movement-gate.ts";
import { moveUnits } from "../postings.ts";
import type { Account } from "../state/account.ts";
import type { Lot } from "./lot.ts";
import { type Repo, repoHolder } from "./repo-record.ts";

/** Payload fields that name the two securities accounts, for failures. */
const FIELDS = { giver: "giverSecuritiesAccount", taker: "takerSecuritiesAccount" } as const;

export function accountIn({ state }: Execution, id: string): Account {
  return present(state.accounts.get(id), `account ${id} of a repo`);
}

/** Lots on their way to the taker: out of what is available, or out of the earmark. */
export function towardsTaker(
  execution: Execution,
  repo: Repo,
  lots: readonly Lot[],
  isEarmarked: boolean,
): readonly UnitMovement[] {
  return lots.map(({ isin, face }) => ({
    from: accountIn(execution, repo.giverSecuritiesAccount),
    to: accountIn(execution, repo.takerSecuritiesAccount),
    asset: isin,
    parts: [{ amount: face, reason: "REPO_SECURITIES" }],
    purpose: "REPO",
    reference: repo.repo,
    fields: { from: FIELDS.giver, to: FIELDS.taker },
    claim: isEarmarked ? { part: "PLEDGED", holder: repoHolder(repo.repo) } : undefined,
  }));
}

function towardsGiver(
  execution: Execution,
  repo: Repo,
  lots: readonly Lot[],
): readonly UnitMovement[] {
  return lots.map(({ isin, face }) => ({
    from: accountIn(execution, repo.takerSecuritiesAccount),
    to: accountIn(execution, repo.giverSecuritiesAccount),
    asset: isin,
    parts: [{ amount: face, reason: "REPO_SECURITIES" }],
    purpose: "REPO",
    reference: repo.repo,
    fields: { from: FIELDS.taker, to: FIELDS.giver },
  }));
}

/** Puts lots at the taker's disposal, in the form that the repo has. The gate sees them either way. */
export function giveLots(
  execution: Execution,
  repo: Repo,
  lots: readonly Lot[],
): Failure | undefined {
  const movements = towardsTaker(execution, repo, lots, false);
  if (repo.form === "TITLE_TRANSFER") return moveUnits(execution, movements);
  const refused = checkMovements(execution, movements);
  if (refused !== undefined) return refused;
  for (const lot of lots) {
    const failed = pledge(execution, claimOf(repo, lot));
    if (failed !== undefined) return failed;
  }
  return undefined;
}

/** Gives lots back to the giver. */
export function returnLots(
  execution: Execution,
  repo: Repo,
  lots: readonly Lot[],
): Failure | undefined {
  if (repo.form === "TITLE_TRANSFER") {
    return moveUnits(execution, towardsGiver(execution, repo, lots));
  }
  for (const lot of lots) {
    const failed = unpledge(execution, claimOf(repo, lot));
    if (failed !== undefined) return failed;
  }
  return undefined;
}

function claimOf({ repo, giverSecuritiesAccount: account }: Repo, { isin, face }: Lot) {
  return { account, asset: isin, holder: repoHolder(repo), amount: face, field: FIELDS.giver };
}
