import { present } from "../../primitives/assert.ts";
import type { Execution, Failure } from "../execution.ts";
import { takeFromSupply } from "../instruments/redeem-units.ts";
import type { UnitMovement } from "../movement.ts";
import { moveUnits } from "../postings.ts";
import type { Account } from "../state/account.ts";
import { recordPrimaryCost } from "../tax/discount.ts";
import { CBDC } from "../types.ts";
import type { Auction } from "./auction-record.ts";
import type { Allotment } from "./bid-record.ts";
import { allotmentHolder } from "./decision.ts";

/** Moves securities and cash of one allotment, both or none. The caller undoes a failure. */
export function settleAllotment(
  execution: Execution,
  auction: Auction,
  allotment: Allotment,
): Failure | undefined {
  return auction.terms.side === "SALE"
    ? sell(execution, auction, allotment)
    : buyBack(execution, auction, allotment);
}

/** The reference of a settled allotment: the auction and the bid's number. */
export function settlementRefOf({ auction, number }: Allotment): string {
  return `${auction}/${number}`;
}

function accountOf(execution: Execution, id: string): Account {
  return present(execution.state.accounts.get(id), `account ${id} of an allotment`);
}

function sell(execution: Execution, { terms }: Auction, allotment: Allotment): Failure | undefined {
  const { face, cleanAmount, accruedInterest, securitiesAccount, cashAccount } = allotment;
  const settlementRef = settlementRefOf(allotment);
  const fields = { from: "from", to: "to" };
  const common = { purpose: "ALLOTMENT", reference: settlementRef, fields } as const;
  const holder = allotmentHolder(terms.auction, allotment.number);
  const securities: UnitMovement = {
    from: accountOf(execution, terms.issuanceAccount),
    to: accountOf(execution, securitiesAccount),
    asset: terms.isin,
    parts: [{ amount: face, reason: "DVP_SECURITIES" }],
    claim: { part: "RESERVED", holder },
    ...common,
  };
  const cash: UnitMovement = {
    from: accountOf(execution, cashAccount),
    to: accountOf(execution, terms.cashAccount),
    asset: CBDC,
    parts: [
      { amount: cleanAmount, reason: "DVP_CLEAN" },
      { amount: accruedInterest, reason: "DVP_ACCRUED" },
    ],
    ...common,
  };
  const failed = moveUnits(execution, [securities, cash]);
  if (failed !== undefined) return failed;
  const instrument = present(execution.state.instruments.get(terms.isin), "instrument");
  recordPrimaryCost(execution.state, instrument, {
    account: securitiesAccount,
    face,
    cost: cleanAmount,
  });
  execution.emit({
    type: "settlementFinal",
    body: {
      settlementRef,
      isin: terms.isin,
      face,
      cleanAmount,
      accruedInterest,
      delivererAccount: terms.issuanceAccount,
      receiverAccount: securitiesAccount,
      payerCashAccount: cashAccount,
      payeeCashAccount: terms.cashAccount,
    },
  });
  return undefined;
}

/** The units cease to be, and what they had used of the programme is free again. */
function buyBack(
  execution: Execution,
  { terms }: Auction,
  allotment: Allotment,
): Failure | undefined {
  const { face, cleanAmount, accruedInterest, securitiesAccount, cashAccount } = allotment;
  const settlementRef = settlementRefOf(allotment);
  const fields = { from: "from", to: "to" };
  const common = { purpose: "BUY_BACK", reference: settlementRef, fields } as const;
  const securities: UnitMovement = {
    from: accountOf(execution, securitiesAccount),
    to: undefined,
    asset: terms.isin,
    parts: [{ amount: face, reason: "BUY_BACK" }],
    ...common,
  };
  const cash: UnitMovement = {
    from: accountOf(execution, terms.cashAccount),
    to: accountOf(execution, cashAccount),
    asset: CBDC,
    parts: [
      { amount: cleanAmount, reason: "BUY_BACK_CLEAN" },
      { amount: accruedInterest, reason: "BUY_BACK_ACCRUED" },
    ],
    ...common,
  };
  const failed = moveUnits(execution, [securities, cash]);
  if (failed !== undefined) return failed;
  const releasedUsdCents = takeFromSupply(execution, terms.isin, face);
  execution.emit({
    type: "unitsBoughtBack",
    body: {
      settlementRef,
      isin: terms.isin,
      face,
      cleanAmount,
      accruedInterest,
      securitiesAccount,
      cashAccount,
      payerCashAccount: terms.cashAccount,
      releasedUsdCents,
    },
  });
  return undefined;
}
