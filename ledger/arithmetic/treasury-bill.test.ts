import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseFixed } from "../../primitives/decimal.ts";
import { ArithmeticError } from "./arithmetic-error.ts";
import { addDays, daysBetween, weekdayOf } from "./calendar-date.ts";
import { simpleInterest365 } from "./day-count.ts";
import {
  compare,
  formatRational,
  fromFixed,
  multiply,
  rational,
  roundHalfUp,
  roundToFixed,
} from "./rational.ts";
import { billPrice, billYield } from "./treasury-bill.ts";
import { faceWeightedAverage, impliedPrice } from "./weighted-average.ts";

// Results of the State Bank of Pakistan's auctions of 28 November 2012 and 20 March 2013, as the
// press printed them: cut-off and weighted-average yields, face and realised amounts.
const CUT_OFFS = [
  [84, "97.9000", "9.3207", "9.320735"],
  [182, "95.5500", "9.3401", "9.340084"],
  [364, "91.4400", "9.3870", "9.387048"],
  [84, "97.8800", "9.4114", "9.411427"],
  [182, "95.5100", "9.4280", "9.427987"],
] as const;

const WEIGHTED_AVERAGES = [
  [84, "27836.349", "28431.000", "97.908441", "9.2825"],
  [182, "112038.759", "117245.000", "95.559520", "9.3192"],
  [364, "8687.400", "9500.000", "91.446316", "9.3795"],
  [84, "112763.222", "115197.000", "97.887290", "9.3784"],
  [182, "5540.499", "5800.700", "95.514317", "9.4185"],
] as const;

function percent(text: string): ReturnType<typeof rational> {
  return fromFixed(parseFixed(text, 4, "percent"), 4);
}

describe("T-bill", () => {
  it.each(CUT_OFFS)("%i days at %s yields %s", (days, price, published, sixPlaces) => {
    const found = billYield(percent(price), days);
    expect(formatRational(found, 4)).toBe(published);
    expect(formatRational(found, 6)).toBe(sixPlaces);
    // The published yields imply these prices to the paisa per 100.
    expect(formatRational(billPrice(percent(published), days), 2)).toBe(price.slice(0, 5));
  });

  it.each(WEIGHTED_AVERAGES)("%i days, %s for %s", (days, realised, face, price, published) => {
    const proceeds = parseFixed(realised, 8, "realised");
    const average = impliedPrice(proceeds, parseFixed(face, 8, "face"));
    expect(formatRational(average, 6)).toBe(price);
    expect(formatRational(billYield(average, days), 4)).toBe(published);
  });

  it("counts 365 days to the year: 364 and 360 would give other prices", () => {
    expect(formatRational(billPrice(percent("9.3192"), 182), 4)).toBe("95.5595");
    const otherYear = (days: bigint): string =>
      formatRational(
        rational(100n * 10_000n * 100n * days, 10_000n * 100n * days + 93_192n * 182n),
        4,
      );
    expect([otherYear(364n), otherYear(360n)]).toEqual(["95.5479", "95.5006"]);
  });

  it.each([
    ["11050.390", "97.89", "10817.226771", "10817.227"],
    ["2004.490", "95.51", "1914.488399", "1914.488"],
  ])("sells %s million without competition at %s", (face, price, exact, published) => {
    const amount = multiply(fromFixed(parseFixed(face, 3, "face"), 3), percent(price));
    const millions = multiply(amount, rational(1n, 100n));
    expect(formatRational(millions, 6)).toBe(exact);
    expect(formatRational(millions, 3)).toBe(published);
  });

  it("takes the non-competitive price from the weighted average", () => {
    const [, realised, face] = WEIGHTED_AVERAGES[3];
    const average = impliedPrice(parseFixed(realised, 8, "r"), parseFixed(face, 8, "f"));
    expect([formatRational(average, 2), formatRational(average, 4)]).toEqual(["97.89", "97.8873"]);
  });

  it("settles 500 million of face at 97.9000", () => {
    expect(roundHalfUp(rational(50_000_000_000n * 979_000n, 1_000_000n))).toBe(48_950_000_000n);
  });

  it("matures on Thursdays: tenors are whole weeks", () => {
    const maturities = [84, 182, 364].map((days) => addDays("2012-11-29", days));
    expect(maturities).toEqual(["2013-02-21", "2013-05-30", "2013-11-28"]);
    expect(maturities.map(weekdayOf)).toEqual([3, 3, 3]);
  });

  it("turns yields into prices and back exactly", () => {
    fc.assert(
      fc.property(fc.nat(1_000_000), fc.integer({ min: 1, max: 366 }), (yieldE4, days) => {
        const exact = fromFixed(BigInt(yieldE4), 4);
        expect(compare(billYield(billPrice(exact, days), days), exact)).toBe(0);
      }),
    );
  });

  it("refuses prices, yields and terms without meaning", () => {
    for (const run of [
      () => billYield(rational(0n), 84),
      () => billYield(rational(101n), 84),
      () => billPrice(rational(-1n), 84),
      () => billPrice(rational(9n), 0),
      () => billPrice(rational(9n), 367),
      () => billPrice(rational(9n), 1.5),
    ]) {
      expect(run).toThrow(ArithmeticError);
    }
  });
});

describe("simple interest, Act/365", () => {
  it("is the rental of an Ijara sukuk: 100,000 at 15.6395% for 182 days", () => {
    const rental = simpleInterest365(10_000_000n, 156_395n, 182);
    expect(formatRational(multiply(rental, rational(1n, 100n)), 3)).toBe("7798.326");
    expect(roundHalfUp(rental)).toBe(779_833n);
  });

  it("is the interest of a repo: 489,500,000.00 at 11.00% for 7 days", () => {
    expect(roundHalfUp(simpleInterest365(48_950_000_000n, 110_000n, 7))).toBe(103_264_384n);
    expect(daysBetween("2021-03-04", "2021-03-11")).toBe(7);
  });

  it("refuses a term that is not a count of days", () => {
    for (const days of [-1, 0.5, Number.NaN]) {
      expect(() => simpleInterest365(1n, 1n, days)).toThrow(ArithmeticError);
    }
  });
});

describe("weighted average", () => {
  it("lies between the extremes and does not depend on the scale of the faces", () => {
    const itemArb = fc.record({
      face: fc.bigInt(1n, 10n ** 15n),
      value: fc.bigInt(0n, 10n ** 6n).map((value) => fromFixed(value, 4)),
    });
    fc.assert(
      fc.property(fc.array(itemArb, { minLength: 1, maxLength: 20 }), (items) => {
        const average = faceWeightedAverage(items);
        const sorted = items.map(({ value }) => value).sort(compare);
        expect(compare(average, sorted[0] ?? average)).toBeGreaterThanOrEqual(0);
        expect(compare(average, sorted.at(-1) ?? average)).toBeLessThanOrEqual(0);
        const scaled = items.map(({ face, value }) => ({ face: face * 7n, value }));
        expect(faceWeightedAverage(scaled)).toEqual(average);
      }),
    );
    expect(() => faceWeightedAverage([])).toThrow();
    expect(() => impliedPrice(1n, 0n)).toThrow();
    expect(roundToFixed(impliedPrice(1n, 3n), 4)).toBe(333_333n);
  });
});
