import { type ScheduledEvent, scheduleOf } from "../instruments/schedule.ts";
import { accountTable } from "../state/account.ts";
import {
  type CorporateAction,
  type CorporateActionKey,
  corporateActionId,
  corporateActionTable,
  type WaitingPayment,
  waitingPaymentId,
  waitingPaymentTable,
} from "../state/corporate-action.ts";
import { instrumentTable } from "../state/instrument.ts";
import { memberCashTable, payoutTable } from "../state/service-accounts.ts";
import type { StateReader } from "../state-reader.ts";

/** Answers about the life of instruments out of committed state, for RPC, statements and reports. */

/** An event of the schedule and what has become of it; undefined while its day has not come. */
export interface EventView extends ScheduledEvent {
  readonly action: CorporateAction | undefined;
}

/** Every event of an instrument, past and to come, in order; nothing for an unknown one. */
export function eventsOfInstrument(state: StateReader, isin: string): readonly EventView[] {
  const instrument = instrumentTable.read(state, isin);
  if (instrument === undefined) return [];
  return scheduleOf(instrument.terms).map((event) => {
    const { type, recordDate } = event;
    return { ...event, action: corporateActionOf(state, { isin, type, recordDate }) };
  });
}

export function corporateActionOf(
  state: StateReader,
  key: CorporateActionKey,
): CorporateAction | undefined {
  return corporateActionTable.read(state, corporateActionId(key));
}

/** The payment of one account that could not be made with the others of its event. */
export function waitingPaymentOf(
  state: StateReader,
  key: CorporateActionKey,
  account: string,
): WaitingPayment | undefined {
  return waitingPaymentTable.read(state, waitingPaymentId(key, account));
}

/** The id of the cash account on which payments on a securities account are received. */
export function payoutAccountOf(state: StateReader, account: string): string | undefined {
  const named = payoutTable.read(state, account)?.cashAccount;
  if (named !== undefined) return named;
  const member = accountTable.read(state, account)?.member;
  return member === undefined ? undefined : memberCashTable.read(state, member)?.cashAccount;
}
