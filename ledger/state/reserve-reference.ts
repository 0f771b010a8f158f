import { amount, counter, hash, type Infer, record } from "../../primitives/codec/schema.ts";
import { accountId, max35Text } from "../types.ts";
import { Table } from "./table.ts";

/** A reserve proof (the reference of a debit in the central bank's RTGS), spent by one minting. */
const schema = record({
  reference: max35Text,
  account: accountId,
  amount,
  txId: hash,
  height: counter,
});
export type ReserveReference = Infer<typeof schema>;

export const reserveReferenceTable = new Table<ReserveReference>({
  name: "reserve-reference",
  schema,
  idOf: (reserve) => reserve.reference,
  remember: false,
});
