import type { Execution, Failure } from "./execution.ts";
import type { UnitMovement } from "./movement.ts";
import { movementRules } from "./movement-rules/registry.ts";
import type { FailureCode } from "./outcome.ts";

/**
 * Every code that the gate can give, in the order of precedence. A kind that moves units spreads
 * them into its `failures`, so that a new rule needs no change of the kinds.
 */
export const gateCodes: readonly FailureCode[] = movementRules.flatMap(({ codes }) => codes);

/**
 * Whether all these movements may be made now: rule by rule over all of them, so that of two faults
 * in different legs the code that stands first in `failureOrder` is given. `moveUnits` calls it;
 * a kind whose own checks come after the gate's in that order calls it before them as well.
 */
export function checkMovements(
  execution: Execution,
  movements: readonly UnitMovement[],
): Failure | undefined {
  for (const rule of movementRules) {
    for (const movement of movements) {
      const failed = rule.check(movement, execution);
      if (failed !== undefined) return failed;
    }
  }
  return undefined;
}
