import { accountClosed, accountFrozen } from "./account-status.ts";
import { maturedUnits } from "./matured-units.ts";
import type { MovementRule } from "./movement-rule.ts";

/**
 * The rules of the movement gate, one line each, in the order of their codes in `failureOrder`. A
 * rule added here holds for every path at once.
 */
export const movementRules: readonly MovementRule[] = [accountClosed, accountFrozen, maturedUnits];
