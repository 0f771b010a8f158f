import { type Infer, record } from "../../../primitives/codec/schema.ts";
import { auctionId, auctionTable } from "../../auctions/auction-record.ts";
import { closeBook } from "../../auctions/closing.ts";
import { type Execution, type Failure, failure } from "../../execution.ts";
import { transactionKind } from "../transaction-kind.ts";

const payload = record({ auction: auctionId });
type Payload = Infer<typeof payload>;

export const closeAuction = transactionKind({
  kind: "close-auction",
  summary:
    "Ends the opening of bids: what was not opened is void, and the bids that stand are known.",
  payload,
  signers: [{ by: "role", role: "CENTRAL_BANK" }],
  keyPurpose: "TRANSACTION",
  success: "APPLIED",
  failures: ["AUCTION_UNKNOWN", "AUCTION_PHASE"],
  execute,
});

function execute({ auction: id }: Payload, execution: Execution): Failure | undefined {
  const auctions = execution.state.of(auctionTable);
  const auction = auctions.get(id);
  if (auction === undefined) return failure("AUCTION_UNKNOWN", "auction");
  if (auction.status !== "OPEN" || execution.timestampMs < auction.terms.revealUntilMs) {
    return failure("AUCTION_PHASE", "auction");
  }
  const standing = closeBook(execution, auction);
  let competitiveFace = 0n;
  let nonCompetitiveFace = 0n;
  for (const { content } of standing) {
    if (content?.priceE4 === undefined) nonCompetitiveFace += content?.face ?? 0n;
    else competitiveFace += content.face;
  }
  auctions.put({ ...auction, status: "CLOSED" });
  execution.emit({
    type: "auctionClosed",
    body: { auction: id, bids: standing.length, competitiveFace, nonCompetitiveFace },
  });
  return undefined;
}
