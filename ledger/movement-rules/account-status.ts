import { type Failure, failure } from "../execution.ts";
import type { UnitMovement } from "../movement.ts";
import type { Account } from "../state/account.ts";
import type { MovementRule } from "./movement-rule.ts";

/** A closed account neither gives nor takes. */
export const accountClosed: MovementRule = {
  name: "account-closed",
  codes: ["ACCOUNT_CLOSED"],
  check({ from, to, fields }) {
    if (from?.status === "CLOSED") return failure("ACCOUNT_CLOSED", fields.from);
    if (to?.status === "CLOSED") return failure("ACCOUNT_CLOSED", fields.to);
    return undefined;
  },
};

/**
 * A blocked account gives, takes or does neither; only an ordered transfer reaches into it, and the
 * redemption that ends units and is paid to their own holder.
 */
export const accountFrozen: MovementRule = {
  name: "account-frozen",
  codes: ["ACCOUNT_FROZEN"],
  check: checkFrozen,
};

function checkFrozen({ from, to, purpose, fields }: UnitMovement): Failure | undefined {
  const reachesIn = purpose === "FORCED_TRANSFER" || (purpose === "REDEMPTION" && to === undefined);
  if (from !== undefined && isBlocked(from, "BLOCKED_DEBIT") && !reachesIn) {
    return failure("ACCOUNT_FROZEN", fields.from);
  }
  if (to !== undefined && isBlocked(to, "BLOCKED_CREDIT")) {
    return failure("ACCOUNT_FROZEN", fields.to);
  }
  return undefined;
}

function isBlocked({ status }: Account, way: "BLOCKED_DEBIT" | "BLOCKED_CREDIT"): boolean {
  return status === way || status === "BLOCKED_BOTH";
}
