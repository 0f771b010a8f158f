import { describe, expect, it } from "vitest";
import { programmeView } from "../queries.ts";
import { corporateActionTable } from "../state/corporate-action.ts";
import type { InstrumentTerms } from "../state/instrument.ts";
import {
  blockOn,
  eventsOf,
  GIS_ISIN,
  issueUnits,
  MTB_ISIN,
  mint,
  openInvestorAccount,
  PIB_ISIN,
  sell,
  servedLedger,
} from "../testing/life-cycle-ledger.ts";
import type { TestLedger } from "../testing/test-ledger.ts";

const both = { signers: ["SBP", "FINDIV"] };

/** 84 days from 2025-11-27: Thursday, 2026-02-19. */
const BILL: InstrumentTerms = {
  type: "MTB",
  body: { denomination: 500_000n, issueDate: "2025-11-27", maturityDate: "2026-02-19" },
};

/** 7% half-yearly; the next coupon on Friday, 2026-02-20, the first ledger one. */
const BOND: InstrumentTerms = {
  type: "PIB_FIXED",
  body: {
    denomination: 10_000_000n,
    couponRateE4: 70_000,
    couponFrequency: 2,
    issueDate: "2025-08-20",
    maturityDate: "2028-08-20",
    firstCouponDate: "2026-02-20",
    dayCount: "ACT_ACT_ICMA",
  },
};

function actionOf(ledger: TestLedger, id: string) {
  return corporateActionTable.read(ledger.state, id);
}

const HALF_BILLION = 50_000_000_000n;

describe("rentals", () => {
  const HASH = "ab".repeat(32);
  const SUKUK: InstrumentTerms = {
    type: "GIS_FRR",
    body: {
      denomination: 1n,
      rentalRateE4: 156_395,
      rentalFrequency: 2,
      issueDate: "2025-08-26",
      maturityDate: "2028-08-26",
      firstRentalDate: "2026-02-26",
      documentHash: HASH,
    },
  };

  it("share odd paisas by the largest remainder, ties by account", () => {
    const ledger = servedLedger();
    issueUnits(ledger, GIS_ISIN, SUKUK, 1_000n);
    for (const account of ["IPS-1", "IPS-2", "IPS-3", "IPS-4"]) {
      openInvestorAccount(ledger, account, account);
    }
    // 184 days at 15.6395% on 7 paisa: 0.5518…; on 20 in all: 1.577, rounded 2.
    for (const [account, face] of [
      ["IPS-4", 6n],
      ["IPS-3", 7n],
      ["IPS-1", 7n],
    ] as const) {
      sell(ledger, "HBL", { isin: GIS_ISIN, face, cost: 1n }, account);
    }
    const paid = eventsOf(blockOn(ledger, "2026-02-26"), "entitlementPaid");
    expect(paid.map(({ account, gross }) => [account, gross])).toEqual([
      ["IPS-1", 1n],
      ["IPS-3", 1n],
    ]);
    const action = actionOf(ledger, "CA:PK0GIS005012:R:2026-02-25");
    expect(action).toMatchObject({ total: 2n, allocated: 2n, stage: "PAID", units: 20n });
  });

  it("of 100,000 at 15.6395% for 182 days are 7,798.33", () => {
    const ledger = servedLedger();
    mint(ledger, "CASH-GOV", 1_000_000n);
    const terms: InstrumentTerms = {
      ...SUKUK,
      body: {
        ...SUKUK.body,
        issueDate: "2024-08-27",
        maturityDate: "2027-08-27",
        firstRentalDate: "2025-02-27",
      },
    };
    issueUnits(ledger, GIS_ISIN, terms, 10_000_000n);
    sell(ledger, "HBL", { isin: GIS_ISIN, face: 10_000_000n, cost: 10_000_000n });
    // 2025-08-27 to 2026-02-27 has 184 days, 2026-02-27 to 2026-08-27 has 181.
    const first = eventsOf(blockOn(ledger, "2026-02-27"), "entitlementPaid");
    expect(first).toMatchObject([{ gross: 788_402n, taxBps: 2_500 }]);
    const second = eventsOf(blockOn(ledger, "2026-08-27"), "entitlementPaid");
    expect(second).toMatchObject([{ gross: 775_548n }]);
  });
});

describe("floating coupons", () => {
  const PFL: InstrumentTerms = {
    type: "PFL",
    body: {
      denomination: 10_000_000n,
      rate: { benchmark: "MTB_84", marginE4: 500, marginSign: "PLUS", rateDecimals: 4 },
      couponFrequency: 4,
      issueDate: "2025-11-27",
      maturityDate: "2027-11-27",
      firstCouponDate: "2026-02-27",
    },
  };
  const fixing = {
    benchmark: "MTB_84",
    source: "AUCTION",
    date: "2025-11-25",
    rateE4: 110_000,
    reference: "AUCTION-1",
  } as const;

  it("pay the rate that was fixed before the period began", () => {
    const ledger = servedLedger();
    mint(ledger, "CASH-HBL", HALF_BILLION);
    issueUnits(ledger, PIB_ISIN, PFL, HALF_BILLION);
    sell(ledger, "HBL", { isin: PIB_ISIN, face: HALF_BILLION, cost: HALF_BILLION });
    ledger.mustSend("record-rate-fixing", fixing);
    const set = eventsOf(blockOn(ledger, "2025-11-27"), "periodRateSet");
    expect(set).toMatchObject([{ periodStart: "2025-11-27", rateE4: 110_500 }]);
    const paid = eventsOf(blockOn(ledger, "2026-02-27"), "entitlementPaid");
    // 11.05% / 4 of 500,000,000.00.
    expect(paid).toMatchObject([{ gross: 1_381_250_000n }]);
  });

  it("wait for a fixing that is late, and take it when it is recorded", () => {
    const ledger = servedLedger();
    mint(ledger, "CASH-HBL", HALF_BILLION);
    issueUnits(ledger, PIB_ISIN, PFL, HALF_BILLION);
    sell(ledger, "HBL", { isin: PIB_ISIN, face: HALF_BILLION, cost: HALF_BILLION });
    blockOn(ledger, "2025-11-27");
    const waiting = eventsOf(blockOn(ledger, "2026-02-27"), "corporateActionWaiting");
    expect(waiting).toMatchObject([{ reason: "NO_RATE" }]);
    ledger.mustSend("record-rate-fixing", { ...fixing, source: "PKRV", rateE4: 100_000 });
    ledger.emptyBlocks(20);
    expect(actionOf(ledger, "CA:PK0PIB003015:C:2026-02-26")).toMatchObject({
      stage: "PAID",
      rateE4: 100_500,
    });
    // Of that source and day there is one.
    const again = { ...fixing, source: "PKRV", rateE4: 1 } as const;
    expect(ledger.send("record-rate-fixing", again).outcome.code).toBe("FIXING_EXISTS");
    const ahead = { ...fixing, date: "2027-01-01" };
    expect(ledger.send("record-rate-fixing", ahead).outcome.code).toBe("TABLE_INVALID");
  });
});

describe("the programme", () => {
  it("gets back what was booked, whatever the rate has become", () => {
    const ledger = servedLedger();
    const atTheCap = 56_300_000_000_000n; // PKR 563,000,000,000.00 at 281.5000
    ledger.mustSend("register-instrument", { isin: MTB_ISIN, terms: BILL }, both);
    const authorised = { isin: MTB_ISIN, face: 2n * atTheCap, mandateRef: "M" };
    ledger.mustSend("authorise-instrument", authorised, both);
    const half = { isin: MTB_ISIN, face: atTheCap / 2n, account: "ISS", mandateRef: "M" };
    const other = "PK0PIB003015";
    ledger.mustSend("issue", half);
    ledger.mustSend("register-instrument", { isin: other, terms: BOND }, both);
    ledger.mustSend("authorise-instrument", { ...authorised, isin: other }, both);
    ledger.mustSend("issue", { ...half, isin: other });
    expect(programmeView(ledger.state).freeUsdCents).toBe(0n);
    ledger.mustSend("record-fx-rate", {
      rateE4: 3_000_000,
      effectiveFromMs: ledger.timestampMs,
      reference: "SBP/FX/2",
    });
    const more = { ...half, face: 500_000n };
    expect(ledger.send("issue", more).outcome.code).toBe("PROGRAMME_CAP_EXCEEDED");
    blockOn(ledger, "2026-02-19");
    expect(programmeView(ledger.state).freeUsdCents).toBe(100_000_000_000n);
  });
});
