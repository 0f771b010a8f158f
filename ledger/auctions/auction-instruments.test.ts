import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { parseFixed } from "../../primitives/decimal.ts";
import { formatRational, fromFixed } from "../arithmetic/rational.ts";
import { billYield } from "../arithmetic/treasury-bill.ts";
import { balanceOf, supplyOf } from "../queries.ts";
import type { InstrumentTerms } from "../state/instrument.ts";
import { periodRateTable } from "../state/rate-fixing.ts";
import {
  accept,
  allotmentOf,
  auctionOf,
  bankBid,
  both,
  closedAuction,
  dealersLedger,
  MILLION,
  type NamedBid,
  passTo,
  testTerms,
} from "../testing/auction-ledger.ts";
import {
  cashAccount,
  issuanceAccount,
  OTHER_PIB,
  openedLedger,
  PIB,
  sgla,
  TestLedger,
  testGenesis,
} from "../testing/test-ledger.ts";
import { CBDC } from "../types.ts";
import { openingOf } from "./allotment-queue.ts";

const MTB = "PK0MTB084015";
const OTHER = "US0378331005";
const SETTLEMENT = "2025-11-26";

/** Registers an instrument and authorises PKR 50,000m of it. */
function authorised(ledger: TestLedger, isin: string, terms: InstrumentTerms): void {
  ledger.mustSend("register-instrument", { isin, terms }, both);
  const authorisation = { isin, face: 50_000n * MILLION, mandateRef: "MANDATE-1" };
  ledger.mustSend("authorise-instrument", authorisation, both);
}

const bill = {
  type: "MTB",
  body: { denomination: 500_000n, issueDate: SETTLEMENT, maturityDate: "2026-02-18" },
} as const;

describe("treasury bills", () => {
  test("are sold at a price, of which the yield follows, and settle without accrued interest", () => {
    const ledger = dealersLedger();
    authorised(ledger, MTB, bill);
    const terms = testTerms(ledger, { isin: MTB, targetFace: 500n * MILLION });
    closedAuction(ledger, terms, [{ name: "a", bidder: "HBL", bid: bankBid("HBL", 500, 979_000) }]);
    expect(accept(ledger, terms.auction, 979_000, 500).outcome.code).toBe("APPLIED");
    expect(allotmentOf(ledger, terms.auction, 1)).toMatchObject({
      cleanAmount: 48_950_000_000n,
      accruedInterest: 0n,
    });
    passTo(ledger, openingOf(SETTLEMENT));
    expect(balanceOf(ledger.state, "SGLA-HBL", MTB)?.total).toBe(500n * MILLION);
    expect(balanceOf(ledger.state, "CASH-GOV", CBDC)?.total).toBe(48_950_000_000n);
    // The cut-off of 28 November 2012.
    expect(formatRational(billYield(fromFixed(979_000n, 4), 84), 4)).toBe("9.3207");
  });
});

describe("sukuk", () => {
  const sukuk: InstrumentTerms = {
    type: "GIS_FRR",
    body: {
      denomination: 10_000_000n,
      rentalRateE4: 156_395,
      rentalFrequency: 2,
      issueDate: "2025-11-26",
      maturityDate: "2030-11-26",
      firstRentalDate: "2026-05-26",
      documentHash: "ab".repeat(32),
    },
  };

  test("are also bid for by dealers of Islamic banks, who may not bid for other paper", () => {
    const genesis = testGenesis();
    const members = genesis.members.map((member) =>
      member.id === "UBL" ? { ...member, roles: ["CUSTODIAN", "ISLAMIC_DEALER"] as const } : member,
    );
    const ledger = openedLedger({ ...genesis, members });
    authorised(ledger, OTHER_PIB, sukuk);
    authorised(ledger, MTB, bill);
    const terms = testTerms(ledger, { isin: OTHER_PIB, method: "UNIFORM_PRICE" });
    ledger.mustSend("announce-auction", terms);
    ledger.mustSend("announce-auction", testTerms(ledger, { isin: MTB, auction: "MTB-1" }));
    const commit = (auction: string) => {
      const payload = { auction, bidder: "UBL", commitment: "ab".repeat(32) };
      return ledger.send("commit-bid", payload, { member: "UBL" }).outcome.code;
    };
    expect(commit(terms.auction)).toBe("APPLIED");
    expect(commit("MTB-1")).toBe("MEMBER_WRONG_ROLE");
  });
});

describe("floating paper", () => {
  const floater: InstrumentTerms = {
    type: "PFL",
    body: {
      denomination: 10_000_000n,
      rate: { benchmark: "MTB_182", marginE4: 0, marginSign: "PLUS", rateDecimals: 4 },
      couponFrequency: 2,
      issueDate: "2025-08-20",
      maturityDate: "2028-08-20",
      firstCouponDate: "2026-02-20",
    },
  };

  test("is re-opened once its running period has a rate", () => {
    const ledger = dealersLedger();
    authorised(ledger, OTHER_PIB, floater);
    const terms = testTerms(ledger, { isin: OTHER_PIB, method: "UNIFORM_PRICE" });
    closedAuction(ledger, terms, [{ name: "a", bidder: "HBL", bid: bankBid("HBL", 100, 998_000) }]);
    const receipt = accept(ledger, terms.auction, 998_000, 100);
    expect([receipt.outcome.code, receipt.field]).toEqual(["PERIOD_RATE_MISSING", "auction"]);
    const tap = {
      tapRef: "TAP",
      isin: OTHER_PIB,
      face: MILLION,
      priceE4: 998_000,
      issuanceAccount: "ISS",
      proceedsAccount: "CASH-GOV",
      securitiesAccount: "SGLA-HBL",
      cashAccount: "CASH-HBL",
      mandateRef: "M",
    };
    const refused = ledger.send("sell-tap", tap, { signers: ["SBP", "FINDIV", "HBL"] });
    expect(refused.outcome.code).toBe("PERIOD_RATE_MISSING");
    const rate = {
      isin: OTHER_PIB,
      periodStart: "2025-08-20",
      rateE4: 110_000,
      benchmarkRateE4: 110_000,
      source: "AUCTION",
      fixingDate: "2025-08-13",
    } as const;
    ledger.write(periodRateTable.entry(rate));
    expect(accept(ledger, terms.auction, 998_000, 100).outcome.code).toBe("APPLIED");
    // 98 of 184 days of 11% / 2 on 100m.
    expect(allotmentOf(ledger, terms.auction, 1)?.accruedInterest).toBe(292_934_783n);
  });
});

describe("what is not priced per 100", () => {
  const power: InstrumentTerms = {
    type: "OTHER",
    body: {
      denomination: 1_000n,
      unit: "kWh",
      settlement: "DELIVERY",
      delivery: { from: "2026-01-01", to: "2026-03-31" },
      issueDate: "2025-11-20",
      maturityDate: "2026-04-01",
      documentHash: "ab".repeat(32),
    },
  };

  test("is neither auctioned, nor tapped, nor taken as collateral", () => {
    const ledger = dealersLedger();
    authorised(ledger, OTHER, power);
    const announced = ledger.send("announce-auction", testTerms(ledger, { isin: OTHER }));
    expect(announced.outcome.code).toBe("ASSET_WRONG_TYPE");
    const tap = {
      tapRef: "TAP",
      isin: OTHER,
      face: MILLION,
      priceE4: 998_000,
      issuanceAccount: "ISS",
      proceedsAccount: "CASH-GOV",
      securitiesAccount: "SGLA-HBL",
      cashAccount: "CASH-HBL",
      mandateRef: "M",
    };
    const tapped = ledger.send("sell-tap", tap, { signers: ["SBP", "FINDIV", "HBL"] });
    expect(tapped.outcome.code).toBe("ASSET_WRONG_TYPE");
    const collateral = {
      isin: OTHER,
      priceE4: 1,
      haircutBps: 0,
      isEligible: true,
      effectiveFromMs: 1,
      reference: "HC",
    };
    const taken = ledger.send("set-collateral-terms", collateral);
    expect(taken.outcome.code).toBe("ASSET_WRONG_TYPE");
  });
});

describe("the auction of 3 March 2021", () => {
  const bond: InstrumentTerms = {
    type: "PIB_FIXED",
    body: {
      denomination: 10_000_000n,
      couponRateE4: 70_000,
      couponFrequency: 2,
      issueDate: "2020-08-20",
      maturityDate: "2023-08-20",
      firstCouponDate: "2021-02-20",
      dayCount: "ACT_ACT_ICMA",
    },
  };
  const TEN = Date.UTC(2021, 2, 3, 5);

  function sheet(): readonly NamedBid[] {
    const file = new URL("../vectors/sbp-pib-2021-03-03.csv", import.meta.url);
    const rows = readFileSync(file, "utf8")
      .split("\n")
      .filter((line) => /^[0-9]/.test(line));
    return rows.map((row, i) => {
      const [name = "", face = "", price = ""] = row.split(",");
      const bidder = i % 2 === 0 ? "HBL" : "UBL";
      const bid = bankBid(bidder, 0, Number(parseFixed(price, 4, "price")));
      return { name, bidder, bid: { ...bid, face: parseFixed(face, 8, "face") } };
    });
  }

  /** A chain of that day, with two dealers that have PKR 10,000m each. */
  function ledgerOf2021(): TestLedger {
    const genesis = testGenesis({ genesisTimeMs: TEN });
    const members = genesis.members.map((member) =>
      member.id === "UBL" ? { ...member, roles: ["PRIMARY_DEALER"] as const } : member,
    );
    const ledger = new TestLedger({ ...genesis, members });
    ledger.timestampMs = TEN;
    ledger.mustSend("open-account", issuanceAccount("ISS"), both);
    ledger.mustSend("open-account", cashAccount("CASH-GOV", "FINDIV"), both);
    for (const bank of ["HBL", "UBL"]) {
      const signers = ["SBP", bank];
      ledger.mustSend("open-account", sgla(`SGLA-${bank}`, bank), { signers });
      ledger.mustSend("open-account", cashAccount(`CASH-${bank}`, bank), { signers });
      const amount = 10_000n * MILLION;
      ledger.mustSend("mint-cbdc", { account: `CASH-${bank}`, amount, reserveRef: `L-${bank}` });
    }
    // The interbank rate of the day was about 157.
    const rate = { rateE4: 1_570_000, effectiveFromMs: TEN, reference: "SBP/FX" };
    ledger.mustSend("record-fx-rate", rate);
    return ledger;
  }

  test("settles at 11,059.204 million", () => {
    const ledger = ledgerOf2021();
    authorised(ledger, OTHER_PIB, bond);
    const terms = testTerms(ledger, {
      isin: OTHER_PIB,
      targetFace: 40_000n * MILLION,
      settlementDate: "2021-03-04",
    });
    closedAuction(ledger, terms, sheet());
    expect(accept(ledger, terms.auction, 949_435, 40_000).outcome.code).toBe("APPLIED");
    expect(supplyOf(ledger.state, OTHER_PIB)).toMatchObject({ issued: 11_601n * MILLION });
    passTo(ledger, openingOf("2021-03-04"));
    expect(auctionOf(ledger, terms.auction).unsettled).toBe(0);
    // In thousands of rupees: rounded per allotment to the paisa, the sums are those of the sheet.
    const paid = balanceOf(ledger.state, "CASH-GOV", CBDC)?.total ?? 0n;
    expect((paid + 50_000n) / 100_000n).toBe(11_059_204n);
    const accrued = sheet().map(
      (_, i) => allotmentOf(ledger, terms.auction, i + 1)?.accruedInterest,
    );
    const sum = accrued.reduce((total: bigint, part) => total + (part ?? 0n), 0n);
    expect((sum + 50_000n) / 100_000n).toBe(26_919n);
  });
});

test("a bank's own securities account is needed: nothing is delivered elsewhere", () => {
  const ledger = dealersLedger();
  ledger.mustSend("open-account", sgla("SGLA-HBL-2", "HBL"), { signers: ["SBP", "HBL"] });
  const terms = testTerms(ledger);
  const bid = { ...bankBid("HBL", 100, 950_000), securitiesAccount: "SGLA-HBL-2" };
  closedAuction(ledger, terms, [{ name: "a", bidder: "HBL", bid }]);
  accept(ledger, terms.auction, 950_000, 100);
  passTo(ledger, openingOf(SETTLEMENT));
  expect(balanceOf(ledger.state, "SGLA-HBL-2", PIB)?.total).toBe(100n * MILLION);
});
