import fc from "fast-check";
import { expect, test } from "vitest";
import { decode, encode } from "./codec.ts";
import { fromJsonForm, toJsonForm } from "./json-form.ts";
import * as s from "./schema.ts";

const schema = s.record({
  name: s.text(20),
  amount: s.amount,
  height: s.counter,
  key: s.fixedBytes(4),
  note: s.optional(s.text(10)),
  rows: s.list(s.record({ count: s.uint(100), open: s.bool }), 5),
  either: s.union({ cash: s.amount, terms: s.record({ rate: s.uint() }) }),
});

const value = fc.record({
  name: fc.string({ maxLength: 5, unit: "grapheme-ascii" }),
  amount: fc.bigInt({ min: 0n, max: s.AMOUNT_MAX }),
  height: fc.nat({ max: Number.MAX_SAFE_INTEGER }),
  key: fc.uint8Array({ minLength: 4, maxLength: 4 }),
  note: fc.option(fc.string({ maxLength: 5, unit: "grapheme-ascii" }), { nil: undefined }),
  rows: fc.array(fc.record({ count: fc.nat({ max: 100 }), open: fc.boolean() }), { maxLength: 5 }),
  either: fc.oneof(
    fc.record({
      type: fc.constant("cash" as const),
      body: fc.bigInt({ min: 0n, max: 10n ** 30n }),
    }),
    fc.record({ type: fc.constant("terms" as const), body: fc.record({ rate: fc.nat() }) }),
  ),
});

test("law: a value survives the way through JSON text byte for byte", () => {
  fc.assert(
    fc.property(value, (original) => {
      const text = JSON.stringify(toJsonForm(schema, original));
      const back = fromJsonForm(schema, JSON.parse(text), "value");
      // fromJsonForm's result is what encode checks.
      const bytes = encode(schema, back as typeof original);
      expect(bytes).toEqual(encode(schema, original));
      expect(decode(schema, bytes)).toEqual(original);
    }),
  );
});

test("2^53 + 1 keeps its digits", () => {
  expect(toJsonForm(s.amount, 9_007_199_254_740_993n)).toBe("9007199254740993");
  expect(fromJsonForm(s.amount, "9007199254740993", "a")).toBe(9_007_199_254_740_993n);
});

test.each([
  ["a number for an amount", s.amount, 5, "v"],
  ["an exponent", s.amount, "1e3", "v"],
  ["upper-case hex", s.fixedBytes(1), "AA", "v"],
  ["odd hex", s.fixedBytes(1), "a", "v"],
  ["an unsafe counter", s.counter, "9007199254740993", "v"],
  ["a missing field", s.record({ a: s.amount }), {}, "v.a"],
  ["an unknown field", s.record({ a: s.bool }), { a: true, b: 1 }, "v.b"],
  ["an array for a record", s.record({ a: s.bool }), [], "v"],
  ["an unknown variant", s.union({ a: s.bool }), { type: "b", body: true }, "v.type"],
])("refuses %s and names the field", (_name, of, json, field) => {
  expect(() => fromJsonForm(of, json, "v")).toThrow(
    expect.objectContaining({ data: expect.objectContaining({ field }) }),
  );
});
