import type { AppliedBlock } from "./ledger-application.ts";

/**
 * Transactions that need not be carried any further after this block: those that it executed, and
 * whatever else stood in this node's own batches, which have had their turn. One that another
 * validator's batch carried and the block refused stays: anyone may send the same body under a
 * broken signature, and the proper copy must not be dropped for it.
 */
export function settledTransactions(
  block: Pick<AppliedBlock, "result" | "batches">,
  self: number,
): ReadonlySet<string> {
  const settled = new Set<string>();
  for (const { txId, executed } of block.result.receipts) if (executed) settled.add(txId);
  for (const { batch } of block.batches) {
    if (batch.author !== self) continue;
    for (const { transaction } of batch.transactions) settled.add(transaction.txId);
  }
  return settled;
}
