import type { Execution, Failure } from "../execution.ts";
import type { UnitMovement } from "../movement.ts";
import type { FailureCode } from "../outcome.ts";

/**
 * One condition that every movement of units meets at the moment at which it settles, whichever
 * way it came there: gross, net, partial, collateral, coupon, allotment, redemption.
 */
export interface MovementRule {
  readonly name: string;
  /** Every code that `check` can give. */
  readonly codes: readonly FailureCode[];
  /** Reads, never writes. Runs on the hot path: a look-up or two, no loop over state. */
  check(movement: UnitMovement, execution: Execution): Failure | undefined;
}
