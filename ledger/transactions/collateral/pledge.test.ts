import { describe, expect, test } from "vitest";
import { MAX_TERMS_VERSIONS } from "../../collateral/collateral-terms.ts";
import { lienTable } from "../../collateral/lien-record.ts";
import { balanceOf } from "../../queries.ts";
import { MILLION, passTo } from "../../testing/auction-ledger.ts";
import { bothBanks, collateralLedger } from "../../testing/collateral-ledger.ts";
import { PIB, type TestLedger } from "../../testing/test-ledger.ts";
import type { Payloads } from "../kinds.ts";

const pledging: Payloads["pledge-units"] = {
  lien: "LIEN-1",
  account: "SGLA-HBL",
  isin: PIB,
  face: 200n * MILLION,
  pledgee: "UBL",
  pledgeeAccount: "SGLA-UBL",
  purpose: "LINE 7",
};

function pledged(): TestLedger {
  const ledger = collateralLedger();
  ledger.mustSend("pledge-units", pledging, bothBanks);
  return ledger;
}

const partsOf = (ledger: TestLedger, account: string) => {
  const { available = 0n, pledged: lien = 0n } = balanceOf(ledger.state, account, PIB) ?? {};
  return [available / MILLION, lien / MILLION];
};

describe("a lien", () => {
  test("keeps units where they are, is released in parts, and ends with the last", () => {
    const ledger = pledged();
    expect(partsOf(ledger, "SGLA-HBL")).toEqual([400n, 200n]);
    const part = { lien: "LIEN-1", pledgee: "UBL", face: 50n * MILLION };
    ledger.mustSend("release-pledge", part, { member: "UBL" });
    expect(partsOf(ledger, "SGLA-HBL")).toEqual([450n, 150n]);
    const codeOf = (change: object, member = "UBL") =>
      ledger.send("release-pledge", { ...part, ...change }, { member }).outcome.code;
    expect(codeOf({ face: 0n })).toBe("AMOUNT_ZERO");
    expect(codeOf({ lien: "X" })).toBe("LIEN_UNKNOWN");
    expect(codeOf({ pledgee: "HBL" }, "HBL")).toBe("COUNTERPARTY_NOT_MATCHED");
    expect(codeOf({ face: 151n * MILLION })).toBe("INSUFFICIENT_SECURITIES");
    expect(codeOf({ face: 150n * MILLION })).toBe("APPLIED");
    expect(lienTable.read(ledger.state, "LIEN-1")).toBeUndefined();
    expect(partsOf(ledger, "SGLA-HBL")).toEqual([600n, 0n]);
  });

  test("is enforced by the pledgee with the central bank", () => {
    const ledger = pledged();
    const enforcing = { lien: "LIEN-1", pledgee: "UBL" };
    const send = (change: object, signers: readonly string[]) =>
      ledger.send("enforce-pledge", { ...enforcing, ...change }, { signers });
    expect(send({}, ["UBL"]).field).toBe("role CENTRAL_BANK");
    expect(send({ lien: "X" }, ["UBL", "SBP"]).outcome.code).toBe("LIEN_UNKNOWN");
    const foreign = send({ pledgee: "HBL" }, ["HBL", "SBP"]);
    expect(foreign.outcome.code).toBe("COUNTERPARTY_NOT_MATCHED");
    ledger.alterAccount("SGLA-HBL", { status: "BLOCKED_DEBIT" });
    expect(send({}, ["UBL", "SBP"]).outcome.code).toBe("ACCOUNT_FROZEN");
    ledger.alterAccount("SGLA-HBL", { status: "OPEN" });
    expect(send({}, ["UBL", "SBP"]).outcome.code).toBe("APPLIED");
    expect(partsOf(ledger, "SGLA-HBL")).toEqual([400n, 0n]);
    expect(partsOf(ledger, "SGLA-UBL")).toEqual([300n, 0n]);
  });

  const rows: readonly (readonly [string, string, Partial<Payloads["pledge-units"]>])[] = [
    ["AMOUNT_ZERO", "face", { face: 0n }],
    ["SAME_ACCOUNT_TWICE", "pledgeeAccount", { pledgeeAccount: "SGLA-HBL" }],
    ["MEMBER_UNKNOWN", "pledgee", { pledgee: "X" }],
    ["ACCOUNT_UNKNOWN", "account", { account: "X" }],
    ["ACCOUNT_UNKNOWN", "pledgeeAccount", { pledgeeAccount: "X" }],
    ["ASSET_UNKNOWN", "isin", { isin: "US0378331005" }],
    ["ACCOUNT_WRONG_KIND", "account", { account: "CASH-HBL" }],
    ["ACCOUNT_WRONG_KIND", "pledgeeAccount", { pledgeeAccount: "CASH-UBL" }],
    ["COUNTERPARTY_NOT_MATCHED", "pledgeeAccount", { pledgeeAccount: "SGLA-SBP" }],
    ["DENOMINATION", "face", { face: 1n }],
    ["INSUFFICIENT_SECURITIES", "account", { face: 601n * MILLION }],
  ];
  test.each(rows)("%s %s", (code, field, change) => {
    const ledger = collateralLedger();
    const receipt = ledger.send("pledge-units", { ...pledging, ...change }, bothBanks);
    expect([receipt.outcome.code, receipt.field]).toEqual([code, field]);
  });

  test("LIEN_EXISTS, ACCOUNT_FROZEN, ASSET_MATURED", () => {
    const ledger = pledged();
    const codeOf = (change: object) =>
      ledger.send("pledge-units", { ...pledging, ...change }, bothBanks).outcome.code;
    expect(codeOf({})).toBe("LIEN_EXISTS");
    ledger.alterAccount("SGLA-HBL", { status: "BLOCKED_DEBIT" });
    expect(codeOf({ lien: "LIEN-2" })).toBe("ACCOUNT_FROZEN");
    passTo(ledger, Date.UTC(2028, 7, 20, 5));
    expect(codeOf({ lien: "LIEN-2" })).toBe("ASSET_MATURED");
  });
});

describe("set-collateral-terms", () => {
  const terms = (ledger: TestLedger, change: object = {}) => ({
    isin: PIB,
    priceE4: 970_000,
    haircutBps: 200,
    isEligible: true,
    effectiveFromMs: ledger.timestampMs + 1_000,
    reference: "HC/2",
    ...change,
  });

  test.each([
    ["AMOUNT_ZERO", { priceE4: 0 }],
    ["ASSET_UNKNOWN", { isin: "US0378331005" }],
    ["EFFECTIVE_TOO_EARLY", { effectiveFromMs: 1 }],
  ])("%s", (code, change) => {
    const ledger = collateralLedger();
    const receipt = ledger.send("set-collateral-terms", terms(ledger, change));
    expect(receipt.outcome.code).toBe(code);
  });

  test("LIMIT_REACHED, until announced versions take effect", () => {
    const ledger = collateralLedger();
    const start = ledger.timestampMs;
    for (let i = 1; i < MAX_TERMS_VERSIONS; i++) {
      const effectiveFromMs = start + 100_000 * i;
      ledger.mustSend("set-collateral-terms", terms(ledger, { effectiveFromMs }));
    }
    const next = terms(ledger, { effectiveFromMs: start + 10_000_000 });
    const full = ledger.send("set-collateral-terms", next);
    expect(full.outcome.code).toBe("LIMIT_REACHED");
    passTo(ledger, start + 100_000 * 3);
    expect(ledger.send("set-collateral-terms", next).outcome.code).toBe("APPLIED");
  });

  test("only the central bank sets them", () => {
    const ledger = collateralLedger();
    const receipt = ledger.send("set-collateral-terms", terms(ledger), { member: "HBL" });
    expect(receipt.field).toBe("role CENTRAL_BANK");
  });
});
