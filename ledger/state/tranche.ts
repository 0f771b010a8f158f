import { amount, counter, hash, type Infer, record, uint } from "../../primitives/codec/schema.ts";
import { accountId, fxRateE4, isinText, max35Text } from "../types.ts";
import { Table } from "./table.ts";

/** One issue: the face created and what it uses of the programme, at the rate then in force. */
const schema = record({
  isin: isinText,
  number: uint(),
  face: amount,
  usdCents: amount,
  fxRateE4,
  /** The ISSUANCE account that was credited. */
  account: accountId,
  mandateRef: max35Text,
  txId: hash,
  height: counter,
});
export type Tranche = Infer<typeof schema>;

export function trancheId(isin: string, number: number): string {
  return `${isin}/${String(number).padStart(10, "0")}`;
}

export const trancheTable = new Table<Tranche>({
  name: "tranche",
  schema,
  idOf: (tranche) => trancheId(tranche.isin, tranche.number),
  remember: false,
});
