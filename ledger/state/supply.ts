import { amount, type Infer, optional, record, uint } from "../../primitives/codec/schema.ts";
import { assetId } from "../types.ts";
import { Table } from "./table.ts";

/** How much of one asset there is, minor units: outstanding = issued - redeemed. */
const schema = record({
  asset: assetId,
  /** The face that may be issued in total; undefined for the coin, whose reserve bounds it. */
  authorised: optional(amount),
  /** Ever issued (of the coin: minted). */
  issued: amount,
  redeemed: amount,
  /** Tranches issued; they are numbered from 1. */
  tranches: uint(),
});
export type Supply = Infer<typeof schema>;

export const supplyTable = new Table<Supply>({
  name: "supply",
  schema,
  idOf: (supply) => supply.asset,
  remember: true,
});

export function outstandingOf(supply: Supply): bigint {
  return supply.issued - supply.redeemed;
}
