import { present } from "../../../primitives/assert.ts";
import { amount, type Infer, optional, record } from "../../../primitives/codec/schema.ts";
import { auctionId, auctionTable, priceE4 } from "../../auctions/auction-record.ts";
import { acceptBids } from "../../auctions/decision.ts";
import { type Execution, type Failure, failure } from "../../execution.ts";
import { issuanceCodes } from "../../issuance.ts";
import type { FailureCode } from "../../outcome.ts";
import { transactionKind } from "../transaction-kind.ts";

const payload = record({
  auction: auctionId,
  /** Undefined: all bids are rejected. */
  acceptance: optional(
    record({
      /** The last price that is served; bids stand at it. */
      cutOffE4: priceE4,
      /** Face for competitive bids, minor units, above that of the bids beyond the cut-off. */
      competitiveFace: amount,
    }),
  ),
});
type Payload = Infer<typeof payload>;

/** The announcement has seen to the others: what is auctioned is authorised and valued per 100. */
const settledBefore: readonly FailureCode[] = [
  "INSTRUMENT_NOT_AUTHORISED",
  "ASSET_MATURED",
  "DENOMINATION",
  "PRICE_MISSING",
  "ATTESTATION_STALE",
  "ATTESTED_EXCEEDED",
];
const saleCodes = issuanceCodes.filter((code) => !settledBefore.includes(code));

export const auctionResult = transactionKind({
  kind: "auction-result",
  summary: "Accepts bids up to a cut-off price, by which the ledger makes the allotments, or none.",
  payload,
  signers: [
    { by: "role", role: "SOVEREIGN" },
    { by: "role", role: "CENTRAL_BANK" },
  ],
  keyPurpose: "TRANSACTION",
  success: "APPLIED",
  failures: [
    "AUCTION_UNKNOWN",
    "AUCTION_PHASE",
    "CUT_OFF_INVALID",
    "PERIOD_RATE_MISSING",
    ...saleCodes,
  ],
  execute,
});

function execute(payload: Payload, execution: Execution): Failure | undefined {
  const { auction: id, acceptance } = payload;
  const { state, businessDate } = execution;
  const auction = state.of(auctionTable).get(id);
  if (auction === undefined) return failure("AUCTION_UNKNOWN", "auction");
  const { terms, status } = auction;
  // A result that comes after the settlement date would pay what accrued until then only.
  const isLate = acceptance !== undefined && businessDate > terms.settlementDate;
  if (status !== "CLOSED" || isLate) return failure("AUCTION_PHASE", "auction");
  const { isin } = terms;
  if (acceptance === undefined) {
    state.of(auctionTable).put({ ...auction, status: "REJECTED" });
    const none = { cutOffE4: undefined, averagePriceE4: undefined };
    const body = { auction: id, isin, ...none, allottedFace: 0n, allotments: 0 };
    execution.emit({ type: "auctionDecided", body });
    return undefined;
  }
  const instrument = present(state.instruments.get(isin), `instrument ${isin}`);
  return acceptBids(execution, auction, instrument, acceptance);
}
