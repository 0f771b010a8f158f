import { amount, type Infer, record, uint } from "../../primitives/codec/schema.ts";
import { accountId, isinText, isoDate, max35Text } from "../types.ts";
import { lifeCycleType } from "./corporate-action.ts";
import { Table } from "./table.ts";

/**
 * A payment that went to the wrong side of a trade: made before the record date, settled after it.
 * Gone when it has been passed on.
 */
const schema = record({
  /** From 1, in the order in which they were raised. */
  number: uint(),
  isin: isinText,
  type: lifeCycleType,
  recordDate: isoDate,
  /** Held the units at the record date and gets the payment. */
  debtor: accountId,
  /** Had bought them. */
  creditor: accountId,
  units: amount,
  settlementRef: max35Text,
});
export type MarketClaim = Infer<typeof schema>;

export function marketClaimId(number: number): string {
  return String(number).padStart(10, "0");
}

export const marketClaimTable = new Table<MarketClaim>({
  name: "market-claim",
  schema,
  idOf: ({ number }) => marketClaimId(number),
  remember: false,
});

/** How many claims have been raised. */
const countSchema = record({ raised: uint() });
export type MarketClaimCount = Infer<typeof countSchema>;

export const marketClaimCountTable = new Table<MarketClaimCount>({
  name: "market-claim-count",
  schema: countSchema,
  idOf: () => "",
  remember: true,
});
