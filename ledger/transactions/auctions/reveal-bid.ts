import { present } from "../../../primitives/assert.ts";
import { type Infer, record } from "../../../primitives/codec/schema.ts";
import { type Auction, auctionId, auctionTable } from "../../auctions/auction-record.ts";
import {
  type Bid,
  bidContent,
  bidId,
  bidTable,
  commitmentId,
  commitmentOf,
  commitmentTable,
  salt,
} from "../../auctions/bid-record.ts";
import { checkNonCompetitive } from "../../auctions/bidders.ts";
import { type Execution, type Failure, failure } from "../../execution.ts";
import type { Account } from "../../state/account.ts";
import { memberId } from "../../types.ts";
import { checkKinds } from "../account-checks.ts";
import { transactionKind } from "../transaction-kind.ts";

const payload = record({ auction: auctionId, bidder: memberId, bid: record(bidContent), salt });
type Payload = Infer<typeof payload>;

export const revealBid = transactionKind({
  kind: "reveal-bid",
  summary: "Opens a sealed bid after commitments have closed; it then stands.",
  payload,
  signers: [{ by: "member-in", field: "bidder" }],
  keyPurpose: "TRANSACTION",
  success: "APPLIED",
  failures: [
    "AMOUNT_ZERO",
    "ACCOUNT_UNKNOWN",
    "AUCTION_UNKNOWN",
    "BID_UNKNOWN",
    "BID_SPENT",
    "ACCOUNT_WRONG_KIND",
    "COUNTERPARTY_NOT_MATCHED",
    "AUCTION_PHASE",
    "BID_NOT_ADMITTED",
    "DENOMINATION",
  ],
  execute,
});

function execute(payload: Payload, execution: Execution): Failure | undefined {
  const { auction: id, bid: content, bidder } = payload;
  const { state } = execution;
  if (content.face === 0n) return failure("AMOUNT_ZERO", "bid.face");
  if (content.priceE4 === 0) return failure("AMOUNT_ZERO", "bid.priceE4");
  const securities = state.accounts.get(content.securitiesAccount);
  if (securities === undefined) return failure("ACCOUNT_UNKNOWN", "bid.securitiesAccount");
  const cash = state.accounts.get(content.cashAccount);
  if (cash === undefined) return failure("ACCOUNT_UNKNOWN", "bid.cashAccount");
  const auction = state.of(auctionTable).get(id);
  if (auction === undefined) return failure("AUCTION_UNKNOWN", "auction");
  const bid = committedBid(payload, execution);
  if (bid === undefined) return failure("BID_UNKNOWN", "bid");
  if (bid.status !== "COMMITTED") return failure("BID_SPENT", "bid");
  const refused = checkContent(payload, execution, auction, { securities, cash });
  if (refused !== undefined) return refused;

  state.of(bidTable).put({ ...bid, status: "REVEALED", content });
  const { number } = bid;
  const { face, priceE4 } = content;
  execution.emit({
    type: "bidRevealed",
    body: { auction: id, number, member: bidder, face, priceE4 },
  });
  return undefined;
}

/** The bidder's commitment that this bid and salt open. */
function committedBid(payload: Payload, { state }: Execution): Bid | undefined {
  const { auction, bidder: member, bid, salt: hidden } = payload;
  const { chainId } = state.chain;
  const commitment = commitmentOf({ chainId, auction, member, bid, salt: hidden });
  const found = state.of(commitmentTable).get(commitmentId(auction, member, commitment));
  if (found === undefined) return undefined;
  const { number } = found;
  return present(state.of(bidTable).get(bidId(auction, number)), `bid ${number} of ${auction}`);
}

function checkContent(
  payload: Payload,
  execution: Execution,
  { terms, status }: Auction,
  { securities, cash }: { readonly securities: Account; readonly cash: Account },
): Failure | undefined {
  const { bid: content, bidder } = payload;
  const { timestampMs, state } = execution;
  const wrongKind = checkKinds([
    { field: "bid.securitiesAccount", account: securities, kinds: ["SGLA", "IPS"] },
    { field: "bid.cashAccount", account: cash, kinds: ["CASH_CBDC"] },
  ]);
  if (wrongKind !== undefined) return wrongKind;
  if (securities.member !== bidder) {
    return failure("COUNTERPARTY_NOT_MATCHED", "bid.securitiesAccount");
  }
  if (cash.member !== bidder) return failure("COUNTERPARTY_NOT_MATCHED", "bid.cashAccount");
  const isOpen = terms.commitUntilMs <= timestampMs && timestampMs < terms.revealUntilMs;
  if (status !== "OPEN" || !isOpen) return failure("AUCTION_PHASE", "auction");
  if (content.priceE4 === undefined) {
    const refused = checkNonCompetitive(execution, terms, content, securities);
    if (refused !== undefined) return refused;
  }
  const instrument = present(state.instruments.get(terms.isin), `instrument ${terms.isin}`);
  const isWhole = content.face % instrument.terms.body.denomination === 0n;
  return isWhole ? undefined : failure("DENOMINATION", "bid.face");
}
