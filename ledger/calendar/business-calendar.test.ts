import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { addDays, weekdayOf } from "../arithmetic/calendar-date.ts";
import { type Holidays, holidaysTable } from "../state/holidays.ts";
import { BusinessCalendar, calendarAt, holidaysAt } from "./business-calendar.ts";

const WEEKENDS = new BusinessCalendar([]);

describe("business days", () => {
  it("are Monday to Friday but for holidays", () => {
    const calendar = new BusinessCalendar(["2026-03-20", "2026-03-23"]);
    expect(weekdayOf("2026-03-20")).toBe(4);
    expect(calendar.isBusinessDay("2026-03-19")).toBe(true);
    expect(calendar.isBusinessDay("2026-03-20")).toBe(false);
    expect(calendar.isBusinessDay("2026-03-21")).toBe(false);
    expect(calendar.following("2026-03-20")).toBe("2026-03-24");
    expect(calendar.following("2026-03-24")).toBe("2026-03-24");
    expect(calendar.preceding("2026-03-23")).toBe("2026-03-19");
  });

  it("are counted from the business day on or after a closed one", () => {
    expect(WEEKENDS.addBusinessDays("2026-03-20", 1)).toBe("2026-03-23");
    expect(WEEKENDS.addBusinessDays("2026-03-21", 0)).toBe("2026-03-23");
    expect(WEEKENDS.addBusinessDays("2026-03-21", 1)).toBe("2026-03-24");
    expect(WEEKENDS.addBusinessDays("2026-03-23", -1)).toBe("2026-03-20");
    expect(WEEKENDS.addBusinessDays("2026-03-22", -1)).toBe("2026-03-19");
  });

  it("a business day and as many back is the same day", () => {
    const date = fc.nat(3_000).map((days) => addDays("2024-01-01", days));
    fc.assert(
      fc.property(date, fc.array(fc.nat(60), { maxLength: 20 }), fc.nat(40), (day, closed, n) => {
        const calendar = new BusinessCalendar(closed.map((offset) => addDays(day, offset)));
        const first = calendar.following(day);
        const later = calendar.addBusinessDays(first, n);
        expect(calendar.isBusinessDay(later)).toBe(true);
        expect(calendar.addBusinessDays(later, -n)).toBe(first);
      }),
    );
  });
});

describe("the table of holidays", () => {
  const eid: Holidays = {
    holidays: ["2026-02-05", "2026-03-21", "2026-03-22"],
    announced: [
      {
        effectiveFromMs: 1_000,
        closed: ["2026-03-20"],
        reopened: ["2026-03-22"],
        reference: "moon sighted",
      },
      { effectiveFromMs: 2_000, closed: ["2026-03-24"], reopened: [], reference: "later" },
    ],
  };

  it("changes when a change takes effect and not before", () => {
    expect(holidaysAt(eid, 999)).toEqual(eid.holidays);
    expect(holidaysAt(eid, 1_000)).toEqual(["2026-02-05", "2026-03-20", "2026-03-21"]);
    expect(holidaysAt(eid, 5_000)).toContain("2026-03-24");
  });

  it("is read out of the state, for each moment anew", () => {
    const state = new Map([holidaysTable.entry(eid)]);
    expect(calendarAt(state, 999).isBusinessDay("2026-03-20")).toBe(true);
    expect(calendarAt(state, 1_500).isBusinessDay("2026-03-20")).toBe(false);
    expect(calendarAt(state, 1_500).isBusinessDay("2026-03-24")).toBe(true);
    expect(calendarAt(state, 2_500).isBusinessDay("2026-03-24")).toBe(false);
    expect(calendarAt(state, 999).isBusinessDay("2026-03-20")).toBe(true);
    expect(calendarAt(new Map(), 0).isBusinessDay("2026-03-20")).toBe(true);
  });
});
