import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FrameKind } from "./frame.ts";
import {
  decodeHello,
  decodeVerdict,
  encodeHello,
  encodeVerdict,
  type Hello,
  judgeHello,
} from "./hello.ts";
import { FRAME_RULES } from "./limits.ts";
import { NetError, REFUSAL_CODES } from "./net-error.ts";

const HELLO: Hello = {
  protocolVersion: 3,
  chainId: "0f".repeat(32),
  validator: 7,
  stream: "bulk",
  software: "mizan/1.2.3",
  clockMs: 1_800_000_000_000,
};

describe("hello", () => {
  it("reads what it wrote, within the cap of its kind", () => {
    const longest = { ...HELLO, software: "x".repeat(64) };
    for (const hello of [HELLO, longest]) {
      const bytes = encodeHello(hello);
      expect(decodeHello(bytes)).toEqual(hello);
      expect(bytes.length).toBeLessThan(FRAME_RULES.get(FrameKind.hello)?.maxBytes ?? 0);
    }
    for (const verdict of ["ACCEPTED", ...REFUSAL_CODES] as const) {
      expect(decodeVerdict(encodeVerdict(verdict))).toBe(verdict);
    }
  });

  it("answers any other bytes with HELLO_MALFORMED", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        for (const read of [decodeHello, decodeVerdict]) {
          try {
            read(bytes);
          } catch (thrown) {
            expect(thrown).toBeInstanceOf(NetError);
            expect(thrown).toMatchObject({ code: "HELLO_MALFORMED" });
          }
        }
      }),
    );
    expect(() => decodeHello(new Uint8Array(0))).toThrow(NetError);
  });

  it("refuses control characters in the software name", () => {
    expect(() => encodeHello({ ...HELLO, software: "a\nb" })).toThrow();
  });

  it("is judged by version, chain, validator and stream, in this order", () => {
    const { protocolVersion, chainId, validator, stream } = HELLO;
    const expected = { protocolVersion, chainId, validator, stream };
    const other = { protocolVersion: 4, chainId: "00".repeat(32), validator: 1 };
    const codes = [
      judgeHello(HELLO, expected),
      judgeHello(HELLO, { ...expected, stream: "priority" }),
      judgeHello(HELLO, { ...expected, stream: "priority", validator: 1 }),
      judgeHello(HELLO, { ...expected, validator: 1, chainId: other.chainId }),
      judgeHello(HELLO, { ...expected, ...other }),
    ].map((error) => error?.code);
    expect(codes).toEqual([
      undefined,
      "WRONG_STREAM",
      "WRONG_VALIDATOR",
      "WRONG_CHAIN",
      "PROTOCOL_VERSION",
    ]);
  });
});
