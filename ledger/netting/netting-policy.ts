import { counter, type Infer, record, uint } from "../../primitives/codec/schema.ts";
import type { LedgerState } from "../state/ledger-state.ts";
import { Table } from "../state/table.ts";
import { MAX_CYCLE_CANDIDATES } from "./solver.ts";

/** Governed rules of netting cycles. */
export const nettingPolicySchema = record({
  /** Milliseconds of block time between two cycles; zero: none are run. */
  intervalMs: counter,
  /** Pairs that a cycle looks at, first in the order of service. */
  candidates: uint(MAX_CYCLE_CANDIDATES),
});
export type NettingPolicy = Infer<typeof nettingPolicySchema>;

/**
 * Defaults: a cycle a minute while the settlement day is open. Two thousand pairs take some tenths
 * of a second to choose from and to settle, which a block can spare.
 */
export const DEFAULT_NETTING_POLICY: NettingPolicy = { intervalMs: 60_000, candidates: 2_048 };

export const nettingPolicyTable = new Table<NettingPolicy>({
  name: "netting-policy",
  schema: nettingPolicySchema,
  idOf: () => "",
  remember: true,
});

export function nettingPolicyOf(state: LedgerState): NettingPolicy {
  return state.of(nettingPolicyTable).get("") ?? DEFAULT_NETTING_POLICY;
}
