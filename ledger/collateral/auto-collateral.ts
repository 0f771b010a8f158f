import { type Execution, type Failure, failure } from "../execution.ts";
import { givable, remainderOf } from "../instructions/pair-movements.ts";
import type { Pair } from "../instructions/settlement-pair.ts";
import { CBDC, isCash } from "../types.ts";
import { drawCredit } from "./intraday-credit.ts";
import { mandateTable } from "./intraday-record.ts";

/** Whether the payer of a delivery has given the ledger a standing mandate to borrow for it. */
export function mayBorrow(
  { state }: Pick<Execution, "state">,
  { delivery, receipt }: Pair,
): boolean {
  const paid = receipt.cash;
  return (
    paid?.asset === CBDC &&
    !isCash(delivery.asset) &&
    state.of(mandateTable).get(paid.account) !== undefined
  );
}

/**
 * Auto-collateralisation: lends the payer of a pair what its own funds, first those reserved for the
 * instruction, do not cover. The caller settles the pair in the same transition, or undoes both.
 */
export function borrowFor(execution: Execution, pair: Pair): Failure | undefined {
  const { receipt } = pair;
  if (receipt.cash === undefined) return failure("MANDATE_MISSING", "receipt.cash");
  const { account } = receipt.cash;
  const missing = remainderOf(pair).cash - givable(execution, receipt, account, CBDC);
  return missing > 0n ? drawCredit(execution, account, missing, "AUTOMATIC") : undefined;
}
