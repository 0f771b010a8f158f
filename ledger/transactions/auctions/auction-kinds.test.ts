import { describe, expect, test } from "vitest";
import type { AuctionTerms } from "../../auctions/auction-record.ts";
import { auctionTable } from "../../auctions/auction-record.ts";
import type { BidContent } from "../../auctions/bid-record.ts";
import { MAX_AUCTION_BIDS, MAX_BIDS_PER_MEMBER } from "../../auctions/closing.ts";
import { balanceOf, supplyOf } from "../../queries.ts";
import {
  accept,
  auctionOf,
  bankBid,
  both,
  closedAuction,
  commit,
  commitment,
  dealersLedger,
  HOUR_MS,
  MILLION,
  openInvestor,
  passTo,
  reveal,
  saltOf,
  testTerms,
} from "../../testing/auction-ledger.ts";
import { OTHER_PIB, PIB, PIB_TERMS } from "../../testing/test-ledger.ts";

const PARTIAL = 5_000_000n; // half a denomination

describe("announce-auction", () => {
  const rows: readonly (readonly [string, string | undefined, Partial<AuctionTerms>])[] = [
    ["AMOUNT_ZERO", "targetFace", { targetFace: 0n }],
    ["AMOUNT_ZERO", "step", { step: 0n }],
    ["TERMS_INVALID", "settlementDate", { settlementDate: "2025-11-27" }],
    ["TERMS_INVALID", "commitUntilMs", { commitUntilMs: 1 }],
    ["TERMS_INVALID", "commitUntilMs", { commitUntilMs: 9e12, revealUntilMs: 9e12 + 1 }],
    ["TERMS_INVALID", "revealUntilMs", { revealUntilMs: 1 }],
    ["TERMS_INVALID", "revealUntilMs", { revealUntilMs: 9e12 }],
    ["ACCOUNT_UNKNOWN", "issuanceAccount", { issuanceAccount: "X" }],
    ["ACCOUNT_UNKNOWN", "cashAccount", { cashAccount: "X" }],
    ["ASSET_UNKNOWN", "isin", { isin: OTHER_PIB }],
    ["ACCOUNT_WRONG_KIND", "issuanceAccount", { issuanceAccount: "SGLA-HBL" }],
    ["ACCOUNT_WRONG_KIND", "cashAccount", { cashAccount: "SGLA-HBL" }],
    ["COUNTERPARTY_NOT_MATCHED", "cashAccount", { cashAccount: "CASH-HBL" }],
    ["DENOMINATION", "targetFace", { targetFace: PARTIAL }],
    ["DENOMINATION", "step", { step: PARTIAL }],
  ];
  test.each(rows)("%s %s", (code, field, change) => {
    const ledger = dealersLedger();
    const receipt = ledger.send("announce-auction", testTerms(ledger, change));
    expect([receipt.outcome.code, receipt.field]).toEqual([code, field]);
  });

  test("AUCTION_EXISTS, INSTRUMENT_NOT_AUTHORISED, ASSET_MATURED", () => {
    const ledger = dealersLedger();
    ledger.mustSend("announce-auction", testTerms(ledger));
    const again = ledger.send("announce-auction", testTerms(ledger));
    expect(again.outcome.code).toBe("AUCTION_EXISTS");
    ledger.mustSend("register-instrument", { isin: OTHER_PIB, terms: PIB_TERMS }, both);
    const unauthorised = testTerms(ledger, { auction: "A2", isin: OTHER_PIB });
    const refused = ledger.send("announce-auction", unauthorised);
    expect(refused.outcome.code).toBe("INSTRUMENT_NOT_AUTHORISED");
    const old = dealersLedger();
    passTo(old, Date.UTC(2028, 7, 18, 5));
    const late = testTerms(old, { settlementDate: "2028-08-21" });
    expect(old.send("announce-auction", late).outcome.code).toBe("ASSET_MATURED");
  });

  test("only the central bank announces and closes; the result needs the sovereign too", () => {
    const ledger = dealersLedger();
    const terms = testTerms(ledger);
    const forged = ledger.send("announce-auction", terms, { member: "HBL" });
    expect(forged.field).toBe("role CENTRAL_BANK");
    const alone = { auction: "X", acceptance: undefined };
    expect(ledger.send("auction-result", alone).field).toBe("role SOVEREIGN");
    const closing = ledger.send("close-auction", { auction: "X" }, { member: "HBL" });
    expect(closing.field).toBe("role CENTRAL_BANK");
  });
});

describe("commit-bid", () => {
  const sealed = { auction: "PIB-3Y-1", bidder: "UBL", commitment: "ab".repeat(32) };

  test("codes", () => {
    const ledger = dealersLedger();
    const terms = testTerms(ledger);
    ledger.mustSend("announce-auction", terms);
    const codeOf = (changes: Partial<typeof sealed>, member = "UBL") => {
      const payload = { ...sealed, bidder: member, ...changes };
      return ledger.send("commit-bid", payload, { member, signers: [member] }).outcome.code;
    };
    expect(codeOf({ auction: "X" })).toBe("AUCTION_UNKNOWN");
    expect(codeOf({}, "SBP")).toBe("MEMBER_WRONG_ROLE");
    expect(codeOf({})).toBe("APPLIED");
    expect(codeOf({})).toBe("BID_EXISTS");
    // Another bidder's equal hash is its own; it can never be opened.
    expect(codeOf({}, "HBL")).toBe("APPLIED");
    expect(codeOf({ bidder: "X" })).toBe("MEMBER_UNKNOWN");
    expect(codeOf({ bidder: "HBL" })).toBe("TX_MISSING_SIGNER");
    passTo(ledger, terms.commitUntilMs - 1_000);
    ledger.blockOf([], 1_000);
    expect(codeOf({ commitment: "cd".repeat(32) })).toBe("AUCTION_PHASE");
  });

  test("LIMIT_REACHED for a bidder and for an auction", () => {
    const ledger = dealersLedger();
    ledger.checksWholeState = false;
    ledger.mustSend("announce-auction", testTerms(ledger));
    const transactions = Array.from({ length: MAX_BIDS_PER_MEMBER + 1 }, (_, i) => {
      const commitmentHex = i.toString(16).padStart(64, "0");
      const payload = { ...sealed, commitment: commitmentHex };
      return ledger.transaction("commit-bid", payload, { member: "UBL" });
    });
    const codes = ledger.block(...transactions).receipts.map(({ outcome }) => outcome.code);
    expect(codes.filter((code) => code === "APPLIED")).toHaveLength(MAX_BIDS_PER_MEMBER);
    expect(codes.at(-1)).toBe("LIMIT_REACHED");
    const auction = auctionOf(ledger, "PIB-3Y-1");
    ledger.write(auctionTable.entry({ ...auction, bids: MAX_AUCTION_BIDS }));
    const receipt = ledger.send("commit-bid", { ...sealed, bidder: "HBL" }, { member: "HBL" });
    expect([receipt.outcome.code, receipt.field]).toEqual(["LIMIT_REACHED", "auction"]);
  });
});

test("withdraw-bid", () => {
  const ledger = dealersLedger();
  const terms = testTerms(ledger);
  const named = { name: "a", bidder: "UBL", bid: bankBid("UBL", 100, 950_000) };
  ledger.mustSend("announce-auction", terms);
  commit(ledger, terms.auction, named);
  const payload = {
    auction: terms.auction,
    bidder: "UBL",
    commitment: commitment(ledger, terms.auction, named),
  };
  const codeOf = (changes: Partial<typeof payload>) =>
    ledger.send("withdraw-bid", { ...payload, ...changes }, { member: "UBL" }).outcome.code;
  expect(codeOf({ auction: "X" })).toBe("AUCTION_UNKNOWN");
  expect(codeOf({ commitment: "ab".repeat(32) })).toBe("BID_UNKNOWN");
  expect(codeOf({})).toBe("APPLIED");
  expect(codeOf({})).toBe("BID_SPENT");
  const other = { ...named, name: "b" };
  commit(ledger, terms.auction, other);
  passTo(ledger, terms.commitUntilMs);
  const late = { commitment: commitment(ledger, terms.auction, other) };
  expect(codeOf(late)).toBe("AUCTION_PHASE");
  expect(reveal(ledger, terms.auction, named).outcome.code).toBe("BID_SPENT");
});

describe("reveal-bid", () => {
  const good = bankBid("UBL", 100, 950_000);

  function committed(bid: BidContent) {
    const ledger = dealersLedger();
    const investor = openInvestor(ledger, "INV-1", "IND");
    const bank = openInvestor(ledger, "INV-2", "BANK");
    const terms = testTerms(ledger);
    ledger.mustSend("announce-auction", terms);
    const named = { name: "a", bidder: "UBL", bid };
    const mine = { ...named, bidder: "HBL" };
    commit(ledger, terms.auction, named);
    commit(ledger, terms.auction, mine);
    passTo(ledger, terms.commitUntilMs);
    return { ledger, terms, named, mine, investor, bank };
  }

  const rows: readonly (readonly [string, string, Partial<BidContent>])[] = [
    ["AMOUNT_ZERO", "bid.face", { face: 0n }],
    ["AMOUNT_ZERO", "bid.priceE4", { priceE4: 0 }],
    ["ACCOUNT_UNKNOWN", "bid.securitiesAccount", { securitiesAccount: "X" }],
    ["ACCOUNT_UNKNOWN", "bid.cashAccount", { cashAccount: "X" }],
    ["ACCOUNT_WRONG_KIND", "bid.securitiesAccount", { securitiesAccount: "CASH-UBL" }],
    ["ACCOUNT_WRONG_KIND", "bid.cashAccount", { cashAccount: "SGLA-UBL" }],
    ["COUNTERPARTY_NOT_MATCHED", "bid.securitiesAccount", { securitiesAccount: "SGLA-HBL" }],
    ["COUNTERPARTY_NOT_MATCHED", "bid.cashAccount", { cashAccount: "CASH-HBL" }],
    ["BID_NOT_ADMITTED", "bid.securitiesAccount", { priceE4: undefined }],
    ["DENOMINATION", "bid.face", { face: PARTIAL }],
  ];
  test.each(rows)("%s %s", (code, field, change) => {
    const { ledger, terms, named } = committed({ ...good, ...change });
    const receipt = reveal(ledger, terms.auction, named);
    expect([receipt.outcome.code, receipt.field]).toEqual([code, field]);
  });

  test("another salt, price or bidder opens nothing", () => {
    const { ledger, terms, named } = committed(good);
    const codeOf = (payload: { bidder: string; bid: BidContent; salt: Uint8Array }) => {
      const whole = { auction: terms.auction, ...payload };
      return ledger.send("reveal-bid", whole, { member: payload.bidder }).outcome.code;
    };
    expect(codeOf({ bidder: "UBL", bid: good, salt: saltOf("b") })).toBe("BID_UNKNOWN");
    const higher = { ...good, priceE4: 950_001 };
    expect(codeOf({ bidder: "UBL", bid: higher, salt: saltOf("a") })).toBe("BID_UNKNOWN");
    const nowhere = { ...named, bid: good };
    expect(reveal(ledger, "X", nowhere).outcome.code).toBe("AUCTION_UNKNOWN");
    expect(codeOf({ bidder: "UBL", bid: good, salt: saltOf("a") })).toBe("APPLIED");
    expect(codeOf({ bidder: "UBL", bid: good, salt: saltOf("a") })).toBe("BID_SPENT");
  });

  test("bids open between the two moments only", () => {
    const ledger = dealersLedger();
    const terms = testTerms(ledger);
    const named = { name: "a", bidder: "UBL", bid: good };
    ledger.mustSend("announce-auction", terms);
    commit(ledger, terms.auction, named);
    expect(reveal(ledger, terms.auction, named).outcome.code).toBe("AUCTION_PHASE");
    passTo(ledger, terms.revealUntilMs);
    expect(reveal(ledger, terms.auction, named).outcome.code).toBe("AUCTION_PHASE");
  });

  test("non-competitive bids: eligible investors, up to the cap, to buy", () => {
    const base = { ...bankBid("HBL", 10, undefined) };
    const codeFor = (account: "investor" | "bank", millions: number) => {
      const name = account === "investor" ? "IPS-INV-1" : "IPS-INV-2";
      const face = BigInt(millions) * MILLION;
      const bid = { ...base, securitiesAccount: name, face };
      const { ledger, terms, mine } = committed(bid);
      return reveal(ledger, terms.auction, mine).outcome.code;
    };
    // 5% of 400m is 20m.
    expect(codeFor("investor", 20)).toBe("APPLIED");
    expect(codeFor("investor", 21)).toBe("BID_NOT_ADMITTED");
    expect(codeFor("bank", 10)).toBe("BID_NOT_ADMITTED");
    const ledger = dealersLedger();
    const securitiesAccount = openInvestor(ledger, "INV-1", "IND");
    const nonCompetitive = { ...testTerms(ledger).nonCompetitive, maxFace: 15n * MILLION };
    const terms = testTerms(ledger, { nonCompetitive });
    const named = { name: "a", bidder: "HBL", bid: { ...base, securitiesAccount } };
    const large = { ...named, bid: { ...named.bid, face: 16n * MILLION } };
    const back = testTerms(ledger, { auction: "BB", side: "BUY_BACK" });
    for (const one of [terms, back]) ledger.mustSend("announce-auction", one);
    for (const one of [named, large]) commit(ledger, terms.auction, one);
    commit(ledger, "BB", named);
    passTo(ledger, terms.commitUntilMs);
    expect(reveal(ledger, terms.auction, large).outcome.code).toBe("BID_NOT_ADMITTED");
    expect(reveal(ledger, terms.auction, named).outcome.code).toBe("APPLIED");
    expect(reveal(ledger, "BB", named).outcome.code).toBe("BID_NOT_ADMITTED");
  });
});

test("close-auction", () => {
  const ledger = dealersLedger();
  const terms = testTerms(ledger);
  const codeOf = (auction: string) => ledger.send("close-auction", { auction }).outcome.code;
  expect(codeOf("X")).toBe("AUCTION_UNKNOWN");
  ledger.mustSend("announce-auction", terms);
  expect(codeOf(terms.auction)).toBe("AUCTION_PHASE");
  passTo(ledger, terms.revealUntilMs);
  expect(codeOf(terms.auction)).toBe("APPLIED");
  expect(codeOf(terms.auction)).toBe("AUCTION_PHASE");
});

describe("auction-result", () => {
  function closed(millions: number) {
    const ledger = dealersLedger();
    const terms = testTerms(ledger);
    closedAuction(ledger, terms, [
      { name: "a", bidder: "HBL", bid: bankBid("HBL", 100, 960_000) },
      { name: "b", bidder: "UBL", bid: bankBid("UBL", millions, 950_000) },
    ]);
    return { ledger, id: terms.auction };
  }

  test("AUCTION_UNKNOWN, AUCTION_PHASE", () => {
    const { ledger, id } = closed(100);
    expect(accept(ledger, "X", 1, 1).outcome.code).toBe("AUCTION_UNKNOWN");
    const terms = testTerms(ledger, { auction: "A2" });
    ledger.mustSend("announce-auction", terms);
    expect(accept(ledger, "A2", 1, 1).outcome.code).toBe("AUCTION_PHASE");
    passTo(ledger, ledger.timestampMs + 48 * HOUR_MS);
    expect(accept(ledger, id, 950_000, 200).outcome.code).toBe("AUCTION_PHASE");
  });

  test.each([
    ["no bid stands at the price", 955_000, 200],
    ["the face ends before the cut-off", 950_000, 100],
    ["the face is zero", 960_000, 0],
  ])("CUT_OFF_INVALID: %s", (_, price, millions) => {
    const { ledger, id } = closed(100);
    const receipt = accept(ledger, id, price, millions);
    expect([receipt.outcome.code, receipt.field]).toEqual(["CUT_OFF_INVALID", "acceptance"]);
  });

  test("AUTHORISED_EXCEEDED, and nothing is issued", () => {
    const { ledger, id } = closed(950);
    expect(accept(ledger, id, 950_000, 1_050).outcome.code).toBe("AUTHORISED_EXCEEDED");
    expect(supplyOf(ledger.state, PIB)).toMatchObject({ issued: 0n });
    // Fewer can still be accepted.
    expect(accept(ledger, id, 950_000, 900).outcome.code).toBe("APPLIED");
  });

  test("ACCOUNT_FROZEN: nothing is created on a frozen issuance account", () => {
    const { ledger, id } = closed(100);
    ledger.alterAccount("ISS", { status: "BLOCKED_CREDIT" });
    expect(accept(ledger, id, 950_000, 200).outcome.code).toBe("ACCOUNT_FROZEN");
  });
});

describe("sell-tap", () => {
  const tap = {
    tapRef: "TAP-1",
    isin: PIB,
    face: 100n * MILLION,
    priceE4: 950_000,
    issuanceAccount: "ISS",
    proceedsAccount: "CASH-GOV",
    securitiesAccount: "SGLA-HBL",
    cashAccount: "CASH-HBL",
    mandateRef: "MANDATE-1",
  };
  const signers = ["SBP", "FINDIV", "HBL"];

  test("creates and sells at price plus accrued", () => {
    const ledger = dealersLedger();
    const receipt = ledger.mustSend("sell-tap", tap, { signers });
    expect(receipt.moments?.finalityHeight).toBe(ledger.height);
    expect(balanceOf(ledger.state, "SGLA-HBL", PIB)?.available).toBe(100n * MILLION);
    // 97 of 184 days of 3.5% on 100m.
    expect(balanceOf(ledger.state, "CASH-GOV", "PKR-CBDC")?.available).toBe(
      9_500_000_000n + 184_510_870n,
    );
  });

  const rows: readonly (readonly [string, string | undefined, Partial<typeof tap>])[] = [
    ["AMOUNT_ZERO", "face", { face: 0n }],
    ["AMOUNT_ZERO", "priceE4", { priceE4: 0 }],
    ["SAME_ACCOUNT_TWICE", "cashAccount", { cashAccount: "CASH-GOV" }],
    ["ACCOUNT_UNKNOWN", "issuanceAccount", { issuanceAccount: "X" }],
    ["ACCOUNT_UNKNOWN", "proceedsAccount", { proceedsAccount: "X" }],
    ["ACCOUNT_UNKNOWN", "securitiesAccount", { securitiesAccount: "X" }],
    ["ACCOUNT_UNKNOWN", "cashAccount", { cashAccount: "X" }],
    ["ASSET_UNKNOWN", "isin", { isin: OTHER_PIB }],
    ["ACCOUNT_WRONG_KIND", "issuanceAccount", { issuanceAccount: "SGLA-UBL" }],
    ["ACCOUNT_WRONG_KIND", "proceedsAccount", { proceedsAccount: "SGLA-UBL" }],
    ["COUNTERPARTY_NOT_MATCHED", "proceedsAccount", { proceedsAccount: "CASH-UBL" }],
    ["COUNTERPARTY_NOT_MATCHED", "cashAccount", { cashAccount: "CASH-UBL" }],
    ["DENOMINATION", "face", { face: PARTIAL }],
    ["AUTHORISED_EXCEEDED", "face", { face: 1_001n * MILLION }],
    ["INSUFFICIENT_CASH", "cashAccount", { priceE4: 9_900_000, face: 900n * MILLION }],
  ];
  test.each(rows)("%s %s", (code, field, change) => {
    const ledger = dealersLedger();
    const more = { signers: [...signers, "UBL"] };
    const receipt = ledger.send("sell-tap", { ...tap, ...change }, more);
    expect([receipt.outcome.code, receipt.field]).toEqual([code, field]);
    expect(supplyOf(ledger.state, PIB)).toMatchObject({ issued: 0n });
  });

  test("needs the sovereign, the central bank and the buyer", () => {
    const ledger = dealersLedger();
    const fieldOf = (names: readonly string[]) =>
      ledger.send("sell-tap", tap, { signers: names }).field;
    expect(fieldOf(["SBP", "HBL"])).toBe("role SOVEREIGN");
    expect(fieldOf(["FINDIV", "HBL"])).toBe("role CENTRAL_BANK");
    expect(fieldOf(["SBP", "FINDIV"])).toBe("operator of securitiesAccount");
  });
});
