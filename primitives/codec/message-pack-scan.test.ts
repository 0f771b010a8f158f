import fc from "fast-check";
import { Packr } from "msgpackr";
import { describe, expect, it } from "vitest";
import { concatBytes, fromHex } from "../bytes.ts";
import { DEFAULT_LIMITS, decode } from "./codec.ts";
import { CodecError } from "./codec-error.ts";
import { type DecodeLimits, scanMessagePack } from "./message-pack-scan.ts";
import { list, type Schema, uint } from "./schema.ts";

const LIMITS: DecodeLimits = { maxBytes: 1000, maxDepth: 16, maxElements: 100 };

function refusal(bytes: Uint8Array, limits = LIMITS): string {
  try {
    scanMessagePack(bytes, limits);
  } catch (thrown) {
    if (thrown instanceof CodecError) return thrown.code;
    throw thrown;
  }
  return "accepted";
}

function repeat(times: number, bytes: readonly number[]): number[] {
  return Array.from({ length: times }, () => bytes).flat();
}

describe("scanMessagePack", () => {
  it("bounds the bytes", () => {
    const blob = (size: number): Uint8Array => {
      const bytes = new Uint8Array(size);
      bytes.set([0xc5, (size - 3) >> 8, (size - 3) & 255]);
      return bytes;
    };
    expect(refusal(blob(1000))).toBe("accepted");
    expect(refusal(blob(1001))).toBe("TOO_LARGE");
    expect(refusal(new Uint8Array(1001))).toBe("TOO_LARGE");
  });

  it("bounds the depth at 16 arrays inside one another", () => {
    const nested = (n: number) => Uint8Array.of(...repeat(n, [0x91]), 0xc0);
    expect(refusal(nested(16))).toBe("accepted");
    expect(refusal(nested(17))).toBe("TOO_DEEP");
    expect(refusal(nested(900))).toBe("TOO_DEEP");
    // Arrays side by side are not nested, also when the last of them ends several levels at once.
    const inner = [...repeat(14, [0x91]), 0xc0];
    expect(refusal(Uint8Array.of(0x93, ...inner, ...inner, ...inner))).toBe("accepted");
    const decodeDeep = () => decode(list(uint(), 1), new Uint8Array(500_000).fill(0x91));
    expect(decodeDeep).toThrow(CodecError);
  });

  it("bounds the elements of the whole message", () => {
    const flat = (n: number) => Uint8Array.of(0xdc, n >> 8, n & 255, ...new Uint8Array(n));
    expect(refusal(flat(99))).toBe("accepted"); // the array itself is one
    expect(refusal(flat(100))).toBe("TOO_MANY_ELEMENTS");
    const lists = Uint8Array.of(0x9f, ...repeat(15, [0x98, 0, 0, 0, 0, 0, 0, 0, 0]));
    expect(refusal(lists)).toBe("TOO_MANY_ELEMENTS");
  });

  it("refuses a bomb of empty arrays and huge claimed lengths without allocating", () => {
    const limits = { ...DEFAULT_LIMITS, maxBytes: 8 << 20 };
    const bomb = new Uint8Array(8 << 20).fill(0x90);
    bomb.set(fromHex("dd007ffffb"));
    const claims = ["ddffffffff", "dcffff", "dbffffffff", "c6ffffffff", "c5ffff", "d9ff", "9f"];
    const before = process.memoryUsage().heapUsed;
    for (let i = 0; i < 50; i++) {
      expect(refusal(bomb, limits)).toBe("TOO_MANY_ELEMENTS");
      for (const claim of claims) {
        expect(["MALFORMED", "TOO_MANY_ELEMENTS"]).toContain(refusal(fromHex(claim)));
      }
    }
    // 8 MB of arrays decoded once would be some hundreds of megabytes.
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(64 << 20);
  });

  it("does not overflow when lengths add up", () => {
    const twice = fromHex("92c6ffffffffc6ffffffff");
    expect(refusal(twice)).toBe("MALFORMED");
  });

  it("walks all that an encoder writes for our wire types, to the last byte", () => {
    const packr = new Packr({ useRecords: false, int64AsType: "bigint" });
    const { wire } = fc.letrec<{ wire: unknown }>((tie) => ({
      wire: fc.oneof(
        { maxDepth: 4 },
        fc.integer({ min: -(2 ** 31), max: 2 ** 32 - 1 }),
        fc.bigInt(0n, (1n << 64n) - 1n),
        fc.boolean(),
        fc.constant(null),
        fc.string({ unit: "binary", maxLength: 300 }).filter((value) => value.isWellFormed()),
        fc.uint8Array({ maxLength: 300 }),
        fc.array(tie("wire"), { maxLength: 20 }),
      ),
    }));
    fc.assert(
      fc.property(wire, fc.uint8Array({ minLength: 1, maxLength: 3 }), (value, extra) => {
        const bytes = new Uint8Array(packr.pack(value));
        expect(refusal(bytes, DEFAULT_LIMITS)).toBe("accepted");
        expect(refusal(bytes.subarray(0, -1), DEFAULT_LIMITS)).toBe("MALFORMED");
        expect(refusal(concatBytes(bytes, extra), DEFAULT_LIMITS)).toBe("MALFORMED");
      }),
      { numRuns: 500 },
    );
  });

  it("never throws anything but a CodecError, and neither does decode", () => {
    const schema: Schema<readonly number[]> = list(uint(), 8);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        expect(typeof refusal(bytes)).toBe("string");
        try {
          decode(schema, bytes);
        } catch (thrown) {
          expect(thrown).toBeInstanceOf(CodecError);
        }
      }),
      { numRuns: 2000 },
    );
  });
});
