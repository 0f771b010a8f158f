import { ED25519_TORSION_SUBGROUP, ed25519 } from "@noble/curves/ed25519.js";
import { numberToBytesLE } from "@noble/curves/utils.js";
import { describe, expect, test } from "vitest";
import { fromHex, utf8 } from "../bytes.ts";
import { CodedError } from "../errors.ts";
import { checkRegistrableKey, GROUP_ORDER, isRegistrableKey, verifyOracle } from "./criterion.ts";
import { portableSigner } from "./signer.ts";

const FIELD_ORDER = 2n ** 255n - 19n;
const SIGN_BIT = 1n << 255n;

function refusal(publicKey: Uint8Array): string {
  try {
    checkRegistrableKey(publicKey);
  } catch (error) {
    if (error instanceof CodedError) return error.code;
    throw error;
  }
  return "registrable";
}

function seed(fill: number): Uint8Array {
  return new Uint8Array(32).fill(fill);
}

describe("a key for registration", () => {
  test("the public key of any seed is registrable", () => {
    for (let i = 0; i < 20; i++) {
      expect(refusal(portableSigner(seed(i)).publicKey)).toBe("registrable");
    }
    expect(isRegistrableKey(portableSigner(seed(1)).publicKey)).toBe(true);
  });

  test("every point of small order is refused", () => {
    expect(ED25519_TORSION_SUBGROUP).toHaveLength(8);
    const codes = ED25519_TORSION_SUBGROUP.map((hex) => refusal(fromHex(hex)));
    expect(codes[0]).toBe("KEY_IDENTITY");
    expect(codes.slice(1)).toEqual(Array.from({ length: 7 }, () => "KEY_TORSION"));
  });

  test("a key of mixed order is refused for each torsion component", () => {
    const honest = ed25519.Point.fromBytes(portableSigner(seed(7)).publicKey);
    for (const hex of ED25519_TORSION_SUBGROUP.slice(1)) {
      const mixed = honest.add(ed25519.Point.fromBytes(fromHex(hex)));
      expect(refusal(mixed.toBytes())).toBe("KEY_TORSION");
    }
  });

  test("all encodings of y >= p are refused, with either sign", () => {
    // 2^255 - p = 19, so these are all of them.
    for (let excess = 0n; excess < 19n; excess++) {
      for (const sign of [0n, SIGN_BIT]) {
        const encoding = numberToBytesLE(FIELD_ORDER + excess + sign, 32);
        expect(refusal(encoding)).toBe("KEY_ENCODING");
      }
    }
  });

  test("the sign bit on x = 0 is refused", () => {
    expect(refusal(numberToBytesLE(1n + SIGN_BIT, 32))).toBe("KEY_ENCODING");
    expect(refusal(numberToBytesLE(FIELD_ORDER - 1n + SIGN_BIT, 32))).toBe("KEY_ENCODING");
  });

  test("bytes that are no point, and other lengths, are refused", () => {
    expect(refusal(numberToBytesLE(2n, 32))).toBe("KEY_ENCODING");
    const key = portableSigner(seed(1)).publicKey;
    expect(refusal(key.subarray(1))).toBe("KEY_LENGTH");
    expect(refusal(new Uint8Array([...key, 0]))).toBe("KEY_LENGTH");
    expect(refusal(new Uint8Array())).toBe("KEY_LENGTH");
    expect(isRegistrableKey(new Uint8Array())).toBe(false);
  });
});

describe("the oracle", () => {
  const signer = portableSigner(seed(9));
  const message = utf8("instruction 4711");
  const signature = signer.sign(message);

  test("accepts an honest signature and refuses it for other bytes", () => {
    expect(verifyOracle(signer.publicKey, message, signature)).toBe(true);
    expect(verifyOracle(signer.publicKey, utf8("instruction 4712"), signature)).toBe(false);
    expect(verifyOracle(portableSigner(seed(8)).publicKey, message, signature)).toBe(false);
  });

  test("refuses what libraries accept: a torsion component in R", () => {
    // noble's own verify accepts the same signature: the reason for the oracle to exist.
    const torsioned = fromHex(
      "f35eaf8791f6ff3122907d7b78f9b519049f193614f3b3f046f8b51d4bd28ded" +
        "8b61bb3582b8b8b795f34d66025e14f2347eb522a8289d7f4c51da2c193f4f08",
    );
    const { publicKey } = portableSigner(seed(0x4d));
    const signed = utf8("Mizan self-test");
    expect(ed25519.verify(torsioned, signed, publicKey)).toBe(true);
    expect(verifyOracle(publicKey, signed, torsioned)).toBe(false);
  });

  test("never throws on malformed input", () => {
    expect(verifyOracle(numberToBytesLE(2n, 32), message, signature)).toBe(false);
    expect(verifyOracle(new Uint8Array(), message, signature)).toBe(false);
    expect(verifyOracle(signer.publicKey, message, signature.subarray(1))).toBe(false);
    const s = new Uint8Array(signature);
    s.set(numberToBytesLE(GROUP_ORDER, 32), 32);
    expect(verifyOracle(signer.publicKey, message, s)).toBe(false);
  });
});

test("a seed of another length is refused", () => {
  expect(() => portableSigner(new Uint8Array(31))).toThrow(
    expect.objectContaining({ code: "SEED_LENGTH" }),
  );
});

test("a signer keeps its own copy of the seed", () => {
  const bytes = seed(5);
  const signer = portableSigner(bytes);
  const before = signer.sign(utf8("x"));
  bytes.fill(0);
  expect(signer.sign(utf8("x"))).toEqual(before);
});
