import { invariant } from "../../primitives/assert.ts";
import { type LedgerEvent, NO_TRANSACTION } from "../events.ts";
import type { BlockExecution, Execution, Failure } from "../execution.ts";
import type { BlockStep } from "./block-step.ts";
import { blockSteps } from "./registry.ts";

/** The place in time that all steps of a block share, and the state that they work on. */
export type StepContext = Pick<Execution, "state" | "height" | "timestampMs" | "businessDate">;

/**
 * Runs the steps of one end of the block. Gives their events in groups that stand or fall together:
 * one for each item, and one for what a step did outside its items.
 */
export function runSteps(
  at: BlockStep["at"],
  context: StepContext,
  steps: readonly BlockStep[] = blockSteps,
): readonly (readonly LedgerEvent[])[] {
  const run = new StepRun(context);
  for (const step of steps) {
    if (step.at !== at) continue;
    step.run(run);
    run.keep();
  }
  return run.groups;
}

class StepRun implements BlockExecution {
  readonly state;
  readonly height;
  readonly timestampMs;
  readonly businessDate;
  readonly txId = NO_TRANSACTION;
  readonly groups: LedgerEvent[][] = [];
  #events: LedgerEvent[] = [];
  #inItem = false;

  constructor(context: StepContext) {
    this.state = context.state;
    this.height = context.height;
    this.timestampMs = context.timestampMs;
    this.businessDate = context.businessDate;
  }

  emit(event: LedgerEvent): void {
    this.#events.push(event);
  }

  /** Key checks are for transactions. */
  takeKeyCheck(): boolean {
    return false;
  }

  attempt(item: () => Failure | undefined): Failure | undefined {
    invariant(!this.#inItem, "items of a block step do not nest");
    // What the step did before the item is not undone with it.
    this.keep();
    this.#inItem = true;
    const failed = item();
    this.#inItem = false;
    if (failed === undefined) this.keep();
    else {
      this.state.rollback();
      this.#events = [];
    }
    return failed;
  }

  keep(): void {
    this.state.commit();
    if (this.#events.length > 0) this.groups.push(this.#events);
    this.#events = [];
  }
}
