import { describe, expect, test } from "vitest";
import {
  delivery,
  type Instruct,
  InstructionLedger,
  paid,
  TODAY,
} from "../testing/instruction-ledger.ts";
import { openedLedger } from "../testing/test-ledger.ts";

const USD = "USD-HBL";

/** HBL issues a dollar claim; UBL holds USD 1,000.00 and both have coins. */
function exchangeLedger(): InstructionLedger {
  const ledger = openedLedger();
  const asset = { asset: USD, issuer: "HBL" };
  ledger.mustSend("register-cash-asset", asset, { signers: ["SBP", "HBL"] });
  const claim = { ...asset, account: "CASH-UBL", amount: 100_000n, reserveRef: "NOSTRO/1" };
  ledger.mustSend("issue-cash-claim", claim, { signers: ["HBL"] });
  return new InstructionLedger(ledger);
}

/** UBL gives USD 500.00 for PKR 140,750.00. */
const give: Instruct = {
  ...delivery,
  asset: USD,
  quantity: 50_000n,
  account: "CASH-UBL",
  counterparty: "HBL",
  ...paid(14_075_000n, "CASH-UBL"),
};
const take: Instruct = {
  ...give,
  movement: "RECE",
  reference: "R-1",
  account: "CASH-HBL",
  counterparty: "UBL",
  ...paid(14_075_000n, "CASH-HBL"),
};

describe("payment versus payment", () => {
  test("both moneys change hands or neither does", () => {
    const market = exchangeLedger();
    const [first] = market.pair(give, take);
    expect(market.status(first)).toBe("SETTLED");
    expect(market.total("CASH-HBL", USD)).toBe(50_000n);
    expect(market.total("CASH-UBL", USD)).toBe(50_000n);
    expect(market.total("CASH-UBL")).toBe(514_075_000n);
    const short = { quantity: 60_000n };
    const [second, third] = market.pair(
      { ...give, ...short, reference: "D-2" },
      { ...take, ...short, reference: "R-2" },
    );
    expect([market.status(second), market.status(third)]).toEqual(["PENDING MONY", "PENDING CMON"]);
    expect(market.total("CASH-UBL")).toBe(514_075_000n);
  });

  test("settles in parts of any cent, and has its own cut-off", () => {
    const market = exchangeLedger();
    const parts = { quantity: 150_001n, minimumLot: 1n };
    const [first] = market.pair({ ...give, ...parts }, { ...take, ...parts });
    expect(market.of(first)).toMatchObject({ settledQuantity: 100_000n, reason: "MONY" });
    market.at(TODAY, "15:30");
    expect(market.status(first)).toBe("FAILING MONY");
    const late = market.instruct({ ...give, reference: "D-2" });
    expect(late.outcome.code).toBe("TOO_LATE");
  });

  test("is against payment, in two moneys that are known", () => {
    const market = exchangeLedger();
    const code = (change: Partial<Instruct>) =>
      market.instruct({ ...give, ...change }).outcome.code;
    expect(code({ payment: "FREE", cash: undefined })).toBe("CASH_LEG");
    expect(code({ cash: { asset: USD, amount: 1n, account: "CASH-UBL" } })).toBe("CASH_LEG");
    expect(code({ asset: "EUR-HBL" })).toBe("ASSET_UNKNOWN");
    expect(code({ cash: { asset: "EUR-HBL", amount: 1n, account: "CASH-UBL" } })).toBe(
      "CURRENCY_UNKNOWN",
    );
    expect(code({ account: "SGLA-UBL" })).toBe("ACCOUNT_WRONG_KIND");
  });
});
