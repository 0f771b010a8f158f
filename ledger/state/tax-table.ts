import { bool, type Infer, list, optional, record } from "../../primitives/codec/schema.ts";
import { MAX_TAX_ROWS, MAX_TAX_VERSIONS } from "../limits.ts";
import { basisPoints, isoDate, max35Text } from "../types.ts";
import { instrumentClass } from "./instrument.ts";
import { investorClass, residency } from "./investor.ts";
import { Table } from "./table.ts";

/** One row; nothing in a column means any. The first row that fits counts. */
export const taxRow = record({
  residency: optional(residency),
  investorClass: optional(investorClass),
  atl: optional(bool),
  scra: optional(bool),
  instrumentClass: optional(instrumentClass),
  bps: basisPoints,
  /** The investor owes nothing further on this income. */
  isFinal: bool,
});
export type TaxRow = Infer<typeof taxRow>;

export const taxVersion = record({
  /** The first day on which payments fall under it. */
  effectiveFrom: isoDate,
  rows: list(taxRow, MAX_TAX_ROWS),
  reference: max35Text,
});
export type TaxVersion = Infer<typeof taxVersion>;

/** Governed: rates of tax withheld at payment, ascending by the day from which they count. */
const schema = record({ versions: list(taxVersion, MAX_TAX_VERSIONS) });
export type TaxTable = Infer<typeof schema>;

export const taxTableTable = new Table<TaxTable>({
  name: "tax-table",
  schema,
  idOf: () => "",
  remember: true,
});
