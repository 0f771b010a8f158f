import { invariant, present } from "../../primitives/assert.ts";
import { type Rational, rational, ZERO } from "../arithmetic/rational.ts";
import type { PostingReason } from "../events.ts";
import { type BlockExecution, type Execution, type Failure, failure } from "../execution.ts";
import { takeFromSupply } from "../instruments/redeem-units.ts";
import type { UnitMovement } from "../movement.ts";
import { moveUnits } from "../postings.ts";
import type { Account } from "../state/account.ts";
import {
  type CorporateAction,
  corporateActionId,
  corporateActionTable,
  type WaitReason,
  waitingPaymentTable,
} from "../state/corporate-action.ts";
import { instrumentClassOf } from "../state/instrument.ts";
import type { Position } from "../state/position-capture.ts";
import { serviceAccountsTable } from "../state/service-accounts.ts";
import { discountOf } from "../tax/discount.ts";
import { type TaxRate, taxOn, taxProfileOf, taxRateOn, taxTableIn } from "../tax/withholding.ts";
import { CBDC } from "../types.ts";
import { grossOf, isEntitled, positionsOn, proportionOf } from "./allocation.ts";
import { cashAccountFor } from "./payout.ts";
import { queueRetry, workIds } from "./queues.ts";

/** What one account gets of an event, gross. */
export interface Entitlement extends Position {
  readonly gross: bigint;
}

/**
 * PAYING: one page of positions. Each account is paid by itself; what cannot be paid waits by
 * itself, its money still set aside.
 */
export function payPage(execution: BlockExecution, started: CorporateAction): CorporateAction {
  const { state } = execution;
  const proportion = proportionOf(state, started);
  let action = started;
  for (const position of positionsOn(state, started, started.page)) {
    const entitled = isEntitled(state, position);
    const { gross, takesTie } = entitled
      ? grossOf(action, proportion, position.units)
      : { gross: 0n, takesTie: false };
    if (takesTie) action = { ...action, cut: withoutTie(action) };
    action = payOrWait(execution, action, { ...position, gross });
  }
  return { ...action, page: action.page + 1 };
}

function withoutTie({ cut }: CorporateAction): NonNullable<CorporateAction["cut"]> {
  const { remainder, ties } = present(cut, "cut of the odd paisas");
  return { remainder, ties: ties - 1 };
}

function payOrWait(
  execution: BlockExecution,
  action: CorporateAction,
  entitlement: Entitlement,
): CorporateAction {
  const { state } = execution;
  const { account, units, gross } = entitlement;
  const allocated = { ...action, allocated: action.allocated + gross };
  let paid = allocated;
  const failed = execution.attempt(() => {
    const outcome = pay(execution, allocated, entitlement);
    if (!("tax" in outcome)) return outcome;
    paid = withPaid(allocated, gross, outcome.tax);
    state.of(corporateActionTable).put(paid);
    return undefined;
  });
  if (failed === undefined) return paid;
  const { isin, type, recordDate } = action;
  const waiting = { ...allocated, waiting: allocated.waiting + gross };
  const reason = reasonOf(failed);
  execution.attempt(() => {
    const payment = { isin, type, recordDate, account, units, gross, reason };
    state.of(waitingPaymentTable).put(payment);
    state.of(corporateActionTable).put(waiting);
    queueRetry(state, execution.height, workIds.payment(action, account));
    execution.emit({ type: "paymentWaiting", body: payment });
    return undefined;
  });
  return waiting;
}

export function withPaid(action: CorporateAction, gross: bigint, tax: bigint): CorporateAction {
  return {
    ...action,
    paid: action.paid + gross,
    tax: action.tax + tax,
    net: action.net + gross - tax,
  };
}

/**
 * Pays one account: the net to its cash account, the tax to the tax account, both out of what is set
 * aside; a redemption takes the units. Writes nothing into the event's own record. Fails with the
 * codes of `moveUnits` and with ACCOUNT_UNKNOWN where there is no cash account.
 */
export function pay(
  execution: Execution,
  action: CorporateAction,
  { account: id, units, gross }: Entitlement,
): { readonly tax: bigint } | Failure {
  const { state } = execution;
  const account = present(state.accounts.get(id), `account ${id}`);
  const rate = rateFor(execution, action, account);
  const tax =
    gross === 0n ? 0n : taxOn(incomeOf(execution, action, { account: id, units, gross }), rate);
  invariant(tax <= gross, "I8: tax is a part of the gross");
  const movements: UnitMovement[] = [];
  const cashAccount = cashAccountFor(state, account);
  if (gross > 0n) {
    if (cashAccount === undefined) return failure("ACCOUNT_UNKNOWN", "cashAccount");
    movements.push(...cashMovements(execution, action, cashAccount, gross - tax, tax));
  }
  if (endsUnits(action)) movements.push(unitMovement(action, account, units));
  const failed = moveUnits(execution, movements);
  if (failed !== undefined) return failed;
  if (endsUnits(action)) {
    const releasedUsdCents = takeFromSupply(execution, action.isin, units);
    const body = { isin: action.isin, account: id, units, releasedUsdCents };
    execution.emit({ type: "unitsRedeemed", body });
  }
  if (cashAccount !== undefined && gross > 0n) {
    emitPaid(execution, action, { account: id, units, gross }, cashAccount, tax, rate);
  }
  return { tax };
}

function emitPaid(
  execution: Execution,
  action: CorporateAction,
  { account, units, gross }: Entitlement,
  cashAccount: Account,
  tax: bigint,
  rate: TaxRate,
): void {
  const { isin, type, recordDate } = action;
  execution.emit({
    type: "entitlementPaid",
    body: {
      isin,
      type,
      recordDate,
      account,
      cashAccount: cashAccount.id,
      units,
      gross,
      tax,
      net: gross - tax,
      taxBps: rate.bps,
      taxIsFinal: rate.isFinal,
      reference: corporateActionId(action),
    },
  });
}

function endsUnits({ type }: CorporateAction): boolean {
  return type === "REDEMPTION" || type === "LAPSE";
}

function rateFor(execution: Execution, action: CorporateAction, account: Account): TaxRate {
  const { state } = execution;
  const { terms } = present(state.instruments.get(action.isin), `instrument ${action.isin}`);
  return taxRateOn(
    taxTableIn(state),
    present(action.paymentDate, "payment date"),
    taxProfileOf(state, account),
    instrumentClassOf(terms.type),
  );
}

/** What is taxed: the whole of a coupon or rental, of a bill's redemption the discount. */
function incomeOf(
  { state }: Execution,
  { type, isin }: CorporateAction,
  { account, units, gross }: Entitlement,
): Rational {
  if (type === "COUPON" || type === "RENTAL") return rational(gross);
  const { terms } = present(state.instruments.get(isin), `instrument ${isin}`);
  return terms.type === "MTB" ? discountOf(state, isin, account, units) : ZERO;
}

const reasons = {
  COUPON: "COUPON",
  RENTAL: "RENTAL",
  REDEMPTION: "REDEMPTION_PAID",
  LAPSE: "REDEMPTION_PAID",
} as const satisfies Readonly<Record<CorporateAction["type"], PostingReason>>;

function cashMovements(
  { state }: Execution,
  action: CorporateAction,
  cashAccount: Account,
  net: bigint,
  tax: bigint,
): UnitMovement[] {
  const reference = corporateActionId(action);
  const fundingId = present(action.fundingAccount, "funding account");
  const from = present(state.accounts.get(fundingId), "funding account");
  const base = {
    from,
    asset: CBDC,
    reference,
    claim: { part: "RESERVED", holder: reference },
  } as const;
  const paid: UnitMovement = {
    ...base,
    to: cashAccount,
    parts: [{ amount: net, reason: reasons[action.type] }],
    purpose: endsUnits(action) ? "REDEMPTION" : "COUPON",
    fields: { from: "fundingAccount", to: "cashAccount" },
  };
  if (tax === 0n) return [paid];
  const { taxAccount } = present(state.of(serviceAccountsTable).get(""), "service accounts");
  const withheld: UnitMovement = {
    ...base,
    to: present(state.accounts.get(taxAccount), "tax account"),
    parts: [{ amount: tax, reason: "WITHHOLDING_TAX" }],
    purpose: "TAX",
    fields: { from: "fundingAccount", to: "taxAccount" },
  };
  return net === 0n ? [withheld] : [paid, withheld];
}

function unitMovement(action: CorporateAction, account: Account, units: bigint): UnitMovement {
  return {
    from: account,
    to: undefined,
    asset: action.isin,
    parts: [{ amount: units, reason: action.type === "LAPSE" ? "LAPSE" : "REDEMPTION" }],
    purpose: "REDEMPTION",
    reference: corporateActionId(action),
    fields: { from: "account", to: "account" },
  };
}

/** Why a payment waits, by the account that was in the way. */
export function reasonOf({ code, field }: Failure): WaitReason {
  if (code === "LIMIT_REACHED" || code === "AMOUNT_OVERFLOW") return "ACCOUNT_FULL";
  if (field === "taxAccount") return "TAX_ACCOUNT_BLOCKED";
  if (field === "account") return "UNITS_ENCUMBERED";
  if (field !== "cashAccount") return "FUNDING_ACCOUNT_BLOCKED";
  return code === "ACCOUNT_UNKNOWN" ? "NO_CASH_ACCOUNT" : "CASH_ACCOUNT_BLOCKED";
}
