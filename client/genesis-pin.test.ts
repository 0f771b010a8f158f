import { describe, expect, it } from "vitest";
import { chainIdOf, type Genesis } from "../ledger/genesis.ts";
import {
  type GenesisDocument,
  GenesisError,
  genesisToDocument,
} from "../ledger/genesis-document.ts";
import { CodedError } from "../primitives/errors.ts";
import { PinError, pinGenesis, pinOf } from "./genesis-pin.ts";
import { testGenesis, testSigner } from "./testing/fabricated-chain.ts";

const signers = [1, 2, 3, 4].map(testSigner);

/** Central bank at two sites, sovereign and one custodian: what the ledger asks of a genesis. */
function foundedGenesis(): Genesis {
  const institutions = [
    { id: "SBP", lei: "5493001KJTIIGC8Y1R12", bic: "SBPPPKKA", roles: ["CENTRAL_BANK"] },
    { id: "FINDIV", lei: "213800WSGIIZCXF1P572", bic: "MOFPPKKA", roles: ["SOVEREIGN"] },
  ] as const;
  const base = testGenesis(signers);
  const operators = ["SBP", "SBP", "FINDIV", "FINDIV"];
  return {
    ...base,
    members: institutions.map((institution, i) => ({
      ...institution,
      name: `${institution.id} of the test network`,
      jurisdiction: "PK",
      keys: [{ keyId: "k1", publicKey: testSigner(31 + i).publicKey, purpose: "TRANSACTION" }],
    })),
    validators: base.validators.map((validator, i) => ({
      ...validator,
      member: operators[i] ?? "SBP",
      networkKey: testSigner(41 + i).publicKey,
    })),
  };
}

function documentOf(genesis: Genesis): GenesisDocument {
  // As it comes from a file.
  return JSON.parse(JSON.stringify(genesisToDocument(genesis))) as GenesisDocument;
}

describe("pinning a genesis", () => {
  it("gives the chain id and the validators in genesis order", () => {
    const genesis = foundedGenesis();
    const pin = pinGenesis(documentOf(genesis));
    expect(pin.chainId).toBe(chainIdOf(genesis));
    expect(pin.validators.validators.map(({ publicKey }) => publicKey)).toEqual(
      signers.map(({ publicKey }) => publicKey),
    );
    expect(pin.validators.quorum).toBe(3);
    expect(pinGenesis(documentOf(genesis), pin.chainId).chainId).toBe(pin.chainId);
  });

  it("refuses a document that is not the one of the fingerprint", () => {
    const genesis = foundedGenesis();
    const changed = documentOf({ ...genesis, programmeCapUsdCents: 101n });
    const pin = (): unknown => pinGenesis(changed, chainIdOf(genesis));
    expect(pin).toThrowError(PinError);
    expect(pin).toThrowError(/not the pinned one/);
  });

  it("refuses what is no genesis, before anything is trusted", () => {
    for (const document of [
      undefined,
      null,
      {},
      [],
      "x",
      { ...documentOf(foundedGenesis()), extra: 1 },
    ]) {
      expect(() => pinGenesis(document)).toThrowError(GenesisError);
    }
  });

  it("refuses validators that a single holder could halt or rule", () => {
    const few = pinOf.bind(undefined, testGenesis(signers.slice(0, 3)));
    expect(few).toThrowError(CodedError);
    expect(few).toThrowError(/at least four/);
  });
});
