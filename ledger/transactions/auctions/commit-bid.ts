import { hash, type Infer, record } from "../../../primitives/codec/schema.ts";
import { auctionId, auctionTable } from "../../auctions/auction-record.ts";
import {
  bidderId,
  bidderTable,
  bidTable,
  commitmentId,
  commitmentTable,
} from "../../auctions/bid-record.ts";
import { mayBid } from "../../auctions/bidders.ts";
import { MAX_AUCTION_BIDS, MAX_BIDS_PER_MEMBER } from "../../auctions/closing.ts";
import { type Execution, type Failure, failure } from "../../execution.ts";
import { memberId } from "../../types.ts";
import { transactionKind } from "../transaction-kind.ts";

const payload = record({
  auction: auctionId,
  bidder: memberId,
  /** SHA-256 of the bid and its salt, as `commitmentOf` makes it. */
  commitment: hash,
});
type Payload = Infer<typeof payload>;

export const commitBid = transactionKind({
  kind: "commit-bid",
  summary: "Hands in a sealed bid: a hash that binds the bidder and tells nobody anything.",
  payload,
  signers: [{ by: "member-in", field: "bidder" }],
  keyPurpose: "TRANSACTION",
  success: "APPLIED",
  failures: [
    "MEMBER_UNKNOWN",
    "AUCTION_UNKNOWN",
    "BID_EXISTS",
    "MEMBER_WRONG_ROLE",
    "AUCTION_PHASE",
    "LIMIT_REACHED",
  ],
  execute,
});

function execute(payload: Payload, execution: Execution): Failure | undefined {
  const { auction: id, bidder: memberName, commitment } = payload;
  const { state, height, timestampMs } = execution;
  const member = state.members.get(memberName);
  if (member === undefined) return failure("MEMBER_UNKNOWN", "bidder");
  const auction = state.of(auctionTable).get(id);
  if (auction === undefined) return failure("AUCTION_UNKNOWN", "auction");
  const commitments = state.of(commitmentTable);
  if (commitments.get(commitmentId(id, memberName, commitment)) !== undefined) {
    return failure("BID_EXISTS", "commitment");
  }
  const instrument = state.instruments.get(auction.terms.isin);
  if (instrument === undefined || !mayBid(member, instrument)) {
    return failure("MEMBER_WRONG_ROLE", "bidder");
  }
  if (auction.status !== "OPEN" || timestampMs >= auction.terms.commitUntilMs) {
    return failure("AUCTION_PHASE", "auction");
  }
  const bidders = state.of(bidderTable);
  const bidder = bidders.get(bidderId(id, memberName));
  const bids = (bidder?.bids ?? 0) + 1;
  if (bids > MAX_BIDS_PER_MEMBER) return failure("LIMIT_REACHED", "bidder");
  const number = auction.bids + 1;
  if (number > MAX_AUCTION_BIDS) return failure("LIMIT_REACHED", "auction");
  const common = { auction: id, member: memberName, number };
  state.of(auctionTable).put({ ...auction, bids: number });
  bidders.put({ auction: id, member: memberName, bids, unrevealed: 0 });
  commitments.put({ ...common, commitment });
  state.of(bidTable).put({
    ...common,
    commitment,
    committedAtHeight: height,
    status: "COMMITTED",
    voidReason: undefined,
    content: undefined,
  });
  execution.emit({ type: "bidCommitted", body: common });
  return undefined;
}
