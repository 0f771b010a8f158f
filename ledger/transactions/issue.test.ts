import { describe, expect, test } from "vitest";
import { usdCentsOf } from "../issuance.ts";
import { balanceOf, programmeView, supplyOf, trancheOf } from "../queries.ts";
import {
  DENOMINATION,
  GENESIS_TIME_MS,
  OTHER_PIB,
  openedLedger,
  PIB,
  PIB_TERMS,
  readyLedger,
} from "../testing/test-ledger.ts";

const both = { signers: ["SBP", "FINDIV"] };

describe("issue", () => {
  test("creates units on the issuance account and books a tranche", () => {
    const ledger = readyLedger();
    const face = 3n * DENOMINATION;
    ledger.mustSend("authorise-instrument", { isin: PIB, face, mandateRef: "M2" }, both);
    const issue = { isin: PIB, face, account: "ISS", mandateRef: "M2" };
    const result = ledger.block(ledger.transaction("issue", issue));
    expect(result.receipts[0]?.outcome.code).toBe("APPLIED");
    // 30,000,000 paisa at 281.5000: 106,571.936 cents, rounded up.
    const tranche = {
      isin: PIB,
      face,
      usdCents: 106_572n,
      fxRateE4: 2_815_000,
      account: "ISS",
      mandateRef: "M2",
    };
    expect(trancheOf(ledger.state, PIB, 2)).toMatchObject({ ...tranche, height: ledger.height });
    expect(result.events.map(({ event }) => event.type)).toEqual(["trancheIssued", "posting"]);
    expect(balanceOf(ledger.state, "ISS", PIB)?.available).toBe(103n * DENOMINATION);
    expect(supplyOf(ledger.state, PIB)).toMatchObject({ issued: 103n * DENOMINATION, tranches: 2 });
  });

  test("needs the central bank alone", () => {
    const ledger = readyLedger();
    const issue = { isin: PIB, face: DENOMINATION, account: "ISS", mandateRef: "M" };
    const receipt = ledger.send("issue", issue, { member: "FINDIV" });
    expect(receipt).toMatchObject({ executed: false, field: "role CENTRAL_BANK" });
    expect(receipt.outcome.code).toBe("TX_MISSING_SIGNER");
  });

  const valid = { isin: PIB, face: DENOMINATION, account: "ISS", mandateRef: "M" };
  test.each([
    ["AMOUNT_ZERO", { face: 0n }],
    ["ACCOUNT_UNKNOWN", { account: "NOBODY" }],
    ["ASSET_UNKNOWN", { isin: OTHER_PIB }],
    ["ACCOUNT_WRONG_KIND", { account: "CASH-GOV" }],
    ["DENOMINATION", { face: DENOMINATION + 1n }],
    ["AUTHORISED_EXCEEDED", {}],
  ])("%s", (code, change) => {
    const ledger = readyLedger();
    expect(ledger.send("issue", { ...valid, ...change }).outcome.code).toBe(code);
  });

  test("INSTRUMENT_NOT_AUTHORISED before any mandate", () => {
    const ledger = openedLedger();
    ledger.mustSend("register-instrument", { isin: PIB, terms: PIB_TERMS }, both);
    expect(ledger.send("issue", valid).outcome.code).toBe("INSTRUMENT_NOT_AUTHORISED");
  });

  test.each([
    ["ACCOUNT_CLOSED", "CLOSED"],
    ["ACCOUNT_FROZEN", "BLOCKED_CREDIT"],
    ["ACCOUNT_FROZEN", "BLOCKED_BOTH"],
  ] as const)("%s when the account is %s", (code, status) => {
    const ledger = readyLedger();
    ledger.alterAccount("ISS", { status });
    expect(ledger.send("issue", valid).outcome.code).toBe(code);
  });

  test("ASSET_MATURED from midnight in Karachi of the maturity date", () => {
    const ledger = readyLedger();
    ledger.mustSend("authorise-instrument", { ...valid2(), mandateRef: "M2" }, both);
    // 2028-08-20 00:00 at UTC+5.
    const maturity = 1_850_324_400_000;
    const issue = () => ledger.checked(ledger.transaction("issue", valid));
    const lastDay = ledger.blockOf([issue()], maturity - 1 - ledger.timestampMs);
    expect(lastDay.receipts[0]?.outcome.code).toBe("APPLIED");
    const matured = ledger.blockOf([issue()], 1);
    expect(matured.receipts[0]?.outcome.code).toBe("ASSET_MATURED");
  });

  function valid2() {
    return { isin: PIB, face: 2n * DENOMINATION };
  }
});

describe("the exchange rate", () => {
  test("FX_RATE_MISSING until the first rate takes effect", () => {
    const ledger = openedLedger();
    const terms = { isin: PIB, terms: PIB_TERMS };
    ledger.mustSend("register-instrument", terms, both);
    const face = DENOMINATION;
    ledger.mustSend("authorise-instrument", { isin: PIB, face, mandateRef: "M" }, both);
    ledger.state.delete("fx-rates");
    ledger.tree = ledger.tree.update([["fx-rates", null]]);
    const issue = { isin: PIB, face, account: "ISS", mandateRef: "M" };
    expect(ledger.send("issue", issue).outcome.code).toBe("FX_RATE_MISSING");
  });

  test("an announced rate applies from its moment on", () => {
    const ledger = readyLedger();
    const face = 2n * DENOMINATION;
    ledger.mustSend("authorise-instrument", { isin: PIB, face, mandateRef: "M" }, both);
    const effectiveFromMs = ledger.timestampMs + 60_000;
    ledger.mustSend("record-fx-rate", { rateE4: 3_000_000, effectiveFromMs, reference: "FX/2" });
    const issue = { isin: PIB, face: DENOMINATION, account: "ISS", mandateRef: "M" };
    ledger.mustSend("issue", issue);
    expect(trancheOf(ledger.state, PIB, 2)?.fxRateE4).toBe(2_815_000);
    const later = ledger.checked(ledger.transaction("issue", issue));
    ledger.blockOf([later], effectiveFromMs - ledger.timestampMs);
    expect(trancheOf(ledger.state, PIB, 3)?.fxRateE4).toBe(3_000_000);
    expect(GENESIS_TIME_MS).toBeLessThan(effectiveFromMs);
  });

  test("cents round up, per tranche", () => {
    expect(usdCentsOf(2_815_000n, 2_815_000)).toBe(10_000n);
    expect(usdCentsOf(2_815_001n, 2_815_000)).toBe(10_001n);
    expect(usdCentsOf(1n, 2_815_000)).toBe(1n);
    expect(usdCentsOf(56_300_000_000_000n, 2_815_000)).toBe(200_000_000_000n);
  });
});

describe("the programme's cap", () => {
  const denomination = 500_000n; // PKR 5,000.00
  const atTheCap = 56_300_000_000_000n; // PKR 563,000,000,000.00
  const isin = "PK0MTB084015";

  function capLedger() {
    const ledger = openedLedger();
    const terms = {
      type: "PIB_FIXED",
      body: {
        denomination,
        couponRateE4: 0,
        couponFrequency: 1,
        issueDate: "2025-11-20",
        maturityDate: "2027-11-20",
        firstCouponDate: "2026-11-20",
        dayCount: "ACT_ACT_ICMA",
      },
    } as const;
    ledger.mustSend("register-instrument", { isin, terms }, both);
    const authorised = { isin, face: 2n * atTheCap, mandateRef: "M" };
    ledger.mustSend("authorise-instrument", authorised, both);
    const issue = (face: bigint) =>
      ledger.send("issue", { isin, face, account: "ISS", mandateRef: "M" }).outcome.code;
    return { ledger, issue };
  }

  test("PKR 563,000,000,000.00 at 281.5000 fill USD 2,000,000,000.00; no denomination more", () => {
    const { ledger, issue } = capLedger();
    expect(issue(atTheCap + denomination)).toBe("PROGRAMME_CAP_EXCEEDED");
    expect(issue(atTheCap)).toBe("APPLIED");
    expect(programmeView(ledger.state)).toEqual({
      capUsdCents: 200_000_000_000n,
      usedUsdCents: 200_000_000_000n,
      freeUsdCents: 0n,
    });
    expect(issue(denomination)).toBe("PROGRAMME_CAP_EXCEEDED");
  });

  test("a weaker rupee frees nothing: use stays as booked", () => {
    const { ledger, issue } = capLedger();
    expect(issue(atTheCap)).toBe("APPLIED");
    const effectiveFromMs = ledger.timestampMs + 1;
    ledger.mustSend("record-fx-rate", { rateE4: 3_000_000, effectiveFromMs, reference: "FX/2" });
    expect(issue(denomination)).toBe("PROGRAMME_CAP_EXCEEDED");
    expect(programmeView(ledger.state).usedUsdCents).toBe(200_000_000_000n);
  });

  test("rounding up per tranche never lets many small issues pass the cap", () => {
    const { ledger, issue } = capLedger();
    expect(issue(atTheCap - 3n * denomination)).toBe("APPLIED");
    // 5,000.00 at 281.5000 is 1,776.198 cents: three of them use 5,331, not 5,328.6.
    expect([issue(denomination), issue(denomination)]).toEqual(["APPLIED", "APPLIED"]);
    expect(issue(denomination)).toBe("PROGRAMME_CAP_EXCEEDED");
    expect(programmeView(ledger.state).usedUsdCents).toBeLessThan(200_000_000_000n);
  });
});
