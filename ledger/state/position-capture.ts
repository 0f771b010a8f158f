import { amount, type Infer, list, optional, record, uint } from "../../primitives/codec/schema.ts";
import { HOLDER_PAGE_ENTRIES, MAX_LIVE_CAPTURES } from "../limits.ts";
import { accountId, isinText, isoDate } from "../types.ts";
import { Table } from "./table.ts";

/**
 * Positions at the close of a record date, captured over several blocks while balances go on
 * moving. From the first block after the record date a capture is live: the first change of a
 * balance that the walk has not reached saves what it was. The walk goes through the list of holders
 * by account and writes pages of positions.
 */
const liveCapture = record({
  recordDate: isoDate,
  /** The last account that the walk has visited. */
  visited: optional(accountId),
  /** Pages written. */
  pages: uint(),
});
export type LiveCapture = Infer<typeof liveCapture>;

/** The captures of one instrument that are under way, in the order of their record dates. */
const liveSchema = record({ isin: isinText, live: list(liveCapture, MAX_LIVE_CAPTURES) });
export type LiveCaptures = Infer<typeof liveSchema>;

export const liveCapturesTable = new Table<LiveCaptures>({
  name: "live-captures",
  schema: liveSchema,
  idOf: ({ isin }) => isin,
  remember: true,
});

/** What an account held at the close of a record date, where the walk comes too late to see it. */
const savedSchema = record({
  isin: isinText,
  recordDate: isoDate,
  account: accountId,
  units: amount,
});
export type SavedPosition = Infer<typeof savedSchema>;

export function savedPositionId(isin: string, recordDate: string, account: string): string {
  return `${isin}/${recordDate}/${account}`;
}

export const savedPositionTable = new Table<SavedPosition>({
  name: "saved-position",
  schema: savedSchema,
  idOf: ({ isin, recordDate, account }) => savedPositionId(isin, recordDate, account),
  remember: false,
});

const position = record({ account: accountId, units: amount });
export type Position = Infer<typeof position>;

/** Positions in the order of the accounts; gone when the last event has used it. */
const pageSchema = record({
  isin: isinText,
  recordDate: isoDate,
  page: uint(),
  positions: list(position, HOLDER_PAGE_ENTRIES),
});
export type PositionPage = Infer<typeof pageSchema>;

export function positionPageId(isin: string, recordDate: string, page: number): string {
  return `${isin}/${recordDate}/${String(page).padStart(10, "0")}`;
}

export const positionPageTable = new Table<PositionPage>({
  name: "position-page",
  schema: pageSchema,
  idOf: ({ isin, recordDate, page }) => positionPageId(isin, recordDate, page),
  remember: true,
});
