import {
  amount,
  bool,
  type Infer,
  list,
  oneOf,
  optional,
  record,
  uint,
} from "../../primitives/codec/schema.ts";
import { DIGITS } from "../arithmetic/largest-remainder.ts";
import { accountId, isinText, isoDate, rateE4 } from "../types.ts";
import { Table } from "./table.ts";

/** Append. */
export const lifeCycleTypes = ["COUPON", "RENTAL", "REDEMPTION", "LAPSE"] as const;
export const lifeCycleType = oneOf(lifeCycleTypes);

/**
 * CAPTURING: positions of the record date are being read. AWAITING_RATE: the period's rate is not
 * known. SUMMING: the floors of all shares are being added. SELECTING: who gets an odd paisa.
 * AWAITING_FUNDS: until a business day on which the funding account covers the whole event. PAYING:
 * the money is set aside and goes out account by account. PAID: every account has been paid, or its
 * payment waits by itself. An event only ever moves forward.
 */
export const corporateActionStages = [
  "CAPTURING",
  "AWAITING_RATE",
  "SUMMING",
  "SELECTING",
  "AWAITING_FUNDS",
  "PAYING",
  "PAID",
] as const;
export const corporateActionStage = oneOf(corporateActionStages);
export type CorporateActionStage = Infer<typeof corporateActionStage>;

/** Why an event or a payment waits. Append. */
export const waitReasons = [
  "NON_BUSINESS_DAY",
  "NO_FUNDING_ACCOUNT",
  "FUNDS_SHORT",
  "FUNDING_ACCOUNT_BLOCKED",
  "NO_RATE",
  "NO_CASH_ACCOUNT",
  "CASH_ACCOUNT_BLOCKED",
  "UNITS_ENCUMBERED",
  "TAX_ACCOUNT_BLOCKED",
  "ACCOUNT_FULL",
] as const;
export const waitReason = oneOf(waitReasons);
export type WaitReason = Infer<typeof waitReason>;

const selection = record({ level: uint(16), prefix: amount, wanted: uint() });
const cut = record({ remainder: amount, ties: uint() });

/**
 * One event of an instrument's life, once for (isin, type, record date). Amounts in paisa. While it
 * is being paid: allocated = paid + waiting, paid = net + tax; when it is PAID: allocated = total.
 */
const schema = record({
  isin: isinText,
  type: lifeCycleType,
  recordDate: isoDate,
  dueDate: isoDate,
  stage: corporateActionStage,
  /** Pages of positions, and the next one that the present stage reads. */
  pages: uint(),
  page: uint(),
  /** The rate of the period; COUPON and RENTAL only. */
  rateE4: optional(rateE4),
  /** Entitled units, and the sum of the floors of their shares. */
  units: amount,
  floors: amount,
  /** What the event pays, gross. */
  total: amount,
  selection: optional(selection),
  cut: optional(cut),
  /** Whose money it is and the business day on which it was set aside. */
  fundingAccount: optional(accountId),
  paymentDate: optional(isoDate),
  allocated: amount,
  paid: amount,
  tax: amount,
  net: amount,
  /** Gross of payments that wait by themselves. */
  waiting: amount,
  reason: optional(waitReason),
});
export type CorporateAction = Infer<typeof schema>;

export type CorporateActionKey = Pick<CorporateAction, "isin" | "type" | "recordDate">;

/** What stands for the type in ids: `M` as in maturity. */
export const typeLetters = {
  COUPON: "C",
  RENTAL: "R",
  REDEMPTION: "M",
  LAPSE: "L",
} as const satisfies Readonly<Record<Infer<typeof lifeCycleType>, string>>;

/** Also the holder of the reservation on the funding account, and the reference of postings. */
export function corporateActionId({ isin, type, recordDate }: CorporateActionKey): string {
  return `CA:${isin}:${typeLetters[type]}:${recordDate}`;
}

export const corporateActionTable = new Table<CorporateAction>({
  name: "corporate-action",
  schema,
  idOf: corporateActionId,
  remember: true,
});

/** How many remainders have each value of the digit being selected. */
const countsSchema = record({
  isin: isinText,
  type: lifeCycleType,
  recordDate: isoDate,
  counts: list(uint(), DIGITS),
});
export type RemainderCounts = Infer<typeof countsSchema>;

export const remainderCountsTable = new Table<RemainderCounts>({
  name: "remainder-counts",
  schema: countsSchema,
  idOf: corporateActionId,
  remember: true,
});

/** What a capture has given: its pages once it is complete, and the events that still read them. */
const capturedSchema = record({
  isin: isinText,
  recordDate: isoDate,
  /** Pages written, and the first that has not been removed. */
  pages: uint(),
  firstPage: uint(),
  users: uint(),
  isComplete: bool,
});
export type CapturedPositions = Infer<typeof capturedSchema>;

export function capturedId(isin: string, recordDate: string): string {
  return `${isin}/${recordDate}`;
}

export const capturedTable = new Table<CapturedPositions>({
  name: "captured-positions",
  schema: capturedSchema,
  idOf: ({ isin, recordDate }) => capturedId(isin, recordDate),
  remember: true,
});

/** A payment of an event that could not be made with the others; the money stays set aside. */
const waitingSchema = record({
  isin: isinText,
  type: lifeCycleType,
  recordDate: isoDate,
  account: accountId,
  units: amount,
  gross: amount,
  reason: waitReason,
});
export type WaitingPayment = Infer<typeof waitingSchema>;

export function waitingPaymentId(key: CorporateActionKey, account: string): string {
  return `${corporateActionId(key)}/${account}`;
}

export const waitingPaymentTable = new Table<WaitingPayment>({
  name: "waiting-payment",
  schema: waitingSchema,
  idOf: (payment) => waitingPaymentId(payment, payment.account),
  remember: false,
});
