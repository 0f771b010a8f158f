import type { StateReader } from "../state-reader.ts";
import {
  type CollateralTerms,
  collateralTermsTable,
  collateralValue,
  versionInForce,
} from "./collateral-terms.ts";
import {
  type CollateralMandate,
  creditTable,
  type IntradayCredit,
  mandateTable,
} from "./intraday-record.ts";
import { type Lien, lienTable } from "./lien-record.ts";
import { exposureOf } from "./repo-exposure.ts";
import { type Repo, repoTable } from "./repo-record.ts";

/** Answers about collateral and liquidity out of committed state. */

export interface RepoView extends Repo {
  /** Purchase price and interest up to the day asked for; zero once the repo has ended. */
  readonly exposure: bigint;
  /** Of the lots, after haircuts, at the prices of the moment asked for. */
  readonly value: bigint;
}

/** A repo as it stands on a business date and at a moment, Unix milliseconds. */
export function repoView(
  state: StateReader,
  id: string,
  businessDate: string,
  timestampMs: number,
): RepoView | undefined {
  const repo = repoTable.read(state, id);
  if (repo === undefined) return undefined;
  const exposure = repo.status === "OPEN" ? exposureOf(repo, businessDate) : 0n;
  let value = 0n;
  for (const { isin, face } of repo.lots) {
    const versions = collateralTermsTable.read(state, isin)?.versions ?? [];
    const version = versionInForce(versions, timestampMs);
    if (version !== undefined) value += collateralValue(face, version);
  }
  return { ...repo, exposure, value };
}

export function lienView(state: StateReader, id: string): Lien | undefined {
  return lienTable.read(state, id);
}

export interface LiquidityView {
  readonly mandate: CollateralMandate | undefined;
  readonly credit: IntradayCredit | undefined;
}

/** The standing mandate of a cash account, and what it owes the central bank. */
export function liquidityView(state: StateReader, cashAccount: string): LiquidityView {
  return {
    mandate: mandateTable.read(state, cashAccount),
    credit: creditTable.read(state, cashAccount),
  };
}

/** The haircut table's entry of an instrument, with all versions that still matter. */
export function collateralTermsView(state: StateReader, isin: string): CollateralTerms | undefined {
  return collateralTermsTable.read(state, isin);
}
