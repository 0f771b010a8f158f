import { describe, expect, test } from "vitest";
import { AMOUNT_MAX } from "../../../primitives/codec/schema.ts";
import { balanceOf, supplyOf } from "../../queries.ts";
import { openedLedger, type TestLedger } from "../../testing/test-ledger.ts";
import { CBDC } from "../../types.ts";

const USD = "USD-HBL";
const both = ["SBP", "HBL"];
const claim = {
  asset: USD,
  issuer: "HBL",
  account: "CASH-UBL",
  amount: 1_000n,
  reserveRef: "NOSTRO/1",
};
const back = { asset: USD, issuer: "HBL", account: "CASH-UBL", amount: 400n, reference: "WIRE/1" };

function ledgerWithUsd(): TestLedger {
  const ledger = openedLedger();
  ledger.mustSend("register-cash-asset", { asset: USD, issuer: "HBL" }, { signers: both });
  ledger.mustSend("issue-cash-claim", claim, { signers: ["HBL"] });
  return ledger;
}

describe("claims on a custodian", () => {
  test("are money that comes and goes with its issuer's word", () => {
    const ledger = ledgerWithUsd();
    expect(balanceOf(ledger.state, "CASH-UBL", USD)?.available).toBe(1_000n);
    ledger.mustSend("redeem-cash", back, { signers: ["UBL", "HBL"] });
    expect(balanceOf(ledger.state, "CASH-UBL", USD)?.total).toBe(600n);
    expect(supplyOf(ledger.state, USD)).toMatchObject({ issued: 1_000n, outstanding: 600n });
  });

  test("are admitted by the central bank, once, and only of a custodian", () => {
    const ledger = ledgerWithUsd();
    const register = (payload: { asset: string; issuer: string }, signers: readonly string[]) =>
      ledger.send("register-cash-asset", payload, { signers });
    const again = { asset: USD, issuer: "HBL" };
    expect(register(again, ["HBL"]).field).toBe("role CENTRAL_BANK");
    expect(register(again, ["SBP"]).field).toBe("member in issuer");
    expect(register(again, both).outcome.code).toBe("ASSET_EXISTS");
    expect(register({ asset: CBDC, issuer: "HBL" }, both).outcome.code).toBe("ASSET_EXISTS");
    const gov = register({ asset: "USD-GOV", issuer: "FINDIV" }, ["SBP", "FINDIV"]);
    expect(gov.outcome.code).toBe("MEMBER_WRONG_ROLE");
    const nobody = register({ asset: "USD-GOV", issuer: "X" }, ["SBP"]);
    expect(nobody.outcome.code).toBe("MEMBER_UNKNOWN");
  });

  test.each([
    ["AMOUNT_ZERO", { amount: 0n }],
    ["ACCOUNT_UNKNOWN", { account: "X" }],
    ["ASSET_UNKNOWN", { asset: "USD-UBL" }],
    ["RESERVE_REFERENCE_USED", { reserveRef: "NOSTRO/1" }],
    ["ACCOUNT_WRONG_KIND", { account: "SGLA-UBL" }],
    ["COUNTERPARTY_NOT_MATCHED", { issuer: "UBL" }],
    ["AMOUNT_OVERFLOW", { amount: AMOUNT_MAX }],
    ["AMOUNT_OVERFLOW", { amount: AMOUNT_MAX, account: "CASH-GOV" }],
  ])("are not issued: %s", (code, change) => {
    const ledger = ledgerWithUsd();
    const payload = { ...claim, reserveRef: "NOSTRO/2", ...change };
    const receipt = ledger.send("issue-cash-claim", payload, { signers: ["HBL", "UBL"] });
    expect(receipt.outcome.code).toBe(code);
  });

  test.each([
    ["AMOUNT_ZERO", { amount: 0n }],
    ["MEMBER_UNKNOWN", { issuer: "X" }],
    ["ACCOUNT_UNKNOWN", { account: "X" }],
    ["ASSET_UNKNOWN", { asset: "USD-UBL" }],
    ["RESERVE_REFERENCE_USED", { reference: "NOSTRO/1" }],
    ["ACCOUNT_WRONG_KIND", { account: "SGLA-UBL" }],
    ["COUNTERPARTY_NOT_MATCHED", { issuer: "UBL" }],
    ["COUNTERPARTY_NOT_MATCHED", { asset: CBDC }],
    ["INSUFFICIENT_CASH", { amount: 1_001n }],
  ])("are not redeemed: %s", (code, change) => {
    const ledger = ledgerWithUsd();
    const payload = { ...back, ...change };
    const receipt = ledger.send("redeem-cash", payload, { signers: ["HBL", "UBL"] });
    expect(receipt.outcome.code).toBe(code);
  });

  test("a frozen account is neither credited nor debited by its issuer", () => {
    const ledger = ledgerWithUsd();
    ledger.alterAccount("CASH-UBL", { status: "BLOCKED_BOTH" });
    const signers = ["HBL", "UBL"];
    const more = ledger.send("issue-cash-claim", { ...claim, reserveRef: "N/2" }, { signers });
    expect(more.outcome.code).toBe("ACCOUNT_FROZEN");
    expect(ledger.send("redeem-cash", back, { signers }).outcome.code).toBe("ACCOUNT_FROZEN");
  });
});

test("coins go back to the central bank, and their supply with them", () => {
  const ledger = openedLedger();
  const coins = { ...back, asset: CBDC, issuer: "SBP", amount: 100_000_000n };
  ledger.mustSend("redeem-cash", coins, { signers: ["UBL", "SBP"] });
  expect(supplyOf(ledger.state, CBDC)?.outstanding).toBe(900_000_000n);
  const forged = ledger.send("redeem-cash", { ...coins, issuer: "HBL" }, { signers: both });
  expect(forged.outcome.code).toBe("TX_MISSING_SIGNER");
});
