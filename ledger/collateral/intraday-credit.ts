import { present } from "../../primitives/assert.ts";
import { pledge, unpledge } from "../claims.ts";
import { type Execution, type Failure, failure } from "../execution.ts";
import { settlementDayOf, timeOf } from "../instructions/settlement-day.ts";
import type { UnitMovement } from "../movement.ts";
import { checkMovements } from "../movement-gate.ts";
import { moveUnits } from "../postings.ts";
import type { Account } from "../state/account.ts";
import { balanceId } from "../state/balance.ts";
import { DueQueue } from "../state/due-queue.ts";
import { CBDC } from "../types.ts";
import {
  collateralTermsOf,
  collateralValue,
  faceFor,
  isValuedPer100,
  outlives,
} from "./collateral-terms.ts";
import {
  type CollateralMandate,
  creditHolder,
  creditTable,
  type IntradayCredit,
  mandateTable,
} from "./intraday-record.ts";
import { type Lot, lotsValue, MAX_LOTS, withLot, withoutLot } from "./lot.ts";

/** Securities of one account that are looked at as collateral, in the order of their ISINs. */
const MAX_SCANNED = 256;

/** Credits that must be paid, by the millisecond at which their day ends. */
export const creditQueue = new DueQueue("intraday-credit");

export function dueKey(timestampMs: number): string {
  return String(timestampMs).padStart(16, "0");
}

function endOfDay(execution: Execution): number {
  const { date, parameters } = settlementDayOf(execution);
  return timeOf(date, parameters.endMinute);
}

/**
 * Lends to a bank under its standing mandate, against securities on the central bank's list; what is
 * pledged already is used first. AUTOMATIC: the settlement of a payment asks for what own funds do
 * not cover. Fails with MANDATE_MISSING, a code of the gate, CREDIT_LIMIT, COLLATERAL_INSUFFICIENT,
 * INSUFFICIENT_CASH where the central bank's own account is short, or LIMIT_REACHED; the caller
 * undoes.
 */
export function drawCredit(
  execution: Execution,
  cashAccount: string,
  added: bigint,
  cause: "AUTOMATIC" | "REQUESTED",
): Failure | undefined {
  const { state } = execution;
  const mandate = state.of(mandateTable).get(cashAccount);
  if (mandate === undefined) return failure("MANDATE_MISSING", "cashAccount");
  const known = state.of(creditTable).get(cashAccount);
  const lots = known?.lots ?? [];
  const owed = (known?.owed ?? 0n) + added;
  const chosen = chooseLots(execution, mandate, owed - lotsValue(execution, lots), lots);
  const loan = lending(execution, mandate, added);
  // Pledging moves nothing, but what may not leave an account may not be pledged out of it.
  const leaving = pledgedMovements(execution, mandate, chosen ?? []);
  const refused = checkMovements(execution, [...leaving, loan]);
  if (refused !== undefined) return refused;
  if (known?.isOverdue === true || owed > mandate.creditLimit) {
    return failure("CREDIT_LIMIT", "cashAccount");
  }
  if (chosen === undefined) return failure("COLLATERAL_INSUFFICIENT", "cashAccount");
  const failed = pledgeLots(execution, mandate, chosen) ?? moveUnits(execution, [loan]);
  if (failed !== undefined) return failed;
  const { securitiesAccount, poolAccount } = mandate;
  const dueMs = known?.dueMs ?? endOfDay(execution);
  if (known === undefined && !creditQueue.add(state, dueKey(dueMs), cashAccount)) {
    return failure("LIMIT_REACHED", "cashAccount");
  }
  state.of(creditTable).put({
    cashAccount,
    securitiesAccount,
    poolAccount,
    owed,
    lots: chosen.reduce(withLot, lots),
    dueMs,
    isOverdue: false,
  });
  const body = { cashAccount, poolAccount, drawn: added, owed, cause, collateral: chosen };
  execution.emit({ type: "creditDrawn", body });
  return undefined;
}

/**
 * Securities of the mandate's account that are worth `value` after haircuts, in the order of their
 * ISINs; undefined where they do not suffice.
 */
function chooseLots(
  execution: Execution,
  { securitiesAccount }: CollateralMandate,
  value: bigint,
  held: readonly Lot[],
): readonly Lot[] | undefined {
  const chosen: Lot[] = [];
  let missing = value;
  const assets = execution.state.holdings.get(securitiesAccount)?.assets ?? [];
  for (const isin of assets.slice(0, MAX_SCANNED)) {
    if (missing <= 0n) break;
    const isNew = !held.some((lot) => lot.isin === isin);
    if (isNew && held.length + chosen.length >= MAX_LOTS) continue;
    const lot = lotOf(execution, securitiesAccount, isin, missing);
    if (lot === undefined) continue;
    chosen.push(lot);
    missing -= collateralValue(lot.face, present(collateralTermsOf(execution, isin), "terms"));
  }
  return missing > 0n ? undefined : chosen;
}

/** As much of a security as is needed and there is, in whole denominations. */
function lotOf(
  execution: Execution,
  account: string,
  isin: string,
  value: bigint,
): Lot | undefined {
  const version = collateralTermsOf(execution, isin);
  const terms = execution.state.instruments.get(isin)?.terms;
  if (version?.isEligible !== true || terms === undefined) return undefined;
  if (!isValuedPer100(terms) || !outlives(terms, execution.businessDate)) return undefined;
  const { denomination } = terms.body;
  const available = execution.state.balances.get(balanceId(account, isin))?.available ?? 0n;
  const whole = available - (available % denomination);
  const needed = faceFor(value, version, denomination);
  const face = needed < whole ? needed : whole;
  return face > 0n ? { isin, face } : undefined;
}

function account({ state }: Execution, id: string): Account {
  return present(state.accounts.get(id), `account ${id} of a mandate`);
}

const FIELDS = { from: "cashAccount", to: "cashAccount" } as const;

function pledgedMovements(
  execution: Execution,
  { securitiesAccount, cashAccount }: CollateralMandate,
  lots: readonly Lot[],
): readonly UnitMovement[] {
  const from = account(execution, securitiesAccount);
  return lots.map(({ isin, face }) => ({
    from,
    to: undefined,
    asset: isin,
    parts: [{ amount: face, reason: "COLLATERAL_ENFORCED" }],
    purpose: "COLLATERAL",
    reference: cashAccount,
    fields: FIELDS,
  }));
}

function pledgeLots(
  execution: Execution,
  { securitiesAccount, cashAccount }: CollateralMandate,
  lots: readonly Lot[],
): Failure | undefined {
  for (const { isin, face } of lots) {
    const failed = pledge(execution, claimOf(cashAccount, securitiesAccount, isin, face));
    if (failed !== undefined) return failed;
  }
  return undefined;
}

function claimOf(cashAccount: string, securitiesAccount: string, isin: string, face: bigint) {
  const holder = creditHolder(cashAccount);
  return { account: securitiesAccount, asset: isin, holder, amount: face, field: "cashAccount" };
}

function lending(
  execution: Execution,
  { poolAccount, cashAccount }: CollateralMandate,
  amount: bigint,
): UnitMovement {
  return {
    from: account(execution, poolAccount),
    to: account(execution, cashAccount),
    asset: CBDC,
    parts: [{ amount, reason: "CREDIT_DRAWN" }],
    purpose: "COLLATERAL",
    reference: cashAccount,
    fields: FIELDS,
  };
}

/**
 * Pays back a part of a credit or all of it, and frees the collateral that is no longer needed, the
 * last lots first. `paid` is at most what is owed.
 */
export function repayCredit(
  execution: Execution,
  credit: IntradayCredit,
  paid: bigint,
): Failure | undefined {
  const { cashAccount, poolAccount } = credit;
  const failed = moveUnits(execution, [
    {
      from: account(execution, cashAccount),
      to: account(execution, poolAccount),
      asset: CBDC,
      parts: [{ amount: paid, reason: "CREDIT_REPAID" }],
      purpose: "COLLATERAL",
      reference: cashAccount,
      fields: FIELDS,
    },
  ]);
  if (failed !== undefined) return failed;
  const owed = credit.owed - paid;
  const freed = owed === 0n ? credit.lots : spareLots(execution, credit.lots, owed);
  const unpledged = freeLots(execution, credit, freed);
  if (unpledged !== undefined) return unpledged;
  putCredit(execution, { ...credit, owed, lots: remaining(credit.lots, freed) });
  execution.emit({ type: "creditRepaid", body: { cashAccount, poolAccount, paid, owed, freed } });
  return undefined;
}

export function freeLots(
  execution: Execution,
  { cashAccount, securitiesAccount }: IntradayCredit,
  lots: readonly Lot[],
): Failure | undefined {
  for (const { isin, face } of lots) {
    const failed = unpledge(execution, claimOf(cashAccount, securitiesAccount, isin, face));
    if (failed !== undefined) return failed;
  }
  return undefined;
}

/** Writes what is left of a credit; a credit of nothing has no record and no place in the queue. */
export function putCredit(execution: Execution, credit: IntradayCredit): void {
  const { state } = execution;
  if (credit.owed > 0n) {
    state.of(creditTable).put(credit);
    return;
  }
  state.of(creditTable).remove(credit.cashAccount);
  creditQueue.remove(state, dueKey(credit.dueMs), credit.cashAccount);
}

function remaining(lots: readonly Lot[], freed: readonly Lot[]): readonly Lot[] {
  return freed.reduce<readonly Lot[]>(
    (left, lot) => present(withoutLot(left, lot), "freed lots were pledged"),
    lots,
  );
}

/** Whole lots from the end that the rest can do without. */
function spareLots(execution: Execution, lots: readonly Lot[], owed: bigint): readonly Lot[] {
  let kept = lots;
  const spare: Lot[] = [];
  for (const lot of lots.toReversed()) {
    const without = kept.filter((other) => other !== lot);
    if (lotsValue(execution, without) < owed) break;
    kept = without;
    spare.push(lot);
  }
  return spare;
}
