import { amount, type Infer, record } from "../../primitives/codec/schema.ts";
import { Table } from "./table.ts";

/** The ceiling over all instruments together, in US cents as booked at each issue. */
const schema = record({ capUsdCents: amount, usedUsdCents: amount });
export type Programme = Infer<typeof schema>;

export const programmeTable = new Table<Programme>({
  name: "programme",
  schema,
  idOf: () => "",
  remember: true,
});
