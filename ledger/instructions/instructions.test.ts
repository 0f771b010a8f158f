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

describe("a pair of instructions", () => {
  test("matches, settles both legs in the same block, and records the three moments", () => {
    const market = instructionLedger();
    const first = market.enter(delivery);
    const entry = market.ledger.height;
    expect(market.status(first)).toBe("UNMATCHED CMIS");
    const second = market.enter(receipt);
    const { height } = market.ledger;
    expect(market.of(first)).toMatchObject({
      state: "SETTLED",
      reason: undefined,
      counterInstruction: second,
      entryHeight: entry,
      matchedHeight: height,
      finalityHeight: height,
      settledQuantity: DENOMINATION,
      settledCash: 9_500_000n,
    });
    expect(market.of(second)).toMatchObject({ entryHeight: height, finalityHeight: height });
    expect(market.total("SGLA-UBL", PIB)).toBe(DENOMINATION);
    expect(market.total("CASH-UBL")).toBe(490_500_000n);
    const settled = market.told("instructionSettled");
    expect(settled.map(({ reference }) => reference)).toEqual(["D-1", "R-1"]);
    expect(settled[0]).toMatchObject({
      entryHeight: entry,
      irrevocabilityHeight: height,
      finalityHeight: height,
      cashAmount: 9_500_000n,
    });
  });

  test("free of payment moves securities only", () => {
    const market = instructionLedger();
    const [first] = market.pair(free, free);
    expect(market.status(first)).toBe("SETTLED");
    expect(market.total("SGLA-UBL", PIB)).toBe(DENOMINATION);
    expect(market.total("CASH-UBL")).toBe(500_000_000n);
  });

  test("waits for its settlement date, then settles on the first block of the day", () => {
    const market = instructionLedger();
    const forward = { settlementDate: TOMORROW };
    const [first, second] = market.pair(forward, forward);
    expect(market.status(first)).toBe("PENDING FUTU");
    market.at(TOMORROW, "08:59");
    expect(market.status(second)).toBe("PENDING FUTU");
    market.at(TOMORROW, "09:00");
    expect(market.status(first)).toBe("SETTLED");
    expect(market.status(second)).toBe("SETTLED");
  });

  test("waits for securities and for cash, each side in its own words", () => {
    const market = instructionLedger();
    const big = { quantity: 11n * DENOMINATION };
    const [first, second] = market.pair(big, big);
    expect([market.status(first), market.status(second)]).toEqual(["PENDING LACK", "PENDING CLAC"]);
    const dear = { reference: "D-2", ...paid(600_000_000n, "CASH-HBL") };
    const [third, fourth] = market.pair(dear, {
      reference: "R-2",
      ...paid(600_000_000n, "CASH-UBL"),
    });
    expect([market.status(third), market.status(fourth)]).toEqual(["PENDING CMON", "PENDING MONY"]);
    market.mint("CASH-UBL", 100_000_000n);
    expect(market.status(fourth)).toBe("SETTLED");
    // Nothing changes about the other: no event tells of it again.
    market.minutes(1);
    const before = market.events.length;
    market.minutes(1);
    expect(market.events.slice(before)).toEqual([]);
  });

  test("both sides short: each sees its own want", () => {
    const market = instructionLedger();
    const both = { quantity: 11n * DENOMINATION };
    const [first, second] = market.pair(
      { ...both, ...paid(600_000_000n, "CASH-HBL") },
      { ...both, ...paid(600_000_000n, "CASH-UBL") },
    );
    expect([market.status(first), market.status(second)]).toEqual(["PENDING LACK", "PENDING MONY"]);
  });

  test("after the cut-off it fails for the same reason, and settles on a later day", () => {
    const market = instructionLedger();
    const dear = [paid(600_000_000n, "CASH-HBL"), paid(600_000_000n, "CASH-UBL")] as const;
    const [first, second] = market.pair(...dear);
    market.at(TODAY, "15:59");
    expect(market.status(first)).toBe("PENDING CMON");
    market.at(TODAY, "16:00");
    expect([market.status(first), market.status(second)]).toEqual(["FAILING CMON", "FAILING MONY"]);
    market.mint("CASH-UBL", 100_000_000n);
    expect(market.status(second)).toBe("FAILING CYCL");
    market.at(TOMORROW, "08:00");
    expect(market.status(second)).toBe("FAILING CYCL");
    market.at(TOMORROW, "09:00");
    expect(market.status(second)).toBe("SETTLED");
  });

  test("a frozen account stops it mid-way, whatever froze it, and its thaw lets it go on", () => {
    const market = instructionLedger();
    const forward = { settlementDate: TOMORROW };
    const [first, second] = market.pair(forward, forward);
    market.ledger.alterAccount("CASH-UBL", { status: "BLOCKED_DEBIT" });
    market.at(TOMORROW, "10:00");
    expect([market.status(first), market.status(second)]).toEqual(["PENDING BLOC", "PENDING BLOC"]);
    expect(market.total("SGLA-UBL", PIB)).toBe(0n);
    market.ledger.alterAccount("CASH-UBL", { status: "OPEN" });
    market.minutes(1);
    expect(market.status(first)).toBe("SETTLED");
  });

  test("the maturity of its security ends it", () => {
    const market = instructionLedger();
    const big = { quantity: 11n * DENOMINATION };
    const [first, second] = market.pair(big, big);
    market.at("2028-08-21", "10:00");
    expect([market.status(first), market.status(second)]).toEqual([
      "CANCELLED CORP",
      "CANCELLED CORP",
    ]);
  });

  test("settles out of an issue against the sovereign's cash account", () => {
    const market = instructionLedger();
    const fresh = { account: "ISS", ...paid(9_500_000n, "CASH-GOV"), counterparty: "UBL" };
    const [first] = market.pair(fresh, { counterparty: "SBP" });
    expect(market.status(first)).toBe("SETTLED");
    const wrong = { ...delivery, ...fresh, reference: "D-9", ...paid(1n, "CASH-HBL") };
    expect(market.instruct(wrong).outcome.code).toBe("COUNTERPARTY_NOT_MATCHED");
  });
});

describe("order and fairness", () => {
  test("with cash for one only, the higher priority settles, though it came later", () => {
    const market = instructionLedger();
    const price = 400_000_000n;
    const trade = (n: number, priority: number) => [
      { ...delivery, reference: `D-${n}`, ...paid(price, "CASH-HBL"), priority },
      { ...receipt, reference: `R-${n}`, ...paid(price, "CASH-UBL"), priority },
    ];
    // Terms alike but for the common reference, so that each finds its own.
    const named = (n: number, priority: number) =>
      trade(n, priority).map((payload) => ({ ...payload, commonId: `TRADE-${n}`, hold: true }));
    const results = [market.block(...named(1, 4)), market.block(...named(2, 4), ...named(3, 2))];
    const ids = results.flatMap(({ receipts }) => receipts.map(({ txId }) => txId.slice(0, 32)));
    const releases = ids.map((instruction, i) => {
      const requester = i % 2 === 0 ? "HBL" : "UBL";
      const none = { quantity: undefined, priority: undefined };
      const change = { instruction, requester, action: "RELEASE" as const, ...none };
      return market.ledger.transaction("modify-instruction", change, { signers: [requester] });
    });
    const states = () => ids.map((id) => market.of(id).state);
    expect(new Set(states())).toEqual(new Set(["PENDING"]));
    market.kept(market.ledger.block(...releases));
    expect(states()).toEqual(["PENDING", "PENDING", "PENDING", "PENDING", "SETTLED", "SETTLED"]);
    market.mint("CASH-UBL", price);
    expect(states()).toEqual(["SETTLED", "SETTLED", "PENDING", "PENDING", "SETTLED", "SETTLED"]);
  });
});
