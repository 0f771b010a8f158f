import { expect, test } from "vitest";
import { genesisEntries } from "../../ledger/genesis.ts";
import { memberTable } from "../../ledger/state/member.ts";
import { readerOf } from "../../ledger/state-reader.ts";
import { present } from "../../primitives/assert.ts";
import { CodedError } from "../../primitives/errors.ts";
import { allVerified, checkTransactions } from "./signature-check.ts";
import {
  batchFrom,
  networkGenesis,
  signerOf,
  TestVerifier,
  transactionFor,
} from "./test-network.ts";

const genesis = networkGenesis();
const entries = genesisEntries(genesis);
const state = readerOf(entries);

/** The state after HBL's key k1 was replaced by another one. */
function afterRotation(seed: string) {
  const hbl = present(memberTable.read(state, "HBL"), "HBL");
  const keys = hbl.keys.map((key) =>
    key.keyId === "k1" ? { ...key, publicKey: signerOf(seed).publicKey } : key,
  );
  return readerOf([...entries, memberTable.entry({ ...hbl, keys })]);
}

function wire(...transactions: Parameters<typeof batchFrom>[2]) {
  return batchFrom(0, 1, transactions).transactions;
}

test("each signature under its registered key", async () => {
  const verifier = new TestVerifier();
  const good = transactionFor(genesis, "A");
  const bad = transactionFor(genesis, "B", { broken: ["SBP"] });
  const [first, second] = await checkTransactions(wire(good, bad), state, verifier);
  const [hbl, sbp] = ["HBL/k1", "SBP/k1"].map((name) => signerOf(name).publicKey);
  expect(first?.verifiedKeys).toEqual([hbl, sbp]);
  expect(second?.verifiedKeys).toEqual([hbl, undefined]);
  expect(first && allVerified(first)).toBe(true);
  expect(second && allVerified(second)).toBe(false);
  expect(first?.byteLength).toBe(good.bytes.length);
  expect(verifier.calls).toEqual([{ count: 4, lane: "transaction" }]);
});

test("signatures of unknown members and keys are left without a verdict", async () => {
  const verifier = new TestVerifier();
  const stranger = transactionFor(genesis, "A", { signers: ["HBL", "NOBODY"] });
  const [found] = await checkTransactions(wire(stranger), state, verifier);
  expect(found?.verifiedKeys).toEqual([signerOf("HBL/k1").publicKey, undefined]);
  expect(verifier.signatures).toBe(1);
  const unknownKey = transactionFor(genesis, "A", { keyId: "k9" });
  const [none] = await checkTransactions(wire(unknownKey), state, verifier);
  expect(none?.verifiedKeys).toEqual([undefined, undefined]);
  expect(verifier.signatures).toBe(1);
});

test("nothing is verified again while the keys stay the same, whatever was found", async () => {
  const verifier = new TestVerifier();
  const transactions = wire(
    transactionFor(genesis, "A"),
    transactionFor(genesis, "B", { broken: ["HBL"] }),
    transactionFor(genesis, "C", { signers: ["HBL", "NOBODY"] }),
  );
  const prior = await checkTransactions(transactions, state, verifier);
  const before = verifier.signatures;
  expect(await checkTransactions(transactions, state, verifier, prior)).toEqual(prior);
  expect(verifier.signatures).toBe(before);
});

test("a key that changed since is verified again, under the one registered now", async () => {
  const verifier = new TestVerifier();
  const transactions = wire(transactionFor(genesis, "A"));
  const prior = await checkTransactions(transactions, state, verifier);
  verifier.calls.length = 0;
  const rotated = afterRotation("new key of HBL");
  const [found] = await checkTransactions(transactions, rotated, verifier, prior);
  expect(found?.verifiedKeys).toEqual([undefined, signerOf("SBP/k1").publicKey]);
  expect(verifier.signatures).toBe(1);
  // And the other way round: bad under the old key, good under the new one.
  verifier.calls.length = 0;
  const old = await checkTransactions(transactions, rotated, verifier);
  const [back] = await checkTransactions(transactions, state, verifier, old);
  expect(back?.verifiedKeys).toEqual(prior[0]?.verifiedKeys);
  expect(verifier.signatures).toBe(3);
});

test("a key that is gone leaves no verdict behind", async () => {
  const verifier = new TestVerifier();
  const transactions = wire(transactionFor(genesis, "A"));
  const prior = await checkTransactions(transactions, state, verifier);
  const hbl = present(memberTable.read(state, "HBL"), "HBL");
  const without = readerOf([...entries, memberTable.entry({ ...hbl, keys: [] })]);
  const [found] = await checkTransactions(transactions, without, verifier, prior);
  expect(found?.verifiedKeys[0]).toBeUndefined();
});

test("findings without the keys that were tried count where they are positive", async () => {
  const verifier = new TestVerifier();
  const transactions = wire(transactionFor(genesis, "A"), transactionFor(genesis, "B"));
  const [first] = await checkTransactions(transactions, state, verifier);
  verifier.calls.length = 0;
  const { transaction, byteLength, verifiedKeys } = present(first, "finding");
  const prior = [{ transaction, byteLength, verifiedKeys }, undefined];
  const found = await checkTransactions(transactions, state, verifier, prior);
  expect(found.every(allVerified)).toBe(true);
  expect(verifier.signatures).toBe(2);
});

test("a block's signatures go in slices, so that no vote waits behind them for long", async () => {
  const verifier = new TestVerifier();
  const transactions = wire(
    ...Array.from({ length: 600 }, (_, i) => transactionFor(genesis, `S${i}`)),
  );
  const found = await checkTransactions(transactions, state, verifier, [], "vote");
  expect(found.every(allVerified)).toBe(true);
  expect(verifier.calls).toEqual([512, 512, 176].map((count) => ({ count, lane: "vote" })));
});

test("no verdict on one of them is no verdict at all", async () => {
  const verifier = new TestVerifier();
  verifier.refusals.push(new CodedError("OVERLOADED", "full"));
  const transactions = wire(transactionFor(genesis, "A"));
  await expect(checkTransactions(transactions, state, verifier)).rejects.toMatchObject({
    code: "OVERLOADED",
  });
});
