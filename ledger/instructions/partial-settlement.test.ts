import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { instructionLedger, paid } from "../testing/instruction-ledger.ts";
import { DENOMINATION, PIB } from "../testing/test-ledger.ts";

const lots = (count: bigint, minimumLot: bigint | undefined) => ({
  quantity: count * DENOMINATION,
  minimumLot,
});

describe("partial settlement", () => {
  test("moves what there is where both sides allow it; the remainder waits", () => {
    const market = instructionLedger();
    const terms = lots(12n, DENOMINATION);
    const cash = 100_000_007n;
    const [first, second] = market.pair(
      { ...terms, ...paid(cash, "CASH-HBL") },
      { ...terms, ...paid(cash, "CASH-UBL") },
    );
    // HBL has ten of twelve: 100,000,007 * 10 / 12, rounded down.
    expect(market.of(first)).toMatchObject({
      state: "PENDING",
      reason: "LACK",
      settledQuantity: 10n * DENOMINATION,
      settledCash: 83_333_339n,
    });
    expect(market.status(second)).toBe("PENDING CLAC");
    expect(market.told("instructionPartlySettled")[0]).toMatchObject({
      remainingQuantity: 2n * DENOMINATION,
      remainingCash: 16_666_668n,
    });
    // UBL gives one back, free of payment, and it comes round again.
    const back = {
      movement: "RECE" as const,
      payment: "FREE" as const,
      cash: undefined,
      reference: "B-1",
    };
    market.pair(
      { ...back, quantity: DENOMINATION },
      { ...back, movement: "DELI", quantity: DENOMINATION },
    );
    market.minutes(1);
    expect(market.of(first).settledQuantity).toBe(11n * DENOMINATION);
  });

  test.each([
    [DENOMINATION, undefined],
    [undefined, DENOMINATION],
    [undefined, undefined],
  ])("needs both: lots %s and %s", (a, b) => {
    const market = instructionLedger();
    const [first] = market.pair(lots(12n, a), lots(12n, b));
    expect(market.status(first)).toBe("PENDING LACK");
    expect(market.of(first).settledQuantity).toBe(0n);
  });

  test("LALO where what there is is less than the larger lot", () => {
    const market = instructionLedger();
    const [first, second] = market.pair(lots(12n, DENOMINATION), lots(12n, 11n * DENOMINATION));
    expect([market.status(first), market.status(second)]).toEqual(["PENDING LALO", "PENDING LALO"]);
    expect(market.modify(second, "UBL", "PARTIAL", { quantity: 10n * DENOMINATION })).toBe(
      "APPLIED",
    );
    expect(market.of(first).settledQuantity).toBe(10n * DENOMINATION);
  });

  test("is bounded by cash as well, in whole denominations", () => {
    const market = instructionLedger();
    const terms = lots(4n, DENOMINATION);
    // UBL has 500,000,000: enough for three quarters and a bit.
    const [first, second] = market.pair(
      { ...terms, ...paid(660_000_000n, "CASH-HBL") },
      { ...terms, ...paid(660_000_000n, "CASH-UBL") },
    );
    expect(market.of(first)).toMatchObject({
      settledQuantity: 3n * DENOMINATION,
      settledCash: 495_000_000n,
      reason: "CMON",
    });
    expect(market.status(second)).toBe("PENDING MONY");
    expect(market.modify(first, "HBL", "NO_PARTIAL")).toBe("APPLIED");
    expect(market.modify(first, "HBL", "NO_PARTIAL")).toBe("MODIFICATION_INVALID");
    market.mint("CASH-UBL", 160_000_000n);
    expect(market.status(first)).toBe("SETTLED");
    expect(market.total("CASH-UBL")).toBe(0n);
  });

  test("parts and remainder are always the original, quantity and cash", () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 4 }),
        fc.bigInt(1n, 400_000_000n),
        (parts, cash) => {
          const market = instructionLedger();
          const terms = { ...lots(10n, DENOMINATION), hold: true };
          const [first] = market.pair(
            { ...terms, ...paid(cash, "CASH-HBL") },
            { ...terms, hold: false, ...paid(cash, "CASH-UBL") },
          );
          for (const part of parts) {
            const quantity = BigInt(part) * DENOMINATION;
            market.modify(first, "HBL", "PARTIAL_RELEASE", { quantity });
          }
          if (market.of(first).state !== "SETTLED") market.modify(first, "HBL", "RELEASE");
          expect(market.of(first)).toMatchObject({
            state: "SETTLED",
            settledQuantity: 10n * DENOMINATION,
            settledCash: cash,
          });
          const told = [
            ...market.told("instructionPartlySettled"),
            ...market.told("instructionSettled"),
          ].filter(({ instruction }) => instruction === first);
          const sum = (of: (event: (typeof told)[number]) => bigint) =>
            told.reduce((total, event) => total + of(event), 0n);
          expect(sum(({ quantity }) => quantity)).toBe(10n * DENOMINATION);
          expect(sum(({ cashAmount }) => cashAmount ?? 0n)).toBe(cash);
          expect(market.total("SGLA-UBL", PIB)).toBe(10n * DENOMINATION);
        },
      ),
      { numRuns: 15 },
    );
  });
});
