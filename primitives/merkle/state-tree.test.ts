import { sha256 as nobleSha256 } from "@noble/hashes/sha2.js";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { InvariantError } from "../assert.ts";
import { concatBytes, toHex, utf8 } from "../bytes.ts";
import { portableBackend, useHashBackend } from "../sha256.ts";
import { StateTree } from "./state-tree.ts";

type Change = readonly [string, Uint8Array | null];

const ZERO = "0".repeat(64);

/** The definition of the tree, from scratch: entries as [path bits, leaf hash]. */
function modelRoot(entries: ReadonlyMap<string, Uint8Array>): string {
  const leaves = [...entries].map(([key, value]) => {
    const keyHash = nobleSha256(utf8(key));
    const bits = [...keyHash].map((byte) => byte.toString(2).padStart(8, "0")).join("");
    const leaf = nobleSha256(concatBytes(Uint8Array.of(0), keyHash, nobleSha256(value)));
    return { bits, leaf };
  });
  const subtree = (members: typeof leaves, depth: number): Uint8Array => {
    const [only] = members;
    if (only === undefined) return new Uint8Array(32);
    if (members.length === 1) return only.leaf;
    const side = (bit: string) => members.filter((member) => member.bits[depth] === bit);
    return nobleSha256(concatBytes(subtree(side("0"), depth + 1), subtree(side("1"), depth + 1)));
  };
  return toHex(subtree(leaves, 0));
}

// Few keys, so that programmes meet the same key again: overwrites, deletes and re-insertions.
const keyArb = fc.nat(40).map((n) => `account/${n}`);
const valueArb = fc.uint8Array({ maxLength: 40 });
const changeArb: fc.Arbitrary<Change> = fc.tuple(
  keyArb,
  fc.option(valueArb, { nil: null, freq: 3 }),
);
const programmeArb = fc.array(fc.array(changeArb, { maxLength: 12 }), { maxLength: 8 });

function applyToModel(model: Map<string, Uint8Array>, changes: readonly Change[]): void {
  for (const [key, value] of changes) {
    if (value === null) model.delete(key);
    else model.set(key, value);
  }
}

describe("StateTree", () => {
  it("has the root that the definition gives after every step of any programme", () => {
    fc.assert(
      fc.property(programmeArb, (programme) => {
        const model = new Map<string, Uint8Array>();
        let tree = StateTree.empty;
        for (const changes of programme) {
          tree = tree.update(changes);
          applyToModel(model, changes);
          expect(tree.root).toBe(modelRoot(model));
          expect(tree.size).toBe(model.size);
        }
      }),
      { numRuns: 150 },
    );
  });

  it("does not depend on order or history", () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.tuple(keyArb, valueArb), { selector: ([key]) => key, minLength: 1 }),
        fc.infiniteStream(fc.nat()),
        programmeArb,
        (entries, random, detour) => {
          const shuffled = [...entries].sort(() => (random.next().value % 2) - 0.5);
          const straight = StateTree.from(entries);
          const oneByOne = shuffled.reduce((tree, entry) => tree.update([entry]), StateTree.empty);
          const wandering = detour.reduce((tree, changes) => tree.update(changes), straight);
          const used = detour.flat().map(([key]) => key);
          const back = wandering.update([...used.map((key) => [key, null] as const), ...entries]);
          expect(oneByOne.root).toBe(straight.root);
          expect(back.root).toBe(straight.root);
          expect(back.size).toBe(entries.length);
        },
      ),
      { numRuns: 100 },
    );
  });

  it("leaves earlier trees as they were", () => {
    fc.assert(
      fc.property(programmeArb, (programme) => {
        const trees = [StateTree.empty];
        const models = [new Map<string, Uint8Array>()];
        for (const changes of programme) {
          const model = new Map(models.at(-1));
          applyToModel(model, changes);
          models.push(model);
          trees.push((trees.at(-1) ?? StateTree.empty).update(changes));
        }
        for (const [i, tree] of trees.entries()) {
          // A second branch from an old tree must not disturb the trees that came of the first.
          tree.update([["account/1", utf8("branch")]]);
          expect(StateTree.from(models[i] ?? []).root).toBe(tree.root);
        }
      }),
      { numRuns: 50 },
    );
  });

  it("agrees with the definition on a larger set", () => {
    const entries = new Map<string, Uint8Array>();
    for (let i = 0; i < 3000; i++) entries.set(`holding/${i}`, utf8(`value ${i}`));
    const tree = StateTree.from(entries);
    expect(tree.root).toBe(modelRoot(entries));
    expect(tree.size).toBe(3000);
    const half = [...entries.keys()].filter((_, i) => i % 2 === 0);
    for (const key of half) entries.delete(key);
    expect(tree.update(half.map((key) => [key, null])).root).toBe(modelRoot(entries));
  });

  it("is all zeros when empty, and the bare leaf when it has one key", () => {
    expect(StateTree.empty.root).toBe(ZERO);
    const one = StateTree.from([["account/a", utf8("1")]]);
    const keyHash = nobleSha256(utf8("account/a"));
    const leaf = concatBytes(Uint8Array.of(0), keyHash, nobleSha256(utf8("1")));
    expect(one.root).toBe(toHex(nobleSha256(leaf)));
    expect(one.update([["account/a", null]]).root).toBe(ZERO);
    expect(one.update([["account/b", null]]).root).toBe(one.root);
  });

  it("takes the later of two changes to one key", () => {
    const twice = StateTree.empty.update([
      ["account/a", utf8("1")],
      ["account/a", utf8("2")],
      ["account/b", utf8("3")],
      ["account/b", null],
    ]);
    expect(twice.root).toBe(StateTree.from([["account/a", utf8("2")]]).root);
    expect(twice.size).toBe(1);
  });

  it("takes changes from a map as from a list", () => {
    const changes = new Map([
      ["account/a", utf8("1")],
      ["account/b", utf8("2")],
    ]);
    expect(StateTree.empty.update(changes).root).toBe(StateTree.from([...changes]).root);
  });

  it("tells an empty value from no value", () => {
    const empty = StateTree.from([["account/a", new Uint8Array(0)]]);
    expect(empty.size).toBe(1);
    expect(empty.root).not.toBe(ZERO);
  });

  it("refuses keys that are not printable ASCII of 1 to 256 characters", () => {
    for (const key of ["", "a b", "é", "\ud800", "a\n", "x".repeat(257)]) {
      expect(() => StateTree.empty.update([[key, utf8("1")]])).toThrow(InvariantError);
    }
  });

  it("hashes all inner nodes of one depth in one call, the bottom first", () => {
    const calls: number[] = [];
    const entries = Array.from({ length: 500 }, (_, i) => [`account/${i}`, utf8("v")] as const);
    useHashBackend({
      sha256: (bytes) => portableBackend.sha256(bytes),
      sha256Hex: (bytes) => portableBackend.sha256Hex(bytes),
      hashBlocks(input) {
        calls.push(input.length / 64);
        return portableBackend.hashBlocks(input);
      },
    });
    try {
      StateTree.from(entries);
    } finally {
      useHashBackend(portableBackend);
    }
    expect(calls.length).toBeLessThan(40);
    expect(calls.at(-1)).toBe(1); // the root alone
    expect(calls.at(-2)).toBe(2);
    expect(calls.reduce((sum, n) => sum + n, 0)).toBeGreaterThanOrEqual(499);
  });
});
