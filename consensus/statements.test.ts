import { expect, test } from "vitest";
import { toHex } from "../primitives/bytes.ts";
import { headerDigest } from "./header.ts";
import { STATEMENT_KIND, statementBytes } from "./statements.ts";
import { CHAIN, digestOf, GENESIS, headerOn } from "./testing/harness.ts";

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
  ];
  const digests = changes.map((change) => headerDigest({ ...header, ...change }));
  expect(new Set(digests).size).toBe(changes.length);
});
