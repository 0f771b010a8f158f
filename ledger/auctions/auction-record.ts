import {
  amount,
  counter,
  type Infer,
  list,
  oneOf,
  optional,
  record,
  text,
  uint,
} from "../../primitives/codec/schema.ts";
import { investorClass, investorClasses } from "../state/investor.ts";
import { Table } from "../state/table.ts";
import { accountId, basisPoints, isinText, isoDate, max35Text } from "../types.ts";

/** Identifier of an auction: short enough to stand in references together with a bid's number. */
export const auctionId = text(24, /[0-9A-Za-z][0-9A-Za-z._-]{0,23}/);

/** SALE: the sovereign sells. BUY_BACK: it takes its paper back before maturity. */
export const auctionSides = ["SALE", "BUY_BACK"] as const;
export const auctionSide = oneOf(auctionSides);

export const auctionMethods = ["MULTIPLE_PRICE", "UNIFORM_PRICE"] as const;
export const auctionMethod = oneOf(auctionMethods);

/** Clean price per 100 times 10^4; at most 1,000.0000. */
export const priceE4 = uint(10_000_000);

/** What bids without a price may be: filled whole, at the average. */
const nonCompetitive = record({
  /** The largest bid, as a part of the target; zero where there are no such bids. */
  capBps: basisPoints,
  /** The largest bid, minor units, whatever the target. */
  maxFace: amount,
  /** Decimal places of their price, at most 4. */
  priceDecimals: uint(4),
  /** Who may not make one: banks, in Pakistan. */
  ineligible: list(investorClass, investorClasses.length),
});

/** The rules of one auction as the central bank announces them. */
export const auctionTerms = {
  auction: auctionId,
  isin: isinText,
  side: auctionSide,
  method: auctionMethod,
  /** Face sought, minor units. */
  targetFace: amount,
  /** Bids at the cut-off are divided in steps of this face: PKR 50m for government paper. */
  step: amount,
  nonCompetitive,
  /** Unix milliseconds: commitments are taken until then, and opened from then on. */
  commitUntilMs: counter,
  revealUntilMs: counter,
  /** The next business day after that on which commitments close. */
  settlementDate: isoDate,
  /** SALE: the ISSUANCE account that delivers. BUY_BACK: one of the same kind, for the record. */
  issuanceAccount: accountId,
  /** The sovereign's account that is paid, or pays. */
  cashAccount: accountId,
  /** The sovereign's mandate under which the agent acts. */
  mandateRef: max35Text,
} as const;
const termsSchema = record(auctionTerms);
export type AuctionTerms = Infer<typeof termsSchema>;

/**
 * OPEN: takes commitments, then lets them be opened. CLOSED: the bids that stand are known.
 * ALLOTTED and REJECTED: the sovereign and the central bank have decided.
 */
export const auctionStatuses = ["OPEN", "CLOSED", "ALLOTTED", "REJECTED"] as const;
export const auctionStatus = oneOf(auctionStatuses);

const schema = record({
  terms: termsSchema,
  status: auctionStatus,
  /** Commitments made; they are numbered from 1. */
  bids: uint(),
  /** Allotments that still wait for settlement. */
  unsettled: uint(),
  result: optional(
    record({
      cutOffE4: priceE4,
      competitiveFace: amount,
      /** Face allotted in all. */
      allottedFace: amount,
      averagePriceE4: priceE4,
    }),
  ),
});
export type Auction = Infer<typeof schema>;

export const auctionTable = new Table<Auction>({
  name: "auction",
  schema,
  idOf: ({ terms }) => terms.auction,
  remember: true,
});
