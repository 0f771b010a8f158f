import { describe, expect, it } from "vitest";
import { rational } from "../../arithmetic/rational.ts";
import { calendarAt } from "../../calendar/business-calendar.ts";
import { holidaysTable } from "../../state/holidays.ts";
import { rateFixingsTable } from "../../state/rate-fixing.ts";
import { type TaxRow, taxTableTable } from "../../state/tax-table.ts";
import { tenorTableTable } from "../../state/tenor-table.ts";
import { DEFAULT_TAX_TABLE } from "../../tax/default-rates.ts";
import { isCatchAll, taxOn, taxRateOn } from "../../tax/withholding.ts";
import { blockOn } from "../../testing/life-cycle-ledger.ts";
import { GENESIS_TIME_MS, TestLedger } from "../../testing/test-ledger.ts";
import type { Payloads } from "../kinds.ts";

const both = { signers: ["SBP", "FINDIV"] };
const HOUR_MS = 60 * 60 * 1_000;

describe("set-holidays", () => {
  /** Eid al-Fitr of 2026: the moon is sighted on the evening of 19 March. */
  const change: Payloads["set-holidays"] = {
    effectiveFromMs: GENESIS_TIME_MS + HOUR_MS,
    closed: ["2026-03-20", "2026-03-23"],
    reopened: [],
    reference: "CIRCULAR-1",
  };

  it("closes days from its moment on; a later change may open them again", () => {
    const ledger = new TestLedger();
    ledger.mustSend("set-holidays", change);
    const isOpen = (date: string, atMs: number) =>
      calendarAt(ledger.state, atMs).isBusinessDay(date);
    expect(isOpen("2026-03-20", GENESIS_TIME_MS)).toBe(true);
    expect(isOpen("2026-03-20", change.effectiveFromMs)).toBe(false);
    blockOn(ledger, "2026-03-19");
    const sighted = {
      effectiveFromMs: ledger.timestampMs + HOUR_MS,
      closed: ["2026-03-24"],
      reopened: ["2026-03-23"],
      reference: "MOON",
    };
    ledger.mustSend("set-holidays", sighted);
    const later = sighted.effectiveFromMs;
    expect(["2026-03-20", "2026-03-23", "2026-03-24"].map((date) => isOpen(date, later))).toEqual([
      false,
      true,
      false,
    ]);
    expect(isOpen("2026-03-23", later - 1)).toBe(false);
    // What took effect stands in the table itself.
    expect(holidaysTable.read(ledger.state, "")).toMatchObject({
      holidays: ["2026-03-20", "2026-03-23"],
      announced: [{ reference: "MOON" }],
    });
  });

  it.each([
    ["TABLE_INVALID", { closed: [] }, "closed"],
    ["TABLE_INVALID", { closed: ["2026-03-23", "2026-03-20"] }, "closed"],
    ["TABLE_INVALID", { closed: ["2026-03-20", "2026-03-20"] }, "closed"],
    ["TABLE_INVALID", { reopened: ["2026-03-20"] }, "reopened"],
    ["EFFECTIVE_TOO_EARLY", { closed: ["2025-11-25"] }, "closed"],
    ["EFFECTIVE_TOO_EARLY", { closed: [], reopened: ["2025-11-24"] }, "reopened"],
    ["EFFECTIVE_TOO_EARLY", { effectiveFromMs: GENESIS_TIME_MS + 200 * 24 * HOUR_MS }, "closed"],
  ])("%s: %o", (code, part, field) => {
    const receipt = new TestLedger().send("set-holidays", { ...change, ...part });
    expect(receipt).toMatchObject({ executed: true, field, outcome: { code } });
  });

  it("changes come in the order of their moments, a bounded number ahead", () => {
    const ledger = new TestLedger();
    ledger.mustSend("set-holidays", change);
    expect(ledger.send("set-holidays", change).outcome.code).toBe("EFFECTIVE_TOO_EARLY");
    for (let i = 1; i < 16; i++) {
      const effectiveFromMs = change.effectiveFromMs + i;
      ledger.mustSend("set-holidays", { ...change, effectiveFromMs });
    }
    const one = { ...change, effectiveFromMs: change.effectiveFromMs + 16 };
    expect(ledger.send("set-holidays", one).outcome.code).toBe("LIMIT_REACHED");
  });

  it("is the central bank's", () => {
    const receipt = new TestLedger().send("set-holidays", change, { member: "HBL" });
    expect(receipt.outcome.code).toBe("TX_MISSING_SIGNER");
  });
});

const ANY: TaxRow = {
  residency: undefined,
  investorClass: undefined,
  atl: undefined,
  scra: undefined,
  instrumentClass: undefined,
  bps: 1_500,
  isFinal: false,
};

describe("set-tax-table", () => {
  const version = { effectiveFrom: "2026-07-01", rows: [ANY], reference: "FA-2026" };

  it("counts from its day on; payments before it fall under what was", () => {
    const ledger = new TestLedger();
    ledger.mustSend("set-tax-table", version, both);
    const table = taxTableTable.read(ledger.state, "") ?? DEFAULT_TAX_TABLE;
    const bank = { residency: "R", investorClass: "BANK", atl: true, scra: false } as const;
    expect(taxRateOn(table, "2026-06-30", bank, "GOVERNMENT_SECURITY").bps).toBe(2_000);
    expect(taxRateOn(table, "2026-07-01", bank, "GOVERNMENT_SECURITY").bps).toBe(1_500);
  });

  it.each([
    ["TABLE_INVALID", { rows: [] }],
    ["TABLE_INVALID", { rows: [{ ...ANY, atl: true }] }],
    ["TABLE_INVALID", { rows: [ANY, ANY] }],
    ["EFFECTIVE_TOO_EARLY", { effectiveFrom: "2025-11-25" }],
  ])("%s: %#", (code, part) => {
    const receipt = new TestLedger().send("set-tax-table", { ...version, ...part }, both);
    expect(receipt.outcome.code).toBe(code);
  });

  it("versions come in order, and keep the last 32", () => {
    const ledger = new TestLedger();
    ledger.mustSend("set-tax-table", version, both);
    expect(ledger.send("set-tax-table", version, both).outcome.code).toBe("EFFECTIVE_TOO_EARLY");
    for (let i = 0; i < 40; i++) {
      const effectiveFrom = `${2027 + i}-07-01`;
      ledger.mustSend("set-tax-table", { ...version, effectiveFrom }, both);
    }
    const { versions } = taxTableTable.read(ledger.state, "") ?? DEFAULT_TAX_TABLE;
    expect(versions).toHaveLength(32);
    expect(versions.at(-1)?.effectiveFrom).toBe("2066-07-01");
  });

  it("needs the sovereign", () => {
    const receipt = new TestLedger().send("set-tax-table", version, { member: "SBP" });
    expect(receipt.outcome.code).toBe("TX_MISSING_SIGNER");
  });
});

describe("the default rates", () => {
  const [version] = DEFAULT_TAX_TABLE.versions;

  it.each([
    ["R", "BANK", true, false, "GOVERNMENT_SECURITY", 2_000, false],
    ["R", "IND", false, false, "GOVERNMENT_SECURITY", 4_000, false],
    ["R", "CO", true, false, "SUKUK", 2_500, false],
    ["R", "CO", false, false, "SUKUK", 5_000, false],
    ["R", "IND", true, false, "SUKUK", 1_250, false],
    ["R", "IND", false, false, "SUKUK", 2_500, false],
    ["NR", "FUND", false, true, "GOVERNMENT_SECURITY", 1_000, true],
    ["NR", "FUND", false, false, "GOVERNMENT_SECURITY", 4_000, false],
    ["R", "GOV", false, false, "SUKUK", 0, true],
  ] as const)(
    "%s %s atl %s scra %s %s: %i",
    (residency, investorClass, atl, scra, of, bps, isFinal) => {
      const profile = { residency, investorClass, atl, scra };
      expect(taxRateOn(DEFAULT_TAX_TABLE, "2026-01-01", profile, of)).toEqual({ bps, isFinal });
    },
  );

  it("end with a row for everyone and say that they are no law", () => {
    expect(version?.rows.findIndex(isCatchAll)).toBe((version?.rows.length ?? 0) - 1);
    expect(version?.reference).toContain("NOT LAW");
  });

  it("round HALF_UP, once", () => {
    expect(taxOn(rational(2n), { bps: 2_500 })).toBe(1n); // 0.5
    expect(taxOn(rational(1n), { bps: 4_999 })).toBe(0n);
    expect(taxOn(rational(1_050_000_000n), { bps: 2_000 })).toBe(210_000_000n);
  });
});

describe("set-tenors", () => {
  const table: Payloads["set-tenors"] = {
    tenors: [{ type: "MTB", unit: "DAYS", length: 28 }],
    reference: "ONE-MONTH",
  };

  it("decides what may be registered from now on", () => {
    const ledger = new TestLedger();
    const terms = (maturityDate: string) =>
      ({
        isin: "PK0MTB084015",
        terms: {
          type: "MTB",
          body: { denomination: 500_000n, issueDate: "2025-11-27", maturityDate },
        },
      }) as const;
    const month = ledger.send("register-instrument", terms("2025-12-25"), both);
    expect(month).toMatchObject({ field: "terms.maturityDate" });
    expect(month.outcome.code).toBe("TENOR_NOT_OFFERED");
    ledger.mustSend("set-tenors", table, both);
    expect(tenorTableTable.read(ledger.state, "")).toEqual(table);
    ledger.mustSend("register-instrument", terms("2025-12-25"), both);
  });

  it.each([
    { tenors: [] },
    { tenors: [...table.tenors, ...table.tenors] },
    { tenors: [{ type: "MTB", unit: "DAYS", length: 0 }] },
    { tenors: [{ type: "COMMODITY", unit: "YEARS", length: 1 }] },
  ] satisfies Partial<Payloads["set-tenors"]>[])("TABLE_INVALID: %#", (part) => {
    const receipt = new TestLedger().send("set-tenors", { ...table, ...part }, both);
    expect(receipt.outcome.code).toBe("TABLE_INVALID");
  });
});

describe("record-rate-fixing", () => {
  const fixing: Payloads["record-rate-fixing"] = {
    benchmark: "MTB_182",
    source: "AUCTION",
    date: "2025-11-20",
    rateE4: 110_000,
    reference: "A1",
  };

  it("keeps fixings in the order of their days, the last 128 of a benchmark", () => {
    const ledger = new TestLedger();
    ledger.checksWholeState = false;
    ledger.mustSend("record-rate-fixing", fixing);
    ledger.mustSend("record-rate-fixing", { ...fixing, date: "2025-11-06", rateE4: 109_000 });
    const dates = () =>
      rateFixingsTable.read(ledger.state, "MTB_182")?.fixings.map(({ date }) => date) ?? [];
    expect(dates()).toEqual(["2025-11-06", "2025-11-20"]);
    expect(ledger.send("record-rate-fixing", fixing).outcome.code).toBe("FIXING_EXISTS");
    ledger.mustSend("record-rate-fixing", { ...fixing, source: "PKRV" });
    for (let day = 0; day < 130; day++) {
      const date = new Date(Date.UTC(2025, 5, 1 + day)).toISOString().slice(0, 10);
      ledger.send("record-rate-fixing", { ...fixing, date });
    }
    expect(dates()).toHaveLength(128);
    const old = ledger.send("record-rate-fixing", { ...fixing, date: "2024-01-01" });
    expect(old.outcome.code).toBe("LIMIT_REACHED");
  });

  it("is of the past, and the central bank's", () => {
    const ledger = new TestLedger();
    const ahead = ledger.send("record-rate-fixing", { ...fixing, date: "2025-11-26" });
    expect(ahead).toMatchObject({ field: "date", outcome: { code: "TABLE_INVALID" } });
    const other = ledger.send("record-rate-fixing", fixing, { member: "FINDIV" });
    expect(other.outcome.code).toBe("TX_MISSING_SIGNER");
  });
});
