import { present } from "../../primitives/assert.ts";
import type { Execution } from "../execution.ts";
import { collateralTermsOf, faceFor, marketValue } from "./collateral-terms.ts";
import type { Lot } from "./lot.ts";

export interface CloseOut {
  /** What the creditor keeps. */
  readonly kept: readonly Lot[];
  /** What goes back to the debtor. */
  readonly returned: readonly Lot[];
  /** Paisa that the kept lots are worth, without haircuts. */
  readonly value: bigint;
  /** Paisa owed beyond that; zero where the collateral is enough. */
  readonly shortfall: bigint;
}

/**
 * Divides collateral when a debtor has failed: lot by lot in their order, the fewest denominations
 * that are worth what is owed at the price in force. A lot without a price is kept whole: the
 * creditor has nothing better, and it counts nothing.
 */
export function closeOut(execution: Execution, lots: readonly Lot[], owed: bigint): CloseOut {
  const kept: Lot[] = [];
  const returned: Lot[] = [];
  let value = 0n;
  for (const { isin, face } of lots) {
    const open = owed - value;
    const version = collateralTermsOf(execution, isin);
    if (open <= 0n) {
      returned.push({ isin, face });
    } else if (version === undefined) {
      kept.push({ isin, face });
    } else {
      const { terms } = present(execution.state.instruments.get(isin), `instrument ${isin}`);
      const needed = faceFor(open, { ...version, haircutBps: 0 }, terms.body.denomination);
      let taken = face;
      if (needed < face) taken = needed;
      kept.push({ isin, face: taken });
      value += marketValue(taken, version);
      if (taken < face) returned.push({ isin, face: face - taken });
    }
  }
  return { kept, returned, value, shortfall: owed > value ? owed - value : 0n };
}
