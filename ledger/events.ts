import { decode, encode } from "../primitives/codec/codec.ts";
import {
  amount,
  counter,
  hash,
  type Infer,
  list,
  oneOf,
  optional,
  record,
  text,
  uint,
  union,
} from "../primitives/codec/schema.ts";
import { auctionEvents } from "./auctions/auction-events.ts";
import { collateralEvents } from "./collateral/collateral-events.ts";
import { instructionEventRecords } from "./instructions/instruction-events.ts";
import { instrumentEvents } from "./instruments/events.ts";
import { lifeCycleEvents } from "./life-cycle/events.ts";
import { MAX_PENDING_CHANGES, MAX_TOTAL_WEIGHT, MAX_VALIDATORS } from "./limits.ts";
import { nettingEvents } from "./netting/cycle-record.ts";
import { claimPart } from "./state/claim.ts";
import { instrumentType } from "./state/instrument.ts";
import { changeTiming, validatorAction } from "./state/validator-change.ts";
import {
  accountId,
  accountKind,
  accountOwnership,
  accountWindow,
  assetId,
  cashAssetId,
  claimHolder,
  fxRateE4,
  investorId,
  isinText,
  isoDate,
  max35Text,
  memberId,
} from "./types.ts";

/** Why units moved. A closed list: append, never reorder. */
export const postingReasons = [
  "ISSUE",
  "MINT",
  "CASH_TRANSFER",
  "DVP_SECURITIES",
  "DVP_CLEAN",
  "DVP_ACCRUED",
  "CASH_REDEEM",
  "INSTRUCTED_DELIVERY",
  "INSTRUCTED_PAYMENT",
  "COUPON",
  "RENTAL",
  "REDEMPTION_PAID",
  "WITHHOLDING_TAX",
  "MARKET_CLAIM",
  "REDEMPTION",
  "LAPSE",
  "DELIVERED_IN_KIND",
  "BUY_BACK",
  "BUY_BACK_CLEAN",
  "BUY_BACK_ACCRUED",
  "REPO_SECURITIES",
  "REPO_CASH",
  "REPO_INTEREST",
  "CREDIT_DRAWN",
  "CREDIT_REPAID",
  "COLLATERAL_ENFORCED",
] as const;
export const postingReason = oneOf(postingReasons);
export type PostingReason = Infer<typeof postingReason>;

/** Reasons under which units come into being or cease to be: their other side is the supply. */
export const supplyReasons: ReadonlySet<PostingReason> = new Set([
  "ISSUE",
  "MINT",
  "CASH_REDEEM",
  "REDEMPTION",
  "LAPSE",
  "DELIVERED_IN_KIND",
  "BUY_BACK",
]);

/** One movement on one account: a statement is the list of an account's postings. */
const posting = record({
  account: accountId,
  asset: assetId,
  direction: oneOf(["DEBIT", "CREDIT"]),
  /** Minor units, above zero. */
  amount,
  reason: postingReason,
  /** The business reference of the transaction that caused it. */
  reference: max35Text,
});
export type Posting = Infer<typeof posting>;

/** Units of a balance were set aside for a holder, or given back: what the holder now has. */
const claimChanged = record({
  part: claimPart,
  account: accountId,
  asset: assetId,
  holder: claimHolder,
  /** Minor units after the change; zero when the claim has ended. */
  amount,
});

const accountOpened = record({
  account: accountId,
  kind: accountKind,
  member: memberId,
  investor: optional(investorId),
  parent: optional(accountId),
  ownership: accountOwnership,
  window: accountWindow,
});

const instrumentRegistered = record({
  isin: isinText,
  instrument: instrumentType,
  denomination: amount,
  issueDate: isoDate,
  /** Nothing for what has no maturity. */
  maturityDate: optional(isoDate),
});

const instrumentAuthorised = record({
  isin: isinText,
  /** Face added by this authorisation and in total, minor units. */
  added: amount,
  authorised: amount,
  mandateRef: max35Text,
});

const fxRateRecorded = record({
  rateE4: fxRateE4,
  effectiveFromMs: counter,
  reference: max35Text,
});

const trancheIssued = record({
  isin: isinText,
  tranche: uint(),
  account: accountId,
  face: amount,
  usdCents: amount,
  fxRateE4,
  mandateRef: max35Text,
});

const cbdcMinted = record({
  account: accountId,
  amount,
  reserveRef: max35Text,
});

const cashAssetRegistered = record({
  asset: cashAssetId,
  currency: text(3),
  issuer: memberId,
});

/** An issuer took on a claim against itself. */
const cashClaimIssued = record({
  asset: cashAssetId,
  issuer: memberId,
  account: accountId,
  amount,
  reserveRef: max35Text,
});

/** Coins or claims went back to their issuer and ceased to be. */
const cashRedeemed = record({
  asset: cashAssetId,
  account: accountId,
  amount,
  reference: max35Text,
});

/** Both legs of one settlement, final with the block (the content of a sese.025). */
const settlementFinal = record({
  settlementRef: max35Text,
  isin: isinText,
  face: amount,
  delivererAccount: accountId,
  receiverAccount: accountId,
  payerCashAccount: accountId,
  payeeCashAccount: accountId,
  cleanAmount: amount,
  accruedInterest: amount,
});
export type SettlementFinal = Infer<typeof settlementFinal>;

const validatorChangeProposed = record({
  action: validatorAction,
  name: memberId,
  member: memberId,
  timing: changeTiming,
});

const validatorChangeWithdrawn = record({
  action: validatorAction,
  name: memberId,
  member: memberId,
});

const validatorReady = record({ name: memberId, member: memberId, epoch: counter });

/** Written by the block that closed the epoch before. */
const epochBegun = record({
  epoch: counter,
  /** Height of its first block. */
  startHeight: counter,
  setHash: hash,
  applied: list(record({ action: validatorAction, name: memberId }), MAX_PENDING_CHANGES),
  /** In index order. */
  validators: list(
    record({ name: memberId, member: memberId, weight: uint(MAX_TOTAL_WEIGHT) }),
    MAX_VALIDATORS,
  ),
});

/** A validator's key contradicted itself; the proof stands in the block's header. */
const evidenceRecorded = record({
  hash,
  validator: memberId,
  member: memberId,
  epoch: counter,
  view: counter,
});

/** Every kind of event. A closed list: append, never reorder. */
export const eventSchema = union({
  posting,
  accountOpened,
  instrumentRegistered,
  instrumentAuthorised,
  fxRateRecorded,
  trancheIssued,
  cbdcMinted,
  settlementFinal,
  validatorChangeProposed,
  validatorChangeWithdrawn,
  validatorReady,
  epochBegun,
  evidenceRecorded,
  claimChanged,
  cashAssetRegistered,
  cashClaimIssued,
  cashRedeemed,
  ...instructionEventRecords,
  ...lifeCycleEvents,
  ...instrumentEvents,
  ...auctionEvents,
  ...collateralEvents,
  ...nettingEvents,
});
export type LedgerEvent = Infer<typeof eventSchema>;
export type EventType = LedgerEvent["type"];

/** Stands for a transaction where the block itself caused the event. */
export const NO_TRANSACTION = "00".repeat(32);

/**
 * An event and where it happened; (height, txIndex, eventIndex) orders all events of a chain as they
 * happened. What the block itself causes has a txId of zeros. It comes last, with the number of the
 * block's transactions as txIndex; what its steps do before the transactions comes first, with 0.
 */
export const placedEventSchema = record({
  height: counter,
  txIndex: uint(),
  eventIndex: uint(),
  txId: hash,
  event: eventSchema,
});
export interface PlacedEvent {
  readonly height: number;
  readonly txIndex: number;
  readonly eventIndex: number;
  readonly txId: string;
  readonly event: LedgerEvent;
}

export function encodeEvent(placed: PlacedEvent): Uint8Array {
  return encode(placedEventSchema, placed, "event");
}

/** Throws CodecError on bytes that are not one canonical event. */
export function decodeEvent(bytes: Uint8Array): PlacedEvent {
  return decode(placedEventSchema, bytes, undefined, "event");
}
