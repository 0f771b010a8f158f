import { describe, expect, it } from "vitest";
import { accountTable } from "../ledger/state/account.ts";
import { EpochTrail, TrailError, type TrailErrorCode } from "./epoch-trail.ts";
import { checkAccountProof, epochOfProof, ProofError } from "./proof-check.ts";
import type { EpochEndJson } from "./rpc/methods.ts";
import { FabricatedChain, testSigner } from "./testing/fabricated-chain.ts";

const account = {
  id: "PKSGLA001",
  kind: "SGLA",
  member: "HBL",
  investor: undefined,
  parent: undefined,
  ownership: "OWN",
  window: "CONVENTIONAL",
  status: "OPEN",
} as const;

const signersFrom = (first: number) => [0, 1, 2, 3].map((i) => testSigner(first + i));

/** Three epochs; of each set one key goes and one comes. */
function threeEpochs(): FabricatedChain {
  const chain = new FabricatedChain();
  chain.append([accountTable.entry(account)]);
  chain.append([], signersFrom(2));
  chain.append();
  chain.append([], signersFrom(3));
  chain.append();
  return chain;
}

function codeOf(trail: EpochTrail, ...ends: readonly EpochEndJson[]): TrailErrorCode | "none" {
  try {
    trail.extend(ends);
    return "none";
  } catch (error) {
    if (error instanceof TrailError) return error.code;
    throw error;
  }
}

describe("a trail from the genesis", () => {
  it("leads to the validators of each epoch, whose proofs then hold", () => {
    const chain = threeEpochs();
    const trail = new EpochTrail(chain.pin);
    expect(trail.epoch).toBe(0);
    trail.extend([chain.epochEnd(0), chain.epochEnd(1)]);
    expect(trail.epoch).toBe(2);
    expect(trail.validatorsOf(2)?.validators.map(({ publicKey }) => publicKey)).toEqual(
      signersFrom(3).map(({ publicKey }) => publicKey),
    );
    expect(trail.validatorsOf(3)).toBeUndefined();
    for (const height of [1, 2, 3, 4, 5]) {
      const proof = chain.proof("account/PKSGLA001", height);
      expect(checkAccountProof(trail, proof, "PKSGLA001").value).toEqual(account);
      expect(epochOfProof(proof)).toBe(chain.block(height).header.epoch);
    }
  });

  it("is needed from the second epoch on", () => {
    const chain = threeEpochs();
    const check = (height: number, trust: Parameters<typeof checkAccountProof>[0]) => {
      try {
        checkAccountProof(trust, chain.proof("account/PKSGLA001", height), "PKSGLA001");
        return "none";
      } catch (error) {
        if (error instanceof ProofError) return error.code;
        throw error;
      }
    };
    const trail = new EpochTrail(chain.pin);
    trail.extend([chain.epochEnd(0)]);
    expect([check(2, chain.pin), check(3, chain.pin)]).toEqual(["none", "PROOF_EPOCH"]);
    expect([check(2, trail), check(4, trail), check(5, trail)]).toEqual([
      "none",
      "none",
      "PROOF_EPOCH",
    ]);
  });

  it("takes no proof that another epoch's quorum signed", () => {
    const chain = threeEpochs();
    const trail = new EpochTrail(chain.pin);
    trail.extend([chain.epochEnd(0), chain.epochEnd(1)]);
    const proof = chain.proof("account/PKSGLA001", 5, 5, { keys: signersFrom(1) });
    expect(() => checkAccountProof(trail, proof, "PKSGLA001")).toThrow(ProofError);
  });
});

describe("a trail refuses", () => {
  it("an end out of turn, twice, of another chain, or a block that ends nothing", () => {
    const chain = threeEpochs();
    const trail = new EpochTrail(chain.pin);
    expect(codeOf(trail, chain.epochEnd(1))).toBe("TRAIL_ORDER");
    expect(codeOf(trail, chain.epochEnd(0), chain.epochEnd(0))).toBe("TRAIL_ORDER");
    expect(trail.epoch).toBe(1);
    const other = new FabricatedChain("other");
    other.append([], signersFrom(2));
    expect(codeOf(new EpochTrail(chain.pin), other.epochEnd(0))).toBe("TRAIL_ORDER");
    const ordinary = { ...chain.epochEnd(0), ...proofParts(chain, 1) };
    expect(codeOf(new EpochTrail(chain.pin), ordinary)).toBe("TRAIL_ORDER");
  });

  it("an end that its epoch did not certify", () => {
    const chain = threeEpochs();
    const forged: Parameters<FabricatedChain["epochEnd"]>[1][] = [
      { signerIndexes: [0, 1] },
      { kind: "notarize" },
      { epoch: 1 },
      { blockDigest: "ab".repeat(32) },
      { chainId: "ab".repeat(32) },
      { keys: signersFrom(2) },
    ];
    for (const change of forged) {
      expect(codeOf(new EpochTrail(chain.pin), chain.epochEnd(0, change))).toBe(
        "TRAIL_CERTIFICATE",
      );
    }
  });

  it("other validators than the header names", () => {
    const chain = threeEpochs();
    const end = chain.epochEnd(0);
    const [first, ...rest] = end.validators;
    if (first === undefined) throw new Error("a validator");
    for (const validators of [
      rest,
      [...rest, first],
      [{ ...first, weight: 2 }, ...rest],
      [{ ...first, name: "mallory" }, ...rest],
      [{ ...first, consensusKey: "ab".repeat(32) }, ...rest],
    ]) {
      expect(codeOf(new EpochTrail(chain.pin), { ...end, validators })).toBe("TRAIL_VALIDATORS");
    }
  });

  it("bytes that are none", () => {
    const chain = threeEpochs();
    const end = chain.epochEnd(0);
    const trail = new EpochTrail(chain.pin);
    expect(codeOf(trail, { ...end, header: "AA==" })).toBe("TRAIL_MALFORMED");
    expect(codeOf(trail, { ...end, commit: "?" })).toBe("TRAIL_MALFORMED");
  });
});

/** Header and certificate of a block that ends no epoch. */
function proofParts(chain: FabricatedChain, height: number) {
  const { header, commit } = chain.proof("account/PKSGLA001", height);
  return { header, commit };
}
