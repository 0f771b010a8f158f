import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { InvariantError } from "./assert.ts";
import {
  compareBytes,
  concatBytes,
  copyBytes,
  equalBytes,
  FixedWriter,
  fromHex,
  fromUtf8,
  toHex,
  utf8,
} from "./bytes.ts";

const bytesArb = fc.uint8Array({ maxLength: 40 });

describe("bytes", () => {
  it("round trips hex and text", () => {
    fc.assert(
      fc.property(bytesArb, fc.string({ unit: "binary" }), (bytes, text) => {
        expect(toHex(bytes)).toBe(Buffer.from(bytes).toString("hex"));
        expect(fromHex(toHex(bytes))).toEqual(bytes);
        expect(fromHex(toHex(bytes).toUpperCase())).toEqual(bytes);
        if (text.isWellFormed()) expect(fromUtf8(utf8(text))).toBe(text);
      }),
    );
    expect(() => fromHex("abc")).toThrow();
    expect(() => fromHex("zz")).toThrow();
    expect(() => fromUtf8(Uint8Array.of(0xff))).toThrow(TypeError);
  });

  it("orders as Buffer.compare does", () => {
    fc.assert(
      fc.property(bytesArb, bytesArb, (a, b) => {
        expect(Math.sign(compareBytes(a, b))).toBe(Buffer.compare(a, b));
        expect(equalBytes(a, b)).toBe(Buffer.compare(a, b) === 0);
        expect(equalBytes(a, a.slice())).toBe(true);
      }),
    );
    expect(compareBytes(Uint8Array.of(1), Uint8Array.of(1, 0))).toBeLessThan(0);
  });

  it("joins parts and copies out of pools", () => {
    fc.assert(
      fc.property(fc.array(bytesArb), (parts) => {
        expect(concatBytes(...parts)).toEqual(new Uint8Array(Buffer.concat(parts)));
      }),
    );
    const pool = Buffer.from([1, 2, 3]);
    const copy = copyBytes(pool.subarray(1));
    pool.fill(9);
    expect([...copy]).toEqual([2, 3]);
    expect(copy).not.toBeInstanceOf(Buffer);
  });

  it("fills a fixed-width statement exactly, big-endian", () => {
    const writer = () => new FixedWriter(15);
    const full = writer()
      .u8(0xab)
      .u32(0xdeadbeef)
      .u64(2 ** 40 + 1)
      .put(Uint8Array.of(7, 8));
    expect(toHex(full.finish())).toBe("abdeadbeef00000100000000010708");
    expect(() => writer().u8(1).finish()).toThrow(InvariantError);
    expect(() => writer().u8(256)).toThrow(InvariantError);
    expect(() => writer().u32(-1)).toThrow(InvariantError);
    expect(() => writer().u64(2 ** 53)).toThrow(InvariantError);
    expect(() => new FixedWriter(1).u32(1)).toThrow(RangeError);
  });
});
