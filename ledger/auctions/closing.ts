import { present } from "../../primitives/assert.ts";
import type { Execution } from "../execution.ts";
import type { LedgerState } from "../state/ledger-state.ts";
import type { Auction } from "./auction-record.ts";
import {
  type Bid,
  bidderId,
  bidderTable,
  bidId,
  bidTable,
  type voidReasons,
} from "./bid-record.ts";

/** Commitments in one auction: SBP's largest have some hundreds of bids. */
export const MAX_AUCTION_BIDS = 1024;

/** Commitments of one bidder in one auction: its own and its clients'. */
export const MAX_BIDS_PER_MEMBER = 64;

/** All bids of an auction in the order of commitment. */
export function bidsOf(state: LedgerState, { terms, bids }: Auction): readonly Bid[] {
  const table = state.of(bidTable);
  return Array.from({ length: bids }, (_, i) =>
    present(table.get(bidId(terms.auction, i + 1)), `bid ${i + 1} of ${terms.auction}`),
  );
}

/**
 * Ends the opening of bids: what was not opened is void and marks its bidder; of an investor with
 * several non-competitive bids all are void. Gives the bids that stand.
 */
export function closeBook(execution: Execution, auction: Auction): readonly Bid[] {
  const bids = bidsOf(execution.state, auction);
  for (const bid of bids) {
    if (bid.status !== "COMMITTED") continue;
    voidBid(execution, bid, "UNREVEALED");
    const bidders = execution.state.of(bidderTable);
    const bidder = present(bidders.get(bidderId(bid.auction, bid.member)), "bidder");
    bidders.put({ ...bidder, unrevealed: bidder.unrevealed + 1 });
  }
  const revealed = bids.filter(({ status }) => status === "REVEALED");
  const counts = new Map<string, number>();
  for (const bid of revealed) {
    const investor = nonCompetitiveInvestor(execution.state, bid);
    if (investor !== undefined) counts.set(investor, (counts.get(investor) ?? 0) + 1);
  }
  return revealed.filter((bid) => {
    const investor = nonCompetitiveInvestor(execution.state, bid);
    if (investor === undefined || counts.get(investor) === 1) return true;
    voidBid(execution, bid, "SEVERAL_NON_COMPETITIVE");
    return false;
  });
}

/** For whom a bid without a price was made: the legal owner behind its account. */
function nonCompetitiveInvestor(state: LedgerState, { content }: Bid): string | undefined {
  if (content === undefined || content.priceE4 !== undefined) return undefined;
  return state.accounts.get(content.securitiesAccount)?.investor;
}

function voidBid(execution: Execution, bid: Bid, reason: (typeof voidReasons)[number]): void {
  execution.state.of(bidTable).put({ ...bid, status: "VOID", voidReason: reason });
  const { auction, number, member } = bid;
  execution.emit({ type: "bidVoided", body: { auction, number, member, reason } });
}
