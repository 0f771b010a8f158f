import {
  amount,
  counter,
  type Infer,
  list,
  oneOf,
  optional,
  record,
} from "../../primitives/codec/schema.ts";
import { Table } from "../state/table.ts";
import { accountId, isoDate, rateE4 } from "../types.ts";
import { collateralId } from "./lien-record.ts";
import { lotSchema, MAX_LOTS } from "./lot.ts";

/**
 * EARMARK: the securities stay on the giver's account under a lien, and nobody moves anything.
 * TITLE_TRANSFER: the taker owns them until the repo is closed.
 */
export const repoForms = ["EARMARK", "TITLE_TRANSFER"] as const;
export const repoForm = oneOf(repoForms);

/** CLOSED and DEFAULTED are the end. */
export const repoStatuses = ["OPEN", "CLOSED", "DEFAULTED"] as const;
export const repoStatus = oneOf(repoStatuses);

export const repoTerms = {
  repo: collateralId,
  form: repoForm,
  /** The giver sells the securities and takes the cash. */
  giverSecuritiesAccount: accountId,
  giverCashAccount: accountId,
  /** The taker buys the securities and gives the cash. */
  takerSecuritiesAccount: accountId,
  takerCashAccount: accountId,
  lots: list(lotSchema, MAX_LOTS),
  /** Purchase price, paisa. */
  cash: amount,
  /** Per cent a year times 10^4, Act/365. */
  rateE4,
  /** Repurchase: a business day. */
  endDate: isoDate,
} as const;

const schema = record({
  ...repoTerms,
  startDate: isoDate,
  /** Unix milliseconds by which the giver must answer a margin call. */
  callDueMs: optional(counter),
  status: repoStatus,
});
export type Repo = Infer<typeof schema>;

export const repoTable = new Table<Repo>({
  name: "repo",
  schema,
  idOf: ({ repo }) => repo,
  remember: false,
});

export function repoHolder(repo: string): string {
  return `repo:${repo}`;
}
