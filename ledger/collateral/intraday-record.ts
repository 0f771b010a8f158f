import { amount, bool, counter, type Infer, list, record } from "../../primitives/codec/schema.ts";
import { Table } from "../state/table.ts";
import { accountId } from "../types.ts";
import { lotSchema, MAX_LOTS } from "./lot.ts";

/** Accounts that one transaction of the funding window serves: the banks of the country. */
export const MAX_FUNDING_ENTRIES = 64;

/** A bank's standing mandate: what the ledger may do for its cash account by itself. */
export const mandateTerms = {
  /** The coin account that is kept liquid. */
  cashAccount: accountId,
  /** The bank's own securities, out of which collateral is taken. */
  securitiesAccount: accountId,
  /** The central bank's coin account out of which it lends. */
  poolAccount: accountId,
  /** The most that may be owed at once, paisa. Zero: no credit. */
  creditLimit: amount,
  /** Whether what is on the account at the end of the day goes back to the bank's reserves. */
  sweeps: bool,
  /** What a sweep leaves on the account, paisa. */
  floor: amount,
} as const;
const mandateSchema = record(mandateTerms);
export type CollateralMandate = Infer<typeof mandateSchema>;

export const mandateTable = new Table<CollateralMandate>({
  name: "liquidity-mandate",
  schema: mandateSchema,
  idOf: ({ cashAccount }) => cashAccount,
  remember: true,
});

/** What a bank owes the central bank today, and what secures it. Gone when it is paid. */
const creditSchema = record({
  cashAccount: accountId,
  securitiesAccount: accountId,
  poolAccount: accountId,
  /** Paisa, above zero. */
  owed: amount,
  lots: list(lotSchema, MAX_LOTS),
  /** Unix milliseconds: the end of the settlement day on which it was first drawn. */
  dueMs: counter,
  /** It was due and could not be paid. */
  isOverdue: bool,
});
export type IntradayCredit = Infer<typeof creditSchema>;

export const creditTable = new Table<IntradayCredit>({
  name: "intraday-credit",
  schema: creditSchema,
  idOf: ({ cashAccount }) => cashAccount,
  remember: true,
});

export function creditHolder(cashAccount: string): string {
  return `credit:${cashAccount}`;
}
