import { describe, expect, test } from "vitest";
import { decode, encode } from "../primitives/codec/codec.ts";
import {
  checkEvidence,
  createEvidence,
  type Evidence,
  evidenceDigest,
  evidenceSchema,
  evidenceSignatures,
  isSortedEvidence,
  sortEvidence,
} from "./evidence.ts";
import { type StatementKind, statementBytes } from "./statements.ts";
import { evidenceOf } from "./testing/epochs.ts";
import {
  blockOn,
  CHAIN,
  digestOf,
  fakeSignature,
  GENESIS,
  validatorSet,
  voteBy,
} from "./testing/harness.ts";

const one = blockOn(GENESIS, 3);
const two = blockOn(GENESIS, 3, { stateRoot: digestOf("other") });
const signature = new Uint8Array(64);

function pair(
  a: StatementKind,
  b: StatementKind,
  sameBlock = false,
  change: Partial<Evidence> = {},
): Evidence {
  const statement = (kind: StatementKind, block: typeof one): Uint8Array =>
    statementBytes(kind, CHAIN, 0, 3, kind === "nullify" ? undefined : block.target);
  const first = { statement: statement(a, one), signature };
  const second = { statement: statement(b, sameBlock ? one : two), signature };
  return { ...createEvidence({ signer: 1, epoch: 0, view: 3 }, first, second), ...change };
}

const refusal = (evidence: Evidence, chainId = CHAIN): string | undefined => {
  try {
    checkEvidence(evidence, chainId);
    return undefined;
  } catch (error) {
    return error instanceof Error && "code" in error ? String(error.code) : "thrown";
  }
};

describe("two statements of one view", () => {
  test.each([
    ["proposal", "proposal", undefined],
    ["notarize", "notarize", undefined],
    ["finalize", "finalize", undefined],
    ["nullify", "finalize", undefined],
    ["finalize", "nullify", undefined],
    ["notarize", "nullify", "EVIDENCE_CONSISTENT"],
    ["proposal", "notarize", "EVIDENCE_CONSISTENT"],
    ["notarize", "finalize", "EVIDENCE_CONSISTENT"],
    ["proposal", "nullify", "EVIDENCE_CONSISTENT"],
    ["nullify", "nullify", "EVIDENCE_CONSISTENT"],
  ] as const)("%s and %s: %s", (a, b, code) => {
    expect(refusal(pair(a, b))).toBe(code);
  });

  test("the same statement twice proves nothing", () => {
    expect(refusal(pair("finalize", "finalize", true))).toBe("EVIDENCE_CONSISTENT");
  });

  test("have one order, whoever saw which first", () => {
    const proof = pair("notarize", "notarize");
    const { first, second } = proof;
    expect(createEvidence(proof, second, first)).toEqual(proof);
    expect(refusal({ ...proof, first: second, second: first })).toBe("EVIDENCE_CONSISTENT");
  });
});

describe("statements that belong elsewhere", () => {
  test.each([
    ["another epoch", { epoch: 1 }],
    ["another view", { view: 4 }],
    ["bytes that are no statement", { first: { statement: new Uint8Array(61), signature } }],
    ["bytes of another length", { first: { statement: new Uint8Array(60), signature } }],
  ])("%s", (_, change) => {
    const broken = pair("finalize", "finalize", false, change);
    expect(refusal(broken)).toBe("EVIDENCE_STATEMENT");
  });

  test("another chain", () => {
    expect(refusal(pair("finalize", "finalize"), digestOf("elsewhere"))).toBe("EVIDENCE_STATEMENT");
  });
});

test("two signatures under the signer's key make it a proof", () => {
  const proof = evidenceOf(
    voteBy(1, "notarize", 3, one.target),
    voteBy(1, "notarize", 3, two.target),
  );
  const checks = evidenceSignatures(proof, validatorSet()) ?? [];
  expect(checks).toHaveLength(2);
  for (const { publicKey, message, signature: given } of checks) {
    expect(given).toEqual(fakeSignature(publicKey, message));
  }
  expect(evidenceSignatures({ ...proof, signer: 4 }, validatorSet())).toBeUndefined();
});

test("is named by the digest of its one form, and sorted by it", () => {
  const proofs = [
    pair("finalize", "finalize"),
    pair("nullify", "finalize"),
    pair("notarize", "notarize"),
  ];
  const sorted = sortEvidence([...proofs, ...proofs]);
  expect(sorted).toHaveLength(3);
  expect(isSortedEvidence(sorted)).toBe(true);
  expect(isSortedEvidence([...sorted].reverse())).toBe(false);
  expect(isSortedEvidence(sorted.slice(0, 1).concat(sorted.slice(0, 1)))).toBe(false);
  for (const proof of proofs) {
    const decoded = decode(evidenceSchema, encode(evidenceSchema, proof));
    expect(evidenceDigest(decoded)).toBe(evidenceDigest(proof));
  }
});
