import { describe, expect, it } from "vitest";
import { present } from "../../primitives/assert.ts";
import { rational, roundHalfUp } from "../arithmetic/rational.ts";
import type { LedgerEvent } from "../events.ts";
import { moveUnits } from "../postings.ts";
import { balanceOf } from "../queries.ts";
import type { Account } from "../state/account.ts";
import { corporateActionTable } from "../state/corporate-action.ts";
import type { InstrumentTerms } from "../state/instrument.ts";
import { delivery, instructionLedger, receipt } from "../testing/instruction-ledger.ts";
import {
  alter,
  blockOn,
  GIS_ISIN,
  issueUnits,
  mint,
  openInvestorAccount,
  sell,
  servedLedger,
} from "../testing/life-cycle-ledger.ts";
import { cashAccount, type TestLedger } from "../testing/test-ledger.ts";
import { CBDC } from "../types.ts";
import { raiseMarketClaims } from "./market-claim.ts";

const HOLDERS = 1_300;
const ISSUED = 1_000_000_000n;

const SUKUK: InstrumentTerms = {
  type: "GIS_FRR",
  body: {
    denomination: 1n,
    rentalRateE4: 156_395,
    rentalFrequency: 2,
    issueDate: "2025-08-26",
    maturityDate: "2028-08-26",
    firstRentalDate: "2026-02-26",
    documentHash: "ab".repeat(32),
  },
};

function holder(i: number): string {
  return `IPS-${String(i).padStart(5, "0")}`;
}

function unitsOf(i: number): bigint {
  return BigInt(1 + ((i * 7_919) % 10_007));
}

/** Moves units of the sukuk past the ledger's transactions. */
function give(ledger: TestLedger, from: string, to: string, units: bigint): void {
  alter(ledger, (execution) => {
    const { accounts } = execution.state;
    const failed = moveUnits(execution, [
      {
        from: present(accounts.get(from), from),
        to: present(accounts.get(to), to),
        asset: GIS_ISIN,
        parts: [{ amount: units, reason: "DVP_SECURITIES" }],
        purpose: "FOP",
        reference: "TEST",
        fields: { from: "from", to: "to" },
      },
    ]);
    expect(failed).toBeUndefined();
  });
}

function crowded(): TestLedger {
  const ledger = servedLedger();
  issueUnits(ledger, GIS_ISIN, SUKUK, ISSUED);
  openInvestorAccount(ledger, "IPS-FIRST", "INV");
  const state = ledger.state;
  alter(ledger, ({ state: { accounts } }) => {
    const first: Account = present(accounts.get("IPS-FIRST"), "first account");
    for (let i = 0; i < HOLDERS; i++)
      accounts.put({ ...first, id: holder(i), investor: holder(i) });
  });
  for (let i = 0; i < HOLDERS; i++) give(ledger, "ISS", holder(i), unitsOf(i));
  expect(state.has(`balance/${holder(7)}/${GIS_ISIN}`)).toBe(true);
  mint(ledger, "CASH-GOV", 10_000_000n);
  return ledger;
}

type Paid = Extract<LedgerEvent, { readonly type: "entitlementPaid" }>["body"];

describe("an event with more holders than a block looks at", () => {
  it("pays by the positions of the record date though balances move all the while", () => {
    const ledger = crowded();
    ledger.checksWholeState = false;
    const paid: Paid[] = [];
    const perBlock: number[] = [];
    let result = blockOn(ledger, "2026-02-26");
    for (let turn = 0; turn < 20; turn++) {
      let count = 0;
      for (const { event } of result.events) {
        if (event.type === "entitlementPaid") {
          paid.push(event.body);
          count += 1;
        }
      }
      perBlock.push(count);
      // Ahead of the walk and behind it, all or a part, into old and new holders.
      give(ledger, holder(turn), holder(HOLDERS - 1 - turn), unitsOf(turn));
      give(ledger, holder(1_200 - turn), "IPS-FIRST", 1n);
      result = ledger.block();
    }
    const exact = (units: bigint) => rational(units * 156_395n * 184n, 365_000_000n);
    let sum = 0n;
    for (let i = 0; i < HOLDERS; i++) sum += unitsOf(i);
    const total = roundHalfUp(exact(sum));
    expect(paid.reduce((all, { gross }) => all + gross, 0n)).toBe(total);
    // In the order of accounts, each within a paisa of the exact share, with the units of the day.
    expect(paid.map(({ account }) => account)).toEqual(
      paid.map(({ account }) => account).toSorted(),
    );
    for (const { account, units, gross, net, tax } of paid) {
      const i = Number(account.slice(4));
      expect(units).toBe(unitsOf(i));
      const { numerator, denominator } = exact(units);
      const floor = numerator / denominator;
      expect([floor, floor + 1n]).toContain(gross);
      expect(net + tax).toBe(gross);
    }
    expect(Math.max(...perBlock)).toBeLessThanOrEqual(512);
    expect(perBlock.filter((count) => count > 0).length).toBeGreaterThan(2);
    const action = corporateActionTable.read(ledger.state, "CA:PK0GIS005012:R:2026-02-25");
    expect(action).toMatchObject({ stage: "PAID", total, allocated: total, units: sum });
    expect(balanceOf(ledger.state, "CASH-GOV", CBDC)?.reserved).toBe(0n);
    ledger.checksWholeState = true;
    ledger.emptyBlocks(2);
  });
});

describe("market claims", () => {
  const trade = {
    isin: GIS_ISIN,
    face: 1_000_000n,
    tradeDate: "2026-02-24",
    delivererAccount: "SGLA-HBL",
    receiverAccount: "SGLA-UBL",
    settlementRef: "LATE-1",
  };

  function traded(tradeDate: string): TestLedger {
    const ledger = servedLedger();
    issueUnits(ledger, GIS_ISIN, SUKUK, ISSUED);
    sell(ledger, "HBL", { isin: GIS_ISIN, face: 2_000_000n, cost: 2_000_000n });
    blockOn(ledger, "2026-02-26");
    give(ledger, "SGLA-HBL", "SGLA-UBL", trade.face);
    alter(ledger, (execution) => {
      raiseMarketClaims(execution, { ...trade, tradeDate });
    });
    return ledger;
  }

  const cash = (ledger: TestLedger, account: string) =>
    balanceOf(ledger.state, account, CBDC)?.total ?? 0n;

  it("pass the payment on, less the tax that was withheld, once", () => {
    const ledger = traded("2026-02-24");
    const [hbl, ubl] = [cash(ledger, "CASH-HBL"), cash(ledger, "CASH-UBL")];
    ledger.emptyBlocks(17);
    // 1,000,000 paisa at 15.6395% for 184 days: 78,840; 25% was withheld.
    const net = 78_840n - 19_710n;
    expect(cash(ledger, "CASH-UBL") - ubl).toBe(net);
    expect(hbl - cash(ledger, "CASH-HBL")).toBe(net);
    ledger.emptyBlocks(17);
    expect(cash(ledger, "CASH-UBL") - ubl).toBe(net);
  });

  it("are not raised for trades made after the record date", () => {
    const ledger = traded("2026-02-26");
    const ubl = cash(ledger, "CASH-UBL");
    ledger.emptyBlocks(17);
    expect(cash(ledger, "CASH-UBL")).toBe(ubl);
  });

  it("wait while the debtor is short, and are settled when he is not", () => {
    const ledger = traded("2026-02-25");
    ledger.alterAccount("CASH-HBL", { status: "BLOCKED_DEBIT" });
    const ubl = cash(ledger, "CASH-UBL");
    ledger.emptyBlocks(40);
    expect(cash(ledger, "CASH-UBL")).toBe(ubl);
    ledger.alterAccount("CASH-HBL", { status: "OPEN" });
    ledger.emptyBlocks(17);
    expect(cash(ledger, "CASH-UBL")).toBeGreaterThan(ubl);
  });

  it("are raised by an instruction that settles late, unless it was traded ex coupon", () => {
    for (const couponCondition of ["CCPN", "XCPN"] as const) {
      const { ledger } = instructionLedger();
      const tax = { ...cashAccount("TAX", "FINDIV"), kind: "TAX" } as const;
      ledger.mustSend("open-account", tax, { signers: ["SBP", "FINDIV"] });
      const accounts = { fundingAccount: "CASH-GOV", taxAccount: "TAX" };
      ledger.mustSend("set-service-accounts", accounts, { signers: ["SBP", "FINDIV"] });
      // The coupon is due on Friday, 20 February 2026.
      blockOn(ledger, "2026-02-20");
      const terms = {
        tradeDate: "2026-02-19",
        settlementDate: "2026-02-20",
        couponCondition,
        late: true,
      } as const;
      const sent = [
        ledger.transaction("instruct", { ...delivery, ...terms }, { signers: ["HBL"] }),
        ledger.transaction("instruct", { ...receipt, ...terms }, { signers: ["UBL"] }),
      ];
      const events = [ledger.block(...sent), ...Array.from({ length: 18 }, () => ledger.block())]
        .flatMap((result) => result.events)
        .map(({ event }) => event);
      expect(events.map(({ type }) => type)).toContain("instructionSettled");
      const settled = events.flatMap((event) =>
        event.type === "marketClaimSettled" ? [event.body] : [],
      );
      // 3.5% of 100,000.00 less 20%.
      const claim = { debtor: "SGLA-HBL", creditor: "SGLA-UBL", amount: 280_000n };
      expect(settled).toMatchObject(couponCondition === "CCPN" ? [claim] : []);
    }
  });
});
