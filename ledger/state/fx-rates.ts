import { counter, type Infer, list, record } from "../../primitives/codec/schema.ts";
import { MAX_FX_RATES } from "../limits.ts";
import { fxRateE4, max35Text } from "../types.ts";
import { Table } from "./table.ts";

const fxRate = record({
  /** PKR per USD times 10^4. */
  rateE4: fxRateE4,
  /** Unix milliseconds from which the rate applies. */
  effectiveFromMs: counter,
  reference: max35Text,
  recordedAtHeight: counter,
});
export type FxRate = Infer<typeof fxRate>;

/** The rate in force and those announced, ascending by the moment they take effect. */
const schema = record({ rates: list(fxRate, MAX_FX_RATES) });
export type FxRates = Infer<typeof schema>;

export const fxRatesTable = new Table<FxRates>({
  name: "fx-rates",
  schema,
  idOf: () => "",
  remember: true,
});

/** The last rate that has taken effect at that moment, if any has. */
export function rateInForce(rates: readonly FxRate[], timestampMs: number): FxRate | undefined {
  return rates.findLast((rate) => rate.effectiveFromMs <= timestampMs);
}
