import {
  amount,
  counter,
  type Infer,
  list,
  record,
  uint,
  union,
} from "../../primitives/codec/schema.ts";
import { MAX_INSTRUMENTS } from "../limits.ts";
import { dayCount, isinText, isoDate, rateE4 } from "../types.ts";
import { Table } from "./table.ts";

/** A fixed-rate Pakistan Investment Bond in PKR: a bullet bond with equal coupons. */
const pibFixed = record({
  /** The smallest face and the step of every face, paisa. */
  denomination: amount,
  /** Per cent times 10^4, a year. */
  couponRateE4: rateE4,
  /** Coupons a year: 1, 2 or 4. */
  couponFrequency: uint(4),
  issueDate: isoDate,
  maturityDate: isoDate,
  firstCouponDate: isoDate,
  dayCount,
});
export type PibFixedTerms = Infer<typeof pibFixed>;

/** Terms by instrument type. A closed list: append, never reorder. */
export const instrumentTermsSchema = union({ PIB_FIXED: pibFixed });
export type InstrumentTerms = Infer<typeof instrumentTermsSchema>;

/** What an ISIN stands for. Written once; no transaction changes it. */
const schema = record({
  isin: isinText,
  terms: instrumentTermsSchema,
  registeredAtHeight: counter,
});
export type Instrument = Infer<typeof schema>;

export const instrumentTable = new Table<Instrument>({
  name: "instrument",
  schema,
  idOf: (instrument) => instrument.isin,
  remember: true,
});

/** Index: every registered ISIN, sorted. */
const indexSchema = record({ isins: list(isinText, MAX_INSTRUMENTS) });
export type InstrumentIndex = Infer<typeof indexSchema>;

export const instrumentIndexTable = new Table<InstrumentIndex>({
  name: "instrument-index",
  schema: indexSchema,
  idOf: () => "",
  remember: true,
});
