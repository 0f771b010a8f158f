import type { PostingReason } from "./events.ts";
import type { Account } from "./state/account.ts";
import type { ClaimPart } from "./state/claim.ts";

/** One amount of a movement that posts by itself. Amounts of zero post nothing. */
export interface PostingPart {
  readonly amount: bigint;
  readonly reason: PostingReason;
}

/**
 * What a movement is for. Rules of the movement gate decide by it: a redemption may reach an
 * account that may not buy, a forced transfer takes from one that is blocked.
 */
export const movementPurposes = [
  "ISSUE",
  "MINT",
  "CASH_REDEMPTION",
  "CASH_TRANSFER",
  "DVP",
  "FOP",
  "PVP",
  "ALLOTMENT",
  "BUY_BACK",
  "COUPON",
  "REDEMPTION",
  "MARKET_CLAIM",
  "TAX",
  "COLLATERAL",
  "REPO",
  "COMMODITY_REDEMPTION",
  "FORCED_TRANSFER",
] as const;
export type MovementPurpose = (typeof movementPurposes)[number];

/** Units of one asset on their way from one account to another. */
export interface UnitMovement {
  /** Undefined where the units come into being; then the caller adds them to the supply. */
  readonly from: Account | undefined;
  /** Undefined where the units cease to be; then the caller takes them from the supply. */
  readonly to: Account | undefined;
  readonly asset: string;
  readonly parts: readonly PostingPart[];
  readonly purpose: MovementPurpose;
  /** Business reference that the postings carry. */
  readonly reference: string;
  /** The claim out of which the units are taken; undefined: out of what is available. */
  readonly claim?: { readonly part: ClaimPart; readonly holder: string } | undefined;
  /** Payload fields that name the two accounts, for the failure. */
  readonly fields: { readonly from: string; readonly to: string };
}

/** Minor units that a movement carries. */
export function amountOf({ parts }: UnitMovement): bigint {
  let total = 0n;
  for (const { amount } of parts) total += amount;
  return total;
}
