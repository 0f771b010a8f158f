import { describe, expect, test } from "vitest";
import { delivery, free, instructionLedger, paid, receipt } from "../testing/instruction-ledger.ts";
import { DENOMINATION, PIB } from "../testing/test-ledger.ts";

describe("an instruction after another", () => {
  test("waits until that one has settled", () => {
    const market = instructionLedger();
    const [second, other] = market.pair({ reference: "D-2", after: "D-1" }, { reference: "R-2" });
    expect([market.status(second), market.status(other)]).toEqual(["PENDING LINK", "PENDING LINK"]);
    market.pair({ ...free, quantity: 2n * DENOMINATION }, { ...free, quantity: 2n * DENOMINATION });
    market.minutes(1);
    expect(market.status(second)).toBe("SETTLED");
  });

  test("two that wait for each other wait for good, at no cost, until one is unlinked", () => {
    const market = instructionLedger();
    const [first] = market.pair({ after: "D-2" }, {});
    const [second] = market.pair({ reference: "D-2", after: "D-1" }, { reference: "R-2" });
    const before = market.events.length;
    for (let i = 0; i < 5; i++) market.minutes(1);
    expect([market.status(first), market.status(second)]).toEqual(["PENDING LINK", "PENDING LINK"]);
    expect(market.events).toHaveLength(before);
    expect(market.modify(second, "HBL", "UNLINK")).toBe("APPLIED");
    market.minutes(1);
    expect([market.status(first), market.status(second)]).toEqual(["SETTLED", "SETTLED"]);
  });

  test("cannot be after itself, and waits for good for one that was cancelled", () => {
    const market = instructionLedger();
    expect(market.instruct({ ...delivery, after: "D-1" }).outcome.code).toBe("TERMS_INVALID");
    const gone = market.enter({ ...delivery, reference: "D-0" });
    market.cancel(gone, "HBL");
    const [second] = market.pair({ after: "D-0" });
    expect(market.status(second)).toBe("PENDING LINK");
    expect(market.modify(second, "HBL", "UNLINK")).toBe("APPLIED");
    expect(market.modify(second, "HBL", "UNLINK")).toBe("INSTRUCTION_FINAL");
  });
});

describe("a pool", () => {
  const pool = { id: "POOL-1", total: 2 };

  test("settles as one or not at all", () => {
    const market = instructionLedger();
    const [first, firstR] = market.pair({ pool });
    expect([market.status(first), market.status(firstR)]).toEqual(["PENDING LINK", "PENDING LINK"]);
    const big = { quantity: 10n * DENOMINATION };
    const [second, secondR] = market.pair(
      { ...big, pool, reference: "D-2" },
      { ...big, reference: "R-2" },
    );
    // Eleven in all, and HBL has ten: the ten alone would settle, and must not.
    expect([market.of(first).state, market.of(second).state]).toEqual(["PENDING", "PENDING"]);
    expect(market.total("SGLA-UBL", PIB)).toBe(0n);
    // One more out of the issue, and all go.
    market.pair(
      { ...free, movement: "RECE", reference: "B-1", counterparty: "SBP" },
      { ...free, movement: "DELI", reference: "B-2", account: "ISS", counterparty: "HBL" },
    );
    market.minutes(1);
    const states = [first, firstR, second, secondR].map((id) => market.of(id).state);
    expect(new Set(states)).toEqual(new Set(["SETTLED"]));
    expect(market.total("SGLA-UBL", PIB)).toBe(11n * DENOMINATION);
  });

  test("nets inside: what one pair brings pays for the other", () => {
    const market = instructionLedger();
    // UBL buys eleven denominations' worth for more than it has, and sells back for more still.
    const price = 600_000_000n;
    const pools = { pool };
    const [first] = market.pair(
      { ...paid(price, "CASH-HBL") },
      { ...paid(price, "CASH-UBL"), ...pools },
    );
    expect(market.status(first)).toBe("PENDING LINK");
    const back = { quantity: 2n * DENOMINATION } as const;
    const [second] = market.pair(
      {
        ...back,
        account: "SGLA-UBL",
        counterparty: "HBL",
        ...paid(price, "CASH-UBL"),
        ...pools,
        reference: "D-2",
      },
      {
        ...back,
        account: "SGLA-HBL",
        counterparty: "UBL",
        ...paid(price, "CASH-HBL"),
        reference: "R-2",
      },
    );
    // UBL would have to give two and gets one.
    expect(market.status(second)).toBe("PENDING LACK");
    market.pair({ ...free, reference: "D-3" }, { ...free, reference: "R-3" });
    market.minutes(1);
    expect([market.status(first), market.status(second)]).toEqual(["SETTLED", "SETTLED"]);
    expect(market.total("CASH-UBL")).toBe(500_000_000n);
    // Each is confirmed at its own gross amount.
    const told = market.told("instructionSettled").filter(({ cashAmount }) => cashAmount === price);
    expect(told).toHaveLength(4);
  });

  test("a hold on one holds all", () => {
    const market = instructionLedger();
    const [first] = market.pair({ pool, hold: true });
    const two = { quantity: 2n * DENOMINATION };
    const [second] = market.pair({ pool, ...two, reference: "D-2" }, { ...two, reference: "R-2" });
    expect([market.status(first), market.status(second)]).toEqual(["PENDING PREA", "PENDING LINK"]);
    market.modify(first, "HBL", "RELEASE");
    expect([market.of(first).state, market.of(second).state]).toEqual(["SETTLED", "SETTLED"]);
  });

  test("has a fixed number of instructions", () => {
    const market = instructionLedger();
    const code = (payload: typeof delivery) => market.instruct(payload).outcome.code;
    const entered = market.enter({ ...delivery, pool });
    expect(code({ ...delivery, reference: "D-2", pool: { id: "POOL-1", total: 3 } })).toBe(
      "POOL_CONFLICT",
    );
    expect(code({ ...delivery, reference: "D-2", pool })).toBe("APPLIED");
    expect(code({ ...delivery, reference: "D-3", pool })).toBe("POOL_CONFLICT");
    expect(code({ ...delivery, reference: "D-4", pool: { id: "P", total: 1 } })).toBe(
      "TERMS_INVALID",
    );
    const inParts = { ...delivery, reference: "D-4", minimumLot: DENOMINATION };
    expect(code({ ...inParts, pool: { id: "P", total: 2 } })).toBe("TERMS_INVALID");
    // Unlinked, it can match what its pool kept it from.
    const other = market.enter({ ...receipt, pool: { id: "POOL-2", total: 2 } });
    expect(market.status(other)).toBe("UNMATCHED OTHR");
    expect(market.modify(entered, "HBL", "UNLINK")).toBe("APPLIED");
    expect(market.of(entered).counterInstruction).toBe(other);
    expect(market.modify(entered, "HBL", "PARTIAL", { quantity: DENOMINATION })).toBe("APPLIED");
  });
});
