import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { utf8 } from "../bytes.ts";
import { decode, encode } from "../codec/codec.ts";
import { EMPTY_HASH, type StateProof, stateProofSchema, verifyStateProof } from "./state-proof.ts";
import { StateTree } from "./state-tree.ts";

const keyArb = fc.nat(60).map((n) => `holding/${n}`);
const valueArb = fc.uint8Array({ maxLength: 20 });
const entriesArb = fc.uniqueArray(fc.tuple(keyArb, valueArb), { selector: ([key]) => key });

function flip(bytes: Uint8Array, bit: number): Uint8Array {
  const out = bytes.slice();
  const at = bit % (8 * out.length);
  out[at >> 3] = (out[at >> 3] ?? 0) ^ (0x80 >> (at & 7));
  return out;
}

function flipHash(hash: string, digit: number): string {
  const at = digit % 64;
  const other = hash[at] === "0" ? "1" : "0";
  return hash.slice(0, at) + other + hash.slice(at + 1);
}

/** Every way in which one part of a proof can differ. */
function mutants(proof: StateProof, random: number): StateProof[] {
  const { depth, present, siblings, otherLeaf } = proof;
  const place = siblings.length === 0 ? 0 : random % siblings.length;
  const sibling = siblings[place];
  const hash = flipHash(EMPTY_HASH, random);
  return [
    { ...proof, depth: depth + 1 },
    { ...proof, depth: Math.max(0, depth - 1) },
    { ...proof, depth: depth + 1, present: new Uint8Array(Math.ceil((depth + 1) / 8)) },
    { ...proof, present: Uint8Array.of(...present, 0) },
    ...(present.length > 0 ? [{ ...proof, present: flip(present, random) }] : []),
    { ...proof, siblings: [...siblings, hash] },
    { ...proof, siblings: siblings.slice(1) },
    ...(sibling === undefined
      ? []
      : [{ ...proof, siblings: siblings.with(place, flipHash(sibling, random)) }]),
    {
      ...proof,
      otherLeaf: otherLeaf === undefined ? { keyHash: hash, valueHash: hash } : undefined,
    },
    ...(otherLeaf === undefined
      ? []
      : [
          { ...proof, otherLeaf: { ...otherLeaf, keyHash: flipHash(otherLeaf.keyHash, random) } },
          {
            ...proof,
            otherLeaf: { ...otherLeaf, valueHash: flipHash(otherLeaf.valueHash, random) },
          },
        ]),
  ].filter((mutant) => JSON.stringify(mutant) !== JSON.stringify(proof));
}

describe("state proofs", () => {
  it("shows each key with its value or as absent, and never the opposite", () => {
    fc.assert(
      fc.property(entriesArb, keyArb, valueArb, (entries, key, value) => {
        const tree = StateTree.from(entries);
        const proof = tree.prove(key);
        const held = new Map(entries).get(key);
        expect(verifyStateProof(tree.root, key, held, proof)).toBe(true);
        if (held === undefined) {
          expect(verifyStateProof(tree.root, key, value, proof)).toBe(false);
        } else {
          expect(verifyStateProof(tree.root, key, undefined, proof)).toBe(false);
          const same = value.length === held.length && value.every((byte, i) => byte === held[i]);
          expect(verifyStateProof(tree.root, key, value, proof)).toBe(same);
        }
      }),
      { numRuns: 300 },
    );
  });

  it("never holds for another key, another root or an altered proof", () => {
    fc.assert(
      fc.property(entriesArb, keyArb, keyArb, fc.nat(), (entries, key, otherKey, random) => {
        const tree = StateTree.from(entries);
        const proof = tree.prove(key);
        const held = new Map(entries).get(key);
        expect(verifyStateProof(flipHash(tree.root, random), key, held, proof)).toBe(false);
        if (held !== undefined && key !== otherKey) {
          expect(verifyStateProof(tree.root, otherKey, held, proof)).toBe(false);
        }
        for (const mutant of mutants(proof, random)) {
          expect(verifyStateProof(tree.root, key, held, mutant)).toBe(false);
        }
      }),
      { numRuns: 300 },
    );
  });

  it("cannot show a present key as absent by naming another leaf or an empty subtree", () => {
    const tree = StateTree.from(Array.from({ length: 50 }, (_, i) => [`holding/${i}`, utf8("v")]));
    const honest = tree.prove("holding/7");
    for (let i = 0; i < 50; i++) {
      const { otherLeaf } = StateTree.from([[`holding/${i}`, utf8("v")]]).prove("absent");
      expect(otherLeaf).toBeDefined();
      const forged = { ...honest, otherLeaf };
      expect(verifyStateProof(tree.root, "holding/7", undefined, forged)).toBe(false);
    }
    for (let depth = 0; depth < honest.depth; depth++) {
      const present = new Uint8Array(Math.ceil(depth / 8)).fill(0xff);
      const forged = { ...honest, depth, present, siblings: honest.siblings.slice(0, depth) };
      expect(verifyStateProof(tree.root, "holding/7", undefined, forged)).toBe(false);
    }
  });

  it("shows absence both ways: at an empty subtree and at another key's leaf", () => {
    const tree = StateTree.from(Array.from({ length: 40 }, (_, i) => [`holding/${i}`, utf8("v")]));
    const kinds = new Set<string>();
    for (let i = 0; i < 200; i++) {
      const proof = tree.prove(`absent/${i}`);
      expect(verifyStateProof(tree.root, `absent/${i}`, undefined, proof)).toBe(true);
      kinds.add(proof.otherLeaf === undefined ? "empty" : "other leaf");
    }
    expect([...kinds].sort()).toEqual(["empty", "other leaf"]);
  });

  it("covers the empty tree and the tree of one leaf", () => {
    const nothing = StateTree.empty.prove("a");
    expect(nothing).toEqual({
      depth: 0,
      present: new Uint8Array(0),
      siblings: [],
      otherLeaf: undefined,
    });
    expect(verifyStateProof(EMPTY_HASH, "a", undefined, nothing)).toBe(true);
    expect(verifyStateProof(EMPTY_HASH, "a", utf8("1"), nothing)).toBe(false);
    const one = StateTree.from([["a", utf8("1")]]);
    expect(verifyStateProof(one.root, "a", utf8("1"), one.prove("a"))).toBe(true);
    expect(verifyStateProof(one.root, "b", undefined, one.prove("b"))).toBe(true);
    expect(verifyStateProof(one.root, "a", undefined, nothing)).toBe(false);
  });

  it("is false, not an exception, for malformed input", () => {
    const tree = StateTree.from([
      ["a", utf8("1")],
      ["b", utf8("2")],
    ]);
    const proof = tree.prove("a");
    const check = (mutant: unknown): boolean =>
      verifyStateProof(tree.root, "a", utf8("1"), mutant as StateProof);
    for (const mutant of [
      null,
      undefined,
      {},
      [],
      { ...proof, depth: 257 },
      { ...proof, depth: -1 },
      { ...proof, depth: 0.5 },
      { ...proof, siblings: ["zz"] },
      { ...proof, siblings: proof.siblings.map((hash) => hash.toUpperCase()) },
      { ...proof, siblings: Array.from({ length: 300 }, () => EMPTY_HASH) },
      { ...proof, present: "80" },
      { ...proof, otherLeaf: "leaf" },
    ]) {
      expect(check(mutant)).toBe(false);
    }
    expect(check(proof)).toBe(true);
    expect(verifyStateProof("not a root", "a", utf8("1"), proof)).toBe(false);
    expect(verifyStateProof(tree.root, "\ud800", undefined, proof)).toBe(false);
  });

  it("survives the wire", () => {
    fc.assert(
      fc.property(entriesArb, keyArb, (entries, key) => {
        const tree = StateTree.from(entries);
        const bytes = encode(stateProofSchema, tree.prove(key));
        const proof = decode(stateProofSchema, bytes);
        expect(verifyStateProof(tree.root, key, new Map(entries).get(key), proof)).toBe(true);
        // 34 bytes a sibling, one bit a level, and the other leaf.
        expect(bytes.length).toBeLessThanOrEqual(34 * proof.siblings.length + 120);
      }),
      { numRuns: 50 },
    );
  });
});
