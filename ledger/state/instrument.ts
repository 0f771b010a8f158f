import {
  amount,
  counter,
  hash,
  type Infer,
  list,
  oneOf,
  optional,
  record,
  text,
  uint,
  union,
} from "../../primitives/codec/schema.ts";
import { MAX_INSTRUMENTS } from "../limits.ts";
import { benchmark, dayCount, isinText, isoDate, rateE4 } from "../types.ts";
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

/** A market treasury bill: no coupon, sold below its face, 84, 182 or 364 days, Act/365. */
const mtb = record({
  denomination: amount,
  issueDate: isoDate,
  maturityDate: isoDate,
});
export type MtbTerms = Infer<typeof mtb>;

/** How a floating rate follows from a benchmark. */
const floatingRate = record({
  benchmark,
  /** Per cent times 10^4, added to the benchmark or taken from it. */
  marginE4: rateE4,
  marginSign: oneOf(["PLUS", "MINUS"]),
  /** Decimal places of the per cent to which the rate is rounded, HALF_UP: 2 to 4. */
  rateDecimals: uint(4),
});
export type FloatingRate = Infer<typeof floatingRate>;

/** A floating-rate Pakistan Investment Bond: a period pays rate / frequency (Act/Act). */
const pfl = record({
  denomination: amount,
  rate: floatingRate,
  /** Coupons a year: 2 or 4. */
  couponFrequency: uint(4),
  issueDate: isoDate,
  maturityDate: isoDate,
  firstCouponDate: isoDate,
});
export type PflTerms = Infer<typeof pfl>;

/** Government Ijara sukuk at a fixed rental rate, rental by days, Act/365. */
const gisFixed = record({
  denomination: amount,
  rentalRateE4: rateE4,
  /** Rentals a year: 1, 2 or 4. */
  rentalFrequency: uint(4),
  issueDate: isoDate,
  maturityDate: isoDate,
  firstRentalDate: isoDate,
  /** SHA-256 of the lease and its Shariah opinion. */
  documentHash: hash,
});
export type GisFixedTerms = Infer<typeof gisFixed>;

/** Government Ijara sukuk at a variable rental rate, Act/365. */
const gisVariable = record({
  denomination: amount,
  rate: floatingRate,
  rentalFrequency: uint(4),
  issueDate: isoDate,
  maturityDate: isoDate,
  firstRentalDate: isoDate,
  documentHash: hash,
});
export type GisVariableTerms = Infer<typeof gisVariable>;

/** Fine weight of a commodity in vaults: its units are nanograms, redeemed in kind. */
const commodity = record({
  /** The smallest quantity and the step of every quantity, nanograms fine. */
  denomination: amount,
  /** What it is, by its ISO 4217 code where it has one: XAU, XAG, XPT, XPD. */
  commodity: text(12, /[A-Z0-9]{3,12}/),
  issueDate: isoDate,
  documentHash: hash,
});
export type CommodityTerms = Infer<typeof commodity>;

/**
 * Another federal asset: a claim that a document describes. PAR_CASH pays its face in paisa at
 * maturity. DELIVERY is handed over in kind between two dates, and what was not asked for lapses at
 * maturity: surplus electricity in kWh, for instance.
 */
const other = record({
  denomination: amount,
  /** What one unit is: "PAISA" for PAR_CASH, "kWh" for electricity. */
  unit: text(12, /[0-9A-Za-z]{1,12}/),
  settlement: oneOf(["PAR_CASH", "DELIVERY"]),
  /** First and last day of delivery; DELIVERY only. */
  delivery: optional(record({ from: isoDate, to: isoDate })),
  issueDate: isoDate,
  maturityDate: isoDate,
  documentHash: hash,
});
export type OtherTerms = Infer<typeof other>;

/** Terms by instrument type. A closed list: append, never reorder. */
export const instrumentTermsSchema = union({
  PIB_FIXED: pibFixed,
  MTB: mtb,
  PFL: pfl,
  GIS_FRR: gisFixed,
  GIS_VRR: gisVariable,
  COMMODITY: commodity,
  OTHER: other,
});
export type InstrumentTerms = Infer<typeof instrumentTermsSchema>;
export type InstrumentType = InstrumentTerms["type"];

export const instrumentTypes = [
  "PIB_FIXED",
  "MTB",
  "PFL",
  "GIS_FRR",
  "GIS_VRR",
  "COMMODITY",
  "OTHER",
] as const satisfies readonly InstrumentType[];
export const instrumentType = oneOf(instrumentTypes);

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

/** The date on which nothing can be issued or traded any more; undefined for what has none. */
export function maturityOf(terms: InstrumentTerms): string | undefined {
  return terms.type === "COMMODITY" ? undefined : terms.body.maturityDate;
}

/** Whether the maturity date has come, at the start of that day in Karachi. */
export function hasMatured(terms: InstrumentTerms, businessDate: string): boolean {
  const maturity = maturityOf(terms);
  // ISO dates compare as text.
  return maturity !== undefined && businessDate >= maturity;
}

/** How taxes and limits group instruments. Append. */
export const instrumentClasses = [
  "GOVERNMENT_SECURITY",
  "SUKUK",
  "COMMODITY",
  "OTHER_ASSET",
] as const;
export const instrumentClass = oneOf(instrumentClasses);
export type InstrumentClass = Infer<typeof instrumentClass>;

export function instrumentClassOf(type: InstrumentType): InstrumentClass {
  switch (type) {
    case "PIB_FIXED":
    case "MTB":
    case "PFL":
      return "GOVERNMENT_SECURITY";
    case "GIS_FRR":
    case "GIS_VRR":
      return "SUKUK";
    case "COMMODITY":
      return "COMMODITY";
    case "OTHER":
      return "OTHER_ASSET";
  }
}
