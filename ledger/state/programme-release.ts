import { amount, type Infer, record, uint } from "../../primitives/codec/schema.ts";
import { isinText } from "../types.ts";
import { Table } from "./table.ts";

/**
 * How much of what an instrument's tranches booked on the programme has been given back at
 * redemption. Made at the first redemption.
 */
const schema = record({
  isin: isinText,
  /** Tranches whose booking is in `bookedUsdCents`. */
  tranches: uint(),
  bookedUsdCents: amount,
  releasedUsdCents: amount,
});
export type ProgrammeRelease = Infer<typeof schema>;

export const programmeReleaseTable = new Table<ProgrammeRelease>({
  name: "programme-release",
  schema,
  idOf: ({ isin }) => isin,
  remember: true,
});
