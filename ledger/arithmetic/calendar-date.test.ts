import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ArithmeticError } from "./arithmetic-error.ts";
import {
  addDays,
  addMonths,
  checkCalendarDate,
  daysBetween,
  daysInMonth,
  isCalendarDate,
  isLeapYear,
  weekdayOf,
} from "./calendar-date.ts";
import { couponDates, couponPosition } from "./coupon-position.ts";
import { act365, actActIcma } from "./day-count.ts";
import { add, rational } from "./rational.ts";

const DAY_MS = 86_400_000;
const isoOf = (day: number): string => new Date(day * DAY_MS).toISOString().slice(0, 10);

/** Days since 1970-01-01 of the years 1900 … 2299. */
const dayArb = fc.integer({
  min: Date.UTC(1900, 0, 1) / DAY_MS,
  max: Date.UTC(2299, 11, 31) / DAY_MS,
});

function codeOf(run: () => unknown): string {
  try {
    run();
  } catch (thrown) {
    if (thrown instanceof ArithmeticError) return thrown.code;
    throw thrown;
  }
  return "no error";
}

describe("calendar dates", () => {
  it("count days as the language's own dates do in UTC", () => {
    fc.assert(
      fc.property(dayArb, dayArb, (a, b) => {
        expect(daysBetween(isoOf(a), isoOf(b))).toBe(b - a);
        expect(addDays(isoOf(a), b - a)).toBe(isoOf(b));
        expect(weekdayOf(isoOf(a))).toBe((new Date(a * DAY_MS).getUTCDay() + 6) % 7);
        expect(isoOf(a) < isoOf(b)).toBe(a < b);
      }),
      { numRuns: 2000 },
    );
  });

  it("covers each day of a leap cycle", () => {
    let date = "1999-12-31";
    const start = Date.UTC(1999, 11, 31) / DAY_MS;
    for (let i = 0; i <= 1500; i++) {
      expect(date).toBe(isoOf(start + i));
      date = addDays(date, 1);
    }
  });

  it.each([
    "2021-02-29",
    "1900-02-29",
    "2021-04-31",
    "2021-13-01",
    "2021-00-10",
    "2021-01-00",
    "2021-1-1",
    "21-01-01",
    "2021-01-01T00:00",
    " 2021-01-01",
    "2021-01-01\n",
    "1899-12-31",
    "2300-01-01",
    "",
  ])("refuses %j", (text) => {
    expect(isCalendarDate(text)).toBe(false);
    expect(codeOf(() => checkCalendarDate(text, "date"))).toBe("DATE_FORMAT");
    expect(codeOf(() => daysBetween(text, "2021-01-01"))).toBe("DATE_FORMAT");
  });

  it("knows leap years and months", () => {
    expect([1900, 2000, 2020, 2021, 2100].map(isLeapYear)).toEqual([
      false,
      true,
      true,
      false,
      false,
    ]);
    expect(isCalendarDate("2000-02-29")).toBe(true);
    const days = Array.from({ length: 12 }, (_, i) => daysInMonth(2021, i + 1));
    expect(days).toEqual([31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]);
  });

  it.each([
    ["2021-08-20", -6, false, "2021-02-20"],
    ["2021-01-31", 1, false, "2021-02-28"],
    ["2020-01-31", 1, false, "2020-02-29"],
    ["2021-02-28", 1, false, "2021-03-28"],
    ["2021-02-28", 1, true, "2021-03-31"],
    ["2020-02-28", 1, true, "2020-03-28"], // not the end of that month
    ["2021-06-30", 6, true, "2021-12-31"],
    ["2021-12-31", -10, true, "2021-02-28"],
    ["2021-01-15", -13, false, "2019-12-15"],
    ["2021-12-15", 1, false, "2022-01-15"],
    ["2021-05-31", 0, false, "2021-05-31"],
  ] as const)("%s plus %i months (end of month: %s) is %s", (date, months, eom, result) => {
    expect(addMonths(date, months, eom)).toBe(result);
  });

  it("refuses results outside the calendar", () => {
    expect(codeOf(() => addMonths("2299-12-01", 1))).toBe("DATE_RANGE");
    expect(codeOf(() => addDays("1900-01-01", -1))).toBe("DATE_RANGE");
  });
});

describe("day counts", () => {
  it("Act/365 counts the days, leap day included, over 365", () => {
    expect(act365("2020-02-20", "2020-08-20")).toEqual(rational(182n, 365n));
    expect(act365("2021-03-04", "2021-03-04")).toEqual(rational(0n));
    expect(codeOf(() => act365("2021-03-04", "2021-03-03"))).toBe("DATE_ORDER");
  });

  it("Act/Act ICMA is the part of the period, and the two parts make a whole", () => {
    expect(actActIcma("2021-02-20", "2021-03-04", "2021-08-20")).toEqual(rational(12n, 181n));
    const whole = add(
      actActIcma("2021-02-20", "2021-08-20", "2021-08-20"),
      actActIcma("2021-02-20", "2021-02-20", "2021-08-20"),
    );
    expect(whole).toEqual(rational(1n));
    const outside = () => actActIcma("2021-02-20", "2021-08-21", "2021-08-20");
    expect(codeOf(outside)).toBe("DATE_ORDER");
    const empty = () => actActIcma("2021-02-20", "2021-02-20", "2021-02-20");
    expect(codeOf(empty)).toBe("DATE_ORDER");
  });
});

describe("coupon schedule", () => {
  const bond = {
    couponRateE4: 70_000,
    couponFrequency: 2,
    issueDate: "2020-08-20",
    maturityDate: "2023-08-20",
  };

  it("counts back from maturity", () => {
    expect(couponDates(bond)).toEqual([
      "2021-02-20",
      "2021-08-20",
      "2022-02-20",
      "2022-08-20",
      "2023-02-20",
      "2023-08-20",
    ]);
    const monthEnd = { ...bond, issueDate: "2020-08-31", maturityDate: "2021-08-31" };
    expect(couponDates(monthEnd)).toEqual(["2021-02-28", "2021-08-31"]);
    const june = { ...bond, issueDate: "2020-12-31", maturityDate: "2021-06-30", endOfMonth: true };
    expect(couponDates(june)).toEqual(["2021-06-30"]);
    expect(codeOf(() => couponDates({ ...june, endOfMonth: false }))).toBe("TERM_RANGE");
    expect(couponDates({ ...bond, couponFrequency: 4 })).toHaveLength(12);
    expect(couponDates({ ...bond, couponFrequency: 1 })).toHaveLength(3);
  });

  it("puts every day of the bond's life into one period", () => {
    for (let date = bond.issueDate; date < bond.maturityDate; date = addDays(date, 1)) {
      const position = couponPosition(bond, date);
      expect(position.periodStart <= date && date < position.periodEnd).toBe(true);
      expect(position.elapsedDays).toBe(daysBetween(position.periodStart, date));
      expect([181, 184]).toContain(position.periodDays);
    }
    expect(couponPosition(bond, "2020-08-20").couponsLeft).toBe(6);
    expect(couponPosition(bond, "2023-08-19").couponsLeft).toBe(1);
  });

  it("refuses dates and terms outside it", () => {
    expect(codeOf(() => couponPosition(bond, "2020-08-19"))).toBe("DATE_RANGE");
    expect(codeOf(() => couponPosition(bond, "2023-08-20"))).toBe("DATE_RANGE");
    expect(codeOf(() => couponPosition(bond, "yesterday"))).toBe("DATE_FORMAT");
    expect(codeOf(() => couponDates({ ...bond, issueDate: "2020-08-21" }))).toBe("TERM_RANGE");
    expect(codeOf(() => couponDates({ ...bond, couponFrequency: 3 }))).toBe("TERM_RANGE");
    expect(codeOf(() => couponDates({ ...bond, maturityDate: "2020-08-20" }))).toBe("DATE_ORDER");
    const endless = { ...bond, issueDate: "1900-08-20", maturityDate: "2290-08-20" };
    expect(codeOf(() => couponDates(endless))).toBe("TERM_RANGE");
  });
});
