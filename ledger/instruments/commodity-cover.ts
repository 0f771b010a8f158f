import { present } from "../../primitives/assert.ts";
import { encode } from "../../primitives/codec/codec.ts";
import { listRoot } from "../../primitives/merkle/list-tree.ts";
import { daysBetween } from "../arithmetic/calendar-date.ts";
import { type Execution, type Failure, failure } from "../execution.ts";
import {
  attestationId,
  attestationTable,
  type Bar,
  bar,
  type CommodityCover,
  type CommodityRules,
  commodityCoverTable,
  commodityRulesTable,
  DEFAULT_COMMODITY_RULES,
} from "../state/commodity.ts";
import type { LedgerState } from "../state/ledger-state.ts";
import { outstandingOf } from "../state/supply.ts";

/** Root over the bars in the order of their serials: what an attestor signs for off the ledger. */
export function barRoot(bars: readonly Bar[]): string {
  return listRoot(bars.map((item) => encode(bar, item, "bar")));
}

export function totalFine(bars: readonly Bar[]): bigint {
  return bars.reduce((sum, { fineNg }) => sum + fineNg, 0n);
}

export function rulesIn(state: LedgerState): CommodityRules {
  return state.of(commodityRulesTable).get("") ?? DEFAULT_COMMODITY_RULES;
}

/** Weight less a haircut, rounded down. */
export function lessHaircut(ng: bigint, haircutBps: number): bigint {
  return (ng * BigInt(10_000 - haircutBps)) / 10_000n;
}

/** I7: what may be outstanding. */
export function coverOf({ attestedNg, haircutBps, shortfallNg }: CommodityCover): bigint {
  return lessHaircut(attestedNg, haircutBps) + shortfallNg;
}

/** Writes the cover anew after an attestation or a delivery, with the haircut in force. */
export function updateCover(state: LedgerState, isin: string, vaults: readonly string[]): bigint {
  let attestedNg = 0n;
  for (const vault of vaults) {
    const attestation = state.of(attestationTable).get(attestationId(isin, vault));
    attestedNg += present(attestation, `attestation of ${vault}`).fineNg;
  }
  const { haircutBps } = rulesIn(state);
  const outstanding = outstandingOf(present(state.supplies.get(isin), `supply of ${isin}`));
  const missing = outstanding - lessHaircut(attestedNg, haircutBps);
  const shortfallNg = missing > 0n ? missing : 0n;
  state.of(commodityCoverTable).put({ isin, vaults, attestedNg, haircutBps, shortfallNg });
  return shortfallNg;
}

/** ATTESTATION_STALE where a vault has been looked at too long ago to issue against it. */
export function checkFreshness(
  { state, businessDate }: Execution,
  isin: string,
): Failure | undefined {
  const { blockAfterDays } = rulesIn(state);
  const vaults = state.of(commodityCoverTable).get(isin)?.vaults ?? [];
  const isStale = vaults.some((vault) => {
    const attestation = state.of(attestationTable).get(attestationId(isin, vault));
    const { asOf } = present(attestation, `attestation of ${vault}`);
    return daysBetween(asOf, businessDate) > blockAfterDays;
  });
  return isStale ? failure("ATTESTATION_STALE", "isin") : undefined;
}

/** ATTESTED_EXCEEDED where the weight, less the haircuts by age, does not reach for so much more. */
export function checkCover(
  { state, businessDate }: Execution,
  isin: string,
  added: bigint,
): Failure | undefined {
  const cover = state.of(commodityCoverTable).get(isin);
  if (cover === undefined) return failure("ATTESTED_EXCEEDED", "face");
  const rules = rulesIn(state);
  let covered = 0n;
  for (const vault of cover.vaults) {
    const attestation = state.of(attestationTable).get(attestationId(isin, vault));
    const { asOf, fineNg } = present(attestation, `attestation of ${vault}`);
    const isStale = daysBetween(asOf, businessDate) > rules.staleAfterDays;
    covered += lessHaircut(fineNg, isStale ? rules.staleHaircutBps : rules.haircutBps);
  }
  const outstanding = outstandingOf(present(state.supplies.get(isin), `supply of ${isin}`));
  const least = coverOf(cover) < covered ? coverOf(cover) : covered;
  if (cover.shortfallNg > 0n || outstanding + added > least) {
    return failure("ATTESTED_EXCEEDED", "face");
  }
  return undefined;
}
