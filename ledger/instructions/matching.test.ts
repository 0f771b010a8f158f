import { describe, expect, test } from "vitest";
import {
  delivery,
  free,
  type Instruct,
  instructionLedger,
  paid,
  receipt,
  TODAY,
  TOMORROW,
} from "../testing/instruction-ledger.ts";
import { DENOMINATION } from "../testing/test-ledger.ts";
import { CBDC } from "../types.ts";
import { unmatchedReasons } from "./instruction-codes.ts";
import { toleranceOf } from "./matching.ts";
import { DEFAULT_SETTLEMENT_PARAMETERS } from "./settlement-parameters.ts";

const held = { hold: true } as const;

describe("what nearly matches says why it does not", () => {
  const near: readonly (readonly [string, Partial<Instruct>])[] = [
    ["DTRD", { tradeDate: "2025-11-24" }],
    ["DDAT", { settlementDate: TOMORROW }],
    ["DSEC", { asset: CBDC, account: "CASH-UBL", cash: { ...usd(1n), account: "CASH-UBL" } }],
    ["DQUA", { quantity: 2n * DENOMINATION }],
    ["DMON", paid(9_500_951n, "CASH-UBL")],
    ["FRAP", free],
    ["DELN", { commonId: "TRADE-8" }],
    ["OTHR", { client: "CLIENT-8" }],
    ["OTHR", { counterpartyClient: "CLIENT-8" }],
    ["OTHR", { couponCondition: "XCPN" }],
    ["OTHR", { conditions: ["CLEN", "PHYS"] }],
    ["OTHR", { pool: { id: "POOL-8", total: 2 } }],
    ["OTHR", { model: "DVP_3" }],
  ];
  function usd(amount: bigint) {
    return { asset: "USD-HBL", amount };
  }
  const full: Partial<Instruct> = {
    commonId: "TRADE-7",
    client: "CLIENT-7",
    counterpartyClient: "CLIENT-7",
    couponCondition: "CCPN",
    conditions: ["PHYS"],
    pool: { id: "POOL-7", total: 2 },
  };

  test.each(near.filter(([reason]) => reason !== "DSEC"))("%s for %o", (reason, change) => {
    const market = instructionLedger();
    const first = market.enter({ ...delivery, ...full });
    const second = market.enter({ ...receipt, ...full, ...change });
    expect(market.status(second)).toBe(`UNMATCHED ${reason}`);
    expect(market.status(first)).toBe(`UNMATCHED ${reason}`);
    expect(market.told("instructionUnmatched")).toMatchObject([{ instruction: first, reason }]);
  });

  test("DSEC and NCRR: another security, another money", () => {
    const market = instructionLedger();
    const both = { signers: ["SBP", "HBL"] };
    market.ledger.mustSend("register-cash-asset", { asset: "USD-HBL", issuer: "HBL" }, both);
    market.ledger.mustSend("register-cash-asset", { asset: "EUR-HBL", issuer: "HBL" }, both);
    const first = market.enter(delivery);
    const inUsd = { asset: "USD-HBL", amount: 9_500_000n, account: "CASH-UBL" };
    const second = market.enter({ ...receipt, cash: inUsd });
    expect(market.status(second)).toBe("UNMATCHED NCRR");
    expect(market.status(first)).toBe("UNMATCHED NCRR");
    const exchange = { account: "CASH-HBL", quantity: 100n, reference: "D-2" };
    market.enter({ ...delivery, ...exchange, asset: "USD-HBL" });
    const other = { ...exchange, account: "CASH-UBL", reference: "R-2", asset: "EUR-HBL" };
    expect(market.status(market.enter({ ...receipt, ...other }))).toBe("UNMATCHED DSEC");
  });

  test("two differences are not near, and a match is not touched by a near one", () => {
    const market = instructionLedger();
    market.enter(delivery);
    const far = { ...receipt, quantity: 2n * DENOMINATION, settlementDate: TOMORROW };
    expect(market.status(market.enter(far))).toBe("UNMATCHED CMIS");
    const right = market.enter({ ...receipt, reference: "R-2" });
    expect(market.status(right)).toBe("SETTLED");
  });

  test("NMAS while matching is closed; matched when the day opens, in the order of entry", () => {
    const market = instructionLedger();
    market.at(TODAY, "17:00");
    const late = { settlementDate: TOMORROW };
    const first = market.enter({ ...delivery, ...late });
    const second = market.enter({ ...receipt, ...late });
    const alone = market.enter({
      ...delivery,
      ...late,
      reference: "D-2",
      quantity: 5n * DENOMINATION,
    });
    const near = market.enter({
      ...receipt,
      ...late,
      reference: "R-2",
      quantity: 6n * DENOMINATION,
    });
    for (const id of [first, second, alone, near]) {
      expect(market.status(id)).toBe("UNMATCHED NMAS");
    }
    market.at(TOMORROW, "09:00");
    expect(market.status(first)).toBe("SETTLED");
    expect(market.status(second)).toBe("SETTLED");
    expect(market.status(alone)).toBe("UNMATCHED DQUA");
    expect(market.status(near)).toBe("UNMATCHED DQUA");
  });

  test("every reason of the list was given above", () => {
    const given = new Set(["CMIS", "NMAS", "NCRR", ...near.map(([reason]) => reason)]);
    expect([...given].toSorted()).toEqual([...unmatchedReasons].toSorted());
  });
});

describe("matching", () => {
  test("additional fields count only where both sides give them", () => {
    const market = instructionLedger();
    const [first] = market.pair({
      commonId: "TRADE-7",
      client: "CLIENT-7",
      couponCondition: "CCPN",
      conditions: ["CLEN"],
    });
    expect(market.status(first)).toBe("SETTLED");
  });

  test("clients match crosswise", () => {
    const market = instructionLedger();
    const [first] = market.pair(
      { client: "SELLER", counterpartyClient: "BUYER" },
      { client: "BUYER", counterpartyClient: "SELLER" },
    );
    expect(market.status(first)).toBe("SETTLED");
  });

  test("never two of one side, and never an instruction with itself over one account", () => {
    const market = instructionLedger();
    const first = market.enter(delivery);
    const same = market.enter({ ...delivery, reference: "D-2" });
    const inHouse = { account: "SGLA-HBL", counterparty: "HBL", ...paid(9_500_000n, "CASH-HBL") };
    const own = { ...receipt, ...inHouse, reference: "R-9" };
    const ownDelivery = market.enter({ ...delivery, counterparty: "HBL", reference: "D-3" });
    const circle = market.enter(own, { signers: ["HBL"] });
    for (const id of [first, same, ownDelivery, circle]) {
      expect(market.of(id).state).toBe("UNMATCHED");
    }
  });

  test("in-house, between two accounts of one custodian", () => {
    const market = instructionLedger();
    market.openSgla("SGLA-HBL-2", "HBL");
    market.openCash("CASH-HBL-2", "HBL");
    market.mint("CASH-HBL-2", 9_500_000n);
    const inHouse = { counterparty: "HBL" } as const;
    const [first] = market.pair(inHouse, {
      ...inHouse,
      account: "SGLA-HBL-2",
      ...paid(9_500_000n, "CASH-HBL-2"),
    });
    expect(market.status(first)).toBe("SETTLED");
  });

  test("of several the smallest difference, then the earliest entry", () => {
    const market = instructionLedger();
    const offers = [9_500_900n, 9_500_100n, 9_500_000n, 9_500_000n].map((amount, i) =>
      market.enter({ ...receipt, ...held, reference: `R-${i}`, ...paid(amount, "CASH-UBL") }),
    );
    const chosen = [0, 1, 2, 3].map((i) => {
      const id = market.enter({ ...delivery, ...held, reference: `D-${i}` });
      return offers.indexOf(market.of(id).counterInstruction ?? "");
    });
    expect(chosen).toEqual([2, 3, 1, 0]);
  });

  test("a terminal instruction is no candidate", () => {
    const market = instructionLedger();
    const gone = market.enter(receipt);
    market.cancel(gone, "UBL");
    expect(market.status(market.enter(delivery))).toBe("UNMATCHED CMIS");
  });
});

describe("tolerance", () => {
  const parameters = DEFAULT_SETTLEMENT_PARAMETERS;
  test.each([
    [9_500_000n, 950n],
    [9_999n, 0n],
    [10_000n, 1n],
    [199_999_999n, 19_999n],
    [200_000_000n, 20_000n],
    [900_000_000_000n, 20_000n],
  ])("for %s paisa of the deliverer: %s", (amount, tolerance) => {
    const cash = { asset: CBDC, amount, account: "A" };
    expect(toleranceOf({ cash }, parameters)).toBe(tolerance);
    expect(toleranceOf({ cash: { ...cash, asset: "USD-HBL" } }, parameters)).toBe(0n);
    expect(toleranceOf({ cash: undefined }, parameters)).toBe(0n);
  });

  test.each([
    [9_500_950n, "SETTLED"],
    [9_499_050n, "SETTLED"],
    [9_500_951n, "UNMATCHED DMON"],
    [9_499_049n, "UNMATCHED DMON"],
  ])("the receiver says %s: %s, at the deliverer's amount", (amount, status) => {
    const market = instructionLedger();
    const [first] = market.pair({}, paid(amount, "CASH-UBL"));
    expect(market.status(first)).toBe(status);
    if (status !== "SETTLED") return;
    expect(market.total("CASH-UBL")).toBe(490_500_000n);
    expect(market.told("instructionMatched")[1]?.settlementAmount).toBe(9_500_000n);
  });
});
