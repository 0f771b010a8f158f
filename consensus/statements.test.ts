import { expect, test } from "vitest";
import { toHex } from "../primitives/bytes.ts";
import { headerDigest } from "./header.ts";
import { parseStatement, STATEMENT_KIND, statementBytes } from "./statements.ts";
import { evidenceOf } from "./testing/epochs.ts";
import { CHAIN, digestOf, GENESIS, headerOn, voteBy } from "./testing/harness.ts";

const target = { parentView: 258, parentDigest: digestOf("p"), blockDigest: digestOf("b") };

test("a statement is domain, kind, chain, epoch, view and body, big-endian", () => {
  const domain = "4d495a414e2f4246542f3100";
  const place = "00000000000000010000000000000203";
  expect(toHex(statementBytes("nullify", CHAIN, 1, 515, undefined))).toBe(
    `${domain}03${CHAIN}${place}`,
  );
  expect(toHex(statementBytes("finalize", CHAIN, 1, 515, target))).toBe(
    `${domain}04${CHAIN}${place}0000000000000102${target.parentDigest}${target.blockDigest}`,
  );
});

test("kinds, chains, epochs, views and targets all change the bytes", () => {
  const variants = [
    statementBytes("proposal", CHAIN, 0, 1, target),
    statementBytes("notarize", CHAIN, 0, 1, target),
    statementBytes("finalize", CHAIN, 0, 1, target),
    statementBytes("notarize", digestOf("x"), 0, 1, target),
    statementBytes("notarize", CHAIN, 1, 1, target),
    statementBytes("notarize", CHAIN, 0, 2, target),
    statementBytes("notarize", CHAIN, 0, 1, { ...target, parentView: 1 }),
    statementBytes("notarize", CHAIN, 0, 1, { ...target, parentDigest: CHAIN }),
    statementBytes("notarize", CHAIN, 0, 1, { ...target, blockDigest: CHAIN }),
  ];
  expect(new Set(variants.map(toHex)).size).toBe(variants.length);
  expect(Object.values(STATEMENT_KIND)).toEqual([1, 2, 3, 4]);
});

test("a statement is read back as it was written, and nothing else is one", () => {
  for (const kind of ["proposal", "notarize", "nullify", "finalize"] as const) {
    const body = kind === "nullify" ? undefined : target;
    const bytes = statementBytes(kind, CHAIN, 1, 515, body);
    expect(parseStatement(bytes)).toEqual({
      kind,
      chainId: CHAIN,
      epoch: 1,
      view: 515,
      target: body,
    });
    expect(parseStatement(bytes.subarray(1))).toBeUndefined();
    expect(parseStatement(Uint8Array.of(...bytes, 0))).toBeUndefined();
    for (const [at, value] of [
      [0, 0],
      [12, 9],
      [45, 0xff],
      [53, 0xff],
    ] as const) {
      const changed = Uint8Array.from(bytes);
      changed[at] = value;
      expect(parseStatement(changed)).toBeUndefined();
    }
  }
});

test("the block digest covers every field of the header", () => {
  const header = headerOn(GENESIS, 0);
  const changes = [
    {},
    { version: 2 },
    { chainId: digestOf("x") },
    { epoch: 1 },
    { height: 2 },
    { parentDigest: digestOf("x") },
    { proposer: 1 },
    { timestampMs: 1 },
    { batchDigests: [digestOf("x")] },
    { stateRoot: digestOf("x") },
    { receiptsRoot: digestOf("x") },
    {
      evidence: [evidenceOf(voteBy(0, "nullify", 1, undefined), voteBy(0, "finalize", 1, target))],
    },
    { nextValidators: digestOf("x") },
  ];
  const digests = changes.map((change) => headerDigest({ ...header, ...change }));
  expect(new Set(digests).size).toBe(changes.length);
});
