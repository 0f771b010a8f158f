import { describe, expect, it } from "vitest";
import { balanceOf, programmeView, supplyOf } from "../queries.ts";
import { corporateActionTable, waitingPaymentTable } from "../state/corporate-action.ts";
import type { InstrumentTerms } from "../state/instrument.ts";
import {
  blockOn,
  eventsOf,
  issueUnits,
  MTB_ISIN,
  mint,
  openInvestorAccount,
  PIB_ISIN,
  sell,
  servedLedger,
} from "../testing/life-cycle-ledger.ts";
import { sgla, type TestLedger } from "../testing/test-ledger.ts";
import { CBDC } from "../types.ts";

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

function cash(ledger: TestLedger, account: string): bigint {
  return balanceOf(ledger.state, account, CBDC)?.total ?? 0n;
}

function actionOf(ledger: TestLedger, id: string) {
  return corporateActionTable.read(ledger.state, id);
}

const HALF_BILLION = 50_000_000_000n;

describe("a treasury bill", () => {
  function sold(): TestLedger {
    const ledger = servedLedger();
    mint(ledger, "CASH-HBL", HALF_BILLION);
    issueUnits(ledger, MTB_ISIN, BILL, HALF_BILLION);
    // 500,000,000.00 at 97.9000.
    sell(ledger, "HBL", { isin: MTB_ISIN, face: HALF_BILLION, cost: 48_950_000_000n });
    return ledger;
  }

  it("pays 497,900,000.00 to its first holder: 2,100,000.00 tax on the discount", () => {
    const ledger = sold();
    mint(ledger, "CASH-GOV", HALF_BILLION - 48_950_000_000n);
    const before = cash(ledger, "CASH-HBL");
    const result = blockOn(ledger, "2026-02-19");
    expect(eventsOf(result, "entitlementPaid")).toEqual([
      {
        isin: MTB_ISIN,
        type: "REDEMPTION",
        recordDate: "2026-02-18",
        account: "SGLA-HBL",
        cashAccount: "CASH-HBL",
        units: HALF_BILLION,
        gross: HALF_BILLION,
        tax: 210_000_000n,
        net: 49_790_000_000n,
        taxBps: 2_000,
        taxIsFinal: false,
        reference: "CA:PK0MTB084015:M:2026-02-18",
      },
    ]);
    expect(cash(ledger, "CASH-HBL") - before).toBe(49_790_000_000n);
    expect(cash(ledger, "TAX")).toBe(210_000_000n);
    expect(cash(ledger, "CASH-GOV")).toBe(0n);
    expect(balanceOf(ledger.state, "SGLA-HBL", MTB_ISIN)).toBeUndefined();
    expect(supplyOf(ledger.state, MTB_ISIN)).toMatchObject({
      issued: HALF_BILLION,
      redeemed: HALF_BILLION,
      outstanding: 0n,
    });
    expect(programmeView(ledger.state).usedUsdCents).toBe(0n);
    expect(actionOf(ledger, "CA:PK0MTB084015:M:2026-02-18")).toMatchObject({
      stage: "PAID",
      total: HALF_BILLION,
      paid: HALF_BILLION,
      waiting: 0n,
    });
  });

  it("waits whole while one paisa is missing, and is paid when it comes", () => {
    const ledger = sold();
    mint(ledger, "CASH-GOV", HALF_BILLION - 48_950_000_000n - 1n);
    const result = blockOn(ledger, "2026-02-19");
    expect(eventsOf(result, "corporateActionWaiting")).toMatchObject([{ reason: "FUNDS_SHORT" }]);
    expect(eventsOf(result, "entitlementPaid")).toEqual([]);
    ledger.emptyBlocks(40);
    expect(actionOf(ledger, "CA:PK0MTB084015:M:2026-02-18")).toMatchObject({
      stage: "AWAITING_FUNDS",
      reason: "FUNDS_SHORT",
      allocated: 0n,
    });
    mint(ledger, "CASH-GOV", 1n);
    ledger.emptyBlocks(16);
    expect(cash(ledger, "TAX")).toBe(210_000_000n);
    expect(cash(ledger, "CASH-GOV")).toBe(0n);
    // Not again.
    ledger.emptyBlocks(40);
    expect(cash(ledger, "TAX")).toBe(210_000_000n);
  });

  it("units that were never sold end without a payment", () => {
    const ledger = servedLedger();
    issueUnits(ledger, MTB_ISIN, BILL, HALF_BILLION);
    const result = blockOn(ledger, "2026-02-19");
    expect(eventsOf(result, "entitlementPaid")).toEqual([]);
    expect(eventsOf(result, "unitsRedeemed")).toMatchObject([{ account: "ISS" }]);
    expect(supplyOf(ledger.state, MTB_ISIN)?.outstanding).toBe(0n);
    expect(programmeView(ledger.state).usedUsdCents).toBe(0n);
  });
});

describe("a coupon", () => {
  function sold(): TestLedger {
    const ledger = servedLedger();
    mint(ledger, "CASH-HBL", 2n * HALF_BILLION);
    mint(ledger, "CASH-UBL", HALF_BILLION);
    issueUnits(ledger, PIB_ISIN, BOND, 2n * HALF_BILLION);
    sell(ledger, "HBL", { isin: PIB_ISIN, face: HALF_BILLION, cost: HALF_BILLION });
    return ledger;
  }

  it("of 500,000,000 at 7% is 17,500,000.00; 20% tax leaves 14,000,000.00", () => {
    const ledger = sold();
    const result = blockOn(ledger, "2026-02-20");
    expect(eventsOf(result, "entitlementPaid")).toMatchObject([
      { gross: 1_750_000_000n, tax: 350_000_000n, net: 1_400_000_000n, units: HALF_BILLION },
    ]);
    expect(eventsOf(result, "corporateActionPaid")).toMatchObject([
      { total: 1_750_000_000n, net: 1_400_000_000n, tax: 350_000_000n, waiting: 0n },
    ]);
    expect(balanceOf(ledger.state, "SGLA-HBL", PIB_ISIN)?.total).toBe(HALF_BILLION);
  });

  it("goes to whoever held at the close of the record date, whatever is traded on the day", () => {
    const ledger = sold();
    blockOn(ledger, "2026-02-19");
    const trade = {
      settlementRef: "LATE",
      isin: PIB_ISIN,
      face: HALF_BILLION,
      delivererAccount: "SGLA-HBL",
      receiverAccount: "SGLA-UBL",
      payerCashAccount: "CASH-UBL",
      payeeCashAccount: "CASH-HBL",
      cleanAmount: 1n,
      accruedInterest: 0n,
    };
    const sale = ledger.checked(
      ledger.transaction("settle-dvp", trade, { signers: ["HBL", "UBL"] }),
    );
    const result = ledger.blockOf([sale], 24 * 60 * 60 * 1_000);
    expect(result.receipts[0]?.outcome.code).toBe("SETTLED");
    expect(eventsOf(result, "entitlementPaid").map(({ account }) => account)).toEqual(["SGLA-HBL"]);
  });

  it("due on a closed day is paid on the following business day, in the same amount", () => {
    const ledger = sold();
    ledger.mustSend("set-holidays", {
      effectiveFromMs: ledger.timestampMs + 1,
      closed: ["2026-02-20"],
      reopened: [],
      reference: "DECLARED",
    });
    for (const closed of ["2026-02-20", "2026-02-21", "2026-02-22"]) {
      expect(eventsOf(blockOn(ledger, closed), "entitlementPaid")).toEqual([]);
    }
    blockOn(ledger, "2026-02-23");
    ledger.emptyBlocks(16);
    expect(actionOf(ledger, "CA:PK0PIB003015:C:2026-02-19")).toMatchObject({
      stage: "PAID",
      paymentDate: "2026-02-23",
      total: 1_750_000_000n,
    });
  });

  it("is taxed by the table of the day and by who the investor is", () => {
    const ledger = sold();
    openInvestorAccount(ledger, "IPS-1", "INV-1");
    openInvestorAccount(ledger, "IPS-2", "INV-2");
    openInvestorAccount(ledger, "IPS-3", "INV-3");
    const facts = {
      custodian: "HBL",
      kycTier: 1,
      kycExpiry: "2027-01-01",
      class: "IND",
      nationality: "PK",
      beneficialOwnersHash: undefined,
      pep: false,
      sanctionsListVersion: 1,
      riskScore: 10,
      scraAccount: undefined,
    } as const;
    const hbl = { signers: ["HBL"] };
    ledger.mustSend(
      "register-investor",
      { ...facts, investor: "INV-1", residency: "R", atl: true },
      hbl,
    );
    ledger.mustSend(
      "register-investor",
      { ...facts, investor: "INV-2", residency: "NR", atl: false, scraAccount: "SCRA-9" },
      hbl,
    );
    for (const account of ["IPS-1", "IPS-2", "IPS-3"]) {
      sell(ledger, "HBL", { isin: PIB_ISIN, face: 10_000_000n, cost: 10_000_000n }, account);
    }
    const result = blockOn(ledger, "2026-02-20");
    const taxes = eventsOf(result, "entitlementPaid").map(
      ({ account, gross, tax, taxBps, taxIsFinal }) => [account, gross, tax, taxBps, taxIsFinal],
    );
    expect(taxes).toEqual([
      ["IPS-1", 350_000n, 70_000n, 2_000, false],
      ["IPS-2", 350_000n, 35_000n, 1_000, true],
      // Nobody has said who this is.
      ["IPS-3", 350_000n, 140_000n, 4_000, false],
      ["SGLA-HBL", 1_750_000_000n, 350_000_000n, 2_000, false],
    ]);
  });

  it("is paid account by account to one investor with two accounts", () => {
    const ledger = sold();
    openInvestorAccount(ledger, "IPS-1", "INV-1");
    openInvestorAccount(ledger, "IPS-2", "INV-1");
    for (const account of ["IPS-1", "IPS-2"]) {
      sell(ledger, "HBL", { isin: PIB_ISIN, face: 10_000_000n, cost: 10_000_000n }, account);
    }
    const paid = eventsOf(blockOn(ledger, "2026-02-20"), "entitlementPaid");
    expect(paid.map(({ account, gross }) => [account, gross])).toEqual([
      ["IPS-1", 350_000n],
      ["IPS-2", 350_000n],
      ["SGLA-HBL", 1_750_000_000n],
    ]);
  });

  it("that cannot be credited waits by itself and is paid later, others at once", () => {
    const ledger = sold();
    sell(ledger, "UBL", { isin: PIB_ISIN, face: 10_000_000n, cost: 10_000_000n });
    ledger.alterAccount("CASH-UBL", { status: "BLOCKED_CREDIT" });
    const result = blockOn(ledger, "2026-02-20");
    expect(eventsOf(result, "entitlementPaid").map(({ account }) => account)).toEqual(["SGLA-HBL"]);
    expect(eventsOf(result, "paymentWaiting")).toMatchObject([
      { account: "SGLA-UBL", gross: 350_000n, reason: "CASH_ACCOUNT_BLOCKED" },
    ]);
    expect(balanceOf(ledger.state, "CASH-GOV", CBDC)?.reserved).toBe(350_000n);
    const key = { isin: PIB_ISIN, type: "COUPON", recordDate: "2026-02-19" } as const;
    const ask = (account: string) =>
      ledger.send("claim-payment", { ...key, account }, { signers: [account.slice(5)] }).outcome
        .code;
    expect(ask("SGLA-UBL")).toBe("ACCOUNT_FROZEN");
    expect(ask("SGLA-HBL")).toBe("PAYMENT_UNKNOWN");
    ledger.alterAccount("CASH-UBL", { status: "OPEN" });
    expect(ask("SGLA-UBL")).toBe("SETTLED");
    expect(ask("SGLA-UBL")).toBe("PAYMENT_UNKNOWN");
    expect(balanceOf(ledger.state, "CASH-GOV", CBDC)?.reserved).toBe(0n);
    ledger.emptyBlocks(40);
    expect(actionOf(ledger, "CA:PK0PIB003015:C:2026-02-19")).toMatchObject({ waiting: 0n });
  });

  it("that waits is tried again without anyone asking", () => {
    const ledger = sold();
    ledger.alterAccount("CASH-HBL", { status: "BLOCKED_BOTH" });
    blockOn(ledger, "2026-02-20");
    ledger.alterAccount("CASH-HBL", { status: "OPEN" });
    ledger.emptyBlocks(16);
    expect(actionOf(ledger, "CA:PK0PIB003015:C:2026-02-19")).toMatchObject({
      waiting: 0n,
      paid: 1_750_000_000n,
    });
    const waiting = [...ledger.state.keys()].filter((key) =>
      key.startsWith(`${waitingPaymentTable.name}/`),
    );
    expect(waiting).toEqual([]);
  });

  it("reaches a frozen holder on his own cash account; a redemption ends frozen units", () => {
    const ledger = servedLedger();
    mint(ledger, "CASH-HBL", HALF_BILLION);
    mint(ledger, "CASH-GOV", HALF_BILLION);
    issueUnits(ledger, MTB_ISIN, BILL, HALF_BILLION);
    sell(ledger, "HBL", { isin: MTB_ISIN, face: HALF_BILLION, cost: 48_950_000_000n });
    ledger.alterAccount("SGLA-HBL", { status: "BLOCKED_BOTH" });
    const paid = eventsOf(blockOn(ledger, "2026-02-19"), "entitlementPaid");
    expect(paid).toMatchObject([{ cashAccount: "CASH-HBL", net: 49_790_000_000n }]);
  });

  it("goes to the cash account that is named for the securities account", () => {
    const ledger = sold();
    ledger.mustSend(
      "open-account",
      { ...sgla("CASH-HBL-2", "HBL"), kind: "CASH_CBDC" },
      { signers: ["SBP", "HBL"] },
    );
    const named = { account: "SGLA-HBL", cashAccount: "CASH-HBL-2" };
    ledger.mustSend("set-payout-account", named, { signers: ["HBL"] });
    blockOn(ledger, "2026-02-20");
    expect(cash(ledger, "CASH-HBL-2")).toBe(1_400_000_000n);
  });

  it("of a bond's whole life: six coupons, and the face in the end", () => {
    const ledger = sold();
    mint(ledger, "CASH-GOV", 3n * HALF_BILLION);
    const types: string[] = [];
    for (const due of scheduleDays) {
      const result = blockOn(ledger, due);
      types.push(...eventsOf(result, "entitlementPaid").map(({ type }) => type));
    }
    expect(types).toEqual([...Array(6).fill("COUPON"), "REDEMPTION"]);
    expect(supplyOf(ledger.state, PIB_ISIN)?.outstanding).toBe(0n);
    // 20% of six coupons; the face is no income.
    expect(cash(ledger, "TAX")).toBe(6n * 350_000_000n);
    ledger.emptyBlocks(1);
    const left = [...ledger.state.keys()].filter((key) =>
      /^(position-page|captured|live-captures|saved-position|queue|holders|remainder)/.test(key),
    );
    expect(left).toEqual([]);
  });
});

/** The due dates of BOND, moved to business days where they fall on a weekend. */
const scheduleDays = [
  "2026-02-20",
  "2026-08-20",
  "2027-02-22",
  "2027-08-20",
  "2028-02-21",
  "2028-08-21",
];
