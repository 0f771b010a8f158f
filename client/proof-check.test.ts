import { describe, expect, it } from "vitest";
import { headerSchema } from "../consensus/header.ts";
import { accountTable } from "../ledger/state/account.ts";
import { balanceTable } from "../ledger/state/balance.ts";
import { supplyTable } from "../ledger/state/supply.ts";
import { encode } from "../primitives/codec/codec.ts";
import { pinOf } from "./genesis-pin.ts";
import {
  checkAccountProof,
  checkBalanceProof,
  checkSupplyProof,
  ProofError,
  type ProofErrorCode,
} from "./proof-check.ts";
import { toBase64 } from "./rpc/base64.ts";
import type { ProofJson } from "./rpc/methods.ts";
import { FabricatedChain, testGenesis, testSigner } from "./testing/fabricated-chain.ts";

const ISIN = "PK0PIB003015";
const BIG = 2n ** 53n + 1n;

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
const balance = {
  account: "PKSGLA001",
  asset: ISIN,
  total: BIG,
  available: BIG - 2n,
  reserved: 2n,
  pledged: 0n,
  blocked: 0n,
};
const supply = { asset: ISIN, authorised: 2n * BIG, issued: BIG, redeemed: 1n, tranches: 1 };

function populated(): FabricatedChain {
  const chain = new FabricatedChain();
  chain.append([
    accountTable.entry(account),
    balanceTable.entry(balance),
    supplyTable.entry(supply),
  ]);
  chain.append([balanceTable.entry({ ...balance, account: "PKSGLA002" })]);
  chain.append();
  return chain;
}

const balanceKey = balanceTable.key(`PKSGLA001/${ISIN}`);

function codeOf(run: () => unknown): ProofErrorCode | "none" {
  try {
    run();
    return "none";
  } catch (error) {
    if (error instanceof ProofError) return error.code;
    throw error;
  }
}

describe("proofs that hold", () => {
  const chain = populated();

  it("shows an account, a balance and a supply, amounts past 2^53 exactly", () => {
    const { pin } = chain;
    const shown = checkAccountProof(pin, chain.proof("account/PKSGLA001", 1), "PKSGLA001");
    expect(shown.value).toEqual(account);
    const held = checkBalanceProof(pin, chain.proof(balanceKey, 2), "PKSGLA001", ISIN);
    expect(held.value.total).toBe(9007199254740993n);
    expect(held.at).toEqual({
      height: 2,
      timestampMs: 1_700_000_002_000,
      stateRoot: chain.block(2).tree.root,
      blockDigest: chain.block(2).digest,
    });
    const issued = checkSupplyProof(pin, chain.proof(`supply/${ISIN}`, 3), ISIN);
    expect(issued.value).toEqual(supply);
  });

  it("shows that there is no such account, and a balance of zero", () => {
    const absent = checkAccountProof(chain.pin, chain.proof("account/NOBODY", 3), "NOBODY");
    expect(absent.value).toBeUndefined();
    const key = balanceTable.key("PKSGLA001/PKR-CBDC");
    const none = checkBalanceProof(chain.pin, chain.proof(key, 3), "PKSGLA001", "PKR-CBDC");
    expect(none.value.total).toBe(0n);
  });

  it("accepts a certificate of a descendant with the headers in between", () => {
    const proof = chain.proof(balanceKey, 1, 3);
    expect(proof.descendants).toHaveLength(2);
    expect(checkBalanceProof(chain.pin, proof, "PKSGLA001", ISIN).at.height).toBe(1);
  });

  it("accepts any quorum of signers", () => {
    for (const signerIndexes of [
      [0, 1, 2],
      [0, 1, 3],
      [1, 2, 3],
      [0, 1, 2, 3],
    ]) {
      const proof = chain.proof(balanceKey, 2, 2, { signerIndexes });
      expect(codeOf(() => checkBalanceProof(chain.pin, proof, "PKSGLA001", ISIN))).toBe("none");
    }
  });
});

describe("proofs that do not hold", () => {
  const chain = populated();
  const check = (proof: ProofJson, pin = chain.pin): ProofErrorCode | "none" =>
    codeOf(() => checkBalanceProof(pin, proof, "PKSGLA001", ISIN));
  const good = chain.proof(balanceKey, 2);

  it("refuses another key, also another account's balance of the same value", () => {
    expect(check({ ...good, key: "balance/PKSGLA002/X" })).toBe("PROOF_WRONG_KEY");
    const other = chain.proof(balanceTable.key(`PKSGLA002/${ISIN}`), 2);
    expect(check({ ...other, key: balanceKey })).toBe("PROOF_PATH");
  });

  it("refuses a changed value and a hidden one", () => {
    const more = balanceTable.encode({ ...balance, total: BIG + 1n });
    expect(check({ ...good, value: toBase64(more) })).toBe("PROOF_PATH");
    expect(check({ ...good, value: null })).toBe("PROOF_PATH");
  });

  it("refuses a path of another height", () => {
    expect(check({ ...good, path: chain.proof(balanceKey, 1).path })).toBe("PROOF_PATH");
  });

  it("refuses fewer signers than the quorum", () => {
    const weak = chain.proof(balanceKey, 2, 2, { signerIndexes: [0, 1] });
    expect(check(weak)).toBe("PROOF_CERTIFICATE");
  });

  it("refuses signatures of other keys, also with the right bitmap", () => {
    const keys = [11, 12, 13, 14].map(testSigner);
    expect(check(chain.proof(balanceKey, 2, 2, { keys }))).toBe("PROOF_CERTIFICATE");
  });

  it("refuses a notarization, another epoch, another block, another chain's statement", () => {
    const changes = [
      { kind: "notarize" },
      { epoch: 2 },
      { blockDigest: chain.block(1).digest },
      { chainId: "11".repeat(32) },
    ] as const;
    for (const change of changes) {
      expect(check(chain.proof(balanceKey, 2, 2, change))).toBe("PROOF_CERTIFICATE");
    }
  });

  it("refuses the certificate of the parent", () => {
    const commit = toBase64(chain.certificateBytes(chain.block(1)));
    expect(check({ ...good, commit })).toBe("PROOF_CERTIFICATE");
  });

  it("refuses descendants with a gap", () => {
    const proof = chain.proof(balanceKey, 1, 3);
    expect(check({ ...proof, descendants: proof.descendants.slice(1) })).toBe("PROOF_LINEAGE");
  });

  it("refuses another chain, and a pin of other validators", () => {
    const foreign = new FabricatedChain("other");
    foreign.append([balanceTable.entry(balance)]);
    expect(check(foreign.proof(balanceKey, 1))).toBe("PROOF_WRONG_CHAIN");
    const others = pinOf(testGenesis([5, 6, 7, 8].map(testSigner)));
    expect(check(good, { ...others, chainId: chain.pin.chainId })).toBe("PROOF_CERTIFICATE");
  });

  it("refuses a header with a forged state root", () => {
    const { header } = chain.block(2);
    const forged = { ...header, stateRoot: chain.block(1).tree.root };
    const proof = { ...chain.proof(balanceKey, 1), header: toBase64(encode(headerSchema, forged)) };
    expect(check({ ...proof, height: "2", commit: good.commit })).toBe("PROOF_CERTIFICATE");
  });

  it("refuses what is not canonical, not base64, or contradicts itself", () => {
    expect(check({ ...good, path: "####" })).toBe("PROOF_MALFORMED");
    expect(check({ ...good, commit: "AAAA" })).toBe("PROOF_MALFORMED");
    expect(check({ ...good, header: "" })).toBe("PROOF_MALFORMED");
    expect(check({ ...good, height: "3" })).toBe("PROOF_MALFORMED");
  });

  it("refuses an answer from the past where a height is demanded", () => {
    const run = (): unknown =>
      checkBalanceProof(chain.pin, good, "PKSGLA001", ISIN, { minHeight: 3 });
    expect(codeOf(run)).toBe("PROOF_STALE");
  });
});
