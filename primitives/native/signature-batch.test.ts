import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { SignatureCheck, VerifySignature } from "../verifier.ts";
import {
  BatchRun,
  BatchWriter,
  MAX_BATCH_BYTES,
  MAX_BATCH_SIGNATURES,
  MAX_MESSAGE_BYTES,
  readAnswer,
} from "./signature-batch.ts";

function check(publicKey: number, message: Uint8Array, signature = 0): SignatureCheck {
  return {
    publicKey: new Uint8Array(32).fill(publicKey),
    message,
    signature: new Uint8Array(64).fill(signature),
  };
}

function pack(checks: readonly SignatureCheck[], batchNumber = 7): ArrayBuffer {
  const writer = new BatchWriter(batchNumber);
  for (const item of checks) writer.add(item);
  return writer.pack();
}

/** Stands for a verification: "valid" if the key's first byte is odd. */
const oddKey: VerifySignature = (publicKey) => (publicKey[0] ?? 0) % 2 === 1;

function answerTo(batch: ArrayBuffer, step = 5): Uint8Array {
  const run = new BatchRun(batch, oddKey);
  while (!run.done) run.advance(step);
  return run.answer();
}

describe("a packed batch", () => {
  test("has the documented layout", () => {
    const bytes = new Uint8Array(pack([check(0xaa, Uint8Array.of(1, 2, 3), 0xbb)], 0x01020304));
    expect([...bytes.subarray(0, 8)]).toEqual([1, 2, 3, 4, 0, 0, 0, 1]);
    expect([...bytes.subarray(8, 40)]).toEqual(Array.from({ length: 32 }, () => 0xaa));
    expect([...bytes.subarray(40, 104)]).toEqual(Array.from({ length: 64 }, () => 0xbb));
    expect([...bytes.subarray(104)]).toEqual([0, 0, 0, 3, 1, 2, 3]);
  });

  test("carries every item to the backend and every verdict back", () => {
    const item = fc.record({ key: fc.nat(255), message: fc.uint8Array({ maxLength: 300 }) });
    const items = fc.array(item, { minLength: 1, maxLength: MAX_BATCH_SIGNATURES });
    fc.assert(
      fc.property(items, fc.integer({ min: 1, max: 300 }), (list, step) => {
        const seen: string[] = [];
        const recording: VerifySignature = (key, message, signature) => {
          seen.push(`${key.join()}|${message.join()}|${signature.join()}`);
          return oddKey(key, message, signature);
        };
        const checks = list.map(({ key, message }) => check(key, message, key));
        const run = new BatchRun(pack(checks), recording);
        while (!run.done) run.advance(step);
        expect(seen).toEqual(
          checks.map((c) => `${c.publicKey.join()}|${c.message.join()}|${c.signature.join()}`),
        );
        expect(readAnswer(run.answer(), 7, list.length)).toEqual(
          list.map(({ key }) => key % 2 === 1),
        );
      }),
      { numRuns: 50 },
    );
  });

  test("is copied: the caller's buffers may change, and a second pack is the same", () => {
    const message = Uint8Array.of(1, 2, 3);
    const writer = new BatchWriter(1);
    writer.add(check(1, message));
    const first = new Uint8Array(writer.pack());
    message.fill(9);
    expect(new Uint8Array(writer.pack())).toEqual(first);
    expect([...first.subarray(-3)]).toEqual([1, 2, 3]);
  });

  test("is full by count and by bytes", () => {
    const writer = new BatchWriter(1);
    for (let i = 0; i < MAX_BATCH_SIGNATURES; i++) writer.add(check(1, new Uint8Array(1)));
    expect(writer.isFull).toBe(true);
    expect(writer.hasRoomFor(check(1, new Uint8Array()))).toBe(false);
    const long = new BatchWriter(2);
    const item = check(1, new Uint8Array(MAX_MESSAGE_BYTES));
    while (long.hasRoomFor(item)) long.add(item);
    expect(long.count).toBe(3);
    expect(long.pack().byteLength).toBeLessThanOrEqual(MAX_BATCH_BYTES);
  });

  test("is refused when cut, prolonged or with a wrong count", () => {
    const whole = pack([check(1, new Uint8Array(20)), check(2, new Uint8Array(20))]);
    const malformed = expect.objectContaining({ code: "BATCH_MALFORMED" });
    for (let length = 0; length < whole.byteLength; length++) {
      expect(() => answerTo(whole.slice(0, length))).toThrow(malformed);
    }
    const longer = new Uint8Array(whole.byteLength + 1);
    longer.set(new Uint8Array(whole));
    expect(() => answerTo(longer.buffer)).toThrow(malformed);
    const miscounted = new Uint8Array(whole.slice(0));
    for (const count of [0, 1, 3, 255]) {
      miscounted.set([0, 0, 0, count], 4);
      if (count === 0) continue;
      expect(() => answerTo(miscounted.slice().buffer)).toThrow(malformed);
    }
    miscounted.set([0xff, 0xff, 0xff, 0xff], 4);
    expect(() => answerTo(miscounted.buffer)).toThrow(malformed);
  });
});

describe("an answer", () => {
  const batch = pack(
    [1, 0, 1].map((key) => check(key, new Uint8Array(4))),
    9,
  );
  const malformed = expect.objectContaining({ code: "ANSWER_MALFORMED" });

  test("is read as it was given", () => {
    expect(readAnswer(answerTo(batch), 9, 3)).toEqual([true, false, true]);
  });

  test("is refused for another batch, another count or another length", () => {
    const answer = answerTo(batch);
    expect(() => readAnswer(answer, 8, 3)).toThrow(malformed);
    expect(() => readAnswer(answer, 9, 4)).toThrow(malformed);
    expect(() => readAnswer(answer.subarray(0, -1), 9, 3)).toThrow(malformed);
    expect(() => readAnswer(new Uint8Array([...answer, 0]), 9, 3)).toThrow(malformed);
    expect(() => readAnswer("bytes", 9, 3)).toThrow(malformed);
    expect(() => readAnswer(undefined, 9, 3)).toThrow(malformed);
  });

  test("is refused with a bit set past the count", () => {
    const answer = answerTo(batch);
    answer[8] = 0b1101;
    expect(() => readAnswer(answer, 9, 3)).toThrow(malformed);
  });
});
