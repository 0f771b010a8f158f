import { afterEach, describe, expect, test } from "vitest";
import { hashBlocks, portableBackend, sha256, useHashBackend } from "../sha256.ts";
import { installNativeHashing } from "./hashing.ts";

afterEach(() => useHashBackend(portableBackend));

function pattern(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (i * 73 + 5) & 0xff);
}

function expectPortableResults(): void {
  for (const size of [0, 1, 64, 500]) {
    expect(sha256(pattern(size))).toEqual(portableBackend.sha256(pattern(size)));
    const blocks = pattern(size * 64);
    expect(hashBlocks(blocks)).toEqual(portableBackend.hashBlocks(blocks));
  }
}

describe("native hashing", () => {
  test("serves the same results as the portable backend", () => {
    const report = installNativeHashing();
    expect(report.sha256).toMatch(/^crypto\./);
    expectPortableResults();
  });

  test("gives plain Uint8Arrays, whose slice copies", () => {
    installNativeHashing();
    expect(Object.getPrototypeOf(sha256(pattern(3)))).toBe(Uint8Array.prototype);
    expect(Object.getPrototypeOf(hashBlocks(pattern(64)))).toBe(Uint8Array.prototype);
  });

  test("falls back to node:crypto when hashtree can't be loaded, and says so", () => {
    const report = installNativeHashing({
      loadHashtree: () => {
        throw new Error("no build for this platform");
      },
    });
    expect(report.hashBlocks).toBe("node:crypto");
    expect(report.fallbackReason).toBe("no build for this platform");
    expectPortableResults();
  });

  test("falls back when the module has another shape", () => {
    const report = installNativeHashing({ loadHashtree: () => ({ digest: 1 }) });
    expect(report.hashBlocks).toBe("node:crypto");
  });

  test("refuses a hashtree that gives other results, and leaves the backend as it was", () => {
    const wrong = { hash: (input: Uint8Array) => new Uint8Array(input.length / 2) };
    expect(() => installNativeHashing({ loadHashtree: () => wrong })).toThrow(
      expect.objectContaining({ code: "HASH_MISMATCH" }),
    );
    expectPortableResults();
  });

  test("refuses input that is not whole blocks", () => {
    installNativeHashing();
    expect(() => hashBlocks(pattern(65))).toThrow(/64-byte blocks/);
  });
});
