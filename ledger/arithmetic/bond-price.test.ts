import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseFixed } from "../../primitives/decimal.ts";
import { ArithmeticError } from "./arithmetic-error.ts";
import {
  accruedPer100,
  type BondAmounts,
  bondAmounts,
  couponAmount,
  postedAmounts,
  priceFromYield,
  yieldFromPrice,
} from "./bond-price.ts";
import { type CouponPosition, couponPosition } from "./coupon-position.ts";
import {
  add,
  compare,
  divide,
  formatRational,
  fromFixed,
  multiply,
  type Rational,
  rational,
  roundHalfUp,
  roundToFixed,
  subtract,
  sum,
  ZERO,
} from "./rational.ts";
import { faceWeightedAverage } from "./weighted-average.ts";

const PIB_3Y = {
  couponRateE4: 70_000,
  couponFrequency: 2,
  issueDate: "2020-08-20",
  maturityDate: "2023-08-20",
};
const AUCTION = couponPosition(PIB_3Y, "2021-03-04");

interface Bid {
  readonly face: bigint; // paisa
  readonly priceE4: bigint;
  readonly columns: Readonly<
    Record<"price" | "yield" | "realised" | "accrued" | "total" | "average", string>
  >;
}

function readBids(): Bid[] {
  const file = new URL("../vectors/sbp-pib-2021-03-03.csv", import.meta.url);
  const lines = readFileSync(file, "utf8").trim().split("\n");
  const rows = lines.filter((line) => /^[0-9]/.test(line));
  return rows.map((row) => {
    const [
      ,
      face = "",
      price = "",
      yieldText = "",
      realised = "",
      accrued = "",
      total = "",
      average = "",
    ] = row.split(",");
    return {
      face: parseFixed(face, 8, "face"), // millions of rupees in paisa
      priceE4: parseFixed(price, 4, "price"),
      columns: { price, yield: yieldText, realised, accrued, total, average },
    };
  });
}

/** Millions of rupees with three places. */
function millions(paisa: Rational): string {
  return formatRational(multiply(paisa, rational(1n, 100_000_000n)), 3);
}

function total(parts: readonly BondAmounts[], part: keyof BondAmounts): Rational {
  return sum(parts.map((amounts) => amounts[part]));
}

describe("the bid sheet of 3 March 2021", () => {
  const bids = readBids();

  it("has fourteen bids, 12 days into a period of 181, with five coupons left", () => {
    expect(bids).toHaveLength(14);
    expect(AUCTION).toMatchObject({
      periodStart: "2021-02-20",
      periodEnd: "2021-08-20",
      elapsedDays: 12,
      periodDays: 181,
      couponsLeft: 5,
    });
    expect(formatRational(accruedPer100(AUCTION), 6)).toBe("0.232044");
  });

  it.each(bids.map((bid, i) => [i + 1, bid] as const))(
    "row %i",
    (_, { face, priceE4, columns }) => {
      const amounts = bondAmounts(face, priceE4, AUCTION);
      expect(formatRational(yieldFromPrice(fromFixed(priceE4, 4), AUCTION), 4)).toBe(columns.yield);
      expect(millions(amounts.clean)).toBe(columns.realised);
      expect(millions(amounts.accrued)).toBe(columns.accrued);
      expect(millions(amounts.total)).toBe(columns.total);
    },
  );

  it("gives the prices back from the yields where four places of yield say enough", () => {
    // A yield of four places is known to 0.00005, which is 0.0001 of price here: one in the last.
    for (const { columns, priceE4 } of bids) {
      const price = priceFromYield(fromFixed(parseFixed(columns.yield, 4, "yield"), 4), AUCTION);
      const difference = roundToFixed(price, 4) - priceE4;
      expect(difference >= -1n && difference <= 1n).toBe(true);
    }
  });

  it("averages unrounded yields by face and rounds once: the whole cumulative column", () => {
    const items = bids.map(({ face, priceE4 }) => ({
      face,
      value: yieldFromPrice(fromFixed(priceE4, 4), AUCTION),
    }));
    for (const [i, { columns }] of bids.entries()) {
      const average = faceWeightedAverage(items.slice(0, i + 1));
      expect(formatRational(average, 4)).toBe(columns.average);
    }
    // Row 4 tells this rule from the others.
    const four = items.slice(0, 4);
    expect(formatRational(faceWeightedAverage(four), 6)).toBe("9.110649");
    const rounded = four.map(({ face, value }) => ({
      face,
      value: fromFixed(roundToFixed(value, 4), 4),
    }));
    expect(formatRational(faceWeightedAverage(rounded), 4)).toBe("9.1107");
    const byCash = bids.slice(0, 4).map(({ face, priceE4 }, at) => ({
      face: roundHalfUp(bondAmounts(face, priceE4, AUCTION).clean),
      value: items[at]?.value ?? ZERO,
    }));
    expect(formatRational(faceWeightedAverage(byCash), 4)).toBe("9.1102");
    const averagePrice = faceWeightedAverage(
      bids.slice(0, 4).map(({ face, priceE4 }) => ({ face, value: fromFixed(priceE4, 4) })),
    );
    expect(formatRational(yieldFromPrice(averagePrice, AUCTION), 4)).toBe("9.1104");
  });

  it("adds unrounded amounts to the published totals", () => {
    const parts = bids.map(({ face, priceE4 }) => bondAmounts(face, priceE4, AUCTION));
    const face = bids.reduce((all, bid) => all + bid.face, 0n);
    expect(millions(rational(face))).toBe("11601.000");
    expect(millions(total(parts, "clean"))).toBe("11032.285");
    expect(millions(total(parts, "accrued"))).toBe("26.919");
    expect(millions(total(parts, "total"))).toBe("11059.204");
    // Adding the rounded rows would not give them.
    const column = (name: "realised" | "accrued"): bigint =>
      bids.reduce((all, { columns }) => all + parseFixed(columns[name], 3, name), 0n);
    expect([column("realised"), column("accrued")]).toEqual([11_032_286n, 26_917n]);
  });

  it("prices the first refused bid too", () => {
    const amounts = bondAmounts(parseFixed("1000.000", 8, "face"), 949_228n, AUCTION);
    expect([millions(amounts.clean), millions(amounts.accrued)]).toEqual(["949.228", "2.320"]);
  });
});

describe("amounts", () => {
  it("rounds each part once to paisa, from its own unrounded value", () => {
    // 100,000.00 rupees at 95.6713: accrued 232.0441...
    expect(postedAmounts(bondAmounts(10_000_000n, 956_713n, AUCTION))).toEqual({
      clean: 9_567_130n,
      accrued: 23_204n,
      total: 9_590_334n,
    });
    // Two halves that round up one by one make one whole together.
    const halves = { clean: rational(1n, 2n), accrued: rational(1n, 2n), total: rational(1n) };
    expect(postedAmounts(halves)).toEqual({ clean: 1n, accrued: 1n, total: 1n });
  });

  it("pays half the coupon each half year, not by days", () => {
    expect(roundHalfUp(couponAmount(50_000_000_000n, 70_000, 2))).toBe(1_750_000_000n);
  });

  it("accrues nothing on a coupon date", () => {
    const onDate = couponPosition(PIB_3Y, "2021-02-20");
    expect(accruedPer100(onDate)).toEqual(ZERO);
    expect(onDate).toMatchObject({ elapsedDays: 0, periodDays: 181, couponsLeft: 5 });
  });
});

describe("price and yield", () => {
  const positionArb: fc.Arbitrary<CouponPosition> = fc
    .record({
      couponRateE4: fc.nat(300_000),
      couponFrequency: fc.constantFrom(1, 2, 4),
      periodDays: fc.integer({ min: 89, max: 366 }),
      elapsed: fc.nat(),
      couponsLeft: fc.integer({ min: 1, max: 60 }),
    })
    .map(({ elapsed, ...rest }) => ({
      ...rest,
      periodStart: "2021-02-20",
      periodEnd: "2021-08-20",
      elapsedDays: elapsed % rest.periodDays,
    }));
  const within = (a: Rational, b: Rational, places: bigint): boolean => {
    const difference = subtract(a, b);
    const magnitude = compare(difference, ZERO) < 0 ? subtract(ZERO, difference) : difference;
    return compare(magnitude, rational(1n, 10n ** places)) <= 0;
  };

  it("undo one another to 30 places", () => {
    fc.assert(
      fc.property(positionArb, fc.integer({ min: 0, max: 600_000 }), (position, yieldE4) => {
        const wanted = fromFixed(BigInt(yieldE4), 4);
        const price = priceFromYield(wanted, position);
        expect(within(yieldFromPrice(price, position), wanted, 30n)).toBe(true);
      }),
      { numRuns: 60 },
    );
  });

  it("agree with the formula in exact fractions on a coupon date", () => {
    fc.assert(
      fc.property(positionArb, fc.integer({ min: 1, max: 400_000 }), (base, yieldE4) => {
        const position = { ...base, elapsedDays: 0, couponsLeft: Math.min(base.couponsLeft, 12) };
        const frequency = rational(BigInt(position.couponFrequency));
        const coupon = divide(fromFixed(BigInt(position.couponRateE4), 4), frequency);
        const growth = add(rational(1n), divide(fromFixed(BigInt(yieldE4), 6), frequency));
        let discount = rational(1n);
        let expected = ZERO;
        for (let k = 0; k < position.couponsLeft; k++) {
          discount = divide(discount, growth);
          expected = add(expected, multiply(coupon, discount));
        }
        expected = add(expected, multiply(rational(100n), discount));
        const price = priceFromYield(fromFixed(BigInt(yieldE4), 4), position);
        expect(within(price, expected, 39n)).toBe(true);
      }),
      { numRuns: 60 },
    );
  });

  it("falls as the yield rises", () => {
    fc.assert(
      fc.property(positionArb, fc.nat(400_000), (position, yieldE4) => {
        const lower = priceFromYield(fromFixed(BigInt(yieldE4), 4), position);
        const higher = priceFromYield(fromFixed(BigInt(yieldE4) + 1n, 4), position);
        expect(compare(higher, lower)).toBeLessThan(0);
      }),
      { numRuns: 60 },
    );
  });

  it("is par exactly where the yield is the coupon on a coupon date", () => {
    const position = couponPosition(PIB_3Y, "2021-08-20");
    expect(priceFromYield(rational(7n), position)).toEqual(rational(100n));
    expect(yieldFromPrice(rational(100n), position)).toEqual(rational(7n));
  });

  it("is simple interest for the last coupon on its first day", () => {
    // One coupon left, w = 1: dirty = 103.5 / (1 + y/2).
    const position = couponPosition(PIB_3Y, "2023-02-20");
    const yieldExact = multiply(
      subtract(divide(rational(1035n, 10n), rational(99n)), rational(1n)),
      rational(200n),
    );
    expect(within(yieldFromPrice(rational(99n), position), yieldExact, 37n)).toBe(true);
  });

  it("covers a yield of nothing, of 1000 per cent and nothing beyond", () => {
    const cash = add(rational(100n), rational(35n, 2n)); // all that is still paid
    const free = subtract(cash, accruedPer100(AUCTION));
    expect(yieldFromPrice(free, AUCTION)).toEqual(ZERO);
    const most = priceFromYield(rational(1000n), AUCTION);
    expect(within(yieldFromPrice(most, AUCTION), rational(1000n), 30n)).toBe(true);
    const codeOf = (run: () => unknown): string => {
      try {
        run();
      } catch (thrown) {
        if (thrown instanceof ArithmeticError) return thrown.code;
        throw thrown;
      }
      return "no error";
    };
    const cent = rational(1n, 10_000n);
    expect(codeOf(() => yieldFromPrice(add(free, cent), AUCTION))).toBe("PRICE_RANGE");
    expect(codeOf(() => yieldFromPrice(subtract(most, cent), AUCTION))).toBe("PRICE_RANGE");
    expect(codeOf(() => priceFromYield(rational(-1n), AUCTION))).toBe("YIELD_RANGE");
    expect(codeOf(() => priceFromYield(rational(1001n), AUCTION))).toBe("YIELD_RANGE");
  });
});
