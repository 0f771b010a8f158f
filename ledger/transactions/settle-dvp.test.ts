import { describe, expect, test } from "vitest";
import { AMOUNT_MAX } from "../../primitives/codec/schema.ts";
import type { FailureCode } from "../outcome.ts";
import { precedenceOf } from "../outcome.ts";
import { balanceOf } from "../queries.ts";
import {
  cashAccount,
  DENOMINATION,
  OTHER_PIB,
  PIB,
  PIB_TERMS,
  primaryDvp,
  readyLedger,
  sgla,
  type TestLedger,
} from "../testing/test-ledger.ts";
import { CBDC } from "../types.ts";
import type { Payloads } from "./kinds.ts";

type Dvp = Payloads["settle-dvp"];

/** HBL holds ten denominations and sells one to UBL. */
const dvp: Dvp = {
  settlementRef: "TRADE-7",
  isin: PIB,
  face: DENOMINATION,
  delivererAccount: "SGLA-HBL",
  receiverAccount: "SGLA-UBL",
  payerCashAccount: "CASH-UBL",
  payeeCashAccount: "CASH-HBL",
  cleanAmount: 9_500_000n,
  accruedInterest: 0n,
};
const everyone = ["SBP", "FINDIV", "HBL", "UBL"];

function tradingLedger(): TestLedger {
  const ledger = readyLedger();
  const face = 10n * DENOMINATION;
  ledger.mustSend("settle-dvp", { ...primaryDvp, face }, { signers: ["SBP", "HBL"] });
  return ledger;
}

function settle(ledger: TestLedger, change: Partial<Dvp>, signers: readonly string[] = everyone) {
  return ledger.send("settle-dvp", { ...dvp, ...change }, { signers });
}

describe("settle-dvp", () => {
  test("settles between two custodians; accrued of zero posts nothing", () => {
    const ledger = tradingLedger();
    const receipt = settle(ledger, {}, ["HBL", "UBL"]);
    expect(receipt.outcome.code).toBe("SETTLED");
    expect(receipt.eventCount).toBe(5);
    expect(balanceOf(ledger.state, "SGLA-HBL", PIB)?.total).toBe(9n * DENOMINATION);
    expect(balanceOf(ledger.state, "SGLA-UBL", PIB)?.total).toBe(DENOMINATION);
    expect(balanceOf(ledger.state, "CASH-UBL", CBDC)?.total).toBe(490_500_000n);
  });

  test.each([
    [["HBL"], "operator of payerCashAccount"],
    [["UBL"], "operator of delivererAccount"],
    [["SBP", "FINDIV"], "operator of delivererAccount"],
  ])("signed by %o only: refused", (signers, field) => {
    const receipt = settle(tradingLedger(), {}, signers);
    expect(receipt).toMatchObject({ executed: false, field });
    expect(receipt.outcome.code).toBe("TX_MISSING_SIGNER");
  });

  test("between two clients of one custodian needs its one signature", () => {
    const ledger = tradingLedger();
    const signers = ["SBP", "HBL"];
    ledger.mustSend("open-account", sgla("CLIENT-2", "HBL", "CLIENT"), { signers });
    ledger.mustSend("open-account", cashAccount("CASH-2", "HBL"), { signers });
    const inHouse = {
      receiverAccount: "CLIENT-2",
      payerCashAccount: "CASH-2",
      cleanAmount: 1n,
    };
    const fund = { account: "CASH-2", amount: 10n, reserveRef: "R9" };
    ledger.mustSend("mint-cbdc", fund);
    expect(settle(ledger, inHouse, ["HBL"]).outcome.code).toBe("SETTLED");
  });

  test("proceeds of an issue go to the sovereign, and only there", () => {
    const ledger = tradingLedger();
    const signers = ["SBP", "HBL"];
    ledger.mustSend("open-account", cashAccount("CASH-SBP", "SBP"), { signers: ["SBP"] });
    const toBank = { ...primaryDvp, payeeCashAccount: "CASH-SBP" };
    const receipt = ledger.send("settle-dvp", toBank, { signers });
    expect(receipt).toMatchObject({ executed: true, field: "payeeCashAccount" });
    expect(receipt.outcome.code).toBe("COUNTERPARTY_NOT_MATCHED");
    expect(ledger.send("settle-dvp", primaryDvp, { signers }).outcome.code).toBe("SETTLED");
  });

  test.each([
    ["INSUFFICIENT_SECURITIES", { face: 11n * DENOMINATION }, "delivererAccount"],
    ["INSUFFICIENT_CASH", { cleanAmount: 500_000_001n }, "payerCashAccount"],
    [
      "INSUFFICIENT_CASH",
      { cleanAmount: AMOUNT_MAX, accruedInterest: AMOUNT_MAX },
      "payerCashAccount",
    ],
    ["AMOUNT_ZERO", { face: 0n }, "face"],
    ["AMOUNT_ZERO", { cleanAmount: 0n }, "cleanAmount"],
    ["SAME_ACCOUNT_TWICE", { receiverAccount: "SGLA-HBL" }, "receiverAccount"],
    ["SAME_ACCOUNT_TWICE", { payeeCashAccount: "CASH-UBL" }, "payeeCashAccount"],
    ["ACCOUNT_UNKNOWN", { delivererAccount: "X" }, "delivererAccount"],
    ["ACCOUNT_UNKNOWN", { receiverAccount: "X" }, "receiverAccount"],
    ["ACCOUNT_UNKNOWN", { payerCashAccount: "X" }, "payerCashAccount"],
    ["ACCOUNT_UNKNOWN", { payeeCashAccount: "X" }, "payeeCashAccount"],
    ["ASSET_UNKNOWN", { isin: OTHER_PIB }, "isin"],
    ["ACCOUNT_WRONG_KIND", { delivererAccount: "CASH-GOV" }, "delivererAccount"],
    ["ACCOUNT_WRONG_KIND", { receiverAccount: "ISS" }, "receiverAccount"],
    ["ACCOUNT_WRONG_KIND", { payerCashAccount: "ISS" }, "payerCashAccount"],
    ["ACCOUNT_WRONG_KIND", { payeeCashAccount: "ISS" }, "payeeCashAccount"],
    ["COUNTERPARTY_NOT_MATCHED", { payeeCashAccount: "CASH-GOV" }, "payeeCashAccount"],
    ["COUNTERPARTY_NOT_MATCHED", { payerCashAccount: "CASH-GOV" }, "receiverAccount"],
    ["DENOMINATION", { face: DENOMINATION + 1n }, "face"],
  ] as const)("%s for %o", (code, change, field) => {
    const ledger = tradingLedger();
    const receipt = settle(ledger, change);
    expect(receipt).toMatchObject({ executed: true, field, eventCount: 0, moments: undefined });
    expect(receipt.outcome.code).toBe(code);
  });

  test("INSTRUMENT_NOT_AUTHORISED", () => {
    const ledger = tradingLedger();
    const signers = ["SBP", "FINDIV"];
    ledger.mustSend("register-instrument", { isin: OTHER_PIB, terms: PIB_TERMS }, { signers });
    const receipt = settle(ledger, { isin: OTHER_PIB });
    expect(receipt.outcome.code).toBe("INSTRUMENT_NOT_AUTHORISED");
  });

  test("ASSET_MATURED on the maturity date", () => {
    const ledger = tradingLedger();
    const late = ledger.checked(ledger.transaction("settle-dvp", dvp, { signers: everyone }));
    const { receipts } = ledger.blockOf([late], 1_850_324_400_000 - ledger.timestampMs);
    expect(receipts[0]?.outcome.code).toBe("ASSET_MATURED");
  });

  test.each([
    ["SGLA-HBL", "BLOCKED_DEBIT", "ACCOUNT_FROZEN"],
    ["SGLA-HBL", "BLOCKED_CREDIT", "SETTLED"],
    ["SGLA-UBL", "BLOCKED_CREDIT", "ACCOUNT_FROZEN"],
    ["CASH-UBL", "BLOCKED_BOTH", "ACCOUNT_FROZEN"],
    ["CASH-HBL", "BLOCKED_CREDIT", "ACCOUNT_FROZEN"],
    ["CASH-HBL", "CLOSED", "ACCOUNT_CLOSED"],
  ] as const)("%s %s: %s", (account, status, code) => {
    const ledger = tradingLedger();
    ledger.alterAccount(account, { status });
    expect(settle(ledger, {}).outcome.code).toBe(code);
  });
});

describe("precedence", () => {
  /** Faults that can stand together: each names what it changes and the code it gives alone. */
  const faults: readonly {
    readonly code: FailureCode;
    readonly change?: Partial<Dvp>;
    readonly spoil?: (ledger: TestLedger) => void;
  }[] = [
    { code: "AMOUNT_ZERO", change: { cleanAmount: 0n } },
    { code: "SAME_ACCOUNT_TWICE", change: { payeeCashAccount: "CASH-UBL" } },
    { code: "ACCOUNT_UNKNOWN", change: { delivererAccount: "X" } },
    { code: "ASSET_UNKNOWN", change: { isin: OTHER_PIB } },
    { code: "ACCOUNT_WRONG_KIND", change: { receiverAccount: "ISS" } },
    { code: "COUNTERPARTY_NOT_MATCHED", change: { payeeCashAccount: "CASH-GOV" } },
    { code: "DENOMINATION", change: { face: DENOMINATION + 1n } },
    {
      code: "ACCOUNT_CLOSED",
      spoil: (ledger) => {
        ledger.alterAccount("CASH-HBL", { status: "CLOSED" });
      },
    },
    {
      code: "ACCOUNT_FROZEN",
      spoil: (ledger) => {
        ledger.alterAccount("SGLA-HBL", { status: "BLOCKED_DEBIT" });
      },
    },
    { code: "INSUFFICIENT_SECURITIES", change: { face: 11n * DENOMINATION } },
    { code: "INSUFFICIENT_CASH", change: { cleanAmount: 600_000_000n } },
  ];
  const pairs = faults.flatMap((a, i) =>
    faults.slice(i + 1).flatMap((b) => {
      const fields = Object.keys(a.change ?? {});
      const clash = Object.keys(b.change ?? {}).some((field) => fields.includes(field));
      // A fault on a field that another fault replaces would not be there.
      const masked = b.code === "ACCOUNT_CLOSED" && a.change?.payeeCashAccount !== undefined;
      return clash || masked ? [] : [[a.code, b.code, a, b] as const];
    }),
  );

  test("covers most pairs", () => {
    expect(pairs.length).toBeGreaterThan(45);
  });

  test.each(pairs)("%s before %s", (first, second, a, b) => {
    expect(precedenceOf(first)).toBeLessThan(precedenceOf(second));
    const ledger = tradingLedger();
    a.spoil?.(ledger);
    b.spoil?.(ledger);
    expect(settle(ledger, { ...a.change, ...b.change }).outcome.code).toBe(first);
  });
});
