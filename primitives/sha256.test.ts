import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { toHex, utf8 } from "./bytes.ts";
import { hashBlocks, portableBackend, sha256, sha256Hex, useHashBackend } from "./sha256.ts";

function nodeSha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

describe("sha256", () => {
  it("agrees with FIPS 180-4 examples and with OpenSSL", () => {
    expect(toHex(sha256(utf8("abc")))).toBe(
      "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        expect(toHex(sha256(bytes))).toBe(nodeSha256(bytes));
      }),
    );
  });

  it("hashes each block of 64 bytes on its own, in order", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 192, maxLength: 192 }), (input) => {
        const out = hashBlocks(input);
        expect(out.length).toBe(96);
        for (let i = 0; i < 3; i++) {
          const hash = toHex(out.subarray(32 * i, 32 * i + 32));
          expect(hash).toBe(nodeSha256(input.subarray(64 * i, 64 * i + 64)));
        }
      }),
    );
    expect(hashBlocks(new Uint8Array(0)).length).toBe(0);
  });

  it("goes through the backend that is installed", () => {
    const mark = new Uint8Array(32).fill(7);
    useHashBackend({ sha256: () => mark, sha256Hex: () => "mark", hashBlocks: () => mark });
    try {
      expect(sha256(utf8("abc"))).toBe(mark);
      expect(sha256Hex(utf8("abc"))).toBe("mark");
      expect(hashBlocks(new Uint8Array(64))).toBe(mark);
    } finally {
      useHashBackend(portableBackend);
    }
    expect(sha256(utf8("abc"))).not.toBe(mark);
  });
});
