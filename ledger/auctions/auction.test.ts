import { describe, expect, test } from "vitest";
import { present } from "../../primitives/assert.ts";
import { balanceOf, programmeView, supplyOf } from "../queries.ts";
import {
  accept,
  allotmentOf,
  auctionOf,
  bankBid,
  bidOf,
  both,
  closedAuction,
  dealersLedger,
  HOUR_MS,
  MILLION,
  openInvestor,
  passTo,
  testTerms,
} from "../testing/auction-ledger.ts";
import { PIB } from "../testing/test-ledger.ts";
import { CBDC } from "../types.ts";
import { openingOf } from "./allotment-queue.ts";

const SETTLEMENT = "2025-11-26";

function available(ledger: ReturnType<typeof dealersLedger>, account: string, asset: string) {
  return balanceOf(ledger.state, account, asset)?.available ?? 0n;
}

describe("a multiple-price auction", () => {
  const bids = [
    { name: "a", bidder: "HBL", bid: bankBid("HBL", 200, 956_574) },
    { name: "b", bidder: "UBL", bid: bankBid("UBL", 150, 950_711) },
    { name: "c", bidder: "HBL", bid: bankBid("HBL", 150, 950_711) },
    { name: "d", bidder: "UBL", bid: bankBid("UBL", 300, 940_000) },
  ];

  function decided() {
    const ledger = dealersLedger();
    const investor = openInvestor(ledger, "INV-1", "IND");
    const small = { ...bankBid("HBL", 10, undefined), securitiesAccount: investor };
    const terms = testTerms(ledger);
    closedAuction(ledger, terms, [...bids, { name: "n", bidder: "HBL", bid: small }]);
    const receipt = accept(ledger, terms.auction, 950_711, 400);
    expect(receipt.outcome.code).toBe("APPLIED");
    return { ledger, terms, investor };
  }

  test("allots by price, divides at the cut-off, and gives the average to non-competitive bids", () => {
    const { ledger, terms } = decided();
    const allotted = [1, 2, 3, 4, 5].map((number) => {
      const allotment = allotmentOf(ledger, terms.auction, number);
      return allotment && [allotment.face / MILLION, allotment.priceE4];
    });
    // Average: (200 x 95.6574 + 200 x 95.0711) / 400 = 95.36425, rounded up at the half.
    expect(allotted).toEqual([
      [200n, 956_574],
      [100n, 950_711],
      [100n, 950_711],
      undefined,
      [10n, 953_643],
    ]);
    expect(auctionOf(ledger, terms.auction)).toMatchObject({
      status: "ALLOTTED",
      unsettled: 4,
      result: { cutOffE4: 950_711, allottedFace: 410n * MILLION, averagePriceE4: 953_643 },
    });
  });

  test("books the programme at the result, and holds the units until the settlement date", () => {
    const { ledger, terms } = decided();
    expect(supplyOf(ledger.state, PIB)).toMatchObject({ issued: 410n * MILLION });
    // 410,000,000.00 / 281.5 rounded up to the cent.
    expect(programmeView(ledger.state).usedUsdCents).toBe(145_648_313n);
    expect(balanceOf(ledger.state, "ISS", PIB)).toMatchObject({
      available: 0n,
      reserved: 410n * MILLION,
    });
    passTo(ledger, openingOf(SETTLEMENT) - 1);
    expect(auctionOf(ledger, terms.auction).unsettled).toBe(4);
  });

  test("settles delivery against payment on the next business day, at price plus accrued", () => {
    const { ledger, terms, investor } = decided();
    const before = available(ledger, "CASH-UBL", CBDC);
    ledger.blockOf([], openingOf(SETTLEMENT) - ledger.timestampMs);
    expect(auctionOf(ledger, terms.auction).unsettled).toBe(0);
    expect(available(ledger, "SGLA-HBL", PIB)).toBe(300n * MILLION);
    expect(available(ledger, "SGLA-UBL", PIB)).toBe(100n * MILLION);
    expect(available(ledger, investor, PIB)).toBe(10n * MILLION);
    expect(balanceOf(ledger.state, "ISS", PIB)).toBeUndefined();
    // 98 of 184 days of 7% / 2 on 100m, and 100m at 95.0711.
    const paid = before - available(ledger, "CASH-UBL", CBDC);
    expect(paid).toBe(9_507_110_000n + 186_413_043n);
    const total = ["HBL", "UBL", "GOV"].map((name) => available(ledger, `CASH-${name}`, CBDC));
    expect(total.reduce((sum, part) => sum + part, 0n)).toBe(2_010n * MILLION);
    expect(allotmentOf(ledger, terms.auction, 2)).toMatchObject({ status: "SETTLED", attempts: 0 });
  });

  test("says what happened in events, each settlement at its own amounts", () => {
    const { ledger } = decided();
    const advance = openingOf(SETTLEMENT) - ledger.timestampMs;
    const { events } = ledger.blockOf([], advance);
    const finals = events.flatMap(({ event }) =>
      event.type === "settlementFinal" ? [event.body] : [],
    );
    expect(finals.map(({ settlementRef }) => settlementRef)).toEqual(
      [1, 2, 3, 5].map((number) => `PIB-3Y-1/${number}`),
    );
    expect(finals[0]).toMatchObject({ face: 200n * MILLION, cleanAmount: 19_131_480_000n });
  });
});

test("a uniform-price auction charges everyone the cut-off", () => {
  const ledger = dealersLedger();
  const terms = testTerms(ledger, { method: "UNIFORM_PRICE" });
  closedAuction(ledger, terms, [
    { name: "a", bidder: "HBL", bid: bankBid("HBL", 100, 960_000) },
    { name: "b", bidder: "UBL", bid: bankBid("UBL", 100, 950_000) },
  ]);
  expect(accept(ledger, terms.auction, 950_000, 400).outcome.code).toBe("APPLIED");
  for (const number of [1, 2]) {
    expect(allotmentOf(ledger, terms.auction, number)).toMatchObject({
      face: 100n * MILLION,
      priceE4: 950_000,
    });
  }
});

test("all bids can be rejected", () => {
  const ledger = dealersLedger();
  const terms = testTerms(ledger);
  closedAuction(ledger, terms, [{ name: "a", bidder: "HBL", bid: bankBid("HBL", 100, 960_000) }]);
  ledger.mustSend("auction-result", { auction: terms.auction, acceptance: undefined }, both);
  expect(auctionOf(ledger, terms.auction).status).toBe("REJECTED");
  expect(supplyOf(ledger.state, PIB)).toMatchObject({ issued: 0n });
  const again = accept(ledger, terms.auction, 960_000, 100);
  expect(again.outcome.code).toBe("AUCTION_PHASE");
});

describe("a buyer that is short", () => {
  function shortLedger() {
    const ledger = dealersLedger();
    const terms = testTerms(ledger);
    closedAuction(ledger, terms, [
      { name: "a", bidder: "HBL", bid: bankBid("HBL", 100, 960_000) },
      { name: "b", bidder: "UBL", bid: bankBid("UBL", 100, 950_000) },
    ]);
    const all = available(ledger, "CASH-UBL", CBDC);
    const away = { fromAccount: "CASH-UBL", toAccount: "CASH-HBL", amount: all, reference: "OUT" };
    ledger.mustSend("transfer-cbdc", away, { member: "UBL" });
    accept(ledger, terms.auction, 950_000, 200);
    const { events } = ledger.blockOf([], openingOf(SETTLEMENT) - ledger.timestampMs);
    return { ledger, terms, events };
  }

  test("is flagged; the others settle, and it settles once it is funded", () => {
    const { ledger, terms, events } = shortLedger();
    const flags = events.filter(({ event }) => event.type === "allotmentNotSettled");
    expect(flags.map(({ event }) => event.body)).toEqual([
      {
        auction: "PIB-3Y-1",
        number: 2,
        member: "UBL",
        reason: "INSUFFICIENT_CASH",
        isFinal: false,
      },
    ]);
    expect(allotmentOf(ledger, terms.auction, 1)?.status).toBe("SETTLED");
    expect(allotmentOf(ledger, terms.auction, 2)).toMatchObject({ status: "PENDING", attempts: 1 });
    const mint = { account: "CASH-UBL", amount: 100n * MILLION, reserveRef: "LATE" };
    ledger.mustSend("mint-cbdc", mint);
    expect(allotmentOf(ledger, terms.auction, 2)?.status).toBe("PENDING");
    ledger.blockOf([], HOUR_MS / 4);
    expect(allotmentOf(ledger, terms.auction, 2)?.status).toBe("SETTLED");
    expect(available(ledger, "SGLA-UBL", PIB)).toBe(100n * MILLION);
  });

  test("is given up after two more business days, and the units are free again", () => {
    const { ledger, terms } = shortLedger();
    ledger.blockOf([], 9 * HOUR_MS); // six in the evening: the next try is in the morning
    expect(allotmentOf(ledger, terms.auction, 2)?.attempts).toBe(2);
    ledger.blockOf([], HOUR_MS);
    expect(allotmentOf(ledger, terms.auction, 2)?.attempts).toBe(2);
    passTo(ledger, openingOf("2025-11-27"));
    expect(allotmentOf(ledger, terms.auction, 2)?.attempts).toBe(3);
    passTo(ledger, openingOf("2025-11-28"));
    expect(allotmentOf(ledger, terms.auction, 2)?.status).toBe("PENDING");
    passTo(ledger, openingOf("2025-11-28") + 8 * HOUR_MS);
    expect(allotmentOf(ledger, terms.auction, 2)).toMatchObject({
      status: "FAILED",
      lastFailure: "INSUFFICIENT_CASH",
    });
    expect(auctionOf(ledger, terms.auction).unsettled).toBe(0);
    expect(balanceOf(ledger.state, "ISS", PIB)).toMatchObject({
      available: 100n * MILLION,
      reserved: 0n,
    });
  });

  test("a frozen buyer takes no delivery either", () => {
    const { ledger, terms } = shortLedger();
    ledger.mustSend("mint-cbdc", { account: "CASH-UBL", amount: 100n * MILLION, reserveRef: "L" });
    ledger.alterAccount("SGLA-UBL", { status: "BLOCKED_BOTH" });
    ledger.blockOf([], HOUR_MS / 4);
    expect(allotmentOf(ledger, terms.auction, 2)).toMatchObject({
      status: "PENDING",
      lastFailure: "ACCOUNT_FROZEN",
    });
  });
});

describe("what does not stand", () => {
  test("an unopened bid is void and marks its bidder", () => {
    const ledger = dealersLedger();
    const terms = testTerms(ledger);
    ledger.mustSend("announce-auction", terms);
    const sealed = { auction: terms.auction, bidder: "UBL", commitment: "ab".repeat(32) };
    ledger.mustSend("commit-bid", sealed, { member: "UBL" });
    passTo(ledger, terms.revealUntilMs);
    const transaction = ledger.transaction("close-auction", { auction: terms.auction });
    const { events } = ledger.block(transaction);
    expect(events.map(({ event }) => event.body)).toEqual([
      { auction: "PIB-3Y-1", number: 1, member: "UBL", reason: "UNREVEALED" },
      { auction: "PIB-3Y-1", bids: 0, competitiveFace: 0n, nonCompetitiveFace: 0n },
    ]);
    expect(bidOf(ledger, terms.auction, 1)).toMatchObject({
      status: "VOID",
      voidReason: "UNREVEALED",
    });
    expect(accept(ledger, terms.auction, 950_000, 100).outcome.code).toBe("CUT_OFF_INVALID");
  });

  test("several non-competitive bids of one investor are all void", () => {
    const ledger = dealersLedger();
    const [one, two] = ["INV-1", "INV-2"].map((name) => openInvestor(ledger, name, "IND"));
    const terms = testTerms(ledger);
    const small = (account: string | undefined, millions: number) => ({
      ...bankBid("HBL", millions, undefined),
      securitiesAccount: present(account, "account"),
    });
    closedAuction(ledger, terms, [
      { name: "a", bidder: "HBL", bid: small(one, 5) },
      { name: "b", bidder: "HBL", bid: small(one, 6) },
      { name: "c", bidder: "HBL", bid: small(two, 5) },
      { name: "d", bidder: "HBL", bid: bankBid("HBL", 50, 950_000) },
    ]);
    const statuses = [1, 2, 3, 4].map((number) => bidOf(ledger, terms.auction, number).status);
    expect(statuses).toEqual(["VOID", "VOID", "REVEALED", "REVEALED"]);
    accept(ledger, terms.auction, 950_000, 50);
    expect(auctionOf(ledger, terms.auction).unsettled).toBe(2);
  });
});

describe("a buy-back", () => {
  test("takes the lowest prices, pays, and gives the programme its dollars back", () => {
    const ledger = dealersLedger();
    const sale = testTerms(ledger);
    closedAuction(ledger, sale, [
      { name: "a", bidder: "HBL", bid: bankBid("HBL", 200, 950_000) },
      { name: "b", bidder: "UBL", bid: bankBid("UBL", 200, 950_000) },
    ]);
    accept(ledger, sale.auction, 950_000, 400);
    passTo(ledger, openingOf(SETTLEMENT));
    const used = programmeView(ledger.state).usedUsdCents;
    const back = testTerms(ledger, {
      auction: "BB-1",
      side: "BUY_BACK",
      targetFace: 200n * MILLION,
      settlementDate: "2025-11-27",
    });
    closedAuction(ledger, back, [
      { name: "x", bidder: "HBL", bid: bankBid("HBL", 200, 951_000) },
      { name: "y", bidder: "UBL", bid: bankBid("UBL", 100, 949_000) },
    ]);
    expect(accept(ledger, "BB-1", 951_000, 200).outcome.code).toBe("APPLIED");
    const cash = available(ledger, "CASH-UBL", CBDC);
    passTo(ledger, openingOf("2025-11-27"));
    expect(auctionOf(ledger, "BB-1").unsettled).toBe(0);
    expect(available(ledger, "SGLA-HBL", PIB)).toBe(100n * MILLION);
    expect(available(ledger, "SGLA-UBL", PIB)).toBe(100n * MILLION);
    expect(supplyOf(ledger.state, PIB)).toMatchObject({ outstanding: 200n * MILLION });
    expect(programmeView(ledger.state).usedUsdCents).toBe((used + 1n) / 2n);
    // 100m at 94.9000 and 99 of 184 days.
    expect(available(ledger, "CASH-UBL", CBDC) - cash).toBe(9_490_000_000n + 188_315_217n);
  });

  test("a seller that no longer has the paper is flagged", () => {
    const ledger = dealersLedger();
    const back = testTerms(ledger, { auction: "BB-1", side: "BUY_BACK" });
    closedAuction(ledger, back, [{ name: "y", bidder: "UBL", bid: bankBid("UBL", 100, 949_000) }]);
    accept(ledger, "BB-1", 949_000, 100);
    passTo(ledger, openingOf(SETTLEMENT));
    expect(allotmentOf(ledger, "BB-1", 1)?.lastFailure).toBe("INSUFFICIENT_SECURITIES");
    passTo(ledger, openingOf("2025-12-01"));
    expect(allotmentOf(ledger, "BB-1", 1)?.status).toBe("FAILED");
  });
});
