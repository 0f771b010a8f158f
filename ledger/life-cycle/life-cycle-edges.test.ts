import { describe, expect, it } from "vitest";
import { present } from "../../primitives/assert.ts";
import { release, reserve } from "../claims.ts";
import type { LedgerEvent } from "../events.ts";
import { moveUnits } from "../postings.ts";
import { balanceOf, programmeView, supplyOf } from "../queries.ts";
import { type CorporateAction, corporateActionTable } from "../state/corporate-action.ts";
import type { InstrumentTerms } from "../state/instrument.ts";
import { LedgerState } from "../state/ledger-state.ts";
import {
  alter,
  blockOn,
  eventsOf,
  issueUnits,
  MTB_ISIN,
  mint,
  PIB_ISIN,
  sell,
  servedLedger,
} from "../testing/life-cycle-ledger.ts";
import type { TestLedger } from "../testing/test-ledger.ts";
import { CBDC } from "../types.ts";
import { checkWholeState } from "../whole-state.ts";
import { assertAction, lifeCycleCheck } from "./life-cycle-check.ts";

const FACE = 50_000_000_000n;

const BILL: InstrumentTerms = {
  type: "MTB",
  body: { denomination: 500_000n, issueDate: "2025-11-27", maturityDate: "2026-02-19" },
};

const BOND: InstrumentTerms = {
  type: "PIB_FIXED",
  body: {
    denomination: 10_000_000n,
    couponRateE4: 70_000,
    couponFrequency: 2,
    issueDate: "2025-08-20",
    maturityDate: "2028-08-20",
    firstCouponDate: "2026-02-20",
    dayCount: "ACT_ACT_ICMA",
  },
};

function sold(isin: string, terms: InstrumentTerms): TestLedger {
  const ledger = servedLedger();
  mint(ledger, "CASH-HBL", 2n * FACE);
  mint(ledger, "CASH-GOV", 3n * FACE);
  issueUnits(ledger, isin, terms, FACE);
  sell(ledger, "HBL", { isin, face: FACE, cost: 48_950_000_000n });
  return ledger;
}

describe("a redemption", () => {
  it("of units that are set aside waits for them, and is paid when they are free", () => {
    const ledger = sold(MTB_ISIN, BILL);
    const claim = {
      account: "SGLA-HBL",
      asset: MTB_ISIN,
      holder: "INSTRUCTION-1",
      amount: 500_000n,
      field: "account",
    };
    alter(ledger, (execution) => {
      expect(reserve(execution, claim)).toBeUndefined();
    });
    const result = blockOn(ledger, "2026-02-19");
    expect(eventsOf(result, "paymentWaiting")).toMatchObject([
      { account: "SGLA-HBL", gross: FACE, reason: "UNITS_ENCUMBERED" },
    ]);
    expect(balanceOf(ledger.state, "CASH-GOV", CBDC)?.reserved).toBe(FACE);
    expect(supplyOf(ledger.state, MTB_ISIN)?.redeemed).toBe(0n);
    alter(ledger, (execution) => {
      expect(release(execution, claim)).toBeUndefined();
    });
    ledger.emptyBlocks(16);
    expect(supplyOf(ledger.state, MTB_ISIN)?.outstanding).toBe(0n);
    expect(balanceOf(ledger.state, "CASH-GOV", CBDC)?.reserved).toBe(0n);
    expect(programmeView(ledger.state).usedUsdCents).toBe(0n);
  });

  it("that waits for money keeps matured units where they are, on every path", () => {
    const ledger = sold(MTB_ISIN, BILL);
    ledger.alterAccount("CASH-GOV", { status: "BLOCKED_DEBIT" });
    blockOn(ledger, "2026-02-19");
    alter(ledger, (execution) => {
      const { accounts } = execution.state;
      for (const purpose of ["FOP", "REPO", "COLLATERAL", "FORCED_TRANSFER"] as const) {
        const moved = moveUnits(execution, [
          {
            from: accounts.get("SGLA-HBL"),
            to: accounts.get("SGLA-UBL"),
            asset: MTB_ISIN,
            parts: [{ amount: 500_000n, reason: "DVP_SECURITIES" }],
            purpose,
            reference: "LATE",
            fields: { from: "from", to: "to" },
          },
        ]);
        expect(moved).toEqual({ code: "UNITS_MATURED", field: "from" });
      }
    });
  });

  it("waits for a business day of a funding account that is not blocked", () => {
    const ledger = sold(MTB_ISIN, BILL);
    ledger.alterAccount("CASH-GOV", { status: "BLOCKED_DEBIT" });
    const result = blockOn(ledger, "2026-02-19");
    expect(eventsOf(result, "corporateActionWaiting")).toMatchObject([
      { reason: "FUNDING_ACCOUNT_BLOCKED" },
    ]);
    ledger.alterAccount("CASH-GOV", { status: "OPEN" });
    ledger.emptyBlocks(16);
    expect(supplyOf(ledger.state, MTB_ISIN)?.outstanding).toBe(0n);
  });

  it("taxes the discount by what each first holder paid, the rest by the average", () => {
    const ledger = servedLedger();
    mint(ledger, "CASH-HBL", FACE);
    mint(ledger, "CASH-UBL", FACE);
    mint(ledger, "CASH-GOV", FACE);
    const face = 10_000_000n;
    issueUnits(ledger, MTB_ISIN, BILL, 2n * face);
    sell(ledger, "HBL", { isin: MTB_ISIN, face, cost: 9_700_000n });
    sell(ledger, "UBL", { isin: MTB_ISIN, face, cost: 9_800_000n });
    // HBL sells half of its units on: UBL holds 50,000.00 more at the average of 97.5.
    const onward = {
      settlementRef: "SECONDARY",
      isin: MTB_ISIN,
      face: face / 2n,
      delivererAccount: "SGLA-HBL",
      receiverAccount: "SGLA-UBL",
      payerCashAccount: "CASH-UBL",
      payeeCashAccount: "CASH-HBL",
      cleanAmount: 4_900_000n,
      accruedInterest: 0n,
    };
    ledger.mustSend("settle-dvp", onward, { signers: ["HBL", "UBL"] });
    const paid = eventsOf(blockOn(ledger, "2026-02-19"), "entitlementPaid");
    expect(paid.map(({ account, units, tax }) => [account, units, tax])).toEqual([
      ["SGLA-HBL", 5_000_000n, 30_000n], // 20% of 150,000
      ["SGLA-UBL", 15_000_000n, 65_000n], // 20% of 200,000 + 125,000
    ]);
  });
});

describe("a variable rental and a claim in cash", () => {
  const HASH = "ab".repeat(32);

  it("pays the benchmark less the margin, in two places, by days", () => {
    const terms: InstrumentTerms = {
      type: "GIS_VRR",
      body: {
        denomination: 500_000n,
        rate: { benchmark: "MTB_182", marginE4: 1_500, marginSign: "MINUS", rateDecimals: 2 },
        rentalFrequency: 2,
        issueDate: "2025-11-27",
        maturityDate: "2028-11-27",
        firstRentalDate: "2026-05-27",
        documentHash: HASH,
      },
    };
    const ledger = servedLedger();
    mint(ledger, "CASH-HBL", FACE);
    issueUnits(ledger, PIB_ISIN, terms, FACE);
    sell(ledger, "HBL", { isin: PIB_ISIN, face: FACE, cost: FACE });
    ledger.mustSend("record-rate-fixing", {
      benchmark: "MTB_182",
      source: "AUCTION",
      date: "2025-11-25",
      rateE4: 110_512,
      reference: "A1",
    });
    const paid = eventsOf(blockOn(ledger, "2026-05-27"), "entitlementPaid");
    // 11.0512 − 0.15 is 10.90; 181 days on 500,000,000.00.
    const gross = (FACE * 109_000n * 181n * 2n + 365_000_000n) / 730_000_000n;
    expect(paid).toMatchObject([{ type: "RENTAL", gross, taxBps: 2_500 }]);
    expect(gross).toBe(2_702_602_740n);
  });

  it("pays its face at maturity, without tax", () => {
    const terms: InstrumentTerms = {
      type: "OTHER",
      body: {
        denomination: 100n,
        unit: "PAISA",
        settlement: "PAR_CASH",
        delivery: undefined,
        issueDate: "2025-11-25",
        maturityDate: "2026-01-05",
        documentHash: HASH,
      },
    };
    const ledger = sold(PIB_ISIN, terms);
    const paid = eventsOf(blockOn(ledger, "2026-01-05"), "entitlementPaid");
    expect(paid).toMatchObject([{ type: "REDEMPTION", gross: FACE, tax: 0n, net: FACE }]);
    expect(supplyOf(ledger.state, PIB_ISIN)?.outstanding).toBe(0n);
  });
});

describe("dates that were missed", () => {
  it("are made up for in order after a long halt, more of them than captures at once", () => {
    const ledger = sold(PIB_ISIN, BOND);
    const events: LedgerEvent[] = [];
    const keep = (result: ReturnType<TestLedger["block"]>): void => {
      events.push(...result.events.map(({ event }) => event));
    };
    keep(blockOn(ledger, "2028-08-21"));
    for (let i = 0; i < 4; i++) keep(ledger.block());
    const paid = events.flatMap((event) => (event.type === "entitlementPaid" ? [event.body] : []));
    expect(paid.map(({ type, recordDate }) => `${type} ${recordDate}`)).toEqual([
      "COUPON 2026-02-19",
      "COUPON 2026-08-19",
      "COUPON 2027-02-19",
      "COUPON 2027-08-19",
      "COUPON 2028-02-19",
      "COUPON 2028-08-19",
      "REDEMPTION 2028-08-19",
    ]);
    expect(supplyOf(ledger.state, PIB_ISIN)?.outstanding).toBe(0n);
  });

  it("before the registration are not made up for", () => {
    const ledger = servedLedger();
    blockOn(ledger, "2026-05-04");
    mint(ledger, "CASH-HBL", FACE);
    issueUnits(ledger, PIB_ISIN, BOND, FACE);
    sell(ledger, "HBL", { isin: PIB_ISIN, face: FACE, cost: FACE });
    const result = blockOn(ledger, "2026-08-20");
    expect(eventsOf(result, "corporateActionAnnounced")).toMatchObject([
      { recordDate: "2026-08-19" },
    ]);
  });
});

describe("I8 and I11", () => {
  const ID = "CA:PK0PIB003015:C:2026-02-19";

  function paidAction(): { ledger: TestLedger; action: CorporateAction } {
    const ledger = sold(PIB_ISIN, BOND);
    blockOn(ledger, "2026-02-20");
    const action = present(corporateActionTable.read(ledger.state, ID), "coupon");
    return { ledger, action };
  }

  it.each([
    [{ tax: 1n }, /I8: what .* pays is net and tax/],
    [{ paid: 0n, net: 0n, tax: 0n }, /I8: what .* allocates is paid or waits/],
    [{ allocated: 0n, paid: 0n, net: 0n, tax: 0n }, /I8: .* allocates its total/],
    [{ total: 1n }, /I8: .* allocates no more than its total/],
    [{ page: 9 }, /I11/],
  ])("stop a node whose event is off: %o", (change, law) => {
    const { ledger, action } = paidAction();
    const broken = { ...action, ...change };
    expect(() => {
      assertAction(broken);
    }).toThrow(law);
    ledger.state.set(...corporateActionTable.entry(broken));
    expect(() => {
      checkWholeState(ledger.state);
    }).toThrow(law);
  });

  it("stop a node that takes an event back or confirms what it did not pay", () => {
    const { ledger, action } = paidAction();
    const run = (change: Partial<CorporateAction>, events: readonly LedgerEvent[] = []) => {
      const state = new LedgerState(ledger.state);
      state.of(corporateActionTable).put({ ...action, ...change });
      return () => {
        lifeCycleCheck.checkBlock?.(state, [events]);
      };
    };
    expect(run({ stage: "PAYING" })).toThrow(/I11/);
    const paid = { ...action, total: action.total + 5n, allocated: action.total + 5n };
    expect(run({ ...paid, paid: action.paid + 5n, net: action.net + 5n })).toThrow(/confirmed/);
    const removed = new LedgerState(ledger.state);
    removed.of(corporateActionTable).remove(ID);
    expect(() => {
      lifeCycleCheck.checkBlock?.(removed, []);
    }).toThrow(/I11/);
  });
});
