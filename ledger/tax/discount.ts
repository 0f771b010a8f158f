import {
  add,
  compare,
  multiply,
  type Rational,
  rational,
  subtract,
  ZERO,
} from "../arithmetic/rational.ts";
import type { Instrument } from "../state/instrument.ts";
import type { LedgerState } from "../state/ledger-state.ts";
import { primaryCostId, primaryCostTable } from "../state/primary-cost.ts";

/**
 * Remembers what a first holder paid; for other instruments than bills nothing is kept. To be called
 * wherever new units are sold: an auction's allotment, a tap, a sale out of an issuance account.
 */
export function recordPrimaryCost(
  state: LedgerState,
  instrument: Instrument,
  sale: { readonly account: string; readonly face: bigint; readonly cost: bigint },
): void {
  if (instrument.terms.type !== "MTB") return;
  const { isin } = instrument;
  const { account, face, cost } = sale;
  for (const place of [account, undefined]) {
    const known = state.of(primaryCostTable).get(primaryCostId(isin, place));
    state.of(primaryCostTable).put({
      isin,
      account: place,
      face: (known?.face ?? 0n) + face,
      cost: (known?.cost ?? 0n) + cost,
    });
  }
}

/**
 * The discount in paisa that bills bring their holder at maturity, exact. What the account bought at
 * issue counts at its own price, the rest at the average price of the issue: the basis after
 * secondary trades is an open question of the tax, and this is a default.
 */
export function discountOf(
  state: LedgerState,
  isin: string,
  account: string,
  units: bigint,
): Rational {
  const own = state.of(primaryCostTable).get(primaryCostId(isin, account));
  const all = state.of(primaryCostTable).get(primaryCostId(isin, undefined));
  const first = minimum(own?.face ?? 0n, units);
  const firstCost = own === undefined ? ZERO : shareOfCost(own, first);
  const rest = units - first;
  const restCost = all === undefined ? rational(rest) : shareOfCost(all, rest);
  const discount = subtract(rational(units), add(firstCost, restCost));
  return compare(discount, ZERO) < 0 ? ZERO : discount;
}

function shareOfCost({ face, cost }: { face: bigint; cost: bigint }, part: bigint): Rational {
  return multiply(rational(part), rational(cost, face));
}

function minimum(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}
