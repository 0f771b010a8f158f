import { present } from "../../../primitives/assert.ts";
import { hash, type Infer, record } from "../../../primitives/codec/schema.ts";
import { auctionId, auctionTable } from "../../auctions/auction-record.ts";
import { bidId, bidTable, commitmentId, commitmentTable } from "../../auctions/bid-record.ts";
import { type Execution, type Failure, failure } from "../../execution.ts";
import { memberId } from "../../types.ts";
import { transactionKind } from "../transaction-kind.ts";

const payload = record({ auction: auctionId, bidder: memberId, commitment: hash });
type Payload = Infer<typeof payload>;

export const withdrawBid = transactionKind({
  kind: "withdraw-bid",
  summary: "Takes a sealed bid back before commitments close.",
  payload,
  signers: [{ by: "member-in", field: "bidder" }],
  keyPurpose: "TRANSACTION",
  success: "APPLIED",
  failures: ["AUCTION_UNKNOWN", "BID_UNKNOWN", "BID_SPENT", "AUCTION_PHASE"],
  execute,
});

function execute(payload: Payload, execution: Execution): Failure | undefined {
  const { auction: id, bidder, commitment } = payload;
  const { state, timestampMs } = execution;
  const auction = state.of(auctionTable).get(id);
  if (auction === undefined) return failure("AUCTION_UNKNOWN", "auction");
  const found = state.of(commitmentTable).get(commitmentId(id, bidder, commitment));
  if (found === undefined) return failure("BID_UNKNOWN", "commitment");
  const { number } = found;
  const bid = present(state.of(bidTable).get(bidId(id, number)), `bid ${number} of ${id}`);
  if (bid.status !== "COMMITTED") return failure("BID_SPENT", "commitment");
  if (timestampMs >= auction.terms.commitUntilMs) return failure("AUCTION_PHASE", "auction");
  state.of(bidTable).put({ ...bid, status: "WITHDRAWN" });
  execution.emit({ type: "bidWithdrawn", body: { auction: id, number, member: bidder } });
  return undefined;
}
