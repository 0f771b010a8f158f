import { invariant, present } from "../../primitives/assert.ts";
import type { Execution } from "../execution.ts";
import type { LedgerState } from "../state/ledger-state.ts";
import { type ProgrammeRelease, programmeReleaseTable } from "../state/programme-release.ts";
import { outstandingOf } from "../state/supply.ts";
import { trancheId } from "../state/tranche.ts";

/**
 * Takes units that have ceased to be out of the supply, and gives their part of the programme back:
 * what was booked at issue, pro rata, rounded so that never too much is given back; the last units
 * bring the remainder. The exchange rate of the day plays no part. Gives the US cents released.
 * Call it once for each movement of the units to nowhere.
 */
export function takeFromSupply(
  execution: Pick<Execution, "state">,
  isin: string,
  units: bigint,
): bigint {
  const { state } = execution;
  const supply = present(state.supplies.get(isin), `supply of ${isin}`);
  const before = outstandingOf(supply);
  invariant(units <= before, `I3: no more of ${isin} is redeemed than there is`);
  const release = bookedRelease(state, isin, supply.tranches);
  const used = release.bookedUsdCents - release.releasedUsdCents;
  const after = before - units;
  const stillUsed = after === 0n ? 0n : ceiling(used * after, before);
  const released = used - stillUsed;
  state.supplies.put({ ...supply, redeemed: supply.redeemed + units });
  if (released > 0n || release.tranches > 0) {
    const releasedUsdCents = release.releasedUsdCents + released;
    state.of(programmeReleaseTable).put({ ...release, releasedUsdCents });
  }
  const { programme } = state;
  const usedUsdCents = programme.usedUsdCents - released;
  invariant(usedUsdCents >= 0n, "I3: the programme gives back no more than was used");
  state.programmes.put({ ...programme, usedUsdCents });
  return released;
}

/** The bookings of all tranches so far: those issued since the last redemption are added. */
function bookedRelease(state: LedgerState, isin: string, tranches: number): ProgrammeRelease {
  const known = state.of(programmeReleaseTable).get(isin) ?? {
    isin,
    tranches: 0,
    bookedUsdCents: 0n,
    releasedUsdCents: 0n,
  };
  let { bookedUsdCents } = known;
  for (let number = known.tranches + 1; number <= tranches; number++) {
    const tranche = state.tranches.get(trancheId(isin, number));
    bookedUsdCents += present(tranche, `tranche ${number} of ${isin}`).usdCents;
  }
  return { ...known, tranches, bookedUsdCents };
}

function ceiling(numerator: bigint, denominator: bigint): bigint {
  return (numerator + denominator - 1n) / denominator;
}
