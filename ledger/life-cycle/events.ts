import { amount, bool, optional, record, uint } from "../../primitives/codec/schema.ts";
import { lifeCycleType, waitReason } from "../state/corporate-action.ts";
import { fixingSource } from "../state/rate-fixing.ts";
import {
  accountId,
  basisPoints,
  benchmark,
  isinText,
  isoDate,
  max35Text,
  rateE4,
} from "../types.ts";

/** What the life of instruments tells. Amounts in paisa, units in minor units of the instrument. */

const action = { isin: isinText, type: lifeCycleType, recordDate: isoDate } as const;

/** Positions of the record date are being read (the content of a seev.031). */
const corporateActionAnnounced = record({ ...action, dueDate: isoDate });

/** An event waits; told once for each reason. */
const corporateActionWaiting = record({ ...action, reason: waitReason });

/** The money of the whole event has been set aside. */
const corporateActionFunded = record({
  ...action,
  total: amount,
  units: amount,
  fundingAccount: optional(accountId),
  paymentDate: isoDate,
});

/** One account has been paid (seev.036), with what a tax voucher says. */
const entitlementPaid = record({
  ...action,
  account: accountId,
  cashAccount: accountId,
  units: amount,
  gross: amount,
  tax: amount,
  net: amount,
  taxBps: basisPoints,
  taxIsFinal: bool,
  reference: max35Text,
});

/** A payment could not be made with the others; its money stays set aside. */
const paymentWaiting = record({
  ...action,
  account: accountId,
  units: amount,
  gross: amount,
  reason: waitReason,
});

/** Units have ceased to be, and the programme has got this much back. */
const unitsRedeemed = record({
  isin: isinText,
  account: accountId,
  units: amount,
  releasedUsdCents: amount,
});

/** Every account has been paid or waits by itself. */
const corporateActionPaid = record({
  ...action,
  total: amount,
  net: amount,
  tax: amount,
  waiting: amount,
});

/** The rate of a floating instrument's period. */
const periodRateSet = record({
  isin: isinText,
  periodStart: isoDate,
  benchmark,
  benchmarkRateE4: rateE4,
  source: fixingSource,
  fixingDate: isoDate,
  rateE4,
});

const claim = {
  number: uint(),
  ...action,
  /** Got the payment though he had sold. */
  debtor: accountId,
  /** Had bought in time. */
  creditor: accountId,
  units: amount,
  settlementRef: max35Text,
} as const;

/** A trade made before the record date settled after it (the content of a sese.032). */
const marketClaimRaised = record(claim);

/** The payment was passed on. */
const marketClaimSettled = record({ ...claim, amount });

/** For the list of all events. Append. */
export const lifeCycleEvents = {
  corporateActionAnnounced,
  corporateActionWaiting,
  corporateActionFunded,
  entitlementPaid,
  paymentWaiting,
  unitsRedeemed,
  corporateActionPaid,
  periodRateSet,
  marketClaimRaised,
  marketClaimSettled,
} as const;
