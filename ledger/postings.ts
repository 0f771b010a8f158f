import { invariant } from "../primitives/assert.ts";
import { AMOUNT_MAX } from "../primitives/codec/schema.ts";
import type { PostingReason } from "./events.ts";
import { type Execution, type Failure, failure } from "./execution.ts";
import { MAX_ASSETS_PER_ACCOUNT } from "./limits.ts";
import { type Balance, balanceId, emptyBalance, withAvailable } from "./state/balance.ts";
import { isCash } from "./types.ts";

/** One amount of a movement that posts by itself. Amounts of zero post nothing. */
export interface PostingPart {
  readonly amount: bigint;
  readonly reason: PostingReason;
}

export interface Movement {
  readonly account: string;
  readonly asset: string;
  readonly parts: readonly PostingPart[];
  /** Business reference that the postings carry. */
  readonly reference: string;
  /** Payload field that names the account, for the failure. */
  readonly field: string;
}

function totalOf(parts: readonly PostingPart[]): bigint {
  let total = 0n;
  for (const part of parts) total += part.amount;
  return total;
}

/**
 * Takes units from what the account has available; all parts together must be covered.
 * Fails with INSUFFICIENT_SECURITIES or INSUFFICIENT_CASH.
 */
export function debit(execution: Execution, movement: Movement): Failure | undefined {
  const { account, asset, parts, field } = movement;
  const amount = totalOf(parts);
  const balance = execution.state.balances.get(balanceId(account, asset));
  if (balance === undefined || balance.available < amount) {
    return failure(isCash(asset) ? "INSUFFICIENT_CASH" : "INSUFFICIENT_SECURITIES", field);
  }
  const total = balance.total - amount;
  putBalance(execution, withAvailable(balance, total, balance.available - amount));
  if (total === 0n) removeHolding(execution, account, asset);
  emitPostings(execution, movement, "DEBIT");
  return undefined;
}

/** Adds units to what the account has available. Fails with LIMIT_REACHED or AMOUNT_OVERFLOW. */
export function credit(execution: Execution, movement: Movement): Failure | undefined {
  const { account, asset, parts, field } = movement;
  const amount = totalOf(parts);
  const existing = execution.state.balances.get(balanceId(account, asset));
  const balance = existing ?? emptyBalance(account, asset);
  if (existing === undefined && amount > 0n) {
    const full = addHolding(execution, account, asset, field);
    if (full !== undefined) return full;
  }
  const total = balance.total + amount;
  if (total > AMOUNT_MAX) return failure("AMOUNT_OVERFLOW", field);
  putBalance(execution, withAvailable(balance, total, balance.available + amount));
  emitPostings(execution, movement, "CREDIT");
  return undefined;
}

function putBalance(execution: Execution, balance: Balance): void {
  const { balances } = execution.state;
  if (balance.total === 0n) balances.remove(balanceId(balance.account, balance.asset));
  else balances.put(balance);
}

function emitPostings(
  execution: Execution,
  movement: Movement,
  direction: "DEBIT" | "CREDIT",
): void {
  const { account, asset, reference } = movement;
  for (const { amount, reason } of movement.parts) {
    if (amount === 0n) continue;
    const body = { account, asset, direction, amount, reason, reference };
    execution.emit({ type: "posting", body });
  }
}

function addHolding(
  execution: Execution,
  account: string,
  asset: string,
  field: string,
): Failure | undefined {
  const { holdings } = execution.state;
  const assets = holdings.get(account)?.assets ?? [];
  if (assets.length >= MAX_ASSETS_PER_ACCOUNT) return failure("LIMIT_REACHED", field);
  holdings.put({ account, assets: [...assets, asset].toSorted() });
  return undefined;
}

function removeHolding(execution: Execution, account: string, asset: string): void {
  const { holdings } = execution.state;
  const assets = holdings.get(account)?.assets ?? [];
  const left = assets.filter((held) => held !== asset);
  invariant(left.length === assets.length - 1, `holdings of ${account} list ${asset} once`);
  if (left.length === 0) holdings.remove(account);
  else holdings.put({ account, assets: left });
}
