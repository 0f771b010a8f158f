import { addDays } from "../arithmetic/calendar-date.ts";
import type { Execution } from "../execution.ts";
import type { LedgerState } from "../state/ledger-state.ts";
import { instructionTable, poolTable, referenceId, referenceTable } from "./instruction-record.ts";
import { retainedQueue } from "./settlement-pair.ts";
import { settlementParametersOn } from "./settlement-parameters.ts";

/** Keeps the record of a final instruction, and its reference taken, for a while. */
export function retain({ state, businessDate }: Execution, id: string): void {
  const { retentionDays } = settlementParametersOn(state, businessDate);
  const until = addDays(businessDate, retentionDays);
  if (retainedQueue.add(state, until, id)) return;
  // Full: the one that would go next goes now.
  for (const oldest of retainedQueue.first(state, 1)) {
    retainedQueue.remove(state, oldest.due, oldest.id);
    forget(state, oldest.id);
  }
  retainedQueue.add(state, until, id);
}

/** Removes the record of a final instruction: blocks, receipts and events keep its history. */
export function forget(state: LedgerState, id: string): void {
  const instruction = state.of(instructionTable).get(id);
  if (instruction === undefined) return;
  const { member, reference, pool } = instruction;
  state.of(instructionTable).remove(id);
  state.of(referenceTable).remove(referenceId(member, reference));
  if (pool === undefined) return;
  const pools = state.of(poolTable);
  const record = pools.get(referenceId(member, pool.id));
  if (record === undefined) return;
  const instructions = record.instructions.filter((other) => other !== id);
  if (instructions.length === 0) pools.remove(referenceId(member, pool.id));
  else pools.put({ ...record, instructions });
}
