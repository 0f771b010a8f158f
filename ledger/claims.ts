import { type Execution, type Failure, failure } from "./execution.ts";
import { type Balance, balanceId } from "./state/balance.ts";
import { type ClaimPart, claimId, claimTable } from "./state/claim.ts";
import { isCash } from "./types.ts";

/** Units of one balance that change from one part of it to another. */
export interface ClaimChange {
  readonly account: string;
  readonly asset: string;
  /** The instruction, lien or order for which they are set aside. */
  readonly holder: string;
  /** Minor units, above zero. */
  readonly amount: bigint;
  /** Payload field that names the account, for the failure. */
  readonly field: string;
}

const partField = {
  RESERVED: "reserved",
  PLEDGED: "pledged",
  BLOCKED: "blocked",
} as const satisfies Readonly<Record<ClaimPart, keyof Balance>>;

type Change = (execution: Execution, change: ClaimChange) => Failure | undefined;

/** Sets available units aside for an instruction. All of these fail for want of units only. */
export const reserve: Change = (execution, change) => claim(execution, "RESERVED", change);
/** Gives reserved units back to what is available. */
export const release: Change = (execution, change) => unclaim(execution, "RESERVED", change);
/** Puts available units under a lien. */
export const pledge: Change = (execution, change) => claim(execution, "PLEDGED", change);
export const unpledge: Change = (execution, change) => unclaim(execution, "PLEDGED", change);
/** Puts available units under an order. */
export const block: Change = (execution, change) => claim(execution, "BLOCKED", change);
export const unblock: Change = (execution, change) => unclaim(execution, "BLOCKED", change);

/** What a holder has claimed of a balance; zero where there is no such claim. */
export function claimedBy(
  execution: Execution,
  part: ClaimPart,
  { account, asset, holder }: Pick<ClaimChange, "account" | "asset" | "holder">,
): bigint {
  const record = execution.state.of(claimTable).get(claimId(part, account, asset, holder));
  return record?.amount ?? 0n;
}

function claim(execution: Execution, part: ClaimPart, change: ClaimChange): Failure | undefined {
  const { account, asset, amount } = change;
  const balance = execution.state.balances.get(balanceId(account, asset));
  if (balance === undefined || balance.available < amount) return shortOf(change);
  const field = partField[part];
  execution.state.balances.put({
    ...balance,
    available: balance.available - amount,
    [field]: balance[field] + amount,
  });
  putClaim(execution, part, change, claimedBy(execution, part, change) + amount);
  return undefined;
}

function unclaim(execution: Execution, part: ClaimPart, change: ClaimChange): Failure | undefined {
  const failed = takeFromClaim(execution, { ...change, part });
  if (failed !== undefined) return failed;
  const { balances } = execution.state;
  const balance = balances.get(balanceId(change.account, change.asset));
  if (balance === undefined) return shortOf(change);
  balances.put({ ...balance, available: balance.available + change.amount });
  return undefined;
}

/**
 * Takes units out of a claim and out of its part of the balance, not yet into any other part: for
 * postings.ts, which moves them on or makes them available in the same step.
 */
export function takeFromClaim(
  execution: Execution,
  taken: ClaimChange & { readonly part: ClaimPart },
): Failure | undefined {
  const { part, account, asset, amount } = taken;
  const { balances } = execution.state;
  const balance = balances.get(balanceId(account, asset));
  const claimed = claimedBy(execution, part, taken);
  if (balance === undefined || claimed < amount) return shortOf(taken);
  const field = partField[part];
  balances.put({ ...balance, [field]: balance[field] - amount });
  putClaim(execution, part, taken, claimed - amount);
  return undefined;
}

function putClaim(
  execution: Execution,
  part: ClaimPart,
  { account, asset, holder, amount: moved }: ClaimChange,
  amount: bigint,
): void {
  if (moved === 0n) return;
  const claims = execution.state.of(claimTable);
  if (amount === 0n) claims.remove(claimId(part, account, asset, holder));
  else claims.put({ part, account, asset, holder, amount });
  const body = { part, account, asset, holder, amount };
  execution.emit({ type: "claimChanged", body });
}

function shortOf({ asset, field }: ClaimChange): Failure {
  return failure(isCash(asset) ? "INSUFFICIENT_CASH" : "INSUFFICIENT_SECURITIES", field);
}
