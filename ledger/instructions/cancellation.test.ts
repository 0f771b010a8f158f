import { describe, expect, test } from "vitest";
import {
  delivery,
  free,
  instructionLedger,
  paid,
  receipt,
  TODAY,
  TOMORROW,
} from "../testing/instruction-ledger.ts";
import { DENOMINATION, PIB } from "../testing/test-ledger.ts";
import { CBDC } from "../types.ts";

const held = { hold: true } as const;

describe("cancellation", () => {
  test("unmatched: its party alone, and what was alleged is withdrawn", () => {
    const market = instructionLedger();
    const first = market.enter(delivery);
    market.minutes(60);
    expect(market.of(first).alleged).toBe(true);
    expect(market.cancel(first, "UBL")).toBe("NOT_INSTRUCTION_PARTY");
    expect(market.cancel(first, "HBL")).toBe("APPLIED");
    expect(market.status(first)).toBe("CANCELLED CANI");
    expect(market.told("instructionCancelled")).toMatchObject([{ allegementRemoved: true }]);
    expect(market.cancel(first, "HBL")).toBe("INSTRUCTION_FINAL");
    expect(market.status(market.enter(receipt))).toBe("UNMATCHED CMIS");
  });

  test("matched: one asks, the other agrees", () => {
    const market = instructionLedger();
    const [first, second] = market.pair(held);
    expect(market.cancel(first, "HBL")).toBe("APPLIED");
    expect(market.status(first)).toBe("PENDING PREA");
    expect(market.told("instructionCancelRequested")).toHaveLength(1);
    expect(market.cancel(first, "HBL")).toBe("CANCEL_REQUESTED");
    expect(market.cancel(second, "UBL")).toBe("APPLIED");
    expect([market.status(first), market.status(second)]).toEqual([
      "CANCELLED CANI",
      "CANCELLED CANT",
    ]);
    const [third, fourth] = market.pair({ ...held, reference: "D-2" }, { reference: "R-2" });
    market.cancel(fourth, "UBL");
    market.cancel(third, "HBL");
    expect([market.status(third), market.status(fourth)]).toEqual([
      "CANCELLED CANT",
      "CANCELLED CANI",
    ]);
  });

  test("a request lapses with the window, and the pair lives on", () => {
    const market = instructionLedger();
    const [first, second] = market.pair(held);
    market.cancel(first, "HBL");
    market.minutes(59);
    expect(market.told("instructionCancelDenied")).toEqual([]);
    market.minutes(1);
    expect(market.told("instructionCancelDenied")).toMatchObject([{ instruction: first }]);
    expect(market.cancel(second, "UBL")).toBe("APPLIED");
    expect(market.status(second)).toBe("PENDING PRCY");
    market.modify(first, "HBL", "RELEASE");
    // It settles with the request still open; the request is void.
    expect(market.status(second)).toBe("SETTLED");
    market.minutes(120);
    expect(market.told("instructionCancelDenied")).toHaveLength(1);
  });

  test("by the depository: both sides, for a stated cause", () => {
    const market = instructionLedger();
    const [first, second] = market.pair(held);
    const csd = { authority: "CSD", reason: "CANS", cause: "DUPLICATE TRADE" } as const;
    expect(market.cancel(first, "HBL", csd)).toBe("TX_MISSING_SIGNER");
    expect(market.cancel(first, "SBP", { ...csd, cause: undefined })).toBe("CAUSE_MISSING");
    expect(market.cancel(first, "SBP", { ...csd, reason: undefined })).toBe("TERMS_INVALID");
    expect(market.cancel(first, "HBL", { cause: "X" })).toBe("TERMS_INVALID");
    expect(market.cancel("00".repeat(16), "HBL")).toBe("INSTRUCTION_UNKNOWN");
    expect(market.cancel(first, "NOBODY")).toBe("TX_UNKNOWN_SIGNER");
    expect(market.cancel(first, "SBP", csd)).toBe("APPLIED");
    expect([market.status(first), market.status(second)]).toEqual([
      "CANCELLED CANS",
      "CANCELLED CANS",
    ]);
    expect(market.told("instructionCancelled")[0]?.cause).toBe("DUPLICATE TRADE");
    const alone = market.enter({ ...delivery, reference: "D-2" });
    market.cancel(alone, "SBP", { ...csd, reason: "CORP" });
    expect(market.status(alone)).toBe("CANCELLED CORP");
  });

  test("three reserved and cancelled, then one for the full balance settles", () => {
    const market = instructionLedger();
    const all = 10n * DENOMINATION;
    for (const n of [1, 2, 3]) {
      const reserving = { ...delivery, reserve: true, quantity: all, reference: `D-${n}` };
      const id = market.enter(reserving);
      expect(market.reserved("SGLA-HBL", PIB, id)).toBe(all);
      expect(market.available("SGLA-HBL", PIB)).toBe(0n);
      const second = market.instruct({ ...reserving, reference: `E-${n}` });
      expect(second.outcome.code).toBe("INSUFFICIENT_SECURITIES");
      market.cancel(id, "HBL");
      expect(market.available("SGLA-HBL", PIB)).toBe(all);
    }
    const full = { quantity: all, ...free };
    const [last] = market.pair({ ...full, reference: "D-9" }, full);
    expect(market.status(last)).toBe("SETTLED");
  });

  test("after a reservation, both sides of a matched pair get everything back", () => {
    const market = instructionLedger();
    const [first, second] = market.pair({ ...held, reserve: true }, { reserve: true });
    expect(market.reserved("SGLA-HBL", PIB, first)).toBe(DENOMINATION);
    expect(market.reserved("CASH-UBL", CBDC, second)).toBe(9_500_000n);
    market.cancel(first, "HBL");
    market.cancel(second, "UBL");
    expect(market.available("SGLA-HBL", PIB)).toBe(10n * DENOMINATION);
    expect(market.available("CASH-UBL")).toBe(500_000_000n);
  });
});

describe("reservations", () => {
  test("keep units from other instructions and settle their own, at the deliverer's amount", () => {
    const market = instructionLedger();
    const cash = paid(499_999_000n, "CASH-UBL");
    const [first, second] = market.pair(
      { ...held, ...paid(499_990_000n, "CASH-HBL") },
      { ...cash, reserve: true },
    );
    expect(market.reserved("CASH-UBL", CBDC, second)).toBe(499_999_000n);
    const [third] = market.pair(
      { reference: "D-2", ...paid(9_000n, "CASH-HBL") },
      { reference: "R-2", ...paid(9_000n, "CASH-UBL") },
    );
    expect(market.status(third)).toBe("PENDING CMON");
    market.modify(first, "HBL", "RELEASE");
    expect(market.status(second)).toBe("SETTLED");
    // The tolerance came back, and lets the other settle.
    market.minutes(1);
    expect(market.status(third)).toBe("SETTLED");
    expect(market.total("CASH-UBL")).toBe(1_000n);
  });

  test("can be made and given up later, for what is still to give", () => {
    const market = instructionLedger();
    const terms = { quantity: 4n * DENOMINATION, minimumLot: DENOMINATION };
    const [first, second] = market.pair({ ...terms, ...held }, terms);
    expect(market.modify(first, "HBL", "UNRESERVE")).toBe("MODIFICATION_INVALID");
    expect(market.modify(first, "HBL", "RESERVE")).toBe("APPLIED");
    expect(market.modify(first, "HBL", "RESERVE")).toBe("MODIFICATION_INVALID");
    expect(market.modify(second, "UBL", "RESERVE")).toBe("APPLIED");
    market.modify(first, "HBL", "PARTIAL_RELEASE", { quantity: DENOMINATION });
    expect(market.of(first).settledQuantity).toBe(DENOMINATION);
    expect(market.reserved("SGLA-HBL", PIB, first)).toBe(3n * DENOMINATION);
    expect(market.reserved("CASH-UBL", CBDC, second)).toBe(7_125_000n);
    expect(market.modify(first, "HBL", "UNRESERVE")).toBe("APPLIED");
    expect(market.reserved("SGLA-HBL", PIB, first)).toBe(0n);
    market.modify(first, "HBL", "RELEASE");
    expect(market.status(first)).toBe("SETTLED");
    expect(market.reserved("CASH-UBL", CBDC, second)).toBe(0n);
  });

  test("fail for want of units, and a free receipt has nothing to set aside", () => {
    const market = instructionLedger();
    const big = { quantity: 11n * DENOMINATION };
    const [first, second] = market.pair(
      { ...big, ...paid(600_000_000n, "CASH-HBL") },
      { ...big, ...paid(600_000_000n, "CASH-UBL") },
    );
    expect(market.modify(first, "HBL", "RESERVE")).toBe("INSUFFICIENT_SECURITIES");
    expect(market.modify(second, "UBL", "RESERVE")).toBe("INSUFFICIENT_CASH");
    const alone = market.enter({ ...receipt, ...free, reference: "R-2" });
    expect(market.modify(alone, "UBL", "RESERVE")).toBe("MODIFICATION_INVALID");
  });
});

describe("what time alone brings about", () => {
  test("allegement an hour after entry, once, and removed by the match", () => {
    const market = instructionLedger();
    const first = market.enter(delivery);
    market.later(60 * 60_000 - 1);
    expect(market.of(first).alleged).toBe(false);
    market.later(1);
    expect(market.of(first).alleged).toBe(true);
    expect(market.told("instructionAlleged")).toMatchObject([{ counterparty: "UBL" }]);
    market.minutes(120);
    expect(market.told("instructionAlleged")).toHaveLength(1);
    const second = market.enter(receipt);
    expect(market.status(second)).toBe("SETTLED");
    expect(market.told("instructionMatched")[1]?.allegementRemoved).toBe(false);
    expect(market.told("instructionMatched")[0]).toMatchObject({
      instruction: first,
      allegementRemoved: true,
    });
  });

  test("allegement at 15:00 of the settlement date where that comes first", () => {
    const market = instructionLedger();
    market.at(TODAY, "14:30");
    const first = market.enter(delivery);
    const forward = market.enter({ ...delivery, settlementDate: TOMORROW, reference: "D-2" });
    market.at(TODAY, "14:59");
    expect(market.of(first).alleged).toBe(false);
    market.at(TODAY, "15:00");
    expect(market.of(first).alleged).toBe(true);
    expect(market.of(forward).alleged).toBe(false);
    // After that hour the counterparty is told at once.
    const late = market.enter({ ...delivery, reference: "D-3" });
    market.minutes(1);
    expect(market.of(late).alleged).toBe(true);
  });

  test("a match before it is due leaves nothing to allege", () => {
    const market = instructionLedger();
    market.pair(held);
    market.minutes(120);
    expect(market.told("instructionAlleged")).toEqual([]);
  });

  test("unmatched for 20 business days: cancelled by the system, reservation and all", () => {
    const market = instructionLedger();
    const first = market.enter({ ...delivery, settlementDate: TOMORROW, reserve: true });
    expect(market.of(first).recycleDate).toBe("2025-12-24");
    market.at("2025-12-24", "23:59");
    expect(market.of(first).state).toBe("UNMATCHED");
    market.at("2025-12-25", "00:00");
    expect(market.status(first)).toBe("CANCELLED CANS");
    expect(market.available("SGLA-HBL", PIB)).toBe(10n * DENOMINATION);
  });

  test("matched: recycled every day until it settles", () => {
    const market = instructionLedger();
    const dear = [paid(600_000_000n, "CASH-HBL"), paid(600_000_000n, "CASH-UBL")] as const;
    const [first] = market.pair(...dear);
    market.at("2026-03-02", "10:00");
    expect(market.status(first)).toBe("FAILING CMON");
    market.mint("CASH-UBL", 100_000_000n);
    expect(market.status(first)).toBe("SETTLED");
  });

  test("a final instruction is forgotten after a while, and its reference is free again", () => {
    const market = instructionLedger();
    const [first] = market.pair();
    market.at("2025-12-25", "12:00");
    const again = { ...delivery, settlementDate: "2025-12-26" };
    expect(market.instruct(again).outcome.code).toBe("INSTRUCTION_REFERENCE_USED");
    market.at("2025-12-26", "00:00");
    expect(() => market.of(first)).toThrow(/instruction/);
    expect(market.instruct(again).outcome.code).toBe("APPLIED");
  });
});
