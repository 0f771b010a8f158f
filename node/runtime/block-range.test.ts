import fc from "fast-check";
import { expect, test } from "vitest";
import { certificateSchema } from "../../consensus/certificate.ts";
import { type BlockHeader, headerDigest, headerSchema } from "../../consensus/header.ts";
import { MAX_BLOCKS_PER_REPLY } from "../../consensus/limits.ts";
import { present } from "../../primitives/assert.ts";
import { encode } from "../../primitives/codec/codec.ts";
import { digestOf } from "../dissemination/test-transactions.ts";
import { type BlockReads, readBlocks } from "./block-range.ts";
import { finalizationOf } from "./test-network.ts";

const CHAIN = digestOf("chain");

/** `finalizedBy[h - 1]`: the block whose finalization block h was committed with, h or above. */
function chainOf(
  finalizedBy: readonly number[],
  closing: readonly number[] = [],
): { reads: BlockReads; headers: BlockHeader[] } {
  const headers: BlockHeader[] = [];
  for (const [i] of finalizedBy.entries()) {
    const parent = headers.at(-1);
    headers.push({
      version: 1,
      chainId: CHAIN,
      epoch: 0,
      height: i + 1,
      parentDigest: parent === undefined ? CHAIN : headerDigest(parent),
      proposer: 0,
      timestampMs: i + 1,
      batchDigests: [],
      stateRoot: digestOf("state"),
      receiptsRoot: digestOf("receipts"),
      evidence: [],
      nextValidators: closing.includes(i + 1) ? digestOf("set") : undefined,
    });
  }
  const at = (height: number): BlockHeader => present(headers[height - 1], `block ${height}`);
  const reads: BlockReads = {
    head: {
      height: headers.length,
      digest: headers.length === 0 ? CHAIN : headerDigest(at(headers.length)),
      stateRoot: digestOf("state"),
    },
    header: (height) => encode(headerSchema, at(height)),
    finalization: (height) => {
      const certifier = at(present(finalizedBy[height - 1], "certifier"));
      return encode(certificateSchema, finalizationOf(certifier));
    },
    digest: (height) => headerDigest(at(height)),
  };
  return { reads, headers };
}

/** Heights of the headers in the answer, and of the block that its finalization names. */
function answer(
  finalizedBy: readonly number[],
  fromHeight: number,
  count: number,
  closing: readonly number[] = [],
) {
  const { reads, headers } = chainOf(finalizedBy, closing);
  const body = readBlocks(reads, 7, fromHeight, count);
  expect(body.requestId).toBe(7);
  const named = body.finalization?.target?.blockDigest;
  const finalized = headers.find((header) => headerDigest(header) === named)?.height;
  return { heights: body.headers.map(({ height }) => height), finalized, refusal: body.refusal };
}

test("every block with its own finalization: the whole range", () => {
  expect(answer([1, 2, 3, 4], 1, 64)).toMatchObject({ heights: [1, 2, 3, 4], finalized: 4 });
  expect(answer([1, 2, 3, 4], 2, 2)).toMatchObject({ heights: [2, 3], finalized: 3 });
  expect(answer([1, 2, 3, 4], 4, 1)).toMatchObject({ heights: [4], finalized: 4 });
});

test("the range ends with the newest block that has one", () => {
  expect(answer([1, 2, 5, 5, 5], 1, 4)).toMatchObject({ heights: [1, 2], finalized: 2 });
  expect(answer([3, 3, 3, 5, 5], 1, 4)).toMatchObject({ heights: [1, 2, 3], finalized: 3 });
  expect(answer([3, 3, 3, 5, 5], 2, 64)).toMatchObject({ heights: [2, 3, 4, 5], finalized: 5 });
});

test("no block of the range has one: all of it, under that of a descendant", () => {
  expect(answer([5, 5, 5, 5, 5], 1, 3)).toMatchObject({ heights: [1, 2, 3], finalized: 5 });
  expect(answer([5, 5, 5, 5, 5], 4, 1)).toMatchObject({ heights: [4], finalized: 5 });
});

test("no range reaches beyond the block that closes its epoch", () => {
  const finalizedBy = [2, 2, 4, 4, 5, 6];
  const closing = [4, 5];
  expect(answer(finalizedBy, 1, 64, closing)).toMatchObject({
    heights: [1, 2, 3, 4],
    finalized: 4,
  });
  expect(answer(finalizedBy, 3, 1, closing)).toMatchObject({ heights: [3], finalized: 4 });
  expect(answer(finalizedBy, 4, 64, closing)).toMatchObject({ heights: [4], finalized: 4 });
  expect(answer(finalizedBy, 5, 64, closing)).toMatchObject({ heights: [5], finalized: 5 });
  expect(answer(finalizedBy, 6, 64, closing)).toMatchObject({ heights: [6], finalized: 6 });
});

test("what cannot be served is refused", () => {
  const none = { heights: [], finalized: undefined };
  expect(answer([], 1, 1)).toEqual({ ...none, refusal: "NOT_AVAILABLE" });
  expect(answer([1, 2], 3, 1)).toEqual({ ...none, refusal: "NOT_AVAILABLE" });
  expect(answer([1, 2], 0, 1)).toEqual({ ...none, refusal: "RANGE" });
  expect(answer([1, 2], 1, 0)).toEqual({ ...none, refusal: "RANGE" });
  expect(answer([1, 2], 1, MAX_BLOCKS_PER_REPLY + 1)).toEqual({ ...none, refusal: "RANGE" });
});

test("law: asking on from the last header leads to the head, each answer finalized at or above", () => {
  const runs = fc.array(fc.integer({ min: 1, max: 90 }), { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(runs, fc.integer({ min: 1, max: MAX_BLOCKS_PER_REPLY }), (lengths, count) => {
      const finalizedBy: number[] = [];
      for (const length of lengths) {
        const tip = finalizedBy.length + length;
        for (let i = 0; i < length; i++) finalizedBy.push(tip);
      }
      const { reads, headers } = chainOf(finalizedBy);
      let next = 1;
      while (next <= headers.length) {
        const body = readBlocks(reads, 1, next, count);
        expect(body.headers).toEqual(headers.slice(next - 1, next - 1 + body.headers.length));
        expect(body.headers.length).toBeGreaterThan(0);
        expect(body.headers.length).toBeLessThanOrEqual(count);
        const last = next + body.headers.length - 1;
        const certifier = present(finalizedBy[last - 1], "certifier");
        const digest = headerDigest(present(headers[certifier - 1], "certifier"));
        expect(body.finalization?.target?.blockDigest).toBe(digest);
        // Short of what was asked only because it ends with a finalized block.
        const isWhole = last === Math.min(next + count - 1, headers.length);
        expect(isWhole || certifier === last).toBe(true);
        next = last + 1;
      }
    }),
    { numRuns: 40 },
  );
});
