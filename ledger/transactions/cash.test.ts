import { describe, expect, test } from "vitest";
import { AMOUNT_MAX } from "../../primitives/codec/schema.ts";
import { MAX_FX_RATES } from "../limits.ts";
import { balanceOf, fxRateAt, supplyOf } from "../queries.ts";
import { readyLedger } from "../testing/test-ledger.ts";
import { CBDC } from "../types.ts";

describe("mint-cbdc", () => {
  const mint = { account: "CASH-GOV", amount: 700n, reserveRef: "PRISM/1" };

  test("creates coins against a reserve reference", () => {
    const ledger = readyLedger();
    const result = ledger.block(ledger.transaction("mint-cbdc", mint));
    expect(result.receipts[0]?.outcome.code).toBe("APPLIED");
    expect(balanceOf(ledger.state, "CASH-GOV", CBDC)?.available).toBe(700n);
    expect(supplyOf(ledger.state, CBDC)?.issued).toBe(1_000_000_700n);
    expect(result.events.map(({ event }) => event.type)).toEqual(["posting", "cbdcMinted"]);
  });

  test("a reserve reference backs one minting, for whatever account and amount", () => {
    const ledger = readyLedger();
    ledger.mustSend("mint-cbdc", mint);
    const again = ledger.send("mint-cbdc", { ...mint, account: "CASH-HBL", amount: 1n });
    expect(again).toMatchObject({ executed: true, field: "reserveRef" });
    expect(again.outcome.code).toBe("RESERVE_REFERENCE_USED");
  });

  test("a failed minting leaves its reference unused", () => {
    const ledger = readyLedger();
    ledger.alterAccount("CASH-GOV", { status: "BLOCKED_CREDIT" });
    expect(ledger.send("mint-cbdc", mint).outcome.code).toBe("ACCOUNT_FROZEN");
    ledger.alterAccount("CASH-GOV", { status: "OPEN" });
    ledger.mustSend("mint-cbdc", mint);
  });

  test.each([
    ["AMOUNT_ZERO", { amount: 0n }],
    ["ACCOUNT_UNKNOWN", { account: "NOBODY" }],
    ["ACCOUNT_WRONG_KIND", { account: "SGLA-HBL" }],
    ["AMOUNT_OVERFLOW", { amount: AMOUNT_MAX }],
  ])("%s", (code, change) => {
    const ledger = readyLedger();
    expect(ledger.send("mint-cbdc", { ...mint, ...change }).outcome.code).toBe(code);
  });

  test("a supply that would overflow leaves no coin behind", () => {
    const ledger = readyLedger();
    const rest = { ...mint, amount: AMOUNT_MAX - 1_000_000_000n };
    ledger.mustSend("mint-cbdc", rest);
    const more = ledger.send("mint-cbdc", { account: "CASH-HBL", amount: 1n, reserveRef: "R2" });
    expect(more.outcome.code).toBe("AMOUNT_OVERFLOW");
    expect(balanceOf(ledger.state, "CASH-HBL", CBDC)?.total).toBe(500_000_000n);
  });

  test("is the central bank's", () => {
    const ledger = readyLedger();
    expect(ledger.send("mint-cbdc", mint, { member: "FINDIV" }).field).toBe("role CENTRAL_BANK");
  });
});

describe("transfer-cbdc", () => {
  const transfer = {
    fromAccount: "CASH-HBL",
    toAccount: "CASH-UBL",
    amount: 500_000_000n,
    reference: "E2E-1",
  };
  const hbl = { member: "HBL" };

  test("moves coins, to the last one", () => {
    const ledger = readyLedger();
    const result = ledger.block(ledger.transaction("transfer-cbdc", transfer, hbl));
    expect(result.receipts[0]?.outcome.code).toBe("SETTLED");
    expect(result.receipts[0]?.moments).toBeUndefined();
    expect(balanceOf(ledger.state, "CASH-UBL", CBDC)?.available).toBe(1_000_000_000n);
    expect(result.events.map(({ event }) => event)).toMatchObject([
      { type: "posting", body: { account: "CASH-HBL", direction: "DEBIT", reference: "E2E-1" } },
      { type: "posting", body: { account: "CASH-UBL", direction: "CREDIT", reference: "E2E-1" } },
    ]);
  });

  test("is signed by the operator of the debited account, not of the other", () => {
    const ledger = readyLedger();
    const receipt = ledger.send("transfer-cbdc", transfer, { member: "UBL" });
    expect(receipt).toMatchObject({ executed: false, field: "operator of fromAccount" });
  });

  test.each([
    ["AMOUNT_ZERO", { amount: 0n }, "amount"],
    ["SAME_ACCOUNT_TWICE", { toAccount: "CASH-HBL" }, "toAccount"],
    ["ACCOUNT_UNKNOWN", { toAccount: "NOBODY" }, "toAccount"],
    ["ACCOUNT_UNKNOWN", { fromAccount: "NOBODY" }, "fromAccount"],
    ["ACCOUNT_WRONG_KIND", { toAccount: "SGLA-UBL" }, "toAccount"],
    ["INSUFFICIENT_CASH", { amount: 500_000_001n }, "fromAccount"],
  ])("%s: %o", (code, change, field) => {
    const ledger = readyLedger();
    const receipt = ledger.send("transfer-cbdc", { ...transfer, ...change }, hbl);
    expect(receipt).toMatchObject({ executed: true, field });
    expect(receipt.outcome.code).toBe(code);
  });

  test.each([
    ["CASH-HBL", "BLOCKED_DEBIT", "ACCOUNT_FROZEN"],
    ["CASH-HBL", "BLOCKED_CREDIT", "SETTLED"],
    ["CASH-HBL", "CLOSED", "ACCOUNT_CLOSED"],
    ["CASH-UBL", "BLOCKED_CREDIT", "ACCOUNT_FROZEN"],
    ["CASH-UBL", "BLOCKED_DEBIT", "SETTLED"],
    ["CASH-UBL", "BLOCKED_BOTH", "ACCOUNT_FROZEN"],
    ["CASH-UBL", "CLOSED", "ACCOUNT_CLOSED"],
  ] as const)("%s %s: %s", (account, status, code) => {
    const ledger = readyLedger();
    ledger.alterAccount(account, { status });
    expect(ledger.send("transfer-cbdc", transfer, hbl).outcome.code).toBe(code);
  });
});

describe("record-fx-rate", () => {
  const at = (effectiveFromMs: number, rateE4 = 2_900_000) => ({
    rateE4,
    effectiveFromMs,
    reference: "FX",
  });

  test("records a rate and drops those that are history", () => {
    const ledger = readyLedger();
    const soon = ledger.timestampMs + 500;
    ledger.mustSend("record-fx-rate", at(soon));
    ledger.mustSend("record-fx-rate", at(soon + 10_000_000, 3_000_000));
    expect(fxRateAt(ledger.state, soon - 1)).toBeUndefined();
    expect(fxRateAt(ledger.state, soon)?.rateE4).toBe(2_900_000);
    expect(fxRateAt(ledger.state, soon + 10_000_000)?.rateE4).toBe(3_000_000);
  });

  test("AMOUNT_ZERO, FX_RATE_NOT_LATER, LIMIT_REACHED", () => {
    const ledger = readyLedger();
    const last = fxRateAt(ledger.state, ledger.timestampMs)?.effectiveFromMs ?? 0;
    const send = (payload: ReturnType<typeof at>) =>
      ledger.send("record-fx-rate", payload).outcome.code;
    expect(send(at(last + 1, 0))).toBe("AMOUNT_ZERO");
    expect(send(at(last))).toBe("FX_RATE_NOT_LATER");
    const future = ledger.timestampMs + 1_000_000_000;
    for (let i = 1; i < MAX_FX_RATES; i++) expect(send(at(future + i))).toBe("APPLIED");
    expect(send(at(future + MAX_FX_RATES))).toBe("LIMIT_REACHED");
  });

  test("is the central bank's", () => {
    const ledger = readyLedger();
    const receipt = ledger.send("record-fx-rate", at(ledger.timestampMs), { member: "FINDIV" });
    expect(receipt.outcome.code).toBe("TX_MISSING_SIGNER");
  });
});
