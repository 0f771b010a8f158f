import { describe, expect, it } from "vitest";
import { serviceAccountsTable } from "../../state/service-accounts.ts";
import { servedLedger } from "../../testing/life-cycle-ledger.ts";

const both = { signers: ["SBP", "FINDIV"] };

describe("set-service-accounts", () => {
  const named = { fundingAccount: "CASH-GOV", taxAccount: "TAX" };

  it("names the sovereign's account and the tax account", () => {
    expect(serviceAccountsTable.read(servedLedger().state, "")).toEqual(named);
  });

  it.each([
    ["SAME_ACCOUNT_TWICE", { taxAccount: "CASH-GOV" }],
    ["ACCOUNT_UNKNOWN", { fundingAccount: "NONE" }],
    ["ACCOUNT_UNKNOWN", { taxAccount: "NONE" }],
    ["ACCOUNT_WRONG_KIND", { fundingAccount: "SGLA-HBL" }],
    ["ACCOUNT_WRONG_KIND", { taxAccount: "CASH-HBL" }],
    ["MEMBER_WRONG_ROLE", { fundingAccount: "CASH-HBL" }],
  ])("%s: %o", (code, change) => {
    const receipt = servedLedger().send("set-service-accounts", { ...named, ...change }, both);
    expect(receipt.outcome.code).toBe(code);
  });

  it("needs the sovereign", () => {
    const receipt = servedLedger().send("set-service-accounts", named, { member: "SBP" });
    expect(receipt.outcome.code).toBe("TX_MISSING_SIGNER");
  });
});

describe("set-payout-account", () => {
  it.each([
    ["ACCOUNT_UNKNOWN", { account: "NONE", cashAccount: "CASH-HBL" }],
    ["ACCOUNT_UNKNOWN", { account: "SGLA-HBL", cashAccount: "NONE" }],
    ["ACCOUNT_WRONG_KIND", { account: "CASH-HBL", cashAccount: "CASH-HBL" }],
    ["ACCOUNT_WRONG_KIND", { account: "SGLA-HBL", cashAccount: "SGLA-HBL" }],
    ["COUNTERPARTY_NOT_MATCHED", { account: "SGLA-HBL", cashAccount: "CASH-UBL" }],
  ])("%s: %o", (code, payload) => {
    const receipt = servedLedger().send("set-payout-account", payload, { signers: ["HBL"] });
    expect(receipt.outcome.code).toBe(code);
  });
});

describe("claim-payment", () => {
  it("PAYMENT_UNKNOWN where nothing waits", () => {
    const claim = {
      isin: "PK0PIB003015",
      type: "COUPON",
      recordDate: "2026-02-19",
      account: "SGLA-HBL",
    } as const;
    const receipt = servedLedger().send("claim-payment", claim, { signers: ["HBL"] });
    expect(receipt.outcome.code).toBe("PAYMENT_UNKNOWN");
  });
});
