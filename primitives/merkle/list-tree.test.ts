import { sha256 as nobleSha256 } from "@noble/hashes/sha2.js";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { InvariantError } from "../assert.ts";
import { concatBytes, fromHex, toHex } from "../bytes.ts";
import { decode, encode } from "../codec/codec.ts";
import {
  LIST_ITEMS_MAX,
  listProofSchema,
  listRoot,
  proveListItem,
  verifyListProof,
} from "./list-tree.ts";

/** MTH of RFC 9162 section 2.1.1, word for word. */
function modelRoot(leaves: readonly Uint8Array[]): Uint8Array {
  const [first] = leaves;
  if (first === undefined) return nobleSha256(new Uint8Array(0));
  if (leaves.length === 1) return nobleSha256(concatBytes(Uint8Array.of(0), first));
  let k = 1;
  while (2 * k < leaves.length) k *= 2;
  const left = modelRoot(leaves.slice(0, k));
  const right = modelRoot(leaves.slice(k));
  return nobleSha256(concatBytes(Uint8Array.of(1), left, right));
}

/** PATH of RFC 9162 section 2.1.3.1. */
function modelPath(index: number, leaves: readonly Uint8Array[]): string[] {
  if (leaves.length === 1) return [];
  let k = 1;
  while (2 * k < leaves.length) k *= 2;
  const left = leaves.slice(0, k);
  const right = leaves.slice(k);
  return index < k
    ? [...modelPath(index, left), toHex(modelRoot(right))]
    : [...modelPath(index - k, right), toHex(modelRoot(left))];
}

const leavesArb = fc.array(fc.uint8Array({ maxLength: 8 }), { minLength: 1, maxLength: 70 });

describe("list tree", () => {
  it("has the published roots of the Certificate Transparency test data", () => {
    // The eight inputs and roots of the reference implementation (google/certificate-transparency,
    // merkletree tests; the tree is the one of RFC 6962, which RFC 9162 keeps).
    const inputs = [
      "",
      "00",
      "10",
      "2021",
      "3031",
      "40414243",
      "5051525354555657",
      "606162636465666768696a6b6c6d6e6f",
    ].map(fromHex);
    const roots = [
      "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
      "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
      "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
      "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
      "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
      "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
      "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
      "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
      "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ];
    for (const [n, root] of roots.entries()) expect(listRoot(inputs.slice(0, n))).toBe(root);
  });

  it("has the root and the paths that the RFC defines", () => {
    fc.assert(
      fc.property(leavesArb, (leaves) => {
        expect(listRoot(leaves)).toBe(toHex(modelRoot(leaves)));
        for (const index of leaves.keys()) {
          expect(proveListItem(leaves, index)).toEqual(modelPath(index, leaves));
        }
      }),
      { numRuns: 60 },
    );
  });

  it("verifies every item at its place and nowhere else", () => {
    fc.assert(
      fc.property(fc.nat(40), (extra) => {
        const leaves = Array.from({ length: extra + 1 }, (_, i) => Uint8Array.of(i));
        const root = listRoot(leaves);
        for (const [index, leaf] of leaves.entries()) {
          const proof = proveListItem(leaves, index);
          for (const place of leaves.keys()) {
            expect(verifyListProof(root, leaf, place, leaves.length, proof)).toBe(place === index);
          }
        }
      }),
      { numRuns: 15 },
    );
  });

  it("refuses altered items, proofs and roots", () => {
    fc.assert(
      fc.property(leavesArb, fc.nat(), fc.nat(63), (leaves, random, digit) => {
        const index = random % leaves.length;
        const leaf = leaves[index] ?? new Uint8Array(0);
        const root = listRoot(leaves);
        const proof = proveListItem(leaves, index);
        const check = (changed: readonly string[]): boolean =>
          verifyListProof(root, leaf, index, leaves.length, changed);
        expect(check(proof)).toBe(true);
        const longer = Uint8Array.of(...leaf, 0);
        expect(verifyListProof(root, longer, index, leaves.length, proof)).toBe(false);
        expect(check([...proof, root])).toBe(false);
        for (const [i, hash] of proof.entries()) {
          const other = hash[digit] === "0" ? "1" : "0";
          const altered = hash.slice(0, digit) + other + hash.slice(digit + 1);
          expect(check(proof.with(i, altered))).toBe(false);
          expect(check(proof.toSpliced(i, 1))).toBe(false);
        }
      }),
      { numRuns: 100 },
    );
  });

  it("does not take an inner node for an item", () => {
    const leaves = [1, 2, 3, 4].map((byte) => Uint8Array.of(byte));
    const root = listRoot(leaves);
    const [lower = "", upper = ""] = proveListItem(leaves, 0);
    const inner = concatBytes(nobleSha256(Uint8Array.of(0, 1)), fromHex(lower));
    expect(verifyListProof(root, inner, 0, 2, [upper])).toBe(false);
    expect(verifyListProof(root, concatBytes(Uint8Array.of(1), inner), 0, 2, [upper])).toBe(false);
  });

  it("is false for malformed input and refuses lists beyond the bound", () => {
    const leaf = Uint8Array.of(1);
    const root = listRoot([leaf]);
    expect(verifyListProof(root, leaf, 0, 1, [])).toBe(true);
    for (const [index, size] of [
      [0, 0],
      [1, 1],
      [-1, 1],
      [0.5, 1],
      [0, LIST_ITEMS_MAX + 1],
      [Number.NaN, 1],
    ] as const) {
      expect(verifyListProof(root, leaf, index, size, [])).toBe(false);
    }
    expect(verifyListProof(root, leaf, 0, 2, ["no hash"])).toBe(false);
    expect(() => listRoot(Array.from({ length: LIST_ITEMS_MAX + 1 }, () => leaf))).toThrow(
      InvariantError,
    );
    expect(() => proveListItem([leaf], 1)).toThrow(InvariantError);
  });

  it("carries proofs over the wire", () => {
    const leaves = Array.from({ length: 1000 }, (_, i) => Uint8Array.of(i >> 8, i & 255));
    const proof = proveListItem(leaves, 777);
    expect(decode(listProofSchema, encode(listProofSchema, proof))).toEqual(proof);
    expect(proof.length).toBe(10);
  });
});
