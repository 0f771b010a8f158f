import type { StateReader } from "../state-reader.ts";
import { type Auction, auctionTable } from "./auction-record.ts";
import {
  type Allotment,
  allotmentTable,
  type Bid,
  type Bidder,
  bidderId,
  bidderTable,
  bidId,
  bidTable,
} from "./bid-record.ts";

/** Answers about auctions out of committed state. */

export interface AuctionView extends Auction {
  /** In the order of commitment; what a sealed bid offers is undefined. */
  readonly book: readonly (Bid & { readonly allotment: Allotment | undefined })[];
}

/** An auction with all its bids: at most 1,024. */
export function auctionView(state: StateReader, id: string): AuctionView | undefined {
  const auction = auctionTable.read(state, id);
  if (auction === undefined) return undefined;
  const book = Array.from({ length: auction.bids }, (_, i) => i + 1).flatMap((number) => {
    const bid = bidTable.read(state, bidId(id, number));
    const allotment = allotmentTable.read(state, bidId(id, number));
    return bid === undefined ? [] : [{ ...bid, allotment }];
  });
  return { ...auction, book };
}

/** How many bids a member made in an auction, and how many it never opened. */
export function bidderView(
  state: StateReader,
  auction: string,
  member: string,
): Bidder | undefined {
  return bidderTable.read(state, bidderId(auction, member));
}
