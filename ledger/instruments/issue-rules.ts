import { type Execution, type Failure, failure } from "../execution.ts";
import { referencePriceTable } from "../state/commodity.ts";
import type { Instrument } from "../state/instrument.ts";
import { checkCover, checkFreshness } from "./commodity-cover.ts";

/**
 * What units are worth in paisa for the programme's ceiling: their face, or for what is not counted
 * in paisa the reference price, rounded up. Fails with PRICE_MISSING.
 */
export function programmeValue(
  { state }: Execution,
  { isin, terms }: Instrument,
  units: bigint,
): bigint | Failure {
  const isInPaisa =
    terms.type !== "COMMODITY" && !(terms.type === "OTHER" && terms.body.settlement === "DELIVERY");
  if (isInPaisa) return units;
  const price = state.of(referencePriceTable).get(isin);
  if (price === undefined) return failure("PRICE_MISSING", "isin");
  const { denomination } = terms.body;
  return (units * price.paisa + denomination - 1n) / denomination;
}

/** Whether what stands behind new units has been looked at lately: ATTESTATION_STALE. */
export function checkFreshBacking(
  execution: Execution,
  { isin, terms }: Instrument,
): Failure | undefined {
  return terms.type === "COMMODITY" ? checkFreshness(execution, isin) : undefined;
}

/** Whether enough stands behind new units: ATTESTED_EXCEEDED. */
export function checkBacking(
  execution: Execution,
  { isin, terms }: Instrument,
  units: bigint,
): Failure | undefined {
  return terms.type === "COMMODITY" ? checkCover(execution, isin, units) : undefined;
}
