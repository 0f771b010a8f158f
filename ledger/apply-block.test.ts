import { describe, expect, test } from "vitest";
import { decodeEvent, encodeEvent, NO_TRANSACTION } from "./events.ts";
import { accountView, balanceOf, supplyOf } from "./queries.ts";
import { decodeReceipt } from "./receipt.ts";
import { delivery, instructionLedger, receipt } from "./testing/instruction-ledger.ts";
import { DENOMINATION, PIB, primaryDvp, readyLedger } from "./testing/test-ledger.ts";
import { CBDC } from "./types.ts";

describe("a block", () => {
  test("settles a DvP: both legs, clean and accrued post once each, three moments", () => {
    const ledger = readyLedger();
    const transaction = ledger.transaction("settle-dvp", primaryDvp, { signers: ["SBP", "HBL"] });
    const result = ledger.block(transaction);
    const [receipt] = result.receipts;
    const { height } = ledger;
    expect(receipt?.outcome).toEqual({ code: "SETTLED", retry: "never", isoReason: "ACSC" });
    expect(receipt?.moments).toEqual({
      entryHeight: height,
      irrevocabilityHeight: height,
      finalityHeight: height,
    });
    const postings = result.events.flatMap(({ event }) =>
      event.type === "posting" ? [event.body] : [],
    );
    expect(
      postings.map(({ account, direction, amount, reason }) => [
        account,
        direction,
        amount,
        reason,
      ]),
    ).toEqual([
      ["ISS", "DEBIT", DENOMINATION, "DVP_SECURITIES"],
      ["CASH-HBL", "DEBIT", 9_567_130n, "DVP_CLEAN"],
      ["CASH-HBL", "DEBIT", 23_204n, "DVP_ACCRUED"],
      ["SGLA-HBL", "CREDIT", DENOMINATION, "DVP_SECURITIES"],
      ["CASH-GOV", "CREDIT", 9_567_130n, "DVP_CLEAN"],
      ["CASH-GOV", "CREDIT", 23_204n, "DVP_ACCRUED"],
    ]);
    expect(result.events.at(-1)?.event).toEqual({ type: "settlementFinal", body: primaryDvp });
    expect(receipt?.eventCount).toBe(result.events.length);
    expect(balanceOf(ledger.state, "SGLA-HBL", PIB)?.available).toBe(DENOMINATION);
    expect(balanceOf(ledger.state, "CASH-GOV", CBDC)?.total).toBe(9_590_334n);
    expect(balanceOf(ledger.state, "CASH-HBL", CBDC)?.total).toBe(500_000_000n - 9_590_334n);
  });

  test("a failed transaction leaves nothing but its result", () => {
    const ledger = readyLedger();
    const before = new Map(ledger.state);
    const receipt = ledger.send(
      "settle-dvp",
      { ...primaryDvp, cleanAmount: 600_000_000n },
      { signers: ["SBP", "HBL"] },
    );
    expect(receipt.outcome.code).toBe("INSUFFICIENT_CASH");
    expect(receipt).toMatchObject({ executed: true, eventCount: 0, field: "payerCashAccount" });
    const touched = [...ledger.state.keys()].filter((key) => {
      return ledger.state.get(key) !== before.get(key);
    });
    expect(touched.map((key) => key.split("/")[0])).toEqual(["chain", "dedupe", "dedupe-page"]);
  });

  test("clean and accrued are covered together, not one by one", () => {
    // Two legs of 60 from 100: each alone would pass.
    const ledger = readyLedger();
    const receipt = ledger.send(
      "settle-dvp",
      { ...primaryDvp, cleanAmount: 300_000_000n, accruedInterest: 300_000_000n },
      { signers: ["SBP", "HBL"] },
    );
    expect(receipt.outcome.code).toBe("INSUFFICIENT_CASH");
  });

  test("two transactions of one block see one another's effects, not the old balance twice", () => {
    const ledger = readyLedger();
    const send = (reference: string) =>
      ledger.transaction(
        "transfer-cbdc",
        { fromAccount: "CASH-HBL", toAccount: "CASH-UBL", amount: 300_000_000n, reference },
        { member: "HBL" },
      );
    const { receipts } = ledger.block(send("first"), send("second"));
    expect(receipts.map(({ outcome }) => outcome.code)).toEqual(["SETTLED", "INSUFFICIENT_CASH"]);
    expect(balanceOf(ledger.state, "CASH-UBL", CBDC)?.total).toBe(800_000_000n);
  });

  test("an empty balance has no record and leaves the index", () => {
    const ledger = readyLedger();
    const all = { fromAccount: "CASH-HBL", toAccount: "CASH-UBL", amount: 500_000_000n };
    ledger.mustSend("transfer-cbdc", { ...all, reference: "all" }, { member: "HBL" });
    expect(accountView(ledger.state, "CASH-HBL")?.balances).toEqual([]);
    expect(balanceOf(ledger.state, "CASH-HBL", CBDC)).toBeUndefined();
    expect(accountView(ledger.state, "CASH-UBL")?.balances).toHaveLength(1);
  });

  test("amounts beyond 2^53 are exact", () => {
    const ledger = readyLedger();
    const amount = 9_007_199_254_740_993n;
    ledger.mustSend("mint-cbdc", { account: "CASH-GOV", amount, reserveRef: "BIG" });
    expect(balanceOf(ledger.state, "CASH-GOV", CBDC)?.total).toBe(amount);
    expect(supplyOf(ledger.state, CBDC)?.outstanding).toBe(amount + 1_000_000_000n);
  });

  test("receipts and events read back from their canonical bytes", () => {
    const ledger = readyLedger();
    const transaction = ledger.transaction("settle-dvp", primaryDvp, { signers: ["SBP", "HBL"] });
    const result = ledger.block(transaction, transaction);
    expect(result.receiptBytes.map(decodeReceipt)).toEqual(result.receipts);
    for (const placed of result.events) expect(decodeEvent(encodeEvent(placed))).toEqual(placed);
    expect(result.receiptsRoot).toMatch(/^[0-9a-f]{64}$/);
  });

  test("refuses a block that does not follow the state", () => {
    const ledger = readyLedger();
    ledger.height += 1;
    expect(() => ledger.block()).toThrow(/follows block/);
    const other = readyLedger();
    expect(() => other.blockOf([], 0)).toThrow(/later than its parent/);
  });
});

describe("events of the block's own steps", () => {
  test("stand where they happened: before the transactions, or after them", () => {
    const market = instructionLedger();
    const alleged = market.enter(delivery);
    const next = { ...delivery, reference: "D-2" };
    market.later(60 * 60_000 - 1);
    const result = market.block(next, { ...receipt, reference: "R-2" });
    const places = result.events.map(({ txIndex, eventIndex, txId, event }) => [
      event.type,
      txIndex,
      eventIndex,
      txId === NO_TRANSACTION,
    ]);
    expect(places.slice(0, 4)).toEqual([
      ["instructionAlleged", 0, 0, true],
      ["instructionAccepted", 0, 1, false],
      ["instructionAccepted", 1, 0, false],
      ["instructionMatched", 1, 1, false],
    ]);
    const own = places.filter(([, txIndex]) => txIndex === 2);
    expect(own.map(([type]) => type)).toContain("instructionSettled");
    expect(own.every(([, , , isOwn]) => isOwn)).toBe(true);
    expect(market.of(alleged).alleged).toBe(false);
    const empty = market.later(24 * 60 * 60_000);
    expect(empty.events.map(({ txIndex }) => txIndex)).toEqual(empty.events.map(() => 0));
  });
});
