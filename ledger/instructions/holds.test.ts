import { describe, expect, test } from "vitest";
import { delivery, instructionLedger, paid, receipt } from "../testing/instruction-ledger.ts";
import { DENOMINATION, PIB } from "../testing/test-ledger.ts";

describe("holds", () => {
  test("of the own party: PREA, and PRCY for the other side; only its owner releases it", () => {
    const market = instructionLedger();
    const [first, second] = market.pair({ hold: true });
    expect([market.status(first), market.status(second)]).toEqual(["PENDING PREA", "PENDING PRCY"]);
    expect(market.modify(first, "UBL", "RELEASE")).toBe("NOT_INSTRUCTION_PARTY");
    expect(market.modify(first, "SBP", "RELEASE")).toBe("NOT_INSTRUCTION_PARTY");
    expect(market.modify(second, "UBL", "RELEASE")).toBe("MODIFICATION_INVALID");
    expect(market.modify(first, "HBL", "RELEASE")).toBe("APPLIED");
    expect(market.status(second)).toBe("SETTLED");
  });

  test("of the counterparty: the mirror; of both: each its own", () => {
    const market = instructionLedger();
    const [first, second] = market.pair({}, { hold: true });
    expect([market.status(first), market.status(second)]).toEqual(["PENDING PRCY", "PENDING PREA"]);
    expect(market.modify(first, "HBL", "HOLD")).toBe("APPLIED");
    expect([market.status(first), market.status(second)]).toEqual(["PENDING PREA", "PENDING PREA"]);
    expect(market.modify(first, "HBL", "HOLD")).toBe("MODIFICATION_INVALID");
    market.modify(second, "UBL", "RELEASE");
    expect(market.status(second)).toBe("PENDING PRCY");
    market.modify(first, "HBL", "RELEASE");
    expect(market.status(first)).toBe("SETTLED");
  });

  test("of the depository: the central bank's alone, beside the parties'", () => {
    const market = instructionLedger();
    const [first, second] = market.pair({ hold: true });
    expect(market.modify(first, "HBL", "CSD_HOLD")).toBe("TX_MISSING_SIGNER");
    const both = { signers: ["HBL", "SBP"] };
    expect(market.modify(first, "HBL", "CSD_HOLD", {}, both)).toBe("NOT_INSTRUCTION_PARTY");
    expect(market.modify(second, "SBP", "CSD_RELEASE")).toBe("MODIFICATION_INVALID");
    expect(market.modify(second, "SBP", "CSD_HOLD")).toBe("APPLIED");
    expect(market.modify(second, "SBP", "CSD_HOLD")).toBe("MODIFICATION_INVALID");
    expect(market.status(first)).toBe("PENDING PREA");
    market.modify(first, "HBL", "RELEASE");
    expect([market.status(first), market.status(second)]).toEqual(["PENDING CSDH", "PENDING CSDH"]);
    expect(market.modify(second, "SBP", "CSD_RELEASE")).toBe("APPLIED");
    expect(market.status(first)).toBe("SETTLED");
  });

  test("conditional: waits for the owner of the condition, whom the instruction names", () => {
    const market = instructionLedger();
    const [first, second] = market.pair({ conditionOwner: "FINDIV" });
    expect([market.status(first), market.status(second)]).toEqual(["PENDING CDLR", "PENDING CDLR"]);
    expect(market.modify(first, "HBL", "CONDITION_RELEASE")).toBe("NOT_INSTRUCTION_PARTY");
    expect(market.modify(second, "FINDIV", "CONDITION_RELEASE")).toBe("NOT_INSTRUCTION_PARTY");
    expect(market.modify(first, "FINDIV", "CONDITION_RELEASE")).toBe("APPLIED");
    expect(market.status(first)).toBe("SETTLED");
    expect(market.modify(first, "FINDIV", "CONDITION_RELEASE")).toBe("INSTRUCTION_FINAL");
  });

  test("nothing changes after SF3", () => {
    const market = instructionLedger();
    const [first] = market.pair();
    for (const action of ["HOLD", "RELEASE", "NO_PARTIAL", "RESERVE", "UNLINK"] as const) {
      expect(market.modify(first, "HBL", action)).toBe("INSTRUCTION_FINAL");
    }
    expect(market.cancel(first, "HBL")).toBe("INSTRUCTION_FINAL");
  });
});

describe("partial release", () => {
  const lot = { quantity: 4n * DENOMINATION, minimumLot: DENOMINATION };
  const cash = 38_000_001n;
  const held = { ...lot, hold: true, ...paid(cash, "CASH-HBL") };
  const other = { ...lot, ...paid(cash, "CASH-UBL") };

  test("settles what is released and goes on holding the rest", () => {
    const market = instructionLedger();
    const [first, second] = market.pair(held, other);
    const release = (quantity: bigint) =>
      market.modify(first, "HBL", "PARTIAL_RELEASE", { quantity });
    expect(release(DENOMINATION)).toBe("APPLIED");
    expect(market.status(first)).toBe("PENDING PREA");
    expect(market.status(second)).toBe("PENDING PRCY");
    expect(market.total("SGLA-UBL", PIB)).toBe(DENOMINATION);
    expect(market.told("instructionPartlySettled")).toMatchObject([
      { reference: "D-1", quantity: DENOMINATION, cashAmount: 9_500_000n, reason: "PREA" },
      { reference: "R-1", remainingQuantity: 3n * DENOMINATION, remainingCash: 28_500_001n },
    ]);
    expect(release(DENOMINATION - 1n)).toBe("MODIFICATION_INVALID");
    expect(release(DENOMINATION + 1n)).toBe("DENOMINATION");
    expect(release(4n * DENOMINATION)).toBe("MODIFICATION_INVALID");
    expect(release(0n)).toBe("AMOUNT_ZERO");
    expect(release(2n * DENOMINATION)).toBe("APPLIED");
    expect(market.of(first)).toMatchObject({ settledQuantity: 3n * DENOMINATION });
    expect(market.modify(first, "HBL", "RELEASE")).toBe("APPLIED");
    expect(market.of(first)).toMatchObject({ state: "SETTLED", settledCash: cash });
    expect(market.total("CASH-UBL")).toBe(500_000_000n - cash);
  });

  test("needs the consent of both sides to parts, a match and a hold", () => {
    const market = instructionLedger();
    const alone = market.enter({ ...delivery, ...held });
    const quantity = DENOMINATION;
    const release = (id: string, party: string) =>
      market.modify(id, party, "PARTIAL_RELEASE", { quantity });
    expect(release(alone, "HBL")).toBe("MODIFICATION_INVALID");
    const second = market.enter({ ...receipt, ...other, minimumLot: undefined });
    expect(release(second, "UBL")).toBe("MODIFICATION_INVALID");
    expect(release(alone, "HBL")).toBe("APPLIED");
    // UBL has not agreed to parts.
    expect(market.status(alone)).toBe("PENDING PREA");
    expect(market.of(alone).settledQuantity).toBe(0n);
    expect(market.modify(second, "UBL", "PARTIAL", { quantity })).toBe("APPLIED");
    expect(market.of(alone).settledQuantity).toBe(DENOMINATION);
  });
});
