import { type Infer, record } from "../../../primitives/codec/schema.ts";
import { auctionTable, auctionTerms } from "../../auctions/auction-record.ts";
import { businessDateOf } from "../../business-date.ts";
import { calendarIn } from "../../calendar/business-calendar.ts";
import { isValuedPer100 } from "../../collateral/collateral-terms.ts";
import { type Execution, type Failure, failure } from "../../execution.ts";
import { hasMatured } from "../../state/instrument.ts";
import { checkKinds } from "../account-checks.ts";
import { transactionKind } from "../transaction-kind.ts";

const payload = record(auctionTerms);
type Payload = Infer<typeof payload>;

export const announceAuction = transactionKind({
  kind: "announce-auction",
  summary: "Announces an auction of a security, to sell it or to buy it back, and its rules.",
  payload,
  signers: [{ by: "role", role: "CENTRAL_BANK" }],
  keyPurpose: "TRANSACTION",
  success: "APPLIED",
  failures: [
    "AMOUNT_ZERO",
    "TERMS_INVALID",
    "ACCOUNT_UNKNOWN",
    "ASSET_UNKNOWN",
    "AUCTION_EXISTS",
    "ACCOUNT_WRONG_KIND",
    "ASSET_WRONG_TYPE",
    "COUNTERPARTY_NOT_MATCHED",
    "INSTRUMENT_NOT_AUTHORISED",
    "ASSET_MATURED",
    "DENOMINATION",
  ],
  execute,
});

function execute(payload: Payload, execution: Execution): Failure | undefined {
  const { isin, targetFace, step } = payload;
  const { state } = execution;
  if (targetFace === 0n) return failure("AMOUNT_ZERO", "targetFace");
  if (step === 0n) return failure("AMOUNT_ZERO", "step");
  const untimely = checkTimes(payload, execution);
  if (untimely !== undefined) return untimely;
  const issuance = state.accounts.get(payload.issuanceAccount);
  if (issuance === undefined) return failure("ACCOUNT_UNKNOWN", "issuanceAccount");
  const cash = state.accounts.get(payload.cashAccount);
  if (cash === undefined) return failure("ACCOUNT_UNKNOWN", "cashAccount");
  const instrument = state.instruments.get(isin);
  const supply = state.supplies.get(isin);
  if (instrument === undefined || supply === undefined) return failure("ASSET_UNKNOWN", "isin");
  const auctions = state.of(auctionTable);
  if (auctions.get(payload.auction) !== undefined) return failure("AUCTION_EXISTS", "auction");
  const wrongKind = checkKinds([
    { field: "issuanceAccount", account: issuance, kinds: ["ISSUANCE"] },
    { field: "cashAccount", account: cash, kinds: ["CASH_CBDC"] },
  ]);
  if (wrongKind !== undefined) return wrongKind;
  if (!isValuedPer100(instrument.terms)) return failure("ASSET_WRONG_TYPE", "isin");
  if (state.members.get(cash.member)?.roles.includes("SOVEREIGN") !== true) {
    return failure("COUNTERPARTY_NOT_MATCHED", "cashAccount");
  }
  if ((supply.authorised ?? 0n) === 0n) return failure("INSTRUMENT_NOT_AUTHORISED", "isin");
  if (hasMatured(instrument.terms, payload.settlementDate)) return failure("ASSET_MATURED", "isin");
  const { denomination } = instrument.terms.body;
  if (targetFace % denomination !== 0n) return failure("DENOMINATION", "targetFace");
  if (step % denomination !== 0n) return failure("DENOMINATION", "step");

  auctions.put({ terms: payload, status: "OPEN", bids: 0, unsettled: 0, result: undefined });
  const { auction, side, method, commitUntilMs, revealUntilMs, settlementDate } = payload;
  execution.emit({
    type: "auctionAnnounced",
    body: {
      auction,
      isin,
      side,
      method,
      targetFace,
      commitUntilMs,
      revealUntilMs,
      settlementDate,
    },
  });
  return undefined;
}

/** Commitments close ahead, bids open after that, and settlement is on the next business day. */
function checkTimes(payload: Payload, execution: Execution): Failure | undefined {
  const { commitUntilMs, revealUntilMs, settlementDate, nonCompetitive } = payload;
  if (nonCompetitive.priceDecimals > 4) {
    return failure("TERMS_INVALID", "nonCompetitive.priceDecimals");
  }
  if (commitUntilMs <= execution.timestampMs) return failure("TERMS_INVALID", "commitUntilMs");
  if (revealUntilMs <= commitUntilMs || revealUntilMs - commitUntilMs > MAX_AUCTION_MS) {
    return failure("TERMS_INVALID", "revealUntilMs");
  }
  if (commitUntilMs - execution.timestampMs > MAX_AUCTION_MS) {
    return failure("TERMS_INVALID", "commitUntilMs");
  }
  const next = calendarIn(execution).addBusinessDays(businessDateOf(commitUntilMs), 1);
  return settlementDate === next ? undefined : failure("TERMS_INVALID", "settlementDate");
}

/** Auctions are announced weeks ahead at most; the bound keeps dates within the calendar. */
const MAX_AUCTION_MS = 90 * 24 * 60 * 60 * 1000;
