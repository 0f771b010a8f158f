import type { EventFilterJson } from "../../client/rpc/methods.ts";
import type { LedgerEvent } from "../../ledger/events.ts";

/** Accounts that an event concerns: whoever follows one of them wants to see it. */
export function accountsOf(event: LedgerEvent): readonly string[] {
  switch (event.type) {
    case "posting":
    case "trancheIssued":
    case "cbdcMinted":
      return [event.body.account];
    case "accountOpened": {
      const { account, parent } = event.body;
      return parent === undefined ? [account] : [account, parent];
    }
    case "settlementFinal": {
      const { delivererAccount, receiverAccount, payerCashAccount, payeeCashAccount } = event.body;
      return [delivererAccount, receiverAccount, payerCashAccount, payeeCashAccount];
    }
    case "instrumentRegistered":
    case "instrumentAuthorised":
    case "fxRateRecorded":
    case "validatorChangeProposed":
    case "validatorChangeWithdrawn":
    case "validatorReady":
    case "epochBegun":
    case "evidenceRecorded":
      return [];
  }
}

export function admits(filter: EventFilterJson | undefined, event: LedgerEvent): boolean {
  if (filter === undefined) return true;
  if (filter.types !== undefined && !filter.types.includes(event.type)) return false;
  return filter.account === undefined || accountsOf(event).includes(filter.account);
}
