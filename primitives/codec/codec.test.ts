import fc from "fast-check";
import { Packr } from "msgpackr";
import { describe, expect, it } from "vitest";
import { concatBytes, fromHex, toHex, utf8 } from "../bytes.ts";
import { decode, encode } from "./codec.ts";
import { CodecError } from "./codec-error.ts";
import {
  AMOUNT_MAX,
  amount,
  bool,
  bytesUpTo,
  counter,
  fixedBytes,
  hash,
  type Infer,
  list,
  oneOf,
  optional,
  record,
  type Schema,
  text,
  uint,
  union,
} from "./schema.ts";

const leg = record({ isin: text(12, /[A-Z0-9]+/), face: amount, final: bool });
const message = record({
  version: uint(255),
  height: counter,
  digest: hash,
  note: optional(text(40)),
  side: oneOf(["DELIVER", "RECEIVE"]),
  signature: fixedBytes(64),
  blob: bytesUpTo(300),
  legs: list(leg, 5),
  body: union({ transfer: leg, amounts: list(amount, 3), ping: uint() }),
});
type Message = Infer<typeof message>;

const amountArb = fc.oneof(fc.bigInt(0n, AMOUNT_MAX), fc.bigInt(0n, 1n << 40n));
const legArb = fc.record({
  isin: fc.stringMatching(/^[A-Z0-9]{1,12}$/),
  face: amountArb,
  final: fc.boolean(),
});
const messageArb: fc.Arbitrary<Message> = fc
  .record({
    version: fc.nat(255),
    height: fc.maxSafeNat(),
    digest: fc.uint8Array({ minLength: 32, maxLength: 32 }).map(toHex),
    note: fc.option(fc.string({ unit: "grapheme", maxLength: 10 }), { nil: undefined }),
    side: fc.constantFrom("DELIVER" as const, "RECEIVE" as const),
    signature: fc.uint8Array({ minLength: 64, maxLength: 64 }),
    blob: fc.uint8Array({ maxLength: 300 }),
    legs: fc.array(legArb, { maxLength: 5 }),
    body: fc.oneof(
      fc.record({ type: fc.constant("transfer" as const), body: legArb }),
      fc.record({
        type: fc.constant("amounts" as const),
        body: fc.array(amountArb, { maxLength: 3 }),
      }),
      fc.record({
        type: fc.constant("ping" as const),
        body: fc.nat(0xffff_ffff),
      }),
    ),
  })
  .filter((value) => utf8(value.note ?? "").length <= 40);

/** The code of the CodecError that decoding gives; anything else that is thrown fails the test. */
function refusal<T>(schema: Schema<T>, hex: string): string {
  try {
    decode(schema, fromHex(hex));
  } catch (thrown) {
    if (thrown instanceof CodecError) return thrown.code;
    throw thrown;
  }
  return "accepted";
}

/** Either refused with a code, or a value that stands for exactly these bytes. */
function expectCanonical<T>(schema: Schema<T>, bytes: Uint8Array): void {
  let value: T;
  try {
    value = decode(schema, bytes);
  } catch (thrown) {
    expect(thrown).toBeInstanceOf(CodecError);
    return;
  }
  expect(encode(schema, value)).toEqual(bytes);
}

describe("canonical encoding", () => {
  it("gives back every value", () => {
    fc.assert(
      fc.property(messageArb, (value) => {
        expect(decode(message, encode(message, value))).toEqual(value);
      }),
      { numRuns: 300 },
    );
  });

  it("has one byte string for a value, whatever bytes arrive", () => {
    const patchArb = fc.record({
      at: fc.nat(),
      remove: fc.nat(3),
      insert: fc.uint8Array({ maxLength: 3 }),
    });
    fc.assert(
      fc.property(messageArb, patchArb, (value, { at, remove, insert }) => {
        const bytes = encode(message, value);
        const start = at % bytes.length;
        const head = bytes.subarray(0, start);
        expectCanonical(message, concatBytes(head, insert, bytes.subarray(start + remove)));
        const other = Uint8Array.from(insert, (byte, i) => byte ^ (bytes[start + i] ?? 0));
        expectCanonical(message, concatBytes(head, other, bytes.subarray(start + other.length)));
      }),
      { numRuns: 2000 },
    );
  });

  it("holds on bytes from nowhere", () => {
    const loose = list(optional(union({ a: uint(), b: text(9), c: counter, d: amount })), 4);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 24 }), (bytes) => {
        expectCanonical(loose, bytes);
        expectCanonical(loose, Uint8Array.of(0x91, 0x92, (bytes[0] ?? 0) & 3, ...bytes));
      }),
      { numRuns: 3000 },
    );
  });

  it("is pinned byte for byte", () => {
    const value: Message = {
      version: 1,
      height: 5,
      digest: "ab".repeat(32),
      note: undefined,
      side: "RECEIVE",
      signature: new Uint8Array(64),
      blob: Uint8Array.of(1, 2),
      legs: [{ isin: "PK0MTB084015", face: 258n, final: true }],
      body: { type: "ping", body: 300 },
    };
    expect(toHex(encode(message, value))).toBe(
      [
        "99", // array of nine
        "01", // fixint
        "d30000000000000005", // counter: int64
        `c420${"ab".repeat(32)}`, // hash: bin8
        "c0", // nothing
        "01", // place in the list
        `c440${"00".repeat(64)}`,
        "c4020102",
        "9193ac504b304d5442303834303135c41000000000000000000000000000000102c3",
        "9202cd012c", // third variant, uint16
      ].join(""),
    );
  });

  it("hands out bytes that nobody overwrites and that are not a Buffer", () => {
    const first = encode(bytesUpTo(8), Uint8Array.of(1, 2, 3));
    const kept = toHex(first);
    for (let i = 0; i < 5000; i++) encode(bytesUpTo(8), Uint8Array.of(9, 9, 9));
    expect(toHex(first)).toBe(kept);
    const wire = Buffer.from(first);
    const value = decode(bytesUpTo(8), wire);
    wire.fill(0xff);
    expect(value).toEqual(Uint8Array.of(1, 2, 3));
    expect(first).not.toBeInstanceOf(Buffer);
    expect(value).not.toBeInstanceOf(Buffer);
    expect(Object.keys(wire)).toHaveLength(wire.length); // nothing was hung on the input
  });
});

describe("second spellings are refused", () => {
  const small = uint();
  it.each([
    ["uint8 for a fixint", small, "cc05"],
    ["uint16 for a uint8", small, "cd00ff"],
    ["uint32 for a uint16", small, "ce0000ffff"],
    ["uint64 for a small integer", small, "cf0000000000000001"],
    ["int64 for a small integer", small, "d30000000000000001"],
    ["int8 for a fixint", small, "d005"],
    ["int16 for a uint8", small, "d100ff"],
    ["uint64 for a counter", counter, "cf0000000000000001"],
    ["fixint for a counter", counter, "01"],
    ["str8 for a short string", text(40), "d90161"],
    ["str16 for a short string", text(40), "da000161"],
    ["str32 for a short string", text(40), "db0000000161"],
    ["bin16 for short bytes", bytesUpTo(40), "c5000161"],
    ["bin32 for short bytes", bytesUpTo(40), "c60000000161"],
    ["array16 for a short list", list(small, 9), "dc000101"],
    ["array32 for a short list", list(small, 9), "dd0000000101"],
    ["text for bytes", bytesUpTo(40), "a161"],
    ["bytes for text", text(40), "c40161"],
    ["number for a boolean", bool, "01"],
    ["an amount of fifteen bytes", amount, `c40f${"00".repeat(15)}`],
    ["an amount beyond 2^127 - 1", amount, `c41080${"00".repeat(15)}`],
    ["a negative integer", small, "ff"],
    ["a negative counter", counter, "d3ffffffffffffffff"],
    ["a counter beyond 2^53 - 1", counter, "d30020000000000000"],
    ["a place past the list", oneOf(["a", "b"]), "02"],
    ["a missing field", leg, "92a14100"],
    ["one field too many", record({ a: small }), "920101"],
    ["an unknown variant", union({ a: small }), "920101"],
    ["a variant with too little", union({ a: small }), "9100"],
  ] as [string, Schema<unknown>, string][])("%s", (_, schema, hex) => {
    expect(["NOT_CANONICAL", "INVALID_VALUE"]).toContain(refusal(schema, hex));
  });

  it.each([
    ["float32 1.0", "ca3f800000"],
    ["float64 1.0", "cb3ff0000000000000"],
    ["float64 -0", "cb8000000000000000"],
    ["float64 NaN", "cb7ff8000000000000"],
    ["empty map", "80"],
    ["map with a key", "81a16101"],
    ["map16", "de0001a16101"],
    ["map32", "df00000001a16101"],
    ["map with __proto__", "81a95f5f70726f746f5f5f80"],
    ["reserved byte", "c1"],
    ["fixext 1 (undefined in msgpackr)", "d40000"],
    ["fixext 4 (timestamp)", "d6ff00000000"],
    ["fixext of type 0x70 (CVE-2023-52079)", "d57001ff"],
    ["fixext 16", `d870${"00".repeat(16)}`],
    ["ext8", "c70170ff"],
    ["ext16", "c8000170ff"],
    ["ext32", "c90000000170ff"],
    ["msgpackr record", "d47240c0"],
    ["nothing at all", ""],
    ["trailing byte", "0101"],
    ["trailing nil", "01c0"],
    ["array cut short", "9201"],
    ["string cut short", "a3616" + "2"],
    ["bytes cut short", "c40501"],
    ["length cut short", "c500"],
    ["integer cut short", "ce000000"],
  ])("%s, whatever the schema", (_, hex) => {
    for (const schema of [uint(), text(40), bytesUpTo(40), list(uint(), 4), optional(bool)]) {
      expect(refusal<unknown>(schema, hex)).toBe("MALFORMED");
    }
  });

  it.each([
    ["stray continuation byte", "a180"],
    ["cut sequence", "a2e282"],
    ["overlong slash", "a2c0af"],
    ["surrogate half", "a3eda080"],
    ["beyond U+10FFFF", "a4f4908080"],
    ["invalid bytes in a long text", `d928${"61".repeat(39)}ff`],
  ])("text with %s", (_, hex) => {
    expect(["NOT_CANONICAL", "INVALID_VALUE"]).toContain(refusal(text(200), hex));
  });

  it("but U+FFFD itself, a NUL and a byte order mark are text", () => {
    for (const value of ["\ufffd", "\0", "\ufeffa", "é", "😀", "x".repeat(100)]) {
      expect(decode(text(100), encode(text(100), value))).toBe(value);
    }
  });
});

describe("values that are never written", () => {
  it.each([
    ["-0", uint(), -0],
    ["a fraction", uint(), 1.5],
    ["NaN", uint(), Number.NaN],
    ["2^32", uint(), 2 ** 32],
    ["more than the maximum", uint(9), 10],
    ["a bigint for a number", uint(), 1n],
    ["a negative counter", counter, -1],
    ["an unsafe counter", counter, 2 ** 53],
    ["a fractional counter", counter, 0.5],
    ["a negative amount", amount, -1n],
    ["an amount of 2^127", amount, 1n << 127n],
    ["a number for an amount", amount, 5],
    ["upper-case hash", hash, "AB".repeat(32)],
    ["short hash", hash, "ab".repeat(31)],
    ["long hash", hash, "ab".repeat(33)],
    ["hash with a non-ASCII character", hash, `${"a".repeat(63)}à`],
    ["long text", text(3), "abcd"],
    ["text that is long in UTF-8 only", text(3), "éé"],
    ["a lone surrogate", text(10), "a\ud800"],
    ["a lone low surrogate", text(10), "\udc00a"],
    ["text off the pattern", text(10, /[A-Z]+/), "AbC"],
    ["text that only contains the pattern", text(10, /[A-Z]{2}/), "ABC"],
    ["text with a line feed at the end", text(10, /[A-Z]+/), "ABC\n"],
    ["text with the first alternative only", text(10, /a|b/), "ac"],
    ["an unknown name", oneOf(["a"]), "b"],
    ["an inherited name", oneOf(["a"]), "toString"],
    ["long list", list(uint(), 1), [1, 2]],
    ["no list", list(uint(), 1), "ab"],
    ["wrong size", fixedBytes(2), new Uint8Array(3)],
    ["an array for bytes", bytesUpTo(5), [1, 2]],
    ["null for a record", record({ a: uint() }), null],
    ["a record without its field", record({ a: uint() }), {}],
    ["an unknown variant", union({ a: uint() }), { type: "b", body: 1 }],
    ["null for a variant", union({ a: uint() }), null],
    ["an inherited variant", union({ a: uint() }), { type: "constructor", body: 1 }],
  ] as [string, Schema<unknown>, unknown][])("%s", (_, schema, value) => {
    const write = (): Uint8Array => encode(schema, value, "field");
    expect(write).toThrow(CodecError);
    expect(write).toThrow(/^field/);
  });

  it("names the place inside the message", () => {
    const legs = [
      { isin: "A", face: 1n, final: true },
      { isin: "B", face: -1n, final: true },
    ];
    try {
      encode(list(leg, 5), legs, "legs");
      expect.unreachable();
    } catch (thrown) {
      expect(thrown).toMatchObject({
        code: "INVALID_VALUE",
        data: { field: "legs[1].face", got: "-1", expected: "amount 0..2^127-1" },
      });
    }
  });

  it("counts UTF-8 bytes as TextEncoder does", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 12 }), fc.nat(30), (value, max) => {
        const fits = value.isWellFormed() && utf8(value).length <= max;
        if (fits) expect(encode(text(max), value).length).toBeGreaterThan(0);
        else expect(() => encode(text(max), value)).toThrow(CodecError);
      }),
    );
  });
});

describe("wire forms", () => {
  it("writes amounts as sixteen bytes big-endian", () => {
    fc.assert(
      fc.property(fc.bigInt(0n, AMOUNT_MAX), (value) => {
        const bytes = encode(amount, value);
        expect(toHex(bytes)).toBe(`c410${value.toString(16).padStart(32, "0")}`);
        expect(decode(amount, bytes)).toBe(value);
      }),
    );
  });

  it("writes integers in the fewest bytes", () => {
    for (const [value, hex] of [
      [0, "00"],
      [127, "7f"],
      [128, "cc80"],
      [255, "ccff"],
      [256, "cd0100"],
      [65535, "cdffff"],
      [65536, "ce00010000"],
      [0xffff_ffff, "ceffffffff"],
    ] as const) {
      expect(toHex(encode(uint(), value))).toBe(hex);
      expect(decode(uint(), fromHex(hex))).toBe(value);
    }
  });

  it("switches string, byte and list headers at the lengths of the specification", () => {
    const big = 70_000;
    for (const n of [0, 31, 32, 255, 256, 65535, 65536]) {
      const word = "é".repeat(n >> 1) + "a".repeat(n & 1);
      for (const value of ["a".repeat(n), word]) {
        expect(decode(text(big), encode(text(big), value))).toBe(value);
      }
      const bytes = new Uint8Array(n).fill(7);
      expect(decode(bytesUpTo(big), encode(bytesUpTo(big), bytes))).toEqual(bytes);
      const items = Array.from({ length: n }, () => true);
      expect(decode(list(bool, big), encode(list(bool, big), items))).toEqual(items);
    }
    expect(toHex(encode(text(99), "a".repeat(32))).slice(0, 4)).toBe("d920");
    // The length that counts is that of the UTF-8 form, not the number of code units.
    expect(toHex(encode(text(99), "é".repeat(16))).slice(0, 4)).toBe("d920");
    expect(toHex(encode(text(99), `${"é".repeat(15)}a`)).slice(0, 2)).toBe("bf");
  });

  it("agrees with a plain MessagePack encoder on what both can say", () => {
    const plain = new Packr({ useRecords: false });
    fc.assert(
      fc.property(fc.array(fc.nat(), { maxLength: 9 }), (items) => {
        const bytes = encode(list(uint(), 9), items);
        expect(plain.unpack(bytes)).toEqual(items);
      }),
    );
  });

  it("describes records field by field", () => {
    expect(leg.fields).toEqual([
      ["isin", "text of at most 12 bytes matching [A-Z0-9]+"],
      ["face", "amount 0..2^127-1"],
      ["final", "boolean"],
    ]);
  });
});
