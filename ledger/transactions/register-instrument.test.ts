import { describe, expect, test } from "vitest";
import { instrumentOf, instruments, supplyOf } from "../queries.ts";
import {
  DENOMINATION,
  OTHER_PIB,
  openedLedger,
  PIB,
  PIB_TERMS,
  readyLedger,
} from "../testing/test-ledger.ts";

const both = { signers: ["SBP", "FINDIV"] };

function terms(change: Partial<(typeof PIB_TERMS)["body"]> | Record<string, unknown>) {
  return { type: "PIB_FIXED", body: { ...PIB_TERMS.body, ...change } } as const;
}

describe("register-instrument", () => {
  test("registers terms and an empty supply", () => {
    const ledger = openedLedger();
    const registration = { isin: PIB, terms: PIB_TERMS };
    const result = ledger.block(ledger.transaction("register-instrument", registration, both));
    expect(result.receipts[0]?.outcome.code).toBe("APPLIED");
    expect(instrumentOf(ledger.state, PIB)).toEqual({
      isin: PIB,
      terms: PIB_TERMS,
      registeredAtHeight: ledger.height,
    });
    expect(supplyOf(ledger.state, PIB)).toMatchObject({ authorised: 0n, issued: 0n });
    expect(result.events.map(({ event }) => event.type)).toEqual(["instrumentRegistered"]);
    ledger.mustSend("register-instrument", { isin: OTHER_PIB, terms: PIB_TERMS }, both);
    expect(instruments(ledger.state)).toEqual([OTHER_PIB, PIB]);
  });

  test.each([
    ["SBP", "role SOVEREIGN"],
    ["FINDIV", "role CENTRAL_BANK"],
  ])("%s alone does not suffice", (member, field) => {
    const ledger = openedLedger();
    const receipt = ledger.send("register-instrument", { isin: PIB, terms: PIB_TERMS }, { member });
    expect(receipt).toMatchObject({ executed: false, field });
  });

  test("terms never change: ASSET_EXISTS", () => {
    const ledger = readyLedger();
    const again = { isin: PIB, terms: terms({ couponRateE4: 80_000 }) };
    expect(ledger.send("register-instrument", again, both).outcome.code).toBe("ASSET_EXISTS");
    expect(instrumentOf(ledger.state, PIB)?.terms).toEqual(PIB_TERMS);
  });

  test.each([
    ["AMOUNT_ZERO", PIB, { denomination: 0n }, "terms.denomination"],
    ["ISIN_INVALID", "PK0PIB003014", {}, "isin"],
    ["TERMS_INVALID", PIB, { couponFrequency: 3 }, "terms.couponFrequency"],
    ["TERMS_INVALID", PIB, { couponFrequency: 0 }, "terms.couponFrequency"],
    ["TERMS_INVALID", PIB, { firstCouponDate: "2025-08-20" }, "terms.firstCouponDate"],
    ["TERMS_INVALID", PIB, { firstCouponDate: "2026-08-20" }, "terms.firstCouponDate"],
    ["TERMS_INVALID", PIB, { issueDate: "2028-08-20" }, "terms.maturityDate"],
    ["TERMS_INVALID", PIB, { issueDate: "2025-08-21" }, "terms.maturityDate"],
    ["TERMS_INVALID", PIB, { maturityDate: "1901-08-20" }, "terms.maturityDate"],
    ["TERMS_INVALID", PIB, { maturityDate: "2028-08-21" }, "terms.maturityDate"],
    ["TERMS_INVALID", PIB, { maturityDate: "2028-09-20" }, "terms.maturityDate"],
  ])("%s: %s %o", (code, isin, change, field) => {
    const ledger = openedLedger();
    const receipt = ledger.send("register-instrument", { isin, terms: terms(change) }, both);
    expect(receipt).toMatchObject({ executed: true, field });
    expect(receipt.outcome.code).toBe(code);
  });

  test.each([
    ["2025-08-20", "2026-02-20", "2028-08-20"],
    ["2025-08-31", "2026-02-28", "2028-08-31"],
    ["2024-02-29", "2024-08-29", "2044-02-29"],
    ["2027-12-30", "2028-06-30", "2029-12-30"],
  ])("issue %s, first coupon %s, maturity %s is a regular schedule", (issueDate, first, last) => {
    const ledger = openedLedger();
    const dates = { issueDate, firstCouponDate: first, maturityDate: last };
    ledger.mustSend("register-instrument", { isin: PIB, terms: terms(dates) }, both);
  });

  test("a day that does not exist is no transaction", () => {
    const ledger = openedLedger();
    const wrong = { isin: PIB, terms: terms({ maturityDate: "2028-02-30" }) };
    expect(() => ledger.transaction("register-instrument", wrong, both)).toThrow(/maturityDate/);
  });
});

describe("authorise-instrument", () => {
  const authorise = { isin: PIB, face: 5n * DENOMINATION, mandateRef: "M2" };

  test("adds to what may be issued", () => {
    const ledger = readyLedger();
    const result = ledger.block(ledger.transaction("authorise-instrument", authorise, both));
    const authorised = 105n * DENOMINATION;
    expect(supplyOf(ledger.state, PIB)?.authorised).toBe(authorised);
    expect(result.events[0]?.event).toEqual({
      type: "instrumentAuthorised",
      body: { isin: PIB, added: 5n * DENOMINATION, authorised, mandateRef: "M2" },
    });
  });

  test("needs the sovereign and the central bank", () => {
    const ledger = readyLedger();
    for (const member of ["SBP", "FINDIV", "HBL"]) {
      const receipt = ledger.send("authorise-instrument", authorise, { member });
      expect(receipt.outcome.code).toBe("TX_MISSING_SIGNER");
    }
  });

  test.each([
    ["AMOUNT_ZERO", { face: 0n }],
    ["ASSET_UNKNOWN", { isin: OTHER_PIB }],
    ["DENOMINATION", { face: DENOMINATION - 1n }],
    ["AMOUNT_OVERFLOW", { face: (1n << 127n) - ((1n << 127n) % DENOMINATION) }],
  ])("%s", (code, change) => {
    const ledger = readyLedger();
    const receipt = ledger.send("authorise-instrument", { ...authorise, ...change }, both);
    expect(receipt.outcome.code).toBe(code);
  });

  test("ASSET_MATURED", () => {
    const ledger = readyLedger();
    const late = ledger.checked(ledger.transaction("authorise-instrument", authorise, both));
    const { receipts } = ledger.blockOf([late], 1_850_324_400_000 - ledger.timestampMs);
    expect(receipts[0]?.outcome.code).toBe("ASSET_MATURED");
  });
});
