import { invariant, present } from "../../primitives/assert.ts";
import type { RoomCheck } from "../room-checks/room-check.ts";
import {
  attestationId,
  attestationTable,
  barPlaceTable,
  type CommodityCover,
  commodityCoverTable,
  commodityRulesTable,
  referencePriceTable,
} from "../state/commodity.ts";
import { holidaysTable } from "../state/holidays.ts";
import { investorTable } from "../state/investor.ts";
import type { LedgerState } from "../state/ledger-state.ts";
import { outstandingOf, type Supply, supplyTable } from "../state/supply.ts";
import { taxTableTable } from "../state/tax-table.ts";
import { tenorTableTable } from "../state/tenor-table.ts";
import { barRoot, coverOf, totalFine } from "./commodity-cover.ts";

/**
 * I7 of a commodity no more is outstanding than its attested weight less the haircut, but for a
 * shortfall that an attestation has brought to light.
 */
export const instrumentsCheck: RoomCheck = {
  name: "instruments",
  tables: [
    attestationTable,
    barPlaceTable,
    commodityCoverTable,
    commodityRulesTable,
    referencePriceTable,
    holidaysTable,
    investorTable,
    taxTableTable,
    tenorTableTable,
  ],
  checkBlock: checkCovers,
  checkWhole(whole) {
    let bars = 0;
    const attestations = whole.of(attestationTable).byId;
    for (const attestation of attestations.values()) {
      bars += attestation.bars.length;
      invariant(attestation.barRoot === barRoot(attestation.bars), "I7: the root of the bars");
      invariant(attestation.fineNg === totalFine(attestation.bars), "I7: the weight of the bars");
    }
    invariant(bars === whole.of(barPlaceTable).byId.size, "I7: a bar is attested once");
    for (const cover of whole.of(commodityCoverTable).values) {
      const found = cover.vaults.map((vault) =>
        present(attestations.get(attestationId(cover.isin, vault)), "I7: an attestation a vault"),
      );
      const sum = found.reduce((total, { fineNg }) => total + fineNg, 0n);
      invariant(sum === cover.attestedNg, `I7: ${cover.isin} adds up its vaults`);
      assertCover(cover, whole.of(supplyTable).byId.get(cover.isin));
    }
  },
};

/** I7 for one instrument. */
function assertCover(cover: CommodityCover | undefined, supply: Supply | undefined): void {
  const outstanding = supply === undefined ? 0n : outstandingOf(supply);
  const covered = cover === undefined ? 0n : coverOf(cover);
  invariant(outstanding <= covered, `I7: ${supply?.asset ?? ""} is covered by attested weight`);
}

function checkCovers(state: LedgerState): void {
  const isins = new Set<string>();
  for (const { id } of state.of(commodityCoverTable).changed()) isins.add(id);
  for (const { id } of state.supplies.changed()) {
    if (state.instruments.get(id)?.terms.type === "COMMODITY") isins.add(id);
  }
  for (const isin of isins) {
    assertCover(state.of(commodityCoverTable).get(isin), state.supplies.get(isin));
  }
}
