import { amount, type Infer, record } from "../../primitives/codec/schema.ts";
import { accountId, assetId, max35Text } from "../types.ts";
import { Table } from "./table.ts";

/** Units of one account set aside for one live instruction. Gone when the instruction ends. */
const schema = record({
  account: accountId,
  asset: assetId,
  instruction: max35Text,
  amount,
});
export type Reservation = Infer<typeof schema>;

export const reservationTable = new Table<Reservation>({
  name: "reservation",
  schema,
  idOf: (reservation) => `${reservation.account}/${reservation.asset}/${reservation.instruction}`,
  remember: false,
});
