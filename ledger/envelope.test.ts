import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { concatBytes, fromHex, toHex, utf8 } from "../primitives/bytes.ts";
import { encode } from "../primitives/codec/codec.ts";
import { bytesUpTo, fixedBytes, list, record, text } from "../primitives/codec/schema.ts";
import { verifyOracle } from "../primitives/ed25519/criterion.ts";
import { portableSigner } from "../primitives/ed25519/signer.ts";
import { sha256 } from "../primitives/sha256.ts";
import {
  buildBody,
  decodeSignedTransaction,
  encodeSignedTransaction,
  mergeSigned,
  signatureBy,
  TransactionError,
  unsigned,
  withSignatures,
} from "./envelope.ts";
import { MAX_TRANSACTION_BYTES } from "./limits.ts";
import { primaryDvp } from "./testing/test-ledger.ts";

const chainId = "ab".repeat(32);
const head = { chainId, member: "HBL", clientRef: "ORDER 17/B", expiresAtHeight: 42 };
const body = buildBody(head, "settle-dvp", primaryDvp);
const plain = unsigned(body);
const signature = (member: string, fill: number, keyId = "k1") => ({
  member,
  keyId,
  signature: new Uint8Array(64).fill(fill),
});

function codeOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof TransactionError) return error.code;
    throw error;
  }
  return "no error";
}

describe("statement and txId", () => {
  test("the statement is domain, chain and body digest: 75 bytes", () => {
    const expected = concatBytes(utf8("MIZAN/TX/1\0"), fromHex(chainId), sha256(plain.bodyBytes));
    expect(plain.statement).toHaveLength(75);
    expect(toHex(plain.statement)).toBe(toHex(expected));
    expect(plain.txId).toBe(toHex(sha256(expected)));
  });

  test("signatures change neither", () => {
    const signed = withSignatures(plain, [signature("HBL", 1)]);
    expect(signed.txId).toBe(plain.txId);
    expect(signed.bytes).not.toEqual(plain.bytes);
  });

  test("a real signature verifies over the statement", () => {
    const signer = portableSigner(new Uint8Array(32).fill(3));
    const { signature: made } = signatureBy(plain, "HBL", "k1", signer);
    expect(verifyOracle(signer.publicKey, plain.statement, made)).toBe(true);
  });

  test("every field of the body enters the id", () => {
    const ids = [
      plain,
      unsigned(buildBody({ ...head, clientRef: "other" }, "settle-dvp", primaryDvp)),
      unsigned(buildBody({ ...head, member: "UBL" }, "settle-dvp", primaryDvp)),
      unsigned(buildBody({ ...head, expiresAtHeight: 43 }, "settle-dvp", primaryDvp)),
      unsigned(buildBody({ ...head, chainId: "cd".repeat(32) }, "settle-dvp", primaryDvp)),
      unsigned(buildBody(head, "settle-dvp", { ...primaryDvp, face: 1n })),
    ].map(({ txId }) => txId);
    expect(new Set(ids).size).toBe(ids.length);
  });
});

describe("signatures", () => {
  const parts = [signature("UBL", 1), signature("HBL", 2, "k2"), signature("HBL", 3)];

  test("stand sorted by member and key, whatever the order of signing", () => {
    const signed = withSignatures(plain, parts);
    expect(signed.signatures.map(({ member, keyId }) => `${member}/${keyId}`)).toEqual([
      "HBL/k1",
      "HBL/k2",
      "UBL/k1",
    ]);
  });

  test("merge to the same bytes in any order and grouping", () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ member: fc.constantFrom("A", "B", "C"), fill: fc.nat(255) }), {
          maxLength: 8,
        }),
        fc.nat(8),
        (drawn, cut) => {
          const made = drawn.map(({ member, fill }) => signature(member, fill));
          const left = withSignatures(plain, made.slice(0, cut));
          const right = withSignatures(plain, made.slice(cut));
          const merged = mergeSigned(left, right);
          expect(merged.bytes).toEqual(mergeSigned(right, left).bytes);
          expect(merged.bytes).toEqual(withSignatures(plain, made).bytes);
        },
      ),
    );
  });

  test("of different transactions do not merge", () => {
    const other = unsigned(buildBody({ ...head, clientRef: "x" }, "settle-dvp", primaryDvp));
    expect(codeOf(() => mergeSigned(plain, other))).toBe("TX_MALFORMED");
  });

  test("are at most 16", () => {
    const many = Array.from({ length: 17 }, (_, i) => signature(`M${i}`, i));
    expect(codeOf(() => withSignatures(plain, many))).toBe("TX_TOO_LARGE");
    expect(withSignatures(plain, many.slice(1)).signatures).toHaveLength(16);
  });
});

describe("decoding", () => {
  const signed = withSignatures(plain, [signature("HBL", 1), signature("UBL", 2)]);
  const loose = record({
    body: bytesUpTo(MAX_TRANSACTION_BYTES * 2),
    signatures: list(record({ member: text(64), keyId: text(64), signature: fixedBytes(64) }), 64),
  });

  test("gives back what was encoded", () => {
    expect(decodeSignedTransaction(encodeSignedTransaction(signed))).toEqual(signed);
    expect(decodeSignedTransaction(plain.bytes)).toEqual(plain);
  });

  test("keeps its own copy of the bytes", () => {
    const buffer = new Uint8Array(signed.bytes);
    const decoded = decodeSignedTransaction(buffer);
    buffer.fill(0);
    expect(decoded).toEqual(signed);
  });

  test("TX_TOO_LARGE before anything is read", () => {
    const big = new Uint8Array(MAX_TRANSACTION_BYTES + 1);
    expect(codeOf(() => decodeSignedTransaction(big))).toBe("TX_TOO_LARGE");
  });

  test("TX_NOT_CANONICAL for signatures out of order or twice", () => {
    const wrong = [
      [signature("UBL", 2), signature("HBL", 1)],
      [signature("HBL", 1), signature("HBL", 2)],
    ];
    for (const signatures of wrong) {
      const bytes = encode(loose, { body: plain.bodyBytes, signatures });
      expect(codeOf(() => decodeSignedTransaction(bytes))).toBe("TX_NOT_CANONICAL");
    }
  });

  test("TX_NOT_CANONICAL for a body in another encoding of the same value", () => {
    // The 3 letters of "HBL" as a str8 instead of a fixstr.
    const at = plain.bodyBytes.indexOf(0xa3);
    const longer = concatBytes(
      plain.bodyBytes.subarray(0, at),
      new Uint8Array([0xd9, 3]),
      plain.bodyBytes.subarray(at + 1),
    );
    const bytes = encode(loose, { body: longer, signatures: [] });
    expect(codeOf(() => decodeSignedTransaction(bytes))).toBe("TX_NOT_CANONICAL");
  });

  test.each([
    ["an unknown kind", (fields: unknown[]) => fields.with(5, "mint-gold")],
    ["a kind from the prototype", (fields: unknown[]) => fields.with(5, "toString")],
    ["another version", (fields: unknown[]) => fields.with(0, 2)],
    ["a payload of another kind", (fields: unknown[]) => fields.with(5, "issue")],
    ["a member with a slash", (fields: unknown[]) => fields.with(2, "HBL/x")],
    ["an empty reference", (fields: unknown[]) => fields.with(3, "")],
    ["a reference of 36 characters", (fields: unknown[]) => fields.with(3, "x".repeat(36))],
    ["a reference with a trailing space", (fields: unknown[]) => fields.with(3, "x ")],
    ["a field too few", (fields: unknown[]) => fields.slice(0, 6)],
  ])("TX_MALFORMED for %s", (_, change) => {
    const wire = {
      describe: "",
      toWire: (value: unknown) => value as never,
      fromWire: (value: unknown) => value,
    };
    const fields = fieldsOf();
    const bytes = encode(loose, { body: encode(wire, change(fields)), signatures: [] });
    expect(codeOf(() => decodeSignedTransaction(bytes))).toBe("TX_MALFORMED");
    const whole = encode(loose, { body: encode(wire, fields), signatures: [] });
    expect(decodeSignedTransaction(whole)).toEqual(plain);
  });

  function fieldsOf(): unknown[] {
    const amount = (value: bigint) => {
      const out = new Uint8Array(16);
      new DataView(out.buffer).setBigUint64(8, value);
      return out;
    };
    const p = primaryDvp;
    return [
      1,
      fromHex(chainId),
      "HBL",
      "ORDER 17/B",
      42n,
      "settle-dvp",
      [
        p.settlementRef,
        p.isin,
        amount(p.face),
        p.delivererAccount,
        p.receiverAccount,
        p.payerCashAccount,
        p.payeeCashAccount,
        amount(p.cleanAmount),
        amount(p.accruedInterest),
      ],
    ];
  }

  test("any other bytes are a coded error, never another exception", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
        expect(codeOf(() => decodeSignedTransaction(bytes))).toMatch(/^TX_/);
      }),
    );
    fc.assert(
      fc.property(fc.nat(signed.bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const bytes = new Uint8Array(signed.bytes);
        bytes[at] = (bytes[at] ?? 0) ^ flip;
        const code = codeOf(() => {
          // A flip that still decodes is another transaction or another signature.
          expect(decodeSignedTransaction(bytes).bytes).not.toEqual(signed.bytes);
        });
        expect(code).toMatch(/^TX_|^no error$/);
      }),
    );
  });
});
