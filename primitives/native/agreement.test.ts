import { readFileSync } from "node:fs";
import { ed25519 } from "@noble/curves/ed25519.js";
import { bytesToNumberLE, numberToBytesLE } from "@noble/curves/utils.js";
import { describe, expect, test } from "vitest";
import { invariant, present } from "../assert.ts";
import { concatBytes, fromHex, toHex, utf8 } from "../bytes.ts";
import { GROUP_ORDER, isRegistrableKey, verifyOracle } from "../ed25519/criterion.ts";
import { Forger, TORSION_POINTS } from "../ed25519/forger.ts";
import { flipBit, mutate, signedMessage } from "../ed25519/mutation.ts";
import { portableSigner } from "../ed25519/signer.ts";
import { Prng } from "../prng.ts";
import type { SignatureCheck, VerifySignature } from "../verifier.ts";
import { LocalKernel } from "./local-kernel.ts";
import { verifyOpenssl } from "./openssl-verify.ts";
import { nativeSigner, selfTest, verifySodium } from "./sodium.ts";

/*
 * All backends give the same verdict on every input with a registered key, and that verdict is the
 * criterion's. With any other key the ledger never asks: `verdict` says what the ledger decides.
 */

/** Room for the tables of all keys of the vectors. */
const kernel = present(LocalKernel.open({ hot: 128, cold: 128 }), "this machine runs the kernel");

const BACKENDS: readonly (readonly [name: string, verify: VerifySignature])[] = [
  ["noble oracle", verifyOracle],
  ["sodium-native", verifySodium],
  ["OpenSSL", verifyOpenssl],
  ["kernel", (publicKey, message, signature) => kernel.verifyOne(publicKey, message, signature)],
];

/** The slice of `npm run verify:campaign` that every test run takes. */
const MUTATIONS = 400;

const registrable = new Map<string, boolean>();

function isRegistered(publicKey: Uint8Array): boolean {
  const key = toHex(publicKey);
  const known = registrable.get(key);
  if (known !== undefined) return known;
  const is = isRegistrableKey(publicKey);
  registrable.set(key, is);
  // The kernel's own check, by the table that it builds. Keys get large and small ones in turn.
  expect(kernel.addKey(publicKey, registrable.size % 2 === 0 ? "hot" : "cold")).toBe(is);
  return is;
}

/** The ledger's verdict, after checking that every backend has the same one. */
function verdict({ publicKey, message, signature }: SignatureCheck): boolean {
  if (!isRegistered(publicKey)) return false;
  const verdicts = BACKENDS.map(([, verify]) => verify(publicKey, message, signature));
  const agreed = new Set(verdicts);
  const input = [publicKey, message, signature].map(toHex).join(" ");
  invariant(agreed.size === 1, `backends disagree (${verdicts.join()}) on ${input}`);
  return agreed.has(true);
}

function check(publicKey: string, message: string, signature: string): SignatureCheck {
  return {
    publicKey: fromHex(publicKey),
    message: fromHex(message),
    signature: fromHex(signature),
  };
}

function vectorText(name: string): string {
  return readFileSync(new URL(`../vectors/ed25519/${name}`, import.meta.url), "utf8");
}

function records(value: unknown): Record<string, unknown>[] {
  invariant(Array.isArray(value), "vectors are a list");
  return value.map(record);
}

function record(value: unknown): Record<string, unknown> {
  invariant(typeof value === "object" && value !== null, "a vector is an object");
  return Object.fromEntries(Object.entries(value));
}

function field(vector: Record<string, unknown>, name: string): string {
  const value = vector[name];
  invariant(typeof value === "string", `the vector has a string ${name}`);
  return value;
}

describe("published vectors", () => {
  test("speccheck: the ledger rejects all twelve cases", () => {
    const vectors = records(JSON.parse(vectorText("speccheck.json")));
    const checks = vectors.map((v) =>
      check(field(v, "pub_key"), field(v, "message"), field(v, "signature")),
    );
    expect(checks.map(verdict)).toEqual(Array.from({ length: 12 }, () => false));
  });

  test("Wycheproof: accepted exactly where the vector is valid", () => {
    const groups = records(
      record(JSON.parse(vectorText("wycheproof_ed25519_test.json")))["testGroups"],
    );
    const got: [unknown, boolean][] = [];
    const expected: [unknown, boolean][] = [];
    for (const group of groups) {
      const publicKey = field(record(group["publicKey"]), "pk");
      expect(isRegistered(fromHex(publicKey))).toBe(true);
      for (const v of records(group["tests"])) {
        got.push([v["tcId"], verdict(check(publicKey, field(v, "msg"), field(v, "sig")))]);
        expected.push([v["tcId"], v["result"] === "valid"]);
      }
    }
    expect(got).toHaveLength(151);
    expect(got).toEqual(expected);
  });

  test("ZIP-215: no key of the set can be registered, so nothing is accepted", () => {
    const vectors = records(JSON.parse(vectorText("zip215.json")));
    expect(vectors).toHaveLength(196);
    const message = toHex(utf8("Zcash"));
    for (const v of vectors) {
      const publicKey = field(v, "vk_bytes");
      expect(isRegistered(fromHex(publicKey))).toBe(false);
      expect(verdict(check(publicKey, message, field(v, "sig_bytes")))).toBe(false);
    }
  });

  test("RFC 8032, 7.1: accepted, and both signers make the same bytes", () => {
    const vectors = records(JSON.parse(vectorText("rfc8032_7_1.json")));
    expect(vectors).toHaveLength(5);
    for (const v of vectors) {
      expect(verdict(check(field(v, "pk"), field(v, "msg"), field(v, "sig")))).toBe(true);
      for (const signer of [portableSigner, nativeSigner].map((make) =>
        make(fromHex(field(v, "seed"))),
      )) {
        expect(toHex(signer.publicKey)).toBe(field(v, "pk"));
        expect(toHex(signer.sign(fromHex(field(v, "msg"))))).toBe(field(v, "sig"));
      }
    }
  });

  test("sign.input: all 128 are accepted, and rejected with one bit changed", () => {
    const lines = vectorText("sign.input-first-128.txt").trim().split("\n");
    expect(lines).toHaveLength(128);
    lines.forEach((line, i) => {
      const [, publicKey, message, signed] = line.split(":");
      const signature = present(signed, "signature").slice(0, 128);
      const vector = check(present(publicKey, "key"), present(message, "message"), signature);
      expect(verdict(vector)).toBe(true);
      expect(verdict({ ...vector, signature: flipBit(vector.signature, (i * 4) % 512) })).toBe(
        false,
      );
    });
  });
});

describe("signatures that only the holder of the key can make", () => {
  const forger = new Forger(new Uint8Array(32).fill(0x2a));
  const message = utf8("deliver 1000 against payment");
  const r = 0x1234_5678_9abc_def0n;
  const honestR = ed25519.Point.BASE.multiply(r);

  test("an R of the prime-order group is accepted: a signer has many signatures", () => {
    expect(verdict(forger.sign(honestR.toBytes(), r, message))).toBe(true);
    expect(verdict(forger.sign(ed25519.Point.BASE.toBytes(), 1n, message))).toBe(true);
  });

  test("a torsion component in R is rejected, which a cofactored verifier accepts", () => {
    for (const component of TORSION_POINTS.slice(1)) {
      const forged = forger.sign(honestR.add(component).toBytes(), r, message);
      expect(ed25519.verify(forged.signature, message, forged.publicKey)).toBe(true);
      expect(verdict(forged)).toBe(false);
    }
  });

  test("R of small order, the identity first of all, is rejected", () => {
    for (const point of TORSION_POINTS) {
      expect(verdict(forger.sign(point.toBytes(), 0n, message))).toBe(false);
    }
  });

  test("other encodings of the identity are rejected", () => {
    const p = 2n ** 255n - 19n;
    for (const y of [p + 1n, 1n + (1n << 255n), p + 1n + (1n << 255n)]) {
      expect(verdict(forger.sign(numberToBytesLE(y, 32), 0n, message))).toBe(false);
    }
  });

  test("S + L, S + 2L … and other lengths are rejected", () => {
    const { signature, ...rest } = forger.sign(honestR.toBytes(), r, message);
    const s = bytesToNumberLE(signature.subarray(32));
    for (let i = 1n; s + i * GROUP_ORDER < 1n << 256n; i++) {
      const shifted = numberToBytesLE(s + i * GROUP_ORDER, 32);
      const altered = concatBytes(signature.subarray(0, 32), shifted);
      expect(verdict({ ...rest, signature: altered })).toBe(false);
    }
    for (const length of [0, 1, 32, 63]) {
      expect(verdict({ ...rest, signature: signature.subarray(0, length) })).toBe(false);
    }
    for (const extra of [1, 64]) {
      const longer = concatBytes(signature, new Uint8Array(extra));
      expect(verdict({ ...rest, signature: longer })).toBe(false);
    }
  });
});

test("random mutations: the backends agree, and accept the unchanged signature alone", () => {
  const random = new Prng(20_261_125);
  const signers = Array.from({ length: 8 }, (_, i) => portableSigner(new Uint8Array(32).fill(i)));
  let accepted = 0;
  for (let i = 0; i < MUTATIONS; i++) {
    const signer = random.pick(signers);
    const honest = signedMessage(signer, random);
    const { check: mutant, valid } = mutate(honest, present(signers[0], "signer"), random);
    expect(verdict(mutant)).toBe(valid);
    if (valid) accepted += 1;
  }
  expect(accepted).toBeGreaterThan(0);
  expect(accepted).toBeLessThan(MUTATIONS);
});

test("the kernel's verdicts don't depend on a signature's place and company in the batch", () => {
  const random = new Prng(4);
  const signers = Array.from({ length: 12 }, (_, i) => nativeSigner(new Uint8Array(32).fill(i)));
  // Large tables, small ones, and keys without a table, which libsodium verifies.
  signers.slice(0, 8).forEach((signer) => void isRegistered(signer.publicKey));
  for (let round = 0; round < 60; round++) {
    const size = random.pick([1, 2, 3, 4, 5, 17, 64, 255, 256, 257]);
    const cases = Array.from({ length: size }, () => {
      const honest = signedMessage(random.pick(signers), random);
      return mutate(honest, present(signers[0], "signer"), random);
    });
    expect(kernel.verify(cases.map((one) => one.check))).toEqual(cases.map((one) => one.valid));
  }
});

describe("the self-test", () => {
  test("passes on the pinned libsodium", () => {
    expect(() => selfTest()).not.toThrow();
  });

  test("tells a verifier that reads 64 bytes of a longer signature", () => {
    const lax: VerifySignature = (key, message, signature) =>
      verifySodium(key, message, signature.subarray(0, 64));
    expect(() => selfTest(lax)).toThrow(expect.objectContaining({ code: "SELF_TEST_FAILED" }));
  });

  test("tells a cofactored verifier, one that accepts all, and one that accepts nothing", () => {
    const cofactored: VerifySignature = (key, message, signature) =>
      signature.length === 64 && ed25519.verify(signature, message, key);
    for (const wrong of [cofactored, () => true, () => false]) {
      expect(() => selfTest(wrong)).toThrow(expect.objectContaining({ code: "SELF_TEST_FAILED" }));
    }
  });

  test("tells the oracle from libsodium by questions the ledger never asks", () => {
    expect(() => selfTest(verifyOracle)).toThrow(/speccheck 0/);
  });
});
