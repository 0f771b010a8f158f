import { counter, type Infer, record, text, uint } from "../../primitives/codec/schema.ts";
import { cashAssetId, memberId } from "../types.ts";
import { Table } from "./table.ts";

/** Decimals of every money on the ledger: paisa and cents. */
export const CASH_DECIMALS = 2;

/**
 * Money other than the coin: a claim on a licensed custodian, redeemable at its issuer. The coin
 * needs no record: it is the central bank's.
 */
const schema = record({
  id: cashAssetId,
  /** ISO 4217; the first three letters of the id. */
  currency: text(3, /^[A-Z]{3}$/),
  /** The custodian whose liability it is. */
  issuer: memberId,
  decimals: uint(CASH_DECIMALS),
  registeredAtHeight: counter,
});
export type CashAsset = Infer<typeof schema>;

export const cashAssetTable = new Table<CashAsset>({
  name: "cash-asset",
  schema,
  idOf: (asset) => asset.id,
  remember: true,
});
