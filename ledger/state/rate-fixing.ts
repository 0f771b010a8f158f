import { counter, type Infer, list, oneOf, record } from "../../primitives/codec/schema.ts";
import { MAX_FIXINGS } from "../limits.ts";
import { benchmark, isinText, isoDate, max35Text, rateE4 } from "../types.ts";
import { Table } from "./table.ts";

/** AUCTION: weighted-average yield of an auction. PKRV: average of the revaluation rates. */
export const fixingSource = oneOf(["AUCTION", "PKRV"]);

const fixing = record({
  source: fixingSource,
  /** Of the auction, or the last day of the average. */
  date: isoDate,
  rateE4,
  reference: max35Text,
  recordedAtHeight: counter,
});
export type RateFixing = Infer<typeof fixing>;

/** Governed: what a benchmark was, ascending by date, the oldest dropped when the list is full. */
const schema = record({ benchmark, fixings: list(fixing, MAX_FIXINGS) });
export type RateFixings = Infer<typeof schema>;

export const rateFixingsTable = new Table<RateFixings>({
  name: "rate-fixings",
  schema,
  idOf: (fixings) => fixings.benchmark,
  remember: true,
});

/** The rate of one period of a floating instrument. Written once, when the period has begun. */
const periodRate = record({
  isin: isinText,
  periodStart: isoDate,
  rateE4,
  benchmarkRateE4: rateE4,
  source: fixingSource,
  fixingDate: isoDate,
});
export type PeriodRateRecord = Infer<typeof periodRate>;

export function periodRateId(isin: string, periodStart: string): string {
  return `${isin}/${periodStart}`;
}

export const periodRateTable = new Table<PeriodRateRecord>({
  name: "period-rate",
  schema: periodRate,
  idOf: ({ isin, periodStart }) => periodRateId(isin, periodStart),
  remember: false,
});
