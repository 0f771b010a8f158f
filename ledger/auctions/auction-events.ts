import {
  amount,
  bool,
  counter,
  type Infer,
  oneOf,
  optional,
  record,
  uint,
} from "../../primitives/codec/schema.ts";
import { outcomeCodes } from "../outcome.ts";
import { accountId, isinText, isoDate, max35Text, memberId } from "../types.ts";
import { auctionId, auctionMethod, auctionSide, priceE4 } from "./auction-record.ts";
import { voidReason } from "./bid-record.ts";

export const auctionAnnounced = record({
  auction: auctionId,
  isin: isinText,
  side: auctionSide,
  method: auctionMethod,
  targetFace: amount,
  commitUntilMs: counter,
  revealUntilMs: counter,
  settlementDate: isoDate,
});

/** A sealed bid was taken; what it says is not known. */
export const bidCommitted = record({ auction: auctionId, number: uint(), member: memberId });

export const bidWithdrawn = record({ auction: auctionId, number: uint(), member: memberId });

export const bidRevealed = record({
  auction: auctionId,
  number: uint(),
  member: memberId,
  face: amount,
  /** Undefined: non-competitive. */
  priceE4: optional(priceE4),
});

export const bidVoided = record({
  auction: auctionId,
  number: uint(),
  member: memberId,
  reason: voidReason,
});

export const auctionClosed = record({
  auction: auctionId,
  /** Bids that stand, and the face of those with and without a price. */
  bids: uint(),
  competitiveFace: amount,
  nonCompetitiveFace: amount,
});

export const auctionDecided = record({
  auction: auctionId,
  isin: isinText,
  /** Undefined when all bids were rejected. */
  cutOffE4: optional(priceE4),
  averagePriceE4: optional(priceE4),
  allottedFace: amount,
  allotments: uint(),
});

export const bidAllotted = record({
  auction: auctionId,
  number: uint(),
  member: memberId,
  face: amount,
  priceE4,
  cleanAmount: amount,
  accruedInterest: amount,
  settlementDate: isoDate,
});

/** An allotment could not be settled and waits for the next try, or is given up. */
export const allotmentNotSettled = record({
  auction: auctionId,
  number: uint(),
  member: memberId,
  reason: oneOf(outcomeCodes),
  isFinal: bool,
});

/** Units came back to the sovereign against cash and ceased to be. */
export const unitsBoughtBack = record({
  settlementRef: max35Text,
  isin: isinText,
  face: amount,
  securitiesAccount: accountId,
  cashAccount: accountId,
  payerCashAccount: accountId,
  cleanAmount: amount,
  accruedInterest: amount,
  /** US cents that the programme has free again. */
  releasedUsdCents: amount,
});
export type UnitsBoughtBack = Infer<typeof unitsBoughtBack>;

/** Units created and sold at a fixed price outside an auction. */
export const tapSold = record({
  tapRef: max35Text,
  isin: isinText,
  face: amount,
  priceE4,
  securitiesAccount: accountId,
});

/** Put into the list of events by the name under which each stands there. */
export const auctionEvents = {
  auctionAnnounced,
  bidCommitted,
  bidWithdrawn,
  bidRevealed,
  bidVoided,
  auctionClosed,
  auctionDecided,
  bidAllotted,
  allotmentNotSettled,
  unitsBoughtBack,
  tapSold,
} as const;
