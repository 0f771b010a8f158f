import { describe, expect, test } from "vitest";
import { AMOUNT_MAX } from "../../../primitives/codec/schema.ts";
import { openingOf } from "../../auctions/allotment-queue.ts";
import { MAX_ASSETS_PER_ACCOUNT } from "../../limits.ts";
import { balanceOf, programmeView, supplyOf } from "../../queries.ts";
import { balanceTable } from "../../state/balance.ts";
import { holdingsTable } from "../../state/holdings.ts";
import {
  accept,
  auctionOf,
  bankBid,
  both,
  closedAuction,
  dealersLedger,
  MILLION,
  passTo,
  testTerms,
} from "../../testing/auction-ledger.ts";
import { OTHER_PIB, PIB, PIB_TERMS, type TestLedger } from "../../testing/test-ledger.ts";
import { CBDC } from "../../types.ts";

const MTB = "PK0MTB084015";
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

function tapped(ledger: TestLedger, changes: Partial<typeof tap> = {}): string {
  return ledger.send("sell-tap", { ...tap, ...changes }, { signers }).outcome.code;
}

function withoutRate(ledger: TestLedger): void {
  ledger.state.delete("fx-rates");
  ledger.tree = ledger.tree.update([["fx-rates", null]]);
}

/** An account with so many assets that no other finds room. */
function full(ledger: TestLedger, account: string): void {
  ledger.checksWholeState = false;
  const assets = Array.from(
    { length: MAX_ASSETS_PER_ACCOUNT },
    (_, i) => `PK${String(i).padStart(9, "0")}0`,
  );
  ledger.write(holdingsTable.entry({ account, assets }));
}

describe("sell-tap at its limits", () => {
  test("INSTRUMENT_NOT_AUTHORISED, ASSET_MATURED", () => {
    const ledger = dealersLedger();
    ledger.mustSend("register-instrument", { isin: OTHER_PIB, terms: PIB_TERMS }, both);
    expect(tapped(ledger, { isin: OTHER_PIB })).toBe("INSTRUMENT_NOT_AUTHORISED");
    passTo(ledger, Date.UTC(2028, 7, 21, 5));
    expect(tapped(ledger)).toBe("ASSET_MATURED");
  });

  test("a frozen account neither issues, delivers nor pays", () => {
    const ledger = dealersLedger();
    for (const account of ["ISS", "SGLA-HBL", "CASH-HBL", "CASH-GOV"]) {
      ledger.alterAccount(account, { status: "BLOCKED_BOTH" });
      expect(tapped(ledger)).toBe("ACCOUNT_FROZEN");
      ledger.alterAccount(account, { status: "OPEN" });
    }
    expect(tapped(ledger)).toBe("SETTLED");
  });

  test("FX_RATE_MISSING", () => {
    const ledger = dealersLedger();
    withoutRate(ledger);
    expect(tapped(ledger)).toBe("FX_RATE_MISSING");
  });

  test("LIMIT_REACHED, AMOUNT_OVERFLOW", () => {
    const ledger = dealersLedger();
    full(ledger, "SGLA-HBL");
    expect(tapped(ledger)).toBe("LIMIT_REACHED");
    const rich = dealersLedger();
    rich.checksWholeState = false;
    const parts = { reserved: 0n, pledged: 0n, blocked: 0n };
    const balance = { total: AMOUNT_MAX, available: AMOUNT_MAX, ...parts };
    rich.write(balanceTable.entry({ account: "CASH-GOV", asset: CBDC, ...balance }));
    expect(tapped(rich)).toBe("AMOUNT_OVERFLOW");
    expect(supplyOf(rich.state, PIB)).toMatchObject({ issued: 0n });
  });
});

describe("auction-result at its limits", () => {
  function closed(): TestLedger {
    const ledger = dealersLedger();
    closedAuction(ledger, testTerms(ledger), [
      { name: "a", bidder: "HBL", bid: bankBid("HBL", 100, 950_000) },
    ]);
    return ledger;
  }

  test("FX_RATE_MISSING, LIMIT_REACHED, AMOUNT_OVERFLOW, and nothing is allotted", () => {
    const unrated = closed();
    withoutRate(unrated);
    expect(accept(unrated, "PIB-3Y-1", 950_000, 100).outcome.code).toBe("FX_RATE_MISSING");
    const crowded = closed();
    full(crowded, "ISS");
    expect(accept(crowded, "PIB-3Y-1", 950_000, 100).outcome.code).toBe("LIMIT_REACHED");
    const rich = closed();
    rich.checksWholeState = false;
    const parts = { reserved: 0n, pledged: 0n, blocked: 0n };
    const balance = { total: AMOUNT_MAX, available: AMOUNT_MAX, ...parts };
    rich.write(balanceTable.entry({ account: "ISS", asset: PIB, ...balance }));
    expect(accept(rich, "PIB-3Y-1", 950_000, 100).outcome.code).toBe("AMOUNT_OVERFLOW");
    for (const ledger of [unrated, crowded, rich]) {
      expect(auctionOf(ledger, "PIB-3Y-1").status).toBe("CLOSED");
    }
  });
});

test("the programme's cap: full at USD 2,000,000,000.00, and what is bought back is free again", () => {
  const ledger = dealersLedger();
  const bill = {
    type: "MTB",
    body: { denomination: 500_000n, issueDate: "2025-11-26", maturityDate: "2026-02-18" },
  } as const;
  ledger.mustSend("register-instrument", { isin: MTB, terms: bill }, both);
  const face = 600_000n * MILLION;
  ledger.mustSend("authorise-instrument", { isin: MTB, face, mandateRef: "M" }, both);
  for (const [bank, millions] of [
    ["HBL", 563_000n],
    ["GOV", 300_000n],
  ] as const) {
    const amount = millions * MILLION;
    ledger.mustSend("mint-cbdc", { account: `CASH-${bank}`, amount, reserveRef: `CAP-${bank}` });
  }
  const sale = testTerms(ledger, { isin: MTB, targetFace: 563_000n * MILLION });
  const bid = bankBid("HBL", 563_000, 979_000);
  closedAuction(ledger, sale, [
    { name: "a", bidder: "HBL", bid },
    { name: "b", bidder: "HBL", bid: { ...bid, priceE4: 978_000 } },
  ]);
  expect(accept(ledger, sale.auction, 978_000, 563_050).outcome.code).toBe(
    "PROGRAMME_CAP_EXCEEDED",
  );
  expect(accept(ledger, sale.auction, 979_000, 563_000).outcome.code).toBe("APPLIED");
  expect(programmeView(ledger.state).usedUsdCents).toBe(200_000_000_000n);
  const more = { isin: MTB, face: 500_000n, priceE4: 979_000 };
  expect(tapped(ledger, more)).toBe("PROGRAMME_CAP_EXCEEDED");
  passTo(ledger, openingOf("2025-11-26"));
  expect(balanceOf(ledger.state, "SGLA-HBL", MTB)?.total).toBe(563_000n * MILLION);
  // Another rate frees nothing and leaks nothing.
  const rate = { rateE4: 3_000_000, effectiveFromMs: ledger.timestampMs, reference: "FX/2" };
  ledger.mustSend("record-fx-rate", rate);
  expect(tapped(ledger, more)).toBe("PROGRAMME_CAP_EXCEEDED");
  const back = testTerms(ledger, {
    auction: "BB",
    isin: MTB,
    side: "BUY_BACK",
    targetFace: 281_500n * MILLION,
    settlementDate: "2025-11-27",
  });
  closedAuction(ledger, back, [
    { name: "c", bidder: "HBL", bid: bankBid("HBL", 281_500, 980_000) },
  ]);
  expect(accept(ledger, "BB", 980_000, 281_500).outcome.code).toBe("APPLIED");
  passTo(ledger, openingOf("2025-11-27"));
  expect(auctionOf(ledger, "BB").unsettled).toBe(0);
  expect(programmeView(ledger.state).usedUsdCents).toBe(100_000_000_000n);
  expect(tapped(ledger, more)).toBe("SETTLED");
});
