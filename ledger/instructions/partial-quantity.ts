import type { Execution } from "../execution.ts";
import { remainingOf } from "./instruction-record.ts";
import { givable, lotOf, releasedOf, stepOf } from "./pair-movements.ts";
import type { Pair } from "./settlement-pair.ts";

/**
 * The largest part of a pair that its parties allow and can give: at least the larger of the two
 * lots, a whole number of denominations, no more than what is released. Zero where there is none,
 * and undefined where partial settlement is not agreed or there is nothing at all to give.
 */
export function partialQuantity(execution: Execution, pair: Pair): bigint | undefined {
  const lot = lotOf(pair);
  if (lot === undefined) return undefined;
  const { delivery, receipt } = pair;
  const units = givable(execution, delivery, delivery.account, delivery.asset);
  let part = least(releasedOf(pair), least(units, remainingOf(delivery)));
  const [paid, received] = [receipt.cash, delivery.cash];
  if (paid !== undefined && received !== undefined && received.amount > 0n) {
    const money = givable(execution, receipt, paid.account, paid.asset);
    // The most whose share of the amount, rounded down, is covered.
    const covered =
      ((delivery.settledCash + money + 1n) * delivery.quantity - 1n) / received.amount;
    part = least(part, covered - delivery.settledQuantity);
    if (money === 0n) return undefined;
  }
  if (part <= 0n) return undefined;
  part -= part % stepOf(execution.state, delivery.asset);
  return part >= lot ? part : 0n;
}

function least(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}
