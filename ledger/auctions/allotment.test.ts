import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { parseFixed } from "../../primitives/decimal.ts";
import { bondAmounts, yieldFromPrice } from "../arithmetic/bond-price.ts";
import { couponPosition } from "../arithmetic/coupon-position.ts";
import { formatRational, fromFixed, multiply, rational, sum } from "../arithmetic/rational.ts";
import { faceWeightedAverage } from "../arithmetic/weighted-average.ts";
import {
  type AllotmentRule,
  allot,
  facesAt,
  orderOfService,
  type StandingBid,
} from "./allotment.ts";

const MILLION = 100_000_000n;

/** The bid sheet of the 3-year PIB of 3 March 2021. */
function sheet(): readonly (StandingBid & { readonly priceE4: bigint })[] {
  const file = new URL("../vectors/sbp-pib-2021-03-03.csv", import.meta.url);
  const rows = readFileSync(file, "utf8")
    .split("\n")
    .filter((line) => /^[0-9]/.test(line));
  return rows.map((row) => {
    const [number = "", face = "", price = ""] = row.split(",");
    const priceE4 = parseFixed(price, 4, "price");
    return { number: Number(number), face: parseFixed(face, 8, "face"), priceE4 };
  });
}

const rule: AllotmentRule = {
  side: "SALE",
  method: "MULTIPLE_PRICE",
  cutOffE4: 949_435n,
  competitiveFace: 40_000n * MILLION,
  step: 50n * MILLION,
  averagePriceDecimals: 4,
};

describe("the bid sheet of 3 March 2021 as a multiple-price auction", () => {
  const position = couponPosition(
    {
      couponRateE4: 70_000,
      couponFrequency: 2,
      issueDate: "2020-08-20",
      maturityDate: "2023-08-20",
    },
    "2021-03-04",
  );
  const shuffled = sheet().toSorted((a, b) => ((a.number * 5) % 14) - ((b.number * 5) % 14));

  test("bids are served by price in the order of the sheet", () => {
    expect(orderOfService(shuffled, "SALE")).toEqual(sheet());
  });

  test("all fourteen are below the target and filled, each at its own price", () => {
    const { allotted, averagePrice } = allot(shuffled, rule);
    expect(allotted).toEqual(sheet());
    const million = rational(1n, MILLION);
    const amounts = allotted.map(({ face, priceE4 }) => bondAmounts(face, priceE4, position));
    const totalOf = (part: "clean" | "accrued" | "total") =>
      formatRational(multiply(sum(amounts.map((one) => one[part])), million), 3);
    expect(totalOf("clean")).toBe("11032.285");
    expect(totalOf("accrued")).toBe("26.919");
    expect(totalOf("total")).toBe("11059.204");
    const yields = allotted.map(({ face, priceE4 }) => ({
      face,
      value: yieldFromPrice(fromFixed(priceE4, 4), position),
    }));
    expect(formatRational(faceWeightedAverage(yields), 4)).toBe("9.2665");
    expect(formatRational(averagePrice, 4)).toBe("95.0977");
  });

  test("with 10,000 million wanted the bids at 94.9435 share what is left", () => {
    expect(facesAt(shuffled, rule)).toEqual({ beyond: 9_101n * MILLION, at: 2_500n * MILLION });
    const { allotted } = allot(shuffled, { ...rule, competitiveFace: 10_000n * MILLION });
    // 899 m among 2,000 and 500: 719.2 and 179.8, to the nearest 50 700 and 200, one too many.
    expect(allotted.slice(-2)).toEqual([
      { number: 13, face: 700n * MILLION, priceE4: 949_435n },
      { number: 14, face: 150n * MILLION, priceE4: 949_435n },
    ]);
  });

  test("non-competitive bids get the average, rounded to the places of their time", () => {
    const bids = [...shuffled, { number: 20, face: 25n * MILLION, priceE4: undefined }];
    const last = (decimals: number) =>
      allot(bids, { ...rule, averagePriceDecimals: decimals }).allotted.at(-1);
    expect(last(4)).toEqual({ number: 20, face: 25n * MILLION, priceE4: 950_977n });
    expect(last(2)).toEqual({ number: 20, face: 25n * MILLION, priceE4: 951_000n });
  });

  test("at a uniform price everyone pays the cut-off", () => {
    const bids = [...shuffled, { number: 20, face: 25n * MILLION, priceE4: undefined }];
    const { allotted } = allot(bids, { ...rule, method: "UNIFORM_PRICE" });
    expect(allotted).toHaveLength(15);
    expect(new Set(allotted.map(({ priceE4 }) => priceE4))).toEqual(new Set([949_435n]));
  });
});

test("a buy-back serves the lowest prices first", () => {
  const bids = [
    { number: 1, face: 100n, priceE4: 951_000n },
    { number: 2, face: 100n, priceE4: 949_000n },
    { number: 3, face: 100n, priceE4: 950_000n },
  ];
  const cutOff = { ...rule, side: "BUY_BACK", cutOffE4: 950_000n, step: 50n } as const;
  expect(facesAt(bids, cutOff)).toEqual({ beyond: 100n, at: 100n });
  expect(allot(bids, { ...cutOff, competitiveFace: 150n }).allotted).toEqual([
    { number: 2, face: 100n, priceE4: 949_000n },
    { number: 3, face: 50n, priceE4: 950_000n },
  ]);
});

test("non-competitive price and proceeds of 20 March 2013 and 28 November 2012", () => {
  // Published: 11,050.390 m at 97.89 is 10,817.227 m; 2,004.490 m at 95.51 is 1,914.488 m.
  const proceeds = (face: bigint, priceE4: bigint) =>
    formatRational(rational(face * priceE4, 1_000_000n * 1_000n), 3);
  expect(proceeds(11_050_390n, 978_900n)).toBe("10817.227");
  expect(proceeds(2_004_490n, 955_100n)).toBe("1914.488");
});

test("a cut-off without bids, or a face short of the bids beyond it, is the caller's defect", () => {
  expect(() => allot(sheet(), { ...rule, cutOffE4: 1n })).toThrow(/cut-off/);
  expect(() => allot(sheet(), { ...rule, competitiveFace: 1n })).toThrow(/cut-off/);
});
