import { describe, expect, test } from "vitest";
import { accountView } from "../queries.ts";
import {
  cashAccount,
  issuanceAccount,
  readyLedger,
  sgla,
  type TestLedger,
} from "../testing/test-ledger.ts";

const ips = {
  account: "IPS-1",
  kind: "IPS",
  member: "HBL",
  investor: "INV-1",
  parent: "CLIENTS",
  ownership: "CLIENT",
  window: "CONVENTIONAL",
} as const;

function ledgerWithClients(): TestLedger {
  const ledger = readyLedger();
  ledger.mustSend("open-account", sgla("CLIENTS", "HBL", "CLIENT"), { signers: ["SBP", "HBL"] });
  return ledger;
}

describe("open-account", () => {
  test("opens an investor's account under the custodian's client account", () => {
    const ledger = ledgerWithClients();
    const result = ledger.block(ledger.transaction("open-account", ips, { member: "HBL" }));
    expect(result.receipts[0]?.outcome.code).toBe("APPLIED");
    expect(result.events.map(({ event }) => event)).toEqual([{ type: "accountOpened", body: ips }]);
    expect(accountView(ledger.state, "IPS-1")).toEqual({
      account: {
        id: "IPS-1",
        kind: "IPS",
        member: "HBL",
        investor: "INV-1",
        parent: "CLIENTS",
        ownership: "CLIENT",
        window: "CONVENTIONAL",
        status: "OPEN",
      },
      balances: [],
    });
  });

  test.each([
    ["an IPS account", ips, ["HBL"], ["UBL"], "member in member"],
    ["an SGLA", sgla("S2", "HBL"), ["HBL", "SBP"], ["HBL"], "role CENTRAL_BANK"],
    ["a cash account", cashAccount("C2", "HBL"), ["HBL", "SBP"], ["SBP"], "member in member"],
    ["ISSUANCE", issuanceAccount("I2"), ["FINDIV", "SBP"], ["SBP"], "role SOVEREIGN"],
  ] as const)("signers of %s", (_, payload, enough, tooFew, missing) => {
    const ledger = ledgerWithClients();
    const refused = ledger.send("open-account", payload, { signers: tooFew });
    expect(refused).toMatchObject({ executed: false, field: missing });
    expect(refused.outcome.code).toBe("TX_MISSING_SIGNER");
    expect(ledger.send("open-account", payload, { signers: enough }).outcome.code).toBe("APPLIED");
  });

  test.each([
    ["TERMS_INVALID", { investor: undefined }, "investor"],
    ["TERMS_INVALID", { parent: undefined }, "parent"],
    ["TERMS_INVALID", { ownership: "OWN" }, "ownership"],
    ["TERMS_INVALID", { kind: "SGLA" }, "investor"],
    ["MEMBER_UNKNOWN", { member: "NOBODY" }, "member"],
    ["ACCOUNT_UNKNOWN", { parent: "NOWHERE" }, "parent"],
    ["ACCOUNT_EXISTS", { account: "CASH-HBL" }, "account"],
    ["ACCOUNT_WRONG_KIND", { parent: "CASH-HBL" }, "parent"],
    ["COUNTERPARTY_NOT_MATCHED", { parent: "SGLA-HBL" }, "parent"],
    ["COUNTERPARTY_NOT_MATCHED", { member: "UBL" }, "parent"],
    ["COUNTERPARTY_NOT_MATCHED", { window: "ISLAMIC" }, "parent"],
  ] as const)("%s for %o", (code, change, field) => {
    const ledger = ledgerWithClients();
    const signers = ["SBP", "HBL", "UBL"];
    const receipt = ledger.send("open-account", { ...ips, ...change }, { signers });
    expect(receipt).toMatchObject({ executed: true, field });
    expect(receipt.outcome.code).toBe(code);
  });

  test("ACCOUNT_CLOSED above it, MEMBER_WRONG_ROLE and a client ISSUANCE account", () => {
    const ledger = ledgerWithClients();
    ledger.alterAccount("CLIENTS", { status: "CLOSED" });
    const closed = ledger.send("open-account", ips, { member: "HBL" });
    expect(closed.outcome.code).toBe("ACCOUNT_CLOSED");
    const signers = ["SBP", "FINDIV", "HBL"];
    const open = (change: object) =>
      ledger.send("open-account", { ...issuanceAccount("I2"), ...change }, { signers }).outcome;
    expect(open({ member: "HBL" }).code).toBe("MEMBER_WRONG_ROLE");
    expect(open({ ownership: "CLIENT" }).code).toBe("TERMS_INVALID");
  });

  test.each([
    ["TAX", "FINDIV", "HBL", "OWN"],
    ["COLLATERAL_POOL", "HBL", undefined, "OWN"],
    ["COMMODITY_VAULT", "HBL", "FINDIV", "CLIENT"],
  ] as const)("%s is opened by %s and the central bank", (kind, member, other, ownership) => {
    const ledger = ledgerWithClients();
    const payload = { ...issuanceAccount("NEW"), kind, member, ownership };
    const open = (change: object, signers: readonly string[]) =>
      ledger.send("open-account", { ...payload, ...change }, { signers });
    expect(open({}, [member]).field).toBe("role CENTRAL_BANK");
    if (ownership === "OWN") {
      expect(open({ ownership: "CLIENT" }, ["SBP", member]).outcome.code).toBe("TERMS_INVALID");
    }
    if (other !== undefined) {
      const wrong = open({ member: other }, ["SBP", other]);
      expect(wrong.outcome.code).toBe("MEMBER_WRONG_ROLE");
    }
    expect(open({}, ["SBP", member]).outcome.code).toBe("APPLIED");
  });
});
