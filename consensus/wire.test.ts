import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { present } from "../primitives/assert.ts";
import { encode } from "../primitives/codec/codec.ts";
import { certificateSchema, verifyCertificate, voteSchema } from "./certificate.ts";
import { decodeRecord, encodeRecord, type JournalEntry } from "./journal.ts";
import {
  MAX_BATCHES_PER_BLOCK,
  MAX_BLOCKS_PER_REPLY,
  MAX_EVIDENCE_PER_BLOCK,
  MAX_JUSTIFICATION,
} from "./limits.ts";
import { type ConsensusMessage, decodeMessage, encodeMessage, MESSAGE_LIMITS } from "./messages.ts";
import { closingOn, copyOf, evidenceOf } from "./testing/epochs.ts";
import {
  blockOn,
  CHAIN,
  certificateBy,
  digestOf,
  fakeSignature,
  GENESIS,
  proposalBy,
  proposalOf,
  statusOf,
  validatorSet,
  voteBy,
} from "./testing/harness.ts";

const first = blockOn(GENESIS, 1, { batchDigests: [digestOf("batch")] });
const finalization = certificateBy([0, 1, 3], "finalize", 1, first.target);
const nullification = certificateBy([1, 2, 3], "nullify", 2, undefined);

const proof = evidenceOf(
  voteBy(2, "nullify", 5, undefined),
  voteBy(2, "finalize", 5, first.target),
);

const messages: readonly ConsensusMessage[] = [
  proposalOf(first, [finalization, nullification]),
  proposalBy(2, copyOf(closingOn(GENESIS, 1), 2), [nullification]),
  proposalOf(blockOn(GENESIS, 1, { evidence: [proof] })),
  { type: "evidence", body: proof },
  { type: "vote", body: voteBy(2, "notarize", 1, first.target) },
  { type: "vote", body: voteBy(2, "nullify", 1, undefined) },
  { type: "certificate", body: finalization },
  statusOf({ finalization, echoes: [voteBy(1, "nullify", 3, undefined)] }),
  { type: "getBlocks", body: { requestId: 1, fromHeight: 2, count: 64 } },
  {
    type: "blocks",
    body: { requestId: 1, headers: [first.header], finalization, refusal: undefined },
  },
  { type: "blocks", body: { requestId: 1, headers: [], finalization: undefined, refusal: "BUSY" } },
  { type: "getHeader", body: { requestId: 1, digest: first.digest } },
  { type: "header", body: { requestId: 1, header: first.header, refusal: undefined } },
  { type: "getCertificates", body: { requestId: 1, epoch: 0, fromView: 3 } },
  {
    type: "certificates",
    body: { requestId: 1, certificates: [nullification], refusal: undefined },
  },
];

describe("messages", () => {
  test.each(messages.map((message) => [message.type, message] as const))(
    "%s survives the wire, in one form only",
    (_, message) => {
      const bytes = encodeMessage(message);
      expect(decodeMessage(bytes)).toEqual(message);
      expect(encodeMessage(decodeMessage(bytes))).toEqual(bytes);
      expect(() => decodeMessage(Uint8Array.of(...bytes, 0))).toThrow();
    },
  );

  test("bytes that were changed anywhere decode to another message or not at all", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...messages.map(encodeMessage)),
        fc.nat(),
        fc.integer({ min: 1, max: 255 }),
        (bytes, place, flip) => {
          const changed = Uint8Array.from(bytes);
          const at = place % bytes.length;
          changed[at] = (changed[at] ?? 0) ^ flip;
          let decoded: ConsensusMessage;
          try {
            decoded = decodeMessage(changed);
          } catch {
            return;
          }
          expect(encodeMessage(decoded)).toEqual(changed);
        },
      ),
    );
  });

  test("the largest messages fit their limit", () => {
    const everyone = Array.from({ length: 25 }, (_, index) => index);
    const batchDigests = Array.from({ length: MAX_BATCHES_PER_BLOCK }, (_, i) => digestOf(`${i}`));
    const signers = Array.from({ length: MAX_EVIDENCE_PER_BLOCK }, (_, signer) => signer);
    const evidence = signers.map((signer) => {
      const { target } = first;
      const other = { ...target, blockDigest: digestOf("other") };
      const votes = [target, other].map((each) => voteBy(signer, "finalize", 5, each));
      return evidenceOf(present(votes[0], "vote"), present(votes[1], "vote"));
    });
    const nextValidators = digestOf("next");
    const full = blockOn(GENESIS, 1, { batchDigests, evidence, nextValidators });
    const large = certificateBy(everyone, "notarize", 1, full.target);
    const justification = Array.from({ length: MAX_JUSTIFICATION }, () => large);
    expect(encodeMessage(proposalOf(full, justification)).length).toBeLessThan(
      MESSAGE_LIMITS.maxBytes,
    );
    const headers = Array.from({ length: MAX_BLOCKS_PER_REPLY }, () => full.header);
    const blocks: ConsensusMessage = {
      type: "blocks",
      body: { requestId: 1, headers, finalization: large, refusal: undefined },
    };
    expect(decodeMessage(encodeMessage(blocks))).toEqual(blocks);
    expect(encodeMessage(blocks).length).toBeLessThan(MAX_BLOCKS_PER_REPLY * 4_608);
    const record = encodeRecord(CHAIN, 0, { type: "header", body: full.header });
    expect(decodeRecord(CHAIN, 0, record)?.body).toEqual(full.header);
    const certificates = Array.from({ length: 196 }, () => large);
    const reply: ConsensusMessage = {
      type: "certificates",
      body: { requestId: 1, certificates, refusal: undefined },
    };
    expect(decodeMessage(encodeMessage(reply))).toEqual(reply);
  });
});

describe("a certificate", () => {
  const verify = (key: Uint8Array, message: Uint8Array, signature: Uint8Array) =>
    fakeSignature(key, message).join() === signature.join();
  const check = (certificate: typeof finalization, chainId = CHAIN) =>
    verifyCertificate(certificate, validatorSet(), chainId, verify);

  test("is verified by its own set and chain only", () => {
    expect(check(finalization)).toBe(true);
    expect(check(finalization, digestOf("elsewhere"))).toBe(false);
    expect(check({ ...finalization, view: 2 })).toBe(false);
    expect(check({ ...finalization, kind: "notarize" })).toBe(false);
    expect(check({ ...finalization, signatures: finalization.signatures.slice(1) })).toBe(false);
    expect(check(certificateBy([0, 1], "finalize", 1, first.target))).toBe(false);
  });

  test("of 25 validators stays below 2 KB", () => {
    const everyone = Array.from({ length: 25 }, (_, index) => index);
    const large = certificateBy(everyone, "finalize", 1, first.target);
    expect(encode(certificateSchema, large).length).toBeLessThan(2_048);
    expect(encode(voteSchema, voteBy(0, "finalize", 1, first.target)).length).toBeLessThan(256);
  });
});

describe("journal records", () => {
  const entries: readonly JournalEntry[] = [
    { type: "vote", body: { kind: "finalize", epoch: 0, view: 3, target: first.target } },
    { type: "vote", body: { kind: "nullify", epoch: 0, view: 4, target: undefined } },
    { type: "certificate", body: finalization },
    { type: "header", body: first.header },
    { type: "floor", body: { view: 1, height: 1, digest: first.digest } },
    { type: "halt", body: { code: "AMNESIA", view: 1, detail: "lost" } },
    { type: "witness", body: voteBy(1, "notarize", 1, first.target) },
    { type: "evidence", body: { evidence: proof, settled: true } },
    { type: "header", body: blockOn(GENESIS, 1, { evidence: [proof] }).header },
  ];

  test.each(entries.map((entry) => [entry.type, entry] as const))("%s round trip", (_, entry) => {
    expect(decodeRecord(CHAIN, 0, encodeRecord(CHAIN, 0, entry))).toEqual(entry);
  });

  test("belong to one chain and one epoch", () => {
    const [entry] = entries;
    if (entry === undefined) throw new Error("no entry");
    const bytes = encodeRecord(CHAIN, 0, entry);
    expect(decodeRecord(digestOf("elsewhere"), 0, bytes)).toBeUndefined();
    expect(decodeRecord(CHAIN, 1, bytes)).toBeUndefined();
  });

  test("that are torn or name two epochs are refused, not guessed", () => {
    const [entry] = entries;
    if (entry === undefined) throw new Error("no entry");
    const bytes = encodeRecord(CHAIN, 0, entry);
    expect(() => decodeRecord(CHAIN, 0, bytes.subarray(0, -1))).toThrow();
    expect(() => decodeRecord(CHAIN, 1, encodeRecord(CHAIN, 1, entry))).toThrow("epochs");
  });
});
