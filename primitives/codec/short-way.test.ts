import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { concatBytes, toHex, utf8 } from "../bytes.ts";
import {
  DEFAULT_LIMITS,
  decode,
  decodeCarefully,
  decodeShort,
  encode,
  encodeCarefully,
  encodeShort,
} from "./codec.ts";
import { CodecError } from "./codec-error.ts";
import type { DecodeLimits } from "./message-pack-scan.ts";
import {
  AMOUNT_MAX,
  amount,
  bool,
  borrowedBytes,
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

/** A schema without a short way of its own, as other rooms define them: text in capitals. */
const capitals: Schema<string> = {
  describe: "capitals",
  toWire(value) {
    if (value !== value.toUpperCase()) throw new CodecError("INVALID_VALUE", "not in capitals");
    return value;
  },
  // Accepts small letters: that they are not canonical only the second encoding shows.
  fromWire(wire) {
    if (typeof wire !== "string") throw new CodecError("INVALID_VALUE", "no text");
    return wire.toUpperCase();
  },
};

const leg = record({ isin: text(12, /[A-Z0-9]+/), face: amount, final: bool });
const message = record({
  version: uint(255),
  small: uint(),
  height: counter,
  digest: hash,
  note: optional(text(300)),
  capitals,
  side: oneOf(["DELIVER", "RECEIVE"]),
  signature: fixedBytes(64),
  blob: bytesUpTo(70_000),
  view: borrowedBytes(40),
  legs: list(leg, 20),
  body: union({ transfer: leg, amounts: list(amount, 3), ping: uint() }),
});
type Message = Infer<typeof message>;

const amountArb = fc.oneof(
  fc.bigInt(0n, AMOUNT_MAX),
  fc.bigInt(0n, 1n << 54n),
  fc.constantFrom(0n, (1n << 53n) - 1n, 1n << 53n, 1n << 64n, AMOUNT_MAX),
);
const uintArb = fc.oneof(
  fc.nat(0xffff_ffff),
  fc.constantFrom(0, 127, 128, 255, 256, 65_535, 65_536, 0xffff_ffff),
);
const legArb = fc.record({
  isin: fc.stringMatching(/^[A-Z0-9]{1,12}$/),
  face: amountArb,
  final: fc.boolean(),
});
const ascii = fc.string({ unit: "grapheme-ascii", maxLength: 300 });
const messageArb: fc.Arbitrary<Message> = fc.record({
  version: fc.nat(255),
  small: uintArb,
  height: fc.oneof(fc.maxSafeNat(), fc.constantFrom(0, 2 ** 32, 2 ** 53 - 1)),
  digest: fc.uint8Array({ minLength: 32, maxLength: 32 }).map(toHex),
  note: fc.option(fc.oneof(ascii, fc.string({ unit: "grapheme", maxLength: 20 })), {
    nil: undefined,
  }),
  capitals: fc.stringMatching(/^[A-Z]{0,40}$/),
  side: fc.constantFrom("DELIVER" as const, "RECEIVE" as const),
  signature: fc.uint8Array({ minLength: 64, maxLength: 64 }),
  blob: fc.uint8Array({ maxLength: 300 }),
  view: fc.uint8Array({ maxLength: 40 }),
  legs: fc.array(legArb, { maxLength: 20 }),
  body: fc.oneof(
    fc.record({ type: fc.constant("transfer" as const), body: legArb }),
    fc.record({
      type: fc.constant("amounts" as const),
      body: fc.array(amountArb, { maxLength: 3 }),
    }),
    fc.record({ type: fc.constant("ping" as const), body: uintArb }),
  ),
});

type Ended<T> = { readonly value: T } | { readonly code: string; readonly field: unknown };

/** What an operation gives or how it refuses; anything but a CodecError fails the test. */
function ended<T>(operation: () => T): Ended<T> {
  try {
    return { value: operation() };
  } catch (thrown) {
    if (!(thrown instanceof CodecError)) throw thrown;
    return { code: thrown.code, field: thrown.data["field"] };
  }
}

function expectSameDecoding(bytes: Uint8Array, limits: DecodeLimits = DEFAULT_LIMITS): void {
  const careful = ended(() => decodeCarefully(message, bytes, limits, "m"));
  expect(ended(() => decode(message, bytes, limits, "m"))).toEqual(careful);
  // The short way by itself accepts nothing that the careful one refuses.
  const short = decodeShort(message, bytes, limits);
  if (short !== undefined) expect(careful).toEqual(short);
}

describe("the short way", () => {
  it("writes the bytes of the careful one", () => {
    fc.assert(
      fc.property(messageArb, (value) => {
        const careful = encodeCarefully(message, value, "m");
        expect(encode(message, value)).toEqual(careful);
        expect(decode(message, careful)).toEqual(value);
      }),
      { numRuns: 200 },
    );
  });

  it("is taken for ASCII text", () => {
    const values = fc.sample(messageArb, 50).map((each) => ({ ...each, note: "plain" }));
    for (const each of values) {
      const bytes = encodeShort(message, each);
      expect(bytes).toBeDefined();
      expect(decodeShort(message, bytes ?? new Uint8Array(), DEFAULT_LIMITS)).toEqual({
        value: each,
      });
    }
  });

  it("accepts and refuses like the careful one, whatever bytes arrive", () => {
    const patch = fc.record({
      at: fc.nat(),
      remove: fc.nat(3),
      insert: fc.oneof(
        fc.uint8Array({ maxLength: 3 }),
        // Longer spellings of lengths and numbers.
        fc.constantFrom(
          Uint8Array.of(0xcc, 5),
          Uint8Array.of(0xcd, 0, 5),
          Uint8Array.of(0xce, 0, 0, 0, 5),
          Uint8Array.of(0xd9, 3),
          Uint8Array.of(0xda, 0, 40),
          Uint8Array.of(0xc5, 0, 16),
          Uint8Array.of(0xc6, 0, 0, 0, 32),
          Uint8Array.of(0xdc, 0, 2),
          Uint8Array.of(0xdd, 0, 0, 0, 3),
        ),
      ),
    });
    fc.assert(
      fc.property(messageArb, patch, (value, { at, remove, insert }) => {
        const bytes = encode(message, value);
        const start = at % bytes.length;
        const [head, tail] = [bytes.subarray(0, start), bytes.subarray(start + remove)];
        expectSameDecoding(concatBytes(head, insert, tail));
        expectSameDecoding(head);
      }),
      { numRuns: 1000 },
    );
  });

  it("keeps the limits of the careful one", () => {
    fc.assert(
      fc.property(messageArb, fc.nat(3), fc.nat(90), (value, maxDepth, maxElements) => {
        const bytes = encode(message, value);
        expectSameDecoding(bytes, { maxBytes: 1 << 20, maxDepth, maxElements });
        expectSameDecoding(bytes, { ...DEFAULT_LIMITS, maxBytes: bytes.length - 1 });
      }),
      { numRuns: 200 },
    );
  });

  it("refuses wrong values with the field that the careful one names", () => {
    const base = fc.sample(messageArb, 1)[0] ?? raise();
    const wrong: readonly object[] = [
      { version: 256 },
      { version: -0 },
      { small: 1.5 },
      { small: "1" },
      { height: 2 ** 53 },
      { height: -1 },
      { digest: "AB".repeat(32) },
      { digest: "ab".repeat(31) },
      { note: "\ud800" },
      { note: 7 },
      { capitals: "small" },
      { side: "OTHER" },
      { signature: new Uint8Array(63) },
      { signature: "text" },
      { legs: [{ isin: "x", face: 1n, final: true }] },
      { legs: [{ isin: "X", face: -1n, final: true }] },
      { legs: [{ isin: "X", face: AMOUNT_MAX + 1n, final: true }] },
      { legs: [{ isin: "X", face: 1n, final: 1 }] },
      { legs: "none" },
      { body: { type: "other", body: 1 } },
      { body: undefined },
    ];
    for (const fields of wrong) {
      // Wrong on purpose, as an untyped caller's value would be.
      const value = { ...base, ...fields } as Message;
      const careful = ended(() => encodeCarefully(message, value, "m"));
      expect(careful).toHaveProperty("code", "INVALID_VALUE");
      expect(ended(() => encode(message, value, "m"))).toEqual(careful);
    }
  });

  it("switches the headers of data where the careful one does", () => {
    for (const length of [255, 256, 65_535, 65_536]) {
      const bytes = encode(bytesUpTo(70_000), new Uint8Array(length));
      const careful = encodeCarefully(bytesUpTo(70_000), new Uint8Array(length), "m");
      expect(toHex(bytes)).toBe(toHex(careful));
      expect(decodeShort(bytesUpTo(70_000), bytes, DEFAULT_LIMITS)?.value.length).toBe(length);
    }
  });

  it("tells texts apart that share a place among the remembered ones", () => {
    const schema = list(text(35), 20_000);
    const texts = Array.from({ length: 20_000 }, (_, i) => `ACCOUNT-${i}`);
    const bytes = encode(schema, texts);
    for (let round = 0; round < 2; round++) {
      expect(decode(schema, bytes).join()).toBe(texts.join());
    }
  });

  it("encodes inside another encoding", () => {
    const nested: Schema<string> = {
      describe: "its own encoding",
      toWire: (value) => encode(text(20), value),
      fromWire: (wire) => decode(text(20), wire instanceof Uint8Array ? wire : utf8("")),
    };
    const schema = record({ before: text(5), nested, after: text(5) });
    const value = { before: "a", nested: "inner", after: "b" };
    expect(encode(schema, value)).toEqual(encodeCarefully(schema, value, "m"));
    expect(decode(schema, encode(schema, value))).toEqual(value);
  });
});

function raise(): never {
  throw new Error("no sample");
}
