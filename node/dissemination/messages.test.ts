import { expect, test } from "vitest";
import { encode } from "../../primitives/codec/codec.ts";
import { counter, hash, list, record } from "../../primitives/codec/schema.ts";
import { FrameKind } from "../net/frame.ts";
import { FRAME_RULES } from "../net/limits.ts";
import { MAX_BATCH_BYTES } from "./batch.ts";
import {
  decodeEnd,
  decodeGet,
  decodeHave,
  encodeEnd,
  encodeGet,
  encodeHave,
  MAX_DIGESTS,
} from "./messages.ts";
import { digestOf } from "./test-transactions.ts";

const digests = Array.from({ length: MAX_DIGESTS }, (_, i) => digestOf(`m${i}`));

test("each message is read back as it was written, empty and at its largest", () => {
  for (const some of [[], digests]) {
    expect(decodeHave(encodeHave(some))).toEqual(some);
    const get = { requestId: Number.MAX_SAFE_INTEGER, digests: some };
    expect(decodeGet(encodeGet(get))).toEqual(get);
    const end = { requestId: 0, missing: some };
    expect(decodeEnd(encodeEnd(end))).toEqual(end);
  }
});

test("the largest of each fits the frame of its kind", () => {
  const largest = [
    [FrameKind.batch, MAX_BATCH_BYTES],
    [FrameKind.batchHave, encodeHave(digests).length],
    [FrameKind.getBatches, encodeGet({ requestId: 1, digests }).length],
    [FrameKind.batches, encodeEnd({ requestId: 1, missing: digests }).length],
  ] as const;
  for (const [kind, bytes] of largest) {
    expect(bytes).toBeLessThanOrEqual(FRAME_RULES.get(kind)?.maxBytes ?? 0);
  }
});

test("more digests than a block names are refused, and so are other bytes", () => {
  const many = [...digests, digestOf("one too many")];
  const loose = record({ requestId: counter, digests: list(hash, 1000) });
  const bytes = encode(loose, { requestId: 1, digests: many });
  expect(() => decodeGet(bytes)).toThrow("list of at most");
  expect(() => decodeEnd(bytes)).toThrow("list of at most");
  expect(() => decodeHave(encodeGet({ requestId: 1, digests: [] }))).toThrow();
  expect(() => decodeGet(encodeHave([]))).toThrow();
  const huge = encode(loose, {
    requestId: 1,
    digests: Array.from({ length: 1000 }, () => many[0] ?? ""),
  });
  expect(() => decodeGet(huge)).toThrow("bytes");
});
