import { bool, counter, type Infer, list, record } from "../../primitives/codec/schema.ts";
import { priceE4 } from "../auctions/auction-record.ts";
import type { Execution } from "../execution.ts";
import { type InstrumentTerms, maturityOf } from "../state/instrument.ts";
import { Table } from "../state/table.ts";
import { basisPoints, isinText, max35Text } from "../types.ts";

/** Versions kept of one instrument's terms: the one in force and those announced for later. */
export const MAX_TERMS_VERSIONS = 16;

/** At what an instrument is taken as collateral. */
export const termsVersion = {
  /** Clean price per 100 times 10^4 at which it is valued. */
  priceE4,
  /** Taken off the value. */
  haircutBps: basisPoints,
  /** On the central bank's list: it lends against it. Between members the price is enough. */
  isEligible: bool,
  /** Unix milliseconds from which on this counts. */
  effectiveFromMs: counter,
  /** The central bank's publication. */
  reference: max35Text,
} as const;
const versionSchema = record(termsVersion);
export type TermsVersion = Infer<typeof versionSchema>;

/** The haircut table of the central bank, by instrument, in dated versions. */
const schema = record({ isin: isinText, versions: list(versionSchema, MAX_TERMS_VERSIONS) });
export type CollateralTerms = Infer<typeof schema>;

export const collateralTermsTable = new Table<CollateralTerms>({
  name: "collateral-terms",
  schema,
  idOf: ({ isin }) => isin,
  remember: true,
});

export function versionInForce(
  versions: readonly TermsVersion[],
  timestampMs: number,
): TermsVersion | undefined {
  return versions.findLast(({ effectiveFromMs }) => effectiveFromMs <= timestampMs);
}

/** What counts for an instrument now; undefined where the central bank has said nothing. */
export function collateralTermsOf(
  { state, timestampMs }: Pick<Execution, "state" | "timestampMs">,
  isin: string,
): TermsVersion | undefined {
  return versionInForce(state.of(collateralTermsTable).get(isin)?.versions ?? [], timestampMs);
}

/** Faces in paisa can be valued per 100; weights and energy cannot. */
export function isValuedPer100(terms: InstrumentTerms): boolean {
  return (
    terms.type !== "COMMODITY" && !(terms.type === "OTHER" && terms.body.settlement === "DELIVERY")
  );
}

/** Value of a face after the haircut, paisa, rounded down. */
export function collateralValue(
  face: bigint,
  { priceE4: price, haircutBps }: TermsVersion,
): bigint {
  return (face * BigInt(price) * BigInt(10_000 - haircutBps)) / 10_000_000_000n;
}

/** Value of a face without a haircut, paisa, rounded down. */
export function marketValue(face: bigint, { priceE4: price }: TermsVersion): bigint {
  return (face * BigInt(price)) / 1_000_000n;
}

/** The smallest whole number of denominations that is worth that much after the haircut. */
export function faceFor(value: bigint, version: TermsVersion, denomination: bigint): bigint {
  const perUnit = denomination * BigInt(version.priceE4) * BigInt(10_000 - version.haircutBps);
  if (perUnit === 0n) return 0n;
  const units = (value * 10_000_000_000n + perUnit - 1n) / perUnit;
  return units * denomination;
}

/** Whether the instrument is still there after a date, to be given back on it. */
export function outlives(terms: InstrumentTerms, date: string): boolean {
  const maturity = maturityOf(terms);
  return maturity === undefined || maturity > date;
}
