import { describe, expect, test } from "vitest";
import { creditTable } from "../../collateral/intraday-record.ts";
import { timeOf } from "../../instructions/settlement-day.ts";
import { balanceOf, supplyOf } from "../../queries.ts";
import { MILLION, passTo } from "../../testing/auction-ledger.ts";
import { collateralLedger, lot, mandate, priced } from "../../testing/collateral-ledger.ts";
import { cashAccount, OTHER_PIB, PIB, sgla, type TestLedger } from "../../testing/test-ledger.ts";
import { CBDC } from "../../types.ts";
import type { Payloads } from "../kinds.ts";

const TODAY = "2025-11-25";
const CUT_OFF = timeOf(TODAY, 16 * 60);
const END = timeOf(TODAY, 17 * 60);
const signers = ["HBL", "SBP"];

function mandated(changes: Partial<Payloads["set-liquidity-mandate"]> = {}): TestLedger {
  const ledger = collateralLedger();
  ledger.mustSend("set-liquidity-mandate", { ...mandate, ...changes }, { signers });
  return ledger;
}

const cashOf = (ledger: TestLedger, account: string) =>
  balanceOf(ledger.state, account, CBDC)?.available ?? 0n;
const creditOf = (ledger: TestLedger) => creditTable.read(ledger.state, "CASH-HBL");
const pledgedOf = (ledger: TestLedger, isin: string) =>
  balanceOf(ledger.state, "SGLA-HBL", isin)?.pledged ?? 0n;

function draw(ledger: TestLedger, amount: bigint, account = "CASH-HBL") {
  return ledger.send("draw-intraday-credit", { cashAccount: account, amount }, { member: "HBL" });
}

function repay(ledger: TestLedger, amount: bigint) {
  const payload = { cashAccount: "CASH-HBL", amount };
  return ledger.send("repay-intraday-credit", payload, { member: "HBL" });
}

/** Leaves the bank with one paisa. */
function emptied(ledger: TestLedger): void {
  const amount = cashOf(ledger, "CASH-HBL") - 1n;
  const away = { fromAccount: "CASH-HBL", toAccount: "CASH-GOV", amount, reference: "OUT" };
  ledger.mustSend("transfer-cbdc", away, { member: "HBL" });
}

describe("set-liquidity-mandate", () => {
  const rows: readonly (readonly [string, string, Partial<Payloads["set-liquidity-mandate"]>])[] = [
    ["SAME_ACCOUNT_TWICE", "poolAccount", { poolAccount: "CASH-HBL" }],
    ["ACCOUNT_UNKNOWN", "cashAccount", { cashAccount: "X" }],
    ["ACCOUNT_UNKNOWN", "securitiesAccount", { securitiesAccount: "X" }],
    ["ACCOUNT_UNKNOWN", "poolAccount", { poolAccount: "X" }],
    ["ACCOUNT_WRONG_KIND", "cashAccount", { cashAccount: "SGLA-HBL" }],
    ["ACCOUNT_WRONG_KIND", "securitiesAccount", { securitiesAccount: "CASH-UBL" }],
    ["ACCOUNT_WRONG_KIND", "poolAccount", { poolAccount: "SGLA-SBP" }],
    ["COUNTERPARTY_NOT_MATCHED", "securitiesAccount", { securitiesAccount: "SGLA-UBL" }],
    ["COUNTERPARTY_NOT_MATCHED", "securitiesAccount", { securitiesAccount: "CLIENTS-HBL" }],
    ["COUNTERPARTY_NOT_MATCHED", "poolAccount", { poolAccount: "CASH-UBL" }],
  ];
  test.each(rows)("%s %s", (code, field, change) => {
    const ledger = collateralLedger();
    const more = { signers: [...signers, "UBL"] };
    const receipt = ledger.send("set-liquidity-mandate", { ...mandate, ...change }, more);
    expect([receipt.outcome.code, receipt.field]).toEqual([code, field]);
  });

  test("needs bank and central bank; a credit is not moved to other accounts", () => {
    const ledger = mandated();
    const alone = ledger.send("set-liquidity-mandate", mandate, { signers: ["HBL"] });
    expect(alone.field).toBe("role CENTRAL_BANK");
    draw(ledger, MILLION);
    ledger.mustSend("open-account", sgla("SGLA-HBL-2", "HBL"), { signers });
    const moved = { ...mandate, securitiesAccount: "SGLA-HBL-2" };
    const receipt = ledger.send("set-liquidity-mandate", moved, { signers });
    expect(receipt.outcome.code).toBe("CREDIT_OUTSTANDING");
    const raised = { ...mandate, creditLimit: 1n };
    ledger.mustSend("set-liquidity-mandate", raised, { signers });
    expect(draw(ledger, 1n).outcome.code).toBe("CREDIT_LIMIT");
  });
});

describe("intraday credit", () => {
  test("is lent out of the central bank's coins against the least collateral that covers it", () => {
    const ledger = mandated();
    const before = cashOf(ledger, "CASH-HBL");
    const supply = supplyOf(ledger.state, CBDC)?.outstanding;
    expect(draw(ledger, 100n * MILLION).outcome.code).toBe("APPLIED");
    expect(cashOf(ledger, "CASH-HBL") - before).toBe(100n * MILLION);
    expect(cashOf(ledger, "CASH-SBP")).toBe(400n * MILLION);
    expect(supplyOf(ledger.state, CBDC)?.outstanding).toBe(supply);
    // By ISIN: 100m of the other bond after its haircut are 85.5m, then 14.9m at 97.90.
    expect(creditOf(ledger)).toMatchObject({
      owed: 100n * MILLION,
      lots: [lot(100, OTHER_PIB), { isin: PIB, face: 1_490_000_000n }],
      isOverdue: false,
    });
    expect(pledgedOf(ledger, OTHER_PIB)).toBe(100n * MILLION);
    // What is pledged already is used first: 87,100 of value are spare.
    draw(ledger, 8_000_000n);
    expect(pledgedOf(ledger, PIB)).toBe(1_490_000_000n);
    draw(ledger, 8_000_000n);
    expect(pledgedOf(ledger, PIB)).toBe(1_500_000_000n);
  });

  test("only takes what is on the list", () => {
    const ledger = mandated();
    priced(ledger, OTHER_PIB, 950_000, 1_000, false);
    draw(ledger, 100n * MILLION);
    expect(creditOf(ledger)?.lots.map(({ isin }) => isin)).toEqual([PIB]);
  });

  test("is paid back, in part and in full, and frees collateral as it goes", () => {
    const ledger = mandated();
    draw(ledger, 100n * MILLION);
    expect(repay(ledger, 20n * MILLION).outcome.code).toBe("APPLIED");
    // The other bond alone covers 80m.
    expect(creditOf(ledger)).toMatchObject({ owed: 80n * MILLION, lots: [lot(100, OTHER_PIB)] });
    expect(pledgedOf(ledger, PIB)).toBe(0n);
    expect(repay(ledger, 500n * MILLION).outcome.code).toBe("APPLIED");
    expect(creditOf(ledger)).toBeUndefined();
    expect(pledgedOf(ledger, OTHER_PIB)).toBe(0n);
    expect(cashOf(ledger, "CASH-SBP")).toBe(500n * MILLION);
    expect(repay(ledger, 1n).outcome.code).toBe("CREDIT_UNKNOWN");
  });

  test("draw and repay: codes", () => {
    const ledger = mandated();
    expect(draw(ledger, 0n).outcome.code).toBe("AMOUNT_ZERO");
    expect(draw(ledger, 1n, "X").outcome.code).toBe("ACCOUNT_UNKNOWN");
    const other = { cashAccount: "CASH-UBL", amount: 1n };
    const missing = ledger.send("draw-intraday-credit", other, { member: "UBL" });
    expect(missing.outcome.code).toBe("MANDATE_MISSING");
    expect(draw(ledger, 401n * MILLION).outcome.code).toBe("CREDIT_LIMIT");
    ledger.alterAccount("SGLA-HBL", { status: "BLOCKED_DEBIT" });
    expect(draw(ledger, MILLION).outcome.code).toBe("ACCOUNT_FROZEN");
    ledger.alterAccount("SGLA-HBL", { status: "OPEN" });
    const pool = {
      fromAccount: "CASH-SBP",
      toAccount: "CASH-GOV",
      amount: 499n * MILLION,
      reference: "OUT",
    };
    ledger.mustSend("transfer-cbdc", pool);
    expect(draw(ledger, 2n * MILLION).outcome.code).toBe("INSUFFICIENT_CASH");
    priced(ledger, OTHER_PIB, 1, 0);
    priced(ledger, PIB, 1, 0);
    expect(draw(ledger, MILLION).outcome.code).toBe("COLLATERAL_INSUFFICIENT");
    expect(repay(ledger, 0n).outcome.code).toBe("AMOUNT_ZERO");
    const nowhere = { cashAccount: "X", amount: 1n };
    const unknown = ledger.send("repay-intraday-credit", nowhere, { member: "HBL" });
    expect(unknown.outcome.code).toBe("ACCOUNT_UNKNOWN");
    passTo(ledger, END);
    expect(draw(ledger, MILLION).outcome.code).toBe("FUNDING_WINDOW_CLOSED");
  });

  test("is called in at the end of the day", () => {
    const ledger = mandated();
    draw(ledger, 100n * MILLION);
    passTo(ledger, END - 1);
    expect(creditOf(ledger)).toBeDefined();
    passTo(ledger, END);
    expect(creditOf(ledger)).toBeUndefined();
    expect(pledgedOf(ledger, OTHER_PIB)).toBe(0n);
  });

  test("that cannot be paid is overdue: nothing more is lent, and it can be enforced", () => {
    const ledger = mandated();
    draw(ledger, 100n * MILLION);
    emptied(ledger);
    const enforcing = { cashAccount: "CASH-HBL", securitiesAccount: "SGLA-SBP" };
    const codeOf = (change: object = {}) =>
      ledger.send("enforce-intraday-credit", { ...enforcing, ...change }).outcome.code;
    expect(codeOf()).toBe("REPO_PHASE");
    expect(repay(ledger, 2n).outcome.code).toBe("INSUFFICIENT_CASH");
    passTo(ledger, END);
    expect(creditOf(ledger)).toMatchObject({ owed: 100n * MILLION - 1n, isOverdue: true });
    passTo(ledger, timeOf("2025-11-26", 10 * 60));
    expect(draw(ledger, 1n).outcome.code).toBe("CREDIT_LIMIT");
    expect(codeOf({ cashAccount: "X" })).toBe("ACCOUNT_UNKNOWN");
    expect(codeOf({ securitiesAccount: "X" })).toBe("ACCOUNT_UNKNOWN");
    expect(codeOf({ cashAccount: "CASH-GOV" })).toBe("CREDIT_UNKNOWN");
    expect(codeOf({ securitiesAccount: "CASH-SBP" })).toBe("ACCOUNT_WRONG_KIND");
    const foreign = { ...enforcing, securitiesAccount: "SGLA-UBL" };
    const receipt = ledger.send("enforce-intraday-credit", foreign, { signers: ["SBP", "UBL"] });
    expect(receipt.outcome.code).toBe("COUNTERPARTY_NOT_MATCHED");
    expect(codeOf()).toBe("APPLIED");
    // 100m at 95.0000 are 95m, and 5.2m of the PIB at 97.90 the rest; 9.7m go back.
    expect(balanceOf(ledger.state, "SGLA-SBP", OTHER_PIB)?.total).toBe(100n * MILLION);
    expect(balanceOf(ledger.state, "SGLA-SBP", PIB)?.total).toBe(520_000_000n);
    expect(pledgedOf(ledger, PIB)).toBe(0n);
    expect(creditOf(ledger)).toBeUndefined();
  });

  test("an overdue credit can still be paid", () => {
    const ledger = mandated();
    draw(ledger, 100n * MILLION);
    emptied(ledger);
    passTo(ledger, END);
    const mint = { account: "CASH-HBL", amount: 100n * MILLION, reserveRef: "NEXT" };
    ledger.mustSend("mint-cbdc", mint);
    expect(repay(ledger, 100n * MILLION).outcome.code).toBe("APPLIED");
    expect(draw(ledger, 1n).outcome.code).toBe("FUNDING_WINDOW_CLOSED");
  });
});

describe("the funding window", () => {
  const fund = (amount: bigint, reserveRef: string, account = "CASH-HBL") => ({
    entries: [{ cashAccount: account, amount, reserveRef }],
  });
  const sweep = (reserveRef: string, account = "CASH-HBL") => ({
    entries: [{ cashAccount: account, reserveRef }],
  });

  test("opens the day with coins against debits of reserves, each used once", () => {
    const ledger = mandated();
    passTo(ledger, timeOf("2025-11-26", 8 * 60));
    const before = cashOf(ledger, "CASH-HBL");
    ledger.mustSend("fund-cbdc", fund(80n * MILLION, "TRANSITORY/1"));
    expect(cashOf(ledger, "CASH-HBL") - before).toBe(80n * MILLION);
    const codeOf = (payload: Payloads["fund-cbdc"]) =>
      ledger.send("fund-cbdc", payload).outcome.code;
    expect(codeOf(fund(1n, "TRANSITORY/1"))).toBe("RESERVE_REFERENCE_USED");
    const twice = { entries: [...fund(1n, "T/2").entries, ...fund(2n, "T/2").entries] };
    expect(codeOf(twice)).toBe("RESERVE_REFERENCE_USED");
    expect(codeOf({ entries: [] })).toBe("AMOUNT_ZERO");
    expect(codeOf(fund(0n, "T/2"))).toBe("AMOUNT_ZERO");
    expect(codeOf(fund(1n, "T/2", "CASH-UBL"))).toBe("MANDATE_MISSING");
    ledger.alterAccount("CASH-HBL", { status: "BLOCKED_CREDIT" });
    expect(codeOf(fund(1n, "T/2"))).toBe("ACCOUNT_FROZEN");
    ledger.alterAccount("CASH-HBL", { status: "OPEN" });
    const huge = fund((1n << 127n) - 1n, "T/3");
    expect(codeOf(huge)).toBe("AMOUNT_OVERFLOW");
    passTo(ledger, timeOf("2025-11-26", 16 * 60));
    expect(codeOf(fund(1n, "T/2"))).toBe("FUNDING_WINDOW_CLOSED");
    passTo(ledger, timeOf("2025-11-29", 10 * 60)); // Saturday
    expect(codeOf(fund(1n, "T/2"))).toBe("FUNDING_WINDOW_CLOSED");
    const bank = ledger.send("fund-cbdc", fund(1n, "T/2"), { member: "HBL" });
    expect(bank.field).toBe("role CENTRAL_BANK");
  });

  test("closes the day: what is above the floor goes back to the reserves", () => {
    const ledger = mandated();
    const codeOf = (payload: Payloads["sweep-cbdc"]) =>
      ledger.send("sweep-cbdc", payload).outcome.code;
    expect(codeOf(sweep("BACK/1"))).toBe("FUNDING_WINDOW_CLOSED");
    draw(ledger, MILLION);
    passTo(ledger, CUT_OFF);
    expect(codeOf({ entries: [] })).toBe("AMOUNT_ZERO");
    expect(codeOf(sweep("BACK/1"))).toBe("CREDIT_OUTSTANDING");
    repay(ledger, MILLION);
    expect(codeOf(sweep("BACK/1", "CASH-UBL"))).toBe("MANDATE_MISSING");
    expect(codeOf(sweep("POOL"))).toBe("RESERVE_REFERENCE_USED");
    const before = supplyOf(ledger.state, CBDC)?.outstanding ?? 0n;
    const there = cashOf(ledger, "CASH-HBL");
    const transaction = ledger.transaction("sweep-cbdc", sweep("BACK/1"));
    const { events } = ledger.block(transaction);
    expect(events.at(-1)?.event.body).toEqual({
      cashAccount: "CASH-HBL",
      direction: "OUT",
      amount: there - 1_000n,
      reserveRef: "BACK/1",
      floor: 1_000n,
    });
    expect(cashOf(ledger, "CASH-HBL")).toBe(1_000n);
    expect(supplyOf(ledger.state, CBDC)?.outstanding).toBe(before - there + 1_000n);
    expect(codeOf(sweep("BACK/1"))).toBe("RESERVE_REFERENCE_USED");
    expect(codeOf(sweep("BACK/2"))).toBe("INSUFFICIENT_CASH");
    const mint = { account: "CASH-HBL", amount: 5n, reserveRef: "LATE" };
    ledger.mustSend("mint-cbdc", mint);
    ledger.alterAccount("CASH-HBL", { status: "BLOCKED_DEBIT" });
    expect(codeOf(sweep("BACK/2"))).toBe("ACCOUNT_FROZEN");
  });

  test("sweeps nothing of a bank that did not ask for it", () => {
    const ledger = mandated({ sweeps: false });
    passTo(ledger, CUT_OFF);
    const receipt = ledger.send("sweep-cbdc", sweep("BACK/1"));
    expect(receipt.outcome.code).toBe("MANDATE_MISSING");
    ledger.mustSend("open-account", cashAccount("CASH-HBL-2", "HBL"), { signers });
  });
});
