import { concatBytes, toHex, utf8 } from "../../primitives/bytes.ts";
import { encode } from "../../primitives/codec/codec.ts";
import {
  amount,
  counter,
  fixedBytes,
  hash,
  type Infer,
  oneOf,
  optional,
  record,
  uint,
} from "../../primitives/codec/schema.ts";
import { sha256 } from "../../primitives/sha256.ts";
import { outcomeCodes } from "../outcome.ts";
import { Table } from "../state/table.ts";
import { accountId, memberId } from "../types.ts";
import { auctionId, priceE4 } from "./auction-record.ts";

/** What a bidder offers, hidden until bids are opened. */
export const bidContent = {
  /** Minor units. */
  face: amount,
  /** Undefined for a non-competitive bid. */
  priceE4: optional(priceE4),
  /** Where the securities go, or come from. */
  securitiesAccount: accountId,
  /** The cash account that pays, or is paid. */
  cashAccount: accountId,
} as const;
const contentSchema = record(bidContent);
export type BidContent = Infer<typeof contentSchema>;

/** Random bytes that keep a bid from being guessed from its hash. */
export const salt = fixedBytes(32);

const sealed = record({
  chainId: hash,
  auction: auctionId,
  member: memberId,
  bid: contentSchema,
  salt,
});
export type SealedBid = Infer<typeof sealed>;

const TAG = utf8("MIZAN/BID/1\0");

/**
 * The hash that a bidder commits to: SHA-256("MIZAN/BID/1\0" || canonical [chainId, auction, member,
 * [face, priceE4, securitiesAccount, cashAccount], salt]). The member is in it, so nobody can open a
 * commitment that was copied from another bidder.
 */
export function commitmentOf(bid: SealedBid): string {
  return toHex(sha256(concatBytes(TAG, encode(sealed, bid, "bid"))));
}

/**
 * COMMITTED: sealed. WITHDRAWN by its bidder. REVEALED: stands. VOID: does not count, for a reason
 * that is on record.
 */
export const bidStatuses = ["COMMITTED", "WITHDRAWN", "REVEALED", "VOID"] as const;
export const bidStatus = oneOf(bidStatuses);

export const voidReasons = ["UNREVEALED", "SEVERAL_NON_COMPETITIVE"] as const;
export const voidReason = oneOf(voidReasons);

const schema = record({
  auction: auctionId,
  number: uint(),
  member: memberId,
  commitment: hash,
  committedAtHeight: counter,
  status: bidStatus,
  voidReason: optional(voidReason),
  content: optional(contentSchema),
});
export type Bid = Infer<typeof schema>;

export function bidId(auction: string, number: number): string {
  return `${auction}/${String(number).padStart(6, "0")}`;
}

export const bidTable = new Table<Bid>({
  name: "auction-bid",
  schema,
  idOf: ({ auction, number }) => bidId(auction, number),
  remember: false,
});

/** Finds a bidder's own commitment by its hash. */
const commitmentSchema = record({
  auction: auctionId,
  member: memberId,
  commitment: hash,
  number: uint(),
});
export type Commitment = Infer<typeof commitmentSchema>;

export function commitmentId(auction: string, member: string, commitment: string): string {
  return `${auction}/${member}/${commitment}`;
}

export const commitmentTable = new Table<Commitment>({
  name: "auction-commitment",
  schema: commitmentSchema,
  idOf: ({ auction, member, commitment }) => commitmentId(auction, member, commitment),
  remember: false,
});

/** What one bidder did in one auction. */
const bidderSchema = record({
  auction: auctionId,
  member: memberId,
  bids: uint(),
  /** Bids that were never opened: a mark against the bidder. */
  unrevealed: uint(),
});
export type Bidder = Infer<typeof bidderSchema>;

export function bidderId(auction: string, member: string): string {
  return `${auction}/${member}`;
}

export const bidderTable = new Table<Bidder>({
  name: "auction-bidder",
  schema: bidderSchema,
  idOf: ({ auction, member }) => bidderId(auction, member),
  remember: false,
});

/**
 * PENDING: waits for its day, or for securities or cash. SETTLED. FAILED: given up after the last
 * day on which it was tried.
 */
export const allotmentStatuses = ["PENDING", "SETTLED", "FAILED"] as const;
export const allotmentStatus = oneOf(allotmentStatuses);

const allotmentSchema = record({
  auction: auctionId,
  /** Of the bid. */
  number: uint(),
  member: memberId,
  face: amount,
  priceE4,
  /** Paisa to be paid: price, and what has accrued on the settlement date. */
  cleanAmount: amount,
  accruedInterest: amount,
  securitiesAccount: accountId,
  cashAccount: accountId,
  status: allotmentStatus,
  /** Times that it could not be settled. */
  attempts: uint(),
  /** Of the last attempt that failed. */
  lastFailure: optional(oneOf(outcomeCodes)),
});
export type Allotment = Infer<typeof allotmentSchema>;

export const allotmentTable = new Table<Allotment>({
  name: "allotment",
  schema: allotmentSchema,
  idOf: ({ auction, number }) => bidId(auction, number),
  remember: false,
});
