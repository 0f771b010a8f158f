import { describe, expect, it } from "vitest";
import { formatRational, multiply, rational, roundHalfUp } from "../arithmetic/rational.ts";
import type { InstrumentTerms } from "../state/instrument.ts";
import { DEFAULT_TENORS } from "../state/tenor-table.ts";
import { accruedPerUnit, paidPerUnit } from "./period-amount.ts";
import { checkTerms, isTenorOffered } from "./proper-terms.ts";
import { eventsDue, nextDueDate, periodAt, periodPlan, scheduleOf } from "./schedule.ts";

const HASH = "ab".repeat(32);

const PIB_3Y: InstrumentTerms = {
  type: "PIB_FIXED",
  body: {
    denomination: 10_000_000n,
    couponRateE4: 70_000,
    couponFrequency: 2,
    issueDate: "2020-08-20",
    maturityDate: "2023-08-20",
    firstCouponDate: "2021-02-20",
    dayCount: "ACT_ACT_ICMA",
  },
};

const MTB: InstrumentTerms = {
  type: "MTB",
  body: { denomination: 500_000n, issueDate: "2012-11-29", maturityDate: "2013-02-21" },
};

const RATE = {
  benchmark: "MTB_182",
  marginE4: 1_500,
  marginSign: "MINUS",
  rateDecimals: 2,
} as const;

const GIS: InstrumentTerms = {
  type: "GIS_FRR",
  body: {
    denomination: 500_000n,
    rentalRateE4: 156_395,
    rentalFrequency: 2,
    issueDate: "2024-01-24",
    maturityDate: "2027-01-24",
    firstRentalDate: "2024-07-24",
    documentHash: HASH,
  },
};

const ELECTRICITY: InstrumentTerms = {
  type: "OTHER",
  body: {
    denomination: 1_000n,
    unit: "kWh",
    settlement: "DELIVERY",
    delivery: { from: "2026-06-01", to: "2026-08-31" },
    issueDate: "2026-05-01",
    maturityDate: "2026-09-01",
    documentHash: HASH,
  },
};

function changed(terms: InstrumentTerms, change: Record<string, unknown>): InstrumentTerms {
  return { ...terms, body: { ...terms.body, ...change } } as InstrumentTerms;
}

describe("the schedule", () => {
  it("of a bond: a coupon each half year, the last one with the redemption", () => {
    const events = scheduleOf(PIB_3Y);
    expect(events.map(({ type, dueDate }) => `${type} ${dueDate}`)).toEqual([
      "COUPON 2021-02-20",
      "COUPON 2021-08-20",
      "COUPON 2022-02-20",
      "COUPON 2022-08-20",
      "COUPON 2023-02-20",
      "COUPON 2023-08-20",
      "REDEMPTION 2023-08-20",
    ]);
    expect(events[1]).toMatchObject({
      recordDate: "2021-08-19",
      period: { start: "2021-02-20", end: "2021-08-20", days: 181 },
    });
    expect(eventsDue(PIB_3Y, "2023-08-20").map(({ type }) => type)).toEqual([
      "COUPON",
      "REDEMPTION",
    ]);
    expect(nextDueDate(PIB_3Y, "2021-02-20")).toBe("2021-08-20");
    expect(nextDueDate(PIB_3Y, "2023-08-20")).toBeUndefined();
  });

  it("of a bill, of what is delivered and of a commodity", () => {
    expect(scheduleOf(MTB)).toEqual([
      { type: "REDEMPTION", dueDate: "2013-02-21", recordDate: "2013-02-20", period: undefined },
    ]);
    expect(scheduleOf(ELECTRICITY).map(({ type }) => type)).toEqual(["LAPSE"]);
    const gold: InstrumentTerms = {
      type: "COMMODITY",
      body: { denomination: 1n, commodity: "XAU", issueDate: "2026-01-01", documentHash: HASH },
    };
    expect(scheduleOf(gold)).toEqual([]);
    expect(periodPlan(gold)).toBeUndefined();
  });

  it("pays rentals by days: 100,000 at 15.6395% for 182 days is 7,798.326", () => {
    const plan = periodPlan(GIS);
    const period = plan && periodAt(plan, "2024-03-01");
    if (plan === undefined || period === undefined) throw new Error("sukuk have periods");
    expect(period).toEqual({ start: "2024-01-24", end: "2024-07-24", days: 182 });
    const rental = multiply(rational(10_000_000n), paidPerUnit(plan, 156_395, period));
    expect(formatRational(multiply(rental, rational(1n, 100n)), 3)).toBe("7798.326");
    expect(roundHalfUp(rental)).toBe(779_833n);
  });

  it("pays half the coupon each half year: 500,000,000 at 7% is 17,500,000.00", () => {
    const plan = periodPlan(PIB_3Y);
    const period = plan && periodAt(plan, "2021-03-04");
    if (plan === undefined || period === undefined) throw new Error("bonds have periods");
    const coupon = multiply(rational(50_000_000_000n), paidPerUnit(plan, 70_000, period));
    expect(coupon).toEqual(rational(1_750_000_000n));
    // 12 of 181 days gone: 0.232044 per 100.
    const accrued = accruedPerUnit(plan, 70_000, period, "2021-03-04");
    expect(formatRational(multiply(accrued, rational(100n)), 6)).toBe("0.232044");
    expect(periodAt(plan, "2021-02-20")?.start).toBe("2021-02-20");
    expect(periodAt(plan, "2023-08-20")).toBeUndefined();
  });
});

describe("proper terms", () => {
  const PFL: InstrumentTerms = {
    type: "PFL",
    body: {
      denomination: 10_000_000n,
      rate: { ...RATE, rateDecimals: 4 },
      couponFrequency: 4,
      issueDate: "2024-01-24",
      maturityDate: "2027-01-24",
      firstCouponDate: "2024-04-24",
    },
  };
  const VRR: InstrumentTerms = {
    type: "GIS_VRR",
    body: {
      denomination: 500_000n,
      rate: RATE,
      rentalFrequency: 2,
      issueDate: "2024-01-24",
      maturityDate: "2029-01-24",
      firstRentalDate: "2024-07-24",
      documentHash: HASH,
    },
  };

  it.each([PIB_3Y, MTB, GIS, PFL, VRR, ELECTRICITY])("$type fits together", (terms) => {
    expect(checkTerms(terms)).toBeUndefined();
    expect(isTenorOffered(terms, DEFAULT_TENORS)).toBe(true);
  });

  it.each([
    [MTB, { maturityDate: "2012-11-29" }, "terms.maturityDate"],
    [PFL, { couponFrequency: 1 }, "terms.couponFrequency"],
    [PFL, { firstCouponDate: "2024-07-24" }, "terms.firstCouponDate"],
    [PFL, { rate: { ...RATE, rateDecimals: 1 } }, "terms.rate.rateDecimals"],
    [GIS, { documentHash: "00".repeat(32) }, "terms.documentHash"],
    [GIS, { rentalFrequency: 3 }, "terms.rentalFrequency"],
    [GIS, { firstRentalDate: "2024-07-25" }, "terms.firstRentalDate"],
    [VRR, { maturityDate: "2029-02-24" }, "terms.maturityDate"],
    [ELECTRICITY, { delivery: undefined }, "terms.delivery"],
    [ELECTRICITY, { delivery: { from: "2026-06-01", to: "2026-09-01" } }, "terms.delivery"],
    [ELECTRICITY, { delivery: { from: "2026-06-02", to: "2026-06-01" } }, "terms.delivery"],
    [ELECTRICITY, { unit: "PAISA" }, "terms.unit"],
    [ELECTRICITY, { settlement: "PAR_CASH" }, "terms.unit"],
  ])("%#: TERMS_INVALID", (terms, change, field) => {
    expect(checkTerms(changed(terms, change))).toEqual({ code: "TERMS_INVALID", field });
  });

  it("offers the tenors of the table only", () => {
    const offered = (terms: InstrumentTerms, maturityDate: string): boolean =>
      isTenorOffered(changed(terms, { maturityDate }), DEFAULT_TENORS);
    expect(offered(MTB, "2013-05-30")).toBe(true); // 182 days
    expect(offered(MTB, "2013-11-28")).toBe(true); // 364 days
    expect(offered(MTB, "2013-02-20")).toBe(false);
    expect(offered(PIB_3Y, "2024-08-20")).toBe(false); // four years
    const month = { tenors: [{ type: "MTB", unit: "DAYS", length: 28 }], reference: "T" } as const;
    expect(isTenorOffered(changed(MTB, { maturityDate: "2012-12-27" }), month)).toBe(true);
  });
});
