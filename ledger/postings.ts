import { invariant } from "../primitives/assert.ts";
import { AMOUNT_MAX } from "../primitives/codec/schema.ts";
import { takeFromClaim } from "./claims.ts";
import { type Execution, type Failure, failure } from "./execution.ts";
import { beforeChange, holderJoins, holderLeaves } from "./life-cycle/position-capture.ts";
import { MAX_ASSETS_PER_ACCOUNT } from "./limits.ts";
import { amountOf, type UnitMovement } from "./movement.ts";
import { checkMovements } from "./movement-gate.ts";
import type { Account } from "./state/account.ts";
import { type Balance, balanceId, emptyBalance, withAvailable } from "./state/balance.ts";
import { isCash } from "./types.ts";

/**
 * The only way in which units move. All movements pass the gate; then all debits are made in their
 * order, then all credits. Units that one movement brings are not there for another's debit. The
 * caller undoes everything when it fails.
 *
 * Fails with a code of the gate, INSUFFICIENT_SECURITIES or INSUFFICIENT_CASH, and last with
 * LIMIT_REACHED or AMOUNT_OVERFLOW.
 */
export function moveUnits(
  execution: Execution,
  movements: readonly UnitMovement[],
): Failure | undefined {
  const refused = checkMovements(execution, movements);
  if (refused !== undefined) return refused;
  for (const movement of movements) {
    const { from, fields } = movement;
    if (from === undefined) continue;
    const failed = debit(execution, movement, from, fields.from);
    if (failed !== undefined) return failed;
    emitPostings(execution, movement, "DEBIT", from.id);
  }
  for (const movement of movements) {
    const { to, asset, fields } = movement;
    if (to === undefined) continue;
    const failed = credit(execution, to.id, asset, amountOf(movement), fields.to);
    if (failed !== undefined) return failed;
    emitPostings(execution, movement, "CREDIT", to.id);
  }
  return undefined;
}

/**
 * Moves a set of units at once: of each account and asset only the net must be covered by what is
 * available, and each movement posts at its own gross amount. Claims are taken in full first.
 * Fails as `moveUnits` does.
 */
export function moveNet(
  execution: Execution,
  movements: readonly UnitMovement[],
): Failure | undefined {
  const refused = checkMovements(execution, movements);
  if (refused !== undefined) return refused;
  const nets = new Map<string, Net>();
  for (const movement of movements) {
    const { from, to, asset, claim, fields } = movement;
    const amount = amountOf(movement);
    if (from !== undefined) {
      const missing =
        claim === undefined
          ? undefined
          : freeClaim(execution, { account: from.id, asset, ...claim, amount, field: fields.from });
      if (missing !== undefined) return missing;
      netOf(nets, from.id, asset, fields.from).amount -= amount;
      emitPostings(execution, movement, "DEBIT", from.id);
    }
    if (to !== undefined) {
      netOf(nets, to.id, asset, fields.to).amount += amount;
      emitPostings(execution, movement, "CREDIT", to.id);
    }
  }
  const ordered = [...nets.values()];
  for (const { account, asset, amount, field } of ordered) {
    if (amount >= 0n) continue;
    const failed = debitAvailable(execution, account, asset, -amount, field);
    if (failed !== undefined) return failed;
  }
  for (const { account, asset, amount, field } of ordered) {
    if (amount <= 0n) continue;
    const failed = credit(execution, account, asset, amount, field);
    if (failed !== undefined) return failed;
  }
  return undefined;
}

interface Net {
  readonly account: string;
  readonly asset: string;
  readonly field: string;
  amount: bigint;
}

function netOf(nets: Map<string, Net>, account: string, asset: string, field: string): Net {
  const id = balanceId(account, asset);
  let net = nets.get(id);
  if (net === undefined) {
    net = { account, asset, field, amount: 0n };
    nets.set(id, net);
  }
  return net;
}

/** Makes the claimed units available, for the net to take them from there. */
function freeClaim(
  execution: Execution,
  taken: Parameters<typeof takeFromClaim>[1],
): Failure | undefined {
  const failed = takeFromClaim(execution, taken);
  if (failed !== undefined) return failed;
  const { balances } = execution.state;
  const balance = balances.get(balanceId(taken.account, taken.asset));
  invariant(balance !== undefined, "a claim lies on a balance");
  balances.put({ ...balance, available: balance.available + taken.amount });
  return undefined;
}

function debit(
  execution: Execution,
  movement: UnitMovement,
  from: Account,
  field: string,
): Failure | undefined {
  const { asset, claim } = movement;
  const amount = amountOf(movement);
  if (claim === undefined) return debitAvailable(execution, from.id, asset, amount, field);
  const freed = freeClaim(execution, { account: from.id, asset, ...claim, amount, field });
  return freed ?? debitAvailable(execution, from.id, asset, amount, field);
}

function debitAvailable(
  execution: Execution,
  account: string,
  asset: string,
  amount: bigint,
  field: string,
): Failure | undefined {
  const balance = execution.state.balances.get(balanceId(account, asset));
  if (balance === undefined || balance.available < amount) {
    return failure(isCash(asset) ? "INSUFFICIENT_CASH" : "INSUFFICIENT_SECURITIES", field);
  }
  const total = balance.total - amount;
  if (!isCash(asset)) beforeChange(execution.state, asset, account, balance.total);
  putBalance(execution, withAvailable(balance, total, balance.available - amount));
  if (total === 0n) removeHolding(execution, account, asset);
  return undefined;
}

function credit(
  execution: Execution,
  account: string,
  asset: string,
  amount: bigint,
  field: string,
): Failure | undefined {
  const existing = execution.state.balances.get(balanceId(account, asset));
  const balance = existing ?? emptyBalance(account, asset);
  if (existing === undefined && amount > 0n) {
    const full = addHolding(execution, account, asset, field);
    if (full !== undefined) return full;
  }
  const total = balance.total + amount;
  if (total > AMOUNT_MAX) return failure("AMOUNT_OVERFLOW", field);
  if (!isCash(asset)) beforeChange(execution.state, asset, account, balance.total);
  putBalance(execution, withAvailable(balance, total, balance.available + amount));
  return undefined;
}

function putBalance(execution: Execution, balance: Balance): void {
  const { balances } = execution.state;
  if (balance.total === 0n) balances.remove(balanceId(balance.account, balance.asset));
  else balances.put(balance);
}

function emitPostings(
  execution: Execution,
  { asset, reference, parts }: UnitMovement,
  direction: "DEBIT" | "CREDIT",
  account: string,
): void {
  for (const { amount, reason } of parts) {
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
  if (!isCash(asset) && !holderJoins(execution.state, asset, account)) {
    return failure("LIMIT_REACHED", field);
  }
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
  if (!isCash(asset)) holderLeaves(execution.state, asset, account);
}
