import { describe, expect, it } from "vitest";
import type { InstrumentTerms } from "../state/instrument.ts";
import {
  blockOn,
  issueUnits,
  MTB_ISIN,
  mint,
  sell,
  servedLedger,
} from "../testing/life-cycle-ledger.ts";
import {
  corporateActionOf,
  eventsOfInstrument,
  payoutAccountOf,
  waitingPaymentOf,
} from "./queries.ts";

const BILL: InstrumentTerms = {
  type: "MTB",
  body: { denomination: 500_000n, issueDate: "2025-11-27", maturityDate: "2026-02-19" },
};

describe("the life of an instrument, asked for", () => {
  it("shows the schedule and what has become of each event", () => {
    const ledger = servedLedger();
    mint(ledger, "CASH-HBL", 10_000_000n);
    issueUnits(ledger, MTB_ISIN, BILL, 10_000_000n);
    sell(ledger, "HBL", { isin: MTB_ISIN, face: 10_000_000n, cost: 9_000_000n });
    const key = { isin: MTB_ISIN, type: "REDEMPTION", recordDate: "2026-02-18" } as const;
    const { isin, ...event } = key;
    expect(eventsOfInstrument(ledger.state, isin)).toEqual([
      { ...event, dueDate: "2026-02-19", period: undefined, action: undefined },
    ]);
    expect(eventsOfInstrument(ledger.state, "PK0PIB003015")).toEqual([]);
    ledger.alterAccount("CASH-HBL", { status: "BLOCKED_CREDIT" });
    mint(ledger, "CASH-GOV", 10_000_000n);
    blockOn(ledger, "2026-02-19");
    expect(corporateActionOf(ledger.state, key)).toMatchObject({
      stage: "PAID",
      waiting: 10_000_000n,
    });
    expect(waitingPaymentOf(ledger.state, key, "SGLA-HBL")?.reason).toBe("CASH_ACCOUNT_BLOCKED");
    expect(waitingPaymentOf(ledger.state, key, "SGLA-UBL")).toBeUndefined();
    expect(payoutAccountOf(ledger.state, "SGLA-HBL")).toBe("CASH-HBL");
    expect(payoutAccountOf(ledger.state, "NONE")).toBeUndefined();
  });
});
