import fc from "fast-check";
import { expect, test } from "vitest";
import { utf8 } from "../../primitives/bytes.ts";
import { StateTree } from "../../primitives/merkle/state-tree.ts";
import type { StateEntry } from "../storage/committed-block.ts";
import { ChunkPacker, chunkHash, decodeChunk, encodeChunk } from "./chunk.ts";
import { MAX_CHUNK_BYTES } from "./limits.ts";
import { stateOf } from "./testing/certified-chain.ts";

function pack(entries: Iterable<StateEntry>): readonly Uint8Array[] {
  const packer = new ChunkPacker();
  const chunks: Uint8Array[] = [];
  for (const entry of entries) {
    const full = packer.add(entry);
    if (full !== undefined) chunks.push(full);
  }
  const last = packer.end();
  return last === undefined ? chunks : [...chunks, last];
}

const key = fc.stringMatching(/^[\x21-\x7e]{1,40}$/);
const state = fc
  .uniqueArray(fc.tuple(key, fc.uint8Array({ maxLength: 300 })), {
    selector: ([name]) => name,
    maxLength: 60,
  })
  .map((entries) => entries.sort(([a], [b]) => (a < b ? -1 : 1)));

test("law: what is unpacked is what was packed, with the same root", () => {
  fc.assert(
    fc.property(state, (entries) => {
      let last: string | undefined;
      const back = pack(entries).flatMap((chunk) => {
        const read = decodeChunk(chunk, last);
        last = read.at(-1)?.[0];
        return read;
      });
      expect(back).toEqual(entries);
      expect(StateTree.from(back).root).toBe(StateTree.from(entries).root);
    }),
  );
});

test("law: a chunk is as full as the bound allows, and never over it", () => {
  const sizes = fc.array(fc.integer({ min: 0, max: 700_000 }), { minLength: 1, maxLength: 12 });
  fc.assert(
    fc.property(sizes, (lengths) => {
      const entries = lengths.map(
        (length, i): StateEntry => [`k${String(i).padStart(4, "0")}`, new Uint8Array(length)],
      );
      const chunks = pack(entries);
      const sizeOf = ([name, value]: StateEntry) => name.length + value.length + 9;
      let next = 0;
      for (const chunk of chunks) {
        expect(chunk.length).toBeLessThanOrEqual(MAX_CHUNK_BYTES);
        const read = decodeChunk(chunk, undefined);
        next += read.length;
        const size = read.reduce((sum, entry) => sum + sizeOf(entry), 5);
        const follower = entries[next];
        if (follower !== undefined) {
          expect(size + sizeOf(follower)).toBeGreaterThan(MAX_CHUNK_BYTES);
        }
      }
      expect(next).toBe(entries.length);
    }),
    { numRuns: 40 },
  );
});

test("many small entries are cut where their bytes are full", () => {
  const chunks = pack(stateOf(30_000, 60));
  expect(chunks.length).toBe(3);
  expect(chunks.map(({ length }) => length > 900_000)).toEqual([true, true, false]);
});

test("keys that do not rise are refused, within a chunk and from one to the next", () => {
  const a: StateEntry = ["a", utf8("1")];
  const b: StateEntry = ["b", utf8("2")];
  const order = expect.objectContaining({ code: "SNAPSHOT_ORDER" });
  expect(() => decodeChunk(encodeChunk([b, a]), undefined)).toThrow(order);
  expect(() => decodeChunk(encodeChunk([a, a]), undefined)).toThrow(order);
  expect(() => decodeChunk(encodeChunk([a, b]), "a")).toThrow(order);
  expect(decodeChunk(encodeChunk([b]), "a")).toEqual([b]);
});

test("bytes that are no canonical chunk are refused", () => {
  const malformed = expect.objectContaining({ code: "SNAPSHOT_MALFORMED" });
  const chunk = encodeChunk([["a", utf8("1")]]);
  for (const bytes of [
    new Uint8Array(0),
    encodeChunk([]),
    chunk.subarray(1),
    Uint8Array.of(...chunk, 0),
    // The list with a length of two bytes: another spelling of the same entries.
    Uint8Array.of(0xdc, 0, 1, ...chunk.subarray(1)),
    new Uint8Array(MAX_CHUNK_BYTES + 1),
  ]) {
    expect(() => decodeChunk(bytes, undefined)).toThrow(malformed);
  }
});

test("an entry that no chunk can hold is refused when it is written", () => {
  expect(() => pack([["a", new Uint8Array(MAX_CHUNK_BYTES)]])).toThrow(/at most/);
  expect(() => encodeChunk([["no space", utf8("")]])).toThrow(/matching/);
});

test("the hash is domain separated", () => {
  expect(chunkHash(utf8("abc"))).toMatch(/^[0-9a-f]{64}$/);
  expect(chunkHash(utf8("abc"))).not.toBe(chunkHash(utf8("abd")));
});
