import { describe, expect, it } from "vitest";
import { investorTable } from "../../state/investor.ts";
import { TestLedger } from "../../testing/test-ledger.ts";
import type { Payloads } from "../kinds.ts";

const hbl = { signers: ["HBL"] };

const INVESTOR: Payloads["register-investor"] = {
  investor: "INV-1",
  custodian: "HBL",
  kycTier: 1,
  kycExpiry: "2027-01-01",
  residency: "R",
  class: "IND",
  atl: true,
  scraAccount: undefined,
  nationality: "PK",
  beneficialOwnersHash: undefined,
  pep: false,
  sanctionsListVersion: 3,
  riskScore: 20,
};

describe("register-investor", () => {
  it("records what the custodian knows", () => {
    const ledger = new TestLedger();
    ledger.mustSend("register-investor", INVESTOR, hbl);
    const { investor: id, ...facts } = INVESTOR;
    const updatedAtHeight = ledger.height;
    expect(investorTable.read(ledger.state, id)).toEqual({ id, ...facts, updatedAtHeight });
    expect(ledger.send("register-investor", INVESTOR, hbl).outcome.code).toBe("INVESTOR_EXISTS");
  });

  it.each([
    ["TERMS_INVALID", { kycExpiry: "2025-11-25" }, "kycExpiry"],
    ["TERMS_INVALID", { scraAccount: "SCRA-1" }, "scraAccount"],
  ])("%s: %o", (code, change, field) => {
    const receipt = new TestLedger().send("register-investor", { ...INVESTOR, ...change }, hbl);
    expect(receipt).toMatchObject({ field, outcome: { code } });
  });

  it("is a custodian's", () => {
    const byState = { ...INVESTOR, custodian: "FINDIV" };
    const ledger = new TestLedger();
    const signed = { signers: ["FINDIV"] };
    expect(ledger.send("register-investor", byState, signed).outcome.code).toBe(
      "MEMBER_WRONG_ROLE",
    );
    const other = ledger.send("register-investor", INVESTOR, { signers: ["UBL"] });
    expect(other.outcome.code).toBe("TX_MISSING_SIGNER");
  });
});

describe("update-investor", () => {
  it("replaces what was known", () => {
    const ledger = new TestLedger();
    ledger.mustSend("register-investor", INVESTOR, hbl);
    const moved = { ...INVESTOR, residency: "NR", scraAccount: "SCRA-1", atl: false } as const;
    ledger.mustSend("update-investor", moved, hbl);
    expect(investorTable.read(ledger.state, "INV-1")).toMatchObject({
      residency: "NR",
      scraAccount: "SCRA-1",
    });
  });

  it("INVESTOR_UNKNOWN, and COUNTERPARTY_NOT_MATCHED for another custodian", () => {
    const ledger = new TestLedger();
    expect(ledger.send("update-investor", INVESTOR, hbl).outcome.code).toBe("INVESTOR_UNKNOWN");
    ledger.mustSend("register-investor", INVESTOR, hbl);
    const taken = { ...INVESTOR, custodian: "UBL" };
    const receipt = ledger.send("update-investor", taken, { signers: ["UBL"] });
    expect(receipt.outcome.code).toBe("COUNTERPARTY_NOT_MATCHED");
  });
});
