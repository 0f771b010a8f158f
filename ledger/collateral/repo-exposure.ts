import { daysBetween } from "../arithmetic/calendar-date.ts";
import { simpleInterest365 } from "../arithmetic/day-count.ts";
import { roundHalfUp } from "../arithmetic/rational.ts";
import type { Execution } from "../execution.ts";
import { type Lot, lotsValue } from "./lot.ts";
import type { Repo } from "./repo-record.ts";

/** Interest from the start to a date, Act/365, paisa, HALF_UP: rounded once, where it is posted. */
export function repoInterest(
  { cash, rateE4, startDate }: Pick<Repo, "cash" | "rateE4" | "startDate">,
  date: string,
): bigint {
  return roundHalfUp(simpleInterest365(cash, BigInt(rateE4), daysBetween(startDate, date)));
}

/** What the giver owes today: the purchase price and the interest so far. */
export function exposureOf(repo: Repo, businessDate: string): bigint {
  return repo.cash + repoInterest(repo, businessDate);
}

/** Whether lots cover what is owed today, after haircuts. */
export function isCovered(execution: Execution, repo: Repo, lots: readonly Lot[]): boolean {
  return lotsValue(execution, lots) >= exposureOf(repo, execution.businessDate);
}
