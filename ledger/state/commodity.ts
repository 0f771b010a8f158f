import {
  amount,
  counter,
  hash,
  type Infer,
  list,
  record,
  text,
  uint,
} from "../../primitives/codec/schema.ts";
import { MAX_BARS_PER_VAULT, MAX_VAULTS } from "../limits.ts";
import { accountId, basisPoints, isinText, isoDate, max35Text, memberId } from "../types.ts";
import { Table } from "./table.ts";

/** A refiner's mark and number, as they stand on the bar. */
export const barSerial = text(32, /[0-9A-Z][0-9A-Z.-]{0,31}/);

export const bar = record({
  serial: barSerial,
  /** Fine weight, nanograms: gross weight times fineness. */
  fineNg: amount,
});
export type Bar = Infer<typeof bar>;

/** What two attestors have seen in one vault for one instrument; the last one counts. */
const schema = record({
  isin: isinText,
  /** A COMMODITY_VAULT account. */
  vault: accountId,
  attestorA: memberId,
  attestorB: memberId,
  asOf: isoDate,
  /** Sorted by serial. */
  bars: list(bar, MAX_BARS_PER_VAULT),
  /** Merkle root over the canonical bytes of the bars in this order (RFC 9162). */
  barRoot: hash,
  fineNg: amount,
  reference: max35Text,
});
export type Attestation = Infer<typeof schema>;

export function attestationId(isin: string, vault: string): string {
  return `${isin}/${vault}`;
}

export const attestationTable = new Table<Attestation>({
  name: "attestation",
  schema,
  idOf: ({ isin, vault }) => attestationId(isin, vault),
  remember: true,
});

/** Where a bar is attested: it counts once. */
const barPlaceSchema = record({ serial: barSerial, isin: isinText, vault: accountId });
export type BarPlace = Infer<typeof barPlaceSchema>;

export const barPlaceTable = new Table<BarPlace>({
  name: "bar",
  schema: barPlaceSchema,
  idOf: ({ serial }) => serial,
  remember: false,
});

/**
 * What backs one commodity's units. I7: outstanding <= attested x (1 - haircut) + shortfall. The
 * shortfall is nothing unless an attestation found less than is outstanding; nothing is issued while
 * there is one.
 */
const coverSchema = record({
  isin: isinText,
  /** Vaults with an attestation, sorted. */
  vaults: list(accountId, MAX_VAULTS),
  attestedNg: amount,
  haircutBps: basisPoints,
  shortfallNg: amount,
});
export type CommodityCover = Infer<typeof coverSchema>;

export const commodityCoverTable = new Table<CommodityCover>({
  name: "commodity-cover",
  schema: coverSchema,
  idOf: ({ isin }) => isin,
  remember: true,
});

/** Governed: how attested weight counts. */
export const commodityRulesSchema = record({
  /** Off every attested weight. */
  haircutBps: basisPoints,
  /** An attestation older than this counts with the higher haircut for new issues … */
  staleAfterDays: uint(3_650),
  staleHaircutBps: basisPoints,
  /** … and one older than this blocks them. */
  blockAfterDays: uint(3_650),
  reference: max35Text,
});
export type CommodityRules = Infer<typeof commodityRulesSchema>;

export const commodityRulesTable = new Table<CommodityRules>({
  name: "commodity-rules",
  schema: commodityRulesSchema,
  idOf: () => "",
  remember: true,
});

/** Default until the sovereign and the central bank record rules of their own. */
export const DEFAULT_COMMODITY_RULES: CommodityRules = Object.freeze({
  haircutBps: 200,
  staleAfterDays: 31,
  staleHaircutBps: 1_000,
  blockAfterDays: 92,
  reference: "DEFAULT",
});

/** What one denomination of an instrument without face is worth, for the programme's ceiling. */
const referencePriceSchema = record({
  isin: isinText,
  /** Paisa for one denomination, above zero. */
  paisa: amount,
  reference: max35Text,
  recordedAtHeight: counter,
});
export type ReferencePrice = Infer<typeof referencePriceSchema>;

export const referencePriceTable = new Table<ReferencePrice>({
  name: "reference-price",
  schema: referencePriceSchema,
  idOf: ({ isin }) => isin,
  remember: true,
});
