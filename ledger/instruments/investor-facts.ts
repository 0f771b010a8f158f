import { type Execution, type Failure, failure } from "../execution.ts";
import type { Investor } from "../state/investor.ts";
import type { Role } from "../types.ts";

/** Members that keep accounts for investors. */
const KEEPERS: readonly Role[] = ["CUSTODIAN", "INVESTOR_INTERMEDIARY"];

/**
 * What a custodian may say about an investor: TERMS_INVALID, MEMBER_UNKNOWN, what `existence` finds,
 * MEMBER_WRONG_ROLE, in that order. Money through a convertible rupee account is a non-resident's.
 */
export function checkInvestorFacts(
  { state, businessDate }: Execution,
  facts: Omit<Investor, "id" | "updatedAtHeight">,
  existence: () => Failure | undefined,
): Failure | undefined {
  const { kycExpiry, scraAccount, residency, custodian } = facts;
  if (kycExpiry <= businessDate) return failure("TERMS_INVALID", "kycExpiry");
  if (scraAccount !== undefined && residency !== "NR")
    return failure("TERMS_INVALID", "scraAccount");
  const member = state.members.get(custodian);
  if (member === undefined) return failure("MEMBER_UNKNOWN", "custodian");
  const found = existence();
  if (found !== undefined) return found;
  const keeps = member.roles.some((role) => KEEPERS.includes(role));
  return keeps ? undefined : failure("MEMBER_WRONG_ROLE", "custodian");
}
