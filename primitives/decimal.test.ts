import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { InvariantError } from "./assert.ts";
import { AMOUNT_MAX } from "./codec/schema.ts";
import { DecimalError, formatAmount, formatFixed, parseAmount, parseFixed } from "./decimal.ts";

function codeOf(run: () => unknown): string {
  try {
    run();
  } catch (thrown) {
    if (thrown instanceof DecimalError) return `${thrown.code} ${thrown.data["field"]}`;
    throw thrown;
  }
  return "no error";
}

describe("amounts", () => {
  it("round trip over the whole range", () => {
    fc.assert(
      fc.property(fc.bigInt(0n, AMOUNT_MAX), (value) => {
        expect(parseAmount(formatAmount(value), "amount")).toBe(value);
      }),
    );
    expect(parseAmount("9007199254740993", "amount")).toBe(9007199254740993n); // 2^53 + 1
    expect(parseAmount(AMOUNT_MAX.toString(), "amount")).toBe(AMOUNT_MAX);
  });

  it.each([
    "",
    "00",
    "01",
    "-1",
    "+1",
    "1.0",
    "1e3",
    " 1",
    "1 ",
    "1\n",
    "0x10",
    "1_000",
    "1,000",
    "١٢٣",
    "NaN",
    (AMOUNT_MAX + 1n).toString(),
    "9".repeat(39),
    "1".repeat(100_000),
  ])("refuses %j", (text) => {
    expect(codeOf(() => parseAmount(text, "cash"))).toBe("AMOUNT_FORMAT cash");
  });

  it("keeps the error short whatever was sent, and refuses what is not text", () => {
    try {
      parseAmount("7".repeat(1_000_000), "amount");
      expect.unreachable();
    } catch (thrown) {
      expect(String(thrown).length).toBeLessThan(300);
    }
    const number: unknown = 5;
    expect(codeOf(() => parseAmount(number as string, "amount"))).toBe("AMOUNT_FORMAT amount");
  });

  it("never formats what it could not read back", () => {
    expect(() => formatAmount(-1n)).toThrow(InvariantError);
    expect(() => formatAmount(AMOUNT_MAX + 1n)).toThrow(InvariantError);
  });
});

describe("fixed-point numbers", () => {
  it("round trip with any number of decimals", () => {
    fc.assert(
      fc.property(fc.bigInt(0n, 10n ** 30n), fc.nat(18), (value, decimals) => {
        // Short numbers with few whole digits are the ones that need zeros on the left.
        for (const v of [value, value % 1000n]) {
          expect(parseFixed(formatFixed(v, decimals), decimals, "price")).toBe(v);
        }
      }),
    );
  });

  it.each([
    ["95.6713", 4, 956713n],
    ["95.67", 4, 956700n],
    ["95", 4, 950000n],
    ["0.0001", 4, 1n],
    ["0", 4, 0n],
    ["7", 0, 7n],
  ] as const)("reads %s with %i decimals", (text, decimals, value) => {
    expect(parseFixed(text, decimals, "price")).toBe(value);
  });

  it.each([
    ["95.67131", 4],
    ["95.", 4],
    [".5", 4],
    ["00.5", 4],
    ["-1.5", 4],
    ["1.5e3", 4],
    ["1.5", 0],
    ["1,5", 4],
    ["", 4],
    ["9".repeat(39), 4],
  ] as const)("refuses %j with %i decimals", (text, decimals) => {
    expect(codeOf(() => parseFixed(text, decimals, "price"))).toBe("DECIMAL_FORMAT price");
  });

  it.each([
    [956713n, 4, "95.6713"],
    [5n, 4, "0.0005"],
    [0n, 2, "0.00"],
    [-5n, 2, "-0.05"],
    [-12345n, 2, "-123.45"],
    [42n, 0, "42"],
  ] as const)("writes %d with %i decimals as %s", (value, decimals, text) => {
    expect(formatFixed(value, decimals)).toBe(text);
  });

  it("takes 0 to 18 decimals", () => {
    for (const decimals of [-1, 19, 1.5]) {
      expect(() => formatFixed(1n, decimals)).toThrow(InvariantError);
      expect(() => parseFixed("1", decimals, "price")).toThrow(InvariantError);
    }
  });
});
