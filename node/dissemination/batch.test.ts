import fc from "fast-check";
import { expect, test } from "vitest";
import { MAX_TRANSACTION_BYTES } from "../../ledger/limits.ts";
import { toHex, utf8 } from "../../primitives/bytes.ts";
import { encode } from "../../primitives/codec/codec.ts";
import { bytesUpTo, counter, list, record, uint } from "../../primitives/codec/schema.ts";
import { CodedError } from "../../primitives/errors.ts";
import { sha256 } from "../../primitives/sha256.ts";
import {
  BATCH_CAPACITY,
  batchDigest,
  MAX_BATCH_BYTES,
  MAX_BATCH_TRANSACTIONS,
  packBatch,
  packedSize,
  readBatch,
} from "./batch.ts";
import { batchOf, SAMPLE, sizedWire, transactionOf, wireOf } from "./test-transactions.ts";

/** The layout without the bounds. */
const loose = record({
  author: uint(),
  sequence: counter,
  transactions: list(bytesUpTo(1 << 20), 1 << 16),
});

function codeOf(bytes: Uint8Array): string {
  try {
    readBatch(bytes);
  } catch (error) {
    if (error instanceof CodedError) return error.code;
    throw error;
  }
  return "read";
}

test("what is packed is read back, under the digest of its bytes", () => {
  const packed = packBatch(3, 7, [wireOf(transactionOf("a")), wireOf(transactionOf("b"))]);
  const read = readBatch(packed.bytes);
  expect(read).toEqual(packed);
  const domain = utf8("MIZAN/BATCH/1\0");
  expect(read.digest).toBe(toHex(sha256(Uint8Array.of(...domain, ...packed.bytes))));
  expect(batchDigest(packed.bytes)).toBe(packed.digest);
});

test("author, sequence and transactions all enter the digest", () => {
  const digests = [batchOf(1, 1, 1), batchOf(2, 1, 1), batchOf(1, 2, 1), batchOf(1, 1, 2)].map(
    ({ digest }) => digest,
  );
  expect(new Set(digests).size).toBe(4);
});

test("the largest count of transactions is read, one more is refused", () => {
  const { bytes } = SAMPLE;
  const of = (count: number): Uint8Array =>
    encode(loose, {
      author: 0,
      sequence: 0,
      transactions: Array.from({ length: count }, () => bytes),
    });
  expect(readBatch(of(MAX_BATCH_TRANSACTIONS)).transactions).toHaveLength(MAX_BATCH_TRANSACTIONS);
  expect(codeOf(of(MAX_BATCH_TRANSACTIONS + 1))).toBe("TOO_MANY_ELEMENTS");
});

test("what is no batch is refused", () => {
  const sample = SAMPLE.bytes;
  const refusal = (author: number, transactions: readonly Uint8Array[]): string =>
    codeOf(encode(loose, { author, sequence: 0, transactions }));
  expect(refusal(0, [])).toBe("BATCH_EMPTY");
  expect(refusal(0xffff, [sample])).toBe("INVALID_VALUE");
  expect(refusal(0, [new Uint8Array(0)])).toBe("TX_MALFORMED");
  expect(refusal(0, [sample, Uint8Array.of(1, 2, 3)])).toBe("TX_MALFORMED");
  expect(refusal(0, [new Uint8Array(MAX_TRANSACTION_BYTES + 1)])).toBe("INVALID_VALUE");
  expect(codeOf(new Uint8Array(0))).toBe("MALFORMED");
  expect(codeOf(new Uint8Array(MAX_BATCH_BYTES + 1))).toBe("TOO_LARGE");
  const { bytes } = batchOf(1, 1);
  expect(codeOf(Uint8Array.of(...bytes, 0))).toBe("MALFORMED");
  expect(codeOf(bytes.subarray(0, -1))).toBe("MALFORMED");
  // The author as a uint8 where a fixint would do.
  expect(codeOf(Uint8Array.of(bytes[0] ?? 0, 0xcc, ...bytes.subarray(1)))).toBe("NOT_CANONICAL");
});

test("law: of changed bytes nothing is read that does not encode to them again", () => {
  const { bytes } = batchOf(2, 5, 3);
  fc.assert(
    fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
      const changed = Uint8Array.from(bytes);
      changed[at] = (changed[at] ?? 0) ^ change;
      let read: ReturnType<typeof readBatch>;
      try {
        read = readBatch(changed);
      } catch (error) {
        expect(error).toBeInstanceOf(CodedError);
        return;
      }
      expect(read.bytes).toEqual(changed);
      expect(read.digest).not.toBe(batchDigest(bytes));
    }),
    { numRuns: 300 },
  );
});

test("law: transactions that fit the capacity encode to at most the largest batch", () => {
  const length = fc.oneof(
    { arbitrary: fc.constantFrom(0, 31, 32, 255, 256, 65_535, MAX_TRANSACTION_BYTES), weight: 1 },
    { arbitrary: fc.integer({ min: 0, max: 600 }), weight: 3 },
  );
  fc.assert(
    fc.property(
      fc.array(length, { minLength: 1, maxLength: MAX_BATCH_TRANSACTIONS, size: "max" }),
      fc.constantFrom(0, 1, 63),
      fc.constantFrom(0, 1, Number.MAX_SAFE_INTEGER),
      (lengths, author, sequence) => {
        const chosen: number[] = [];
        let size = 0;
        for (const each of lengths) {
          if (size + packedSize(each) > BATCH_CAPACITY) break;
          size += packedSize(each);
          chosen.push(each);
        }
        const wire = chosen.map((each) => sizedWire(SAMPLE, each));
        expect(packBatch(author, sequence, wire).bytes.length).toBeLessThanOrEqual(MAX_BATCH_BYTES);
      },
    ),
    { numRuns: 100 },
  );
});

test("at the edge: filled to the last byte, in a few large or a thousand small ones", () => {
  const fill = (count: number): readonly number[] => {
    const each = Math.floor(BATCH_CAPACITY / count) - packedSize(0);
    const rest = BATCH_CAPACITY - count * packedSize(each);
    return Array.from({ length: count }, (_, i) => (i === 0 ? each + rest : each));
  };
  for (const count of [4, 5, 400, 1023, MAX_BATCH_TRANSACTIONS]) {
    const lengths = fill(count);
    expect(lengths.reduce((sum, length) => sum + packedSize(length), 0)).toBe(BATCH_CAPACITY);
    const { bytes } = packBatch(
      63,
      Number.MAX_SAFE_INTEGER,
      lengths.map((length) => sizedWire(SAMPLE, length)),
    );
    expect(bytes.length).toBeLessThanOrEqual(MAX_BATCH_BYTES);
    expect(bytes.length).toBeGreaterThan(MAX_BATCH_BYTES - 4096);
  }
});
