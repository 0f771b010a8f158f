import type { BlockExecution } from "../execution.ts";

/**
 * Work that a block does by itself. It takes what is due in bounded portions: each step has a named
 * limit of items, and what it leaves waits for the next block. Costs a look-up where nothing is due.
 */
export interface BlockStep {
  readonly name: string;
  /**
   * begin: after epochs and evidence, before the transactions (calendar, lapsing orders, life-cycle
   * events of the day). end: after the transactions (matching, gross pass, netting).
   */
  readonly at: "begin" | "end";
  run(execution: BlockExecution): void;
}
