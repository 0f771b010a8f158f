import { amount, type Infer, optional, record } from "../../primitives/codec/schema.ts";
import { accountId, isinText } from "../types.ts";
import { Table } from "./table.ts";

/**
 * What was paid at issue for paper without coupon: on one account by its first holder, and over all
 * of the instrument (no account). The discount that is taxed at maturity follows from it.
 */
const schema = record({
  isin: isinText,
  account: optional(accountId),
  face: amount,
  /** Paisa. */
  cost: amount,
});
export type PrimaryCost = Infer<typeof schema>;

export function primaryCostId(isin: string, account: string | undefined): string {
  return account === undefined ? isin : `${isin}/${account}`;
}

export const primaryCostTable = new Table<PrimaryCost>({
  name: "primary-cost",
  schema,
  idOf: ({ isin, account }) => primaryCostId(isin, account),
  remember: false,
});
