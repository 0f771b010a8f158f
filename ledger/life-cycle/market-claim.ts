import { present } from "../../primitives/assert.ts";
import { rational, roundHalfUp } from "../arithmetic/rational.ts";
import { type Execution, type Failure, failure } from "../execution.ts";
import { scheduleOf } from "../instruments/schedule.ts";
import { moveUnits } from "../postings.ts";
import {
  type CorporateAction,
  corporateActionId,
  corporateActionTable,
  waitingPaymentId,
  waitingPaymentTable,
} from "../state/corporate-action.ts";
import { instrumentClassOf } from "../state/instrument.ts";
import {
  type MarketClaim,
  marketClaimCountTable,
  marketClaimId,
  marketClaimTable,
} from "../state/market-claim.ts";
import { taxOn, taxProfileOf, taxRateOn, taxTableIn } from "../tax/withholding.ts";
import { CBDC } from "../types.ts";
import { proportionOf } from "./allocation.ts";
import { cashAccountFor } from "./payout.ts";
import { queueRetry, workIds } from "./queues.ts";

/** A settlement as far as market claims need it. */
export interface SettledTrade {
  readonly isin: string;
  readonly face: bigint;
  readonly tradeDate: string;
  readonly delivererAccount: string;
  readonly receiverAccount: string;
  readonly settlementRef: string;
}

/**
 * To be called when a trade becomes final. For each coupon or rental whose record date lies from the
 * trade date to before the day of settlement, the deliverer was entitled in the books and the
 * receiver by the trade: a claim is raised and passes the payment on, less the tax that was withheld
 * from the deliverer.
 */
export function raiseMarketClaims(execution: Execution, trade: SettledTrade): void {
  const { state, businessDate } = execution;
  const { isin, tradeDate, delivererAccount, receiverAccount, face, settlementRef } = trade;
  const { terms } = present(state.instruments.get(isin), `instrument ${isin}`);
  // Units that were never sold before are not paid on.
  if (state.accounts.get(delivererAccount)?.kind === "ISSUANCE") return;
  for (const { type, recordDate } of scheduleOf(terms)) {
    if (type !== "COUPON" && type !== "RENTAL") continue;
    if (recordDate < tradeDate || recordDate >= businessDate) continue;
    // Only what has been announced is paid: not what lies before the ledger's first day.
    const id = corporateActionId({ isin, type, recordDate });
    if (state.of(corporateActionTable).get(id) === undefined) continue;
    const number = (state.of(marketClaimCountTable).get("")?.raised ?? 0) + 1;
    const parties = { debtor: delivererAccount, creditor: receiverAccount };
    const claim = { number, isin, type, recordDate, ...parties, units: face, settlementRef };
    state.of(marketClaimCountTable).put({ raised: number });
    state.of(marketClaimTable).put(claim);
    queueRetry(state, execution.height, workIds.claim(number));
    execution.emit({ type: "marketClaimRaised", body: claim });
  }
}

/**
 * Passes a payment on, once the debtor has it. Fails with PAYMENT_UNKNOWN before that, with
 * ACCOUNT_UNKNOWN where a side has no cash account, and with the codes of `moveUnits`.
 */
export function settleClaim(execution: Execution, number: number): Failure | undefined {
  const { state } = execution;
  const claim = state.of(marketClaimTable).get(marketClaimId(number));
  if (claim === undefined) return undefined;
  const action = state.of(corporateActionTable).get(corporateActionId(claim));
  const isOwed =
    action?.stage !== "PAID" ||
    state.of(waitingPaymentTable).get(waitingPaymentId(claim, claim.debtor)) !== undefined;
  if (action === undefined || isOwed) return failure("PAYMENT_UNKNOWN", "debtor");
  const debtor = present(state.accounts.get(claim.debtor), "debtor's account");
  const creditor = present(state.accounts.get(claim.creditor), "creditor's account");
  const from = cashAccountFor(state, debtor);
  const to = cashAccountFor(state, creditor);
  if (from === undefined) return failure("ACCOUNT_UNKNOWN", "debtor");
  if (to === undefined) return failure("ACCOUNT_UNKNOWN", "creditor");
  const amount = netOf(execution, action, claim);
  const failed = moveUnits(execution, [
    {
      from,
      to,
      asset: CBDC,
      parts: [{ amount, reason: "MARKET_CLAIM" }],
      purpose: "MARKET_CLAIM",
      reference: claim.settlementRef,
      fields: { from: "debtor", to: "creditor" },
    },
  ]);
  if (failed !== undefined) return failed;
  state.of(marketClaimTable).remove(marketClaimId(number));
  execution.emit({ type: "marketClaimSettled", body: { ...claim, amount } });
  return undefined;
}

/** The share of the claimed units, less tax at the debtor's rate on the day of payment. */
function netOf({ state }: Execution, action: CorporateAction, claim: MarketClaim): bigint {
  const { numerator, denominator } = proportionOf(state, action);
  const gross = roundHalfUp(rational(claim.units * numerator, denominator));
  const { terms } = present(state.instruments.get(claim.isin), `instrument ${claim.isin}`);
  const debtor = present(state.accounts.get(claim.debtor), "debtor's account");
  const rate = taxRateOn(
    taxTableIn(state),
    present(action.paymentDate, "payment date"),
    taxProfileOf(state, debtor),
    instrumentClassOf(terms.type),
  );
  return gross - taxOn(rational(gross), rate);
}
