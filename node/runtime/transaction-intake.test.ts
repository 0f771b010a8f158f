import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { SignedTransaction } from "../../ledger/envelope.ts";
import { memberTable } from "../../ledger/state/member.ts";
import { present } from "../../primitives/assert.ts";
import { CodedError } from "../../primitives/errors.ts";
import type { Admission } from "../api/ports.ts";
import { PendingTransactions } from "../dissemination/pending-transactions.ts";
import { digestOf } from "../dissemination/test-transactions.ts";
import {
  batchFrom,
  finalizationOf,
  networkGenesis,
  TestNode,
  type TransactionOptions,
  transactionFor,
} from "./test-network.ts";
import { TransactionIntake } from "./transaction-intake.ts";
import { TransactionWaiters } from "./transaction-waiters.ts";

const genesis = networkGenesis();
const SIGNAL = new AbortController().signal;

let node: TestNode;

beforeEach(async () => {
  node = await TestNode.create(0, genesis);
});

afterEach(() => node.destroy());

function intakeOf(pending = node.pending) {
  const counted: string[] = [];
  const state: {
    closed: "SYNCING" | "DRAINING" | "HALTED" | undefined;
    retryAfterMs: number | undefined;
    admitted: number;
  } = { closed: undefined, retryAfterMs: undefined, admitted: 0 };
  const waiters = new TransactionWaiters();
  const intake = new TransactionIntake({
    blocks: node.storage.blocks,
    committed: node.storage.committed,
    pending,
    waiters,
    verifier: node.verifier,
    admitted: () => {
      state.admitted += 1;
    },
    closed: () => state.closed,
    overload: () => state.retryAfterMs,
    count: (outcome) => counted.push(outcome),
  });
  return { intake, counted, state, waiters };
}

function make(name: string, options: TransactionOptions = {}): SignedTransaction {
  return transactionFor(genesis, name, options);
}

/** Puts the transactions into the next block. */
async function commit(...transactions: readonly SignedTransaction[]): Promise<void> {
  const { height } = node.head;
  if (transactions.length > 0) await node.hold(batchFrom(0, height + 1, transactions));
  const header = present(await node.build(), "a block");
  await node.application.commit([{ headers: [header], finalization: finalizationOf(header) }]);
  node.pending.settle(transactions.map(({ txId }) => txId));
}

function reasonOf(admission: Admission): string {
  return admission.kind === "refused" ? admission.reason : admission.kind;
}

test("a good transaction takes its place in the pool, and is counted", async () => {
  const { intake, counted, state } = intakeOf();
  const good = make("A");
  const pending = { kind: "pending", txId: good.txId, expiresAtHeight: 10 };
  expect(await intake.submit(good.bytes)).toEqual(pending);
  expect(node.pending.get(good.txId)?.verifiedKeys).toHaveLength(2);
  expect(state.admitted).toBe(1);
  // Again: the same answer, nothing verified, nothing packed twice.
  const verified = node.verifier.signatures;
  expect(await intake.submit(good.bytes)).toEqual(pending);
  expect(node.verifier.signatures).toBe(verified);
  expect(state.admitted).toBe(1);
  expect(counted).toEqual(["admitted", "admitted"]);
});

describe("refusals", () => {
  test.each([
    ["TX_MALFORMED", () => Uint8Array.of(1, 2, 3)],
    ["TX_MALFORMED", () => make("A").bytes.subarray(1)],
    ["TX_NOT_CANONICAL", () => Uint8Array.of(0xdc, 0, 2, ...make("A").bytes.subarray(1))],
    ["TX_TOO_LARGE", () => new Uint8Array(64 * 1024 + 1)],
    ["TX_WRONG_CHAIN", () => make("A", { chainId: digestOf("another chain") }).bytes],
    ["TX_UNKNOWN_SIGNER", () => make("A", { member: "NOBODY" }).bytes],
    ["TX_UNKNOWN_SIGNER", () => make("A", { keyId: "k9" }).bytes],
    ["TX_UNKNOWN_SIGNER", () => make("A", { keyId: "vote" }).bytes],
    ["TX_EXPIRED", () => make("A", { expiresAtHeight: 0 }).bytes],
    ["TX_EXPIRY_TOO_FAR", () => make("A", { expiresAtHeight: 22 }).bytes],
    ["TX_MISSING_SIGNER", () => make("A", { signers: ["HBL"] }).bytes],
    ["TX_BAD_SIGNATURE", () => make("A", { broken: ["SBP"] }).bytes],
  ] as const)("%s leaves no trace", async (reason, bytes) => {
    const { intake, counted, state } = intakeOf();
    expect(reasonOf(await intake.submit(bytes()))).toBe(reason);
    expect(counted).toEqual([reason]);
    expect(state.admitted).toBe(0);
    expect(node.pending.count).toBe(0);
    // The client reference is free.
    expect(reasonOf(await intake.submit(make("A").bytes))).toBe("pending");
  });

  test("cheap ones come before signatures are looked at, in one order", async () => {
    const { intake } = intakeOf();
    await intake.submit(make("taken").bytes);
    node.verifier.calls.length = 0;
    const worst: TransactionOptions = {
      chainId: digestOf("another chain"),
      signers: ["HBL", "NOBODY"],
      clientRef: "taken",
      expiresAtHeight: 0,
      broken: ["HBL"],
    };
    const faults: readonly (readonly [string, TransactionOptions])[] = [
      ["TX_WRONG_CHAIN", worst],
      ["TX_UNKNOWN_SIGNER", { ...worst, chainId: make("x").body.chainId }],
      ["IDEMPOTENCY_CONFLICT", { clientRef: "taken", expiresAtHeight: 0, broken: ["HBL"] }],
      ["TX_EXPIRED", { expiresAtHeight: 0, signers: ["HBL"], broken: ["HBL"] }],
      ["TX_MISSING_SIGNER", { signers: ["HBL"], broken: ["HBL"] }],
    ];
    for (const [reason, options] of faults) {
      expect(reasonOf(await intake.submit(make("B", options).bytes))).toBe(reason);
    }
    expect(node.verifier.calls).toEqual([]);
  });

  test("say what was wrong", async () => {
    const { intake } = intakeOf();
    await commit();
    expect(await intake.submit(make("A", { expiresAtHeight: 1 }).bytes)).toEqual({
      kind: "refused",
      reason: "TX_EXPIRED",
      detail: { field: "body.expiresAtHeight", got: "1", head: "1" },
    });
    expect(await intake.submit(make("A", { broken: ["SBP"] }).bytes)).toEqual({
      kind: "refused",
      reason: "TX_BAD_SIGNATURE",
      detail: { field: "signatures[1]" },
    });
  });

  test("a suspended member", async () => {
    const { intake } = intakeOf();
    const { committed } = node.storage;
    const hbl = present(memberTable.read(committed, "HBL"), "HBL");
    const [key, value] = memberTable.entry({ ...hbl, suspended: true });
    const tree = committed.tree.update([[key, value]]);
    const head = { ...committed.head, height: 1, stateRoot: tree.root };
    committed.advance(head, new Map([[key, value]]), tree);
    expect(await intake.submit(make("A").bytes)).toMatchObject({
      reason: "FORBIDDEN",
      detail: { field: "signatures[0]" },
    });
  });

  test.each(["SYNCING", "DRAINING", "HALTED"] as const)("while %s", async (closed) => {
    const { intake, state } = intakeOf();
    state.closed = closed;
    const admission = await intake.submit(make("A").bytes);
    expect(admission).toMatchObject({ kind: "refused", reason: closed });
    expect(admission).toMatchObject({ detail: { retryAfterMs: expect.any(Number) } });
    expect(node.verifier.calls).toEqual([]);
  });

  test("a full pool and a full verifier ask to come back", async () => {
    const full = new PendingTransactions({ maxBytes: 1 << 20, maxTransactions: 2 });
    const { intake } = intakeOf(full);
    await intake.submit(make("A").bytes);
    expect(await intake.submit(make("B").bytes)).toMatchObject({
      reason: "MEMPOOL_FULL",
      detail: { retryAfterMs: expect.any(Number) },
    });
    node.verifier.refusals.push(new CodedError("OVERLOADED", "full"));
    expect(await intake.submit(make("C").bytes)).toMatchObject({
      reason: "OVERLOADED",
      detail: { retryAfterMs: expect.any(Number) },
    });
  });

  test("a verifier that breaks is no refusal", async () => {
    const { intake } = intakeOf();
    node.verifier.refusals.push(new CodedError("CLOSED", "closing"));
    await expect(intake.submit(make("A").bytes)).rejects.toMatchObject({ code: "CLOSED" });
  });
});

describe("many at once", () => {
  test("each is answered by itself, in order; signatures are verified together", async () => {
    const { intake, counted, state } = intakeOf();
    const [a, b] = [make("A"), make("B")];
    const answers = await intake.submitAll([
      a.bytes,
      Uint8Array.of(1, 2, 3),
      make("C", { broken: ["SBP"] }).bytes,
      a.bytes,
      make("other", { clientRef: "A" }).bytes,
      b.bytes,
    ]);
    expect(answers.map(reasonOf)).toEqual([
      "pending",
      "TX_MALFORMED",
      "TX_BAD_SIGNATURE",
      "pending",
      "IDEMPOTENCY_CONFLICT",
      "pending",
    ]);
    expect(node.pending.count).toBe(2);
    expect(counted).toHaveLength(6);
    expect(state.admitted).toBe(1);
  });

  test("room for some: those before it stand, the rest is asked to come back", async () => {
    const { intake } = intakeOf(new PendingTransactions({ maxBytes: 1 << 20, maxTransactions: 2 }));
    const three = ["A", "B", "C"].map((name) => make(name).bytes);
    const answers = await intake.submitAll(three);
    expect(answers.map(reasonOf)).toContain("pending");
    expect(answers.map(reasonOf).at(-1)).toBe("MEMPOOL_FULL");
  });

  test("a full verifier refuses only what it was asked for", async () => {
    const { intake } = intakeOf();
    node.verifier.refusals.push(new CodedError("OVERLOADED", "full"));
    const answers = await intake.submitAll([Uint8Array.of(1), make("A").bytes]);
    expect(answers.map(reasonOf)).toEqual(["TX_MALFORMED", "OVERLOADED"]);
  });

  test("none at all is no fault", async () => {
    expect(await intakeOf().intake.submitAll([])).toEqual([]);
  });
});

describe("a queue that is too old", () => {
  test("turns new ones away before their signatures cost anything, and knows its own", async () => {
    const { intake, state } = intakeOf();
    const first = make("A");
    await intake.submit(first.bytes);
    state.retryAfterMs = 700;
    const verified = node.verifier.signatures;
    expect(await intake.submit(make("B").bytes)).toEqual({
      kind: "refused",
      reason: "OVERLOADED",
      detail: { retryAfterMs: 700 },
    });
    expect(node.verifier.signatures).toBe(verified);
    expect(reasonOf(await intake.submit(first.bytes))).toBe("pending");
    expect(reasonOf(await intake.submit(Uint8Array.of(1)))).toBe("TX_MALFORMED");
  });
});

describe("client references", () => {
  test("a pending transaction holds its own against another body", async () => {
    const { intake } = intakeOf();
    const first = make("A");
    await intake.submit(first.bytes);
    expect(await intake.submit(make("B", { clientRef: "A" }).bytes)).toEqual({
      kind: "refused",
      reason: "IDEMPOTENCY_CONFLICT",
      detail: { txId: first.txId, field: "body.clientRef" },
    });
  });

  test("a committed one too; the same transaction gets its first receipt again", async () => {
    const { intake, counted } = intakeOf();
    const first = make("A");
    await commit(first);
    await commit();
    const duplicate = await intake.submit(first.bytes);
    expect(duplicate).toMatchObject({
      kind: "duplicate",
      txId: first.txId,
      expiresAtHeight: 10,
      receipt: { txId: first.txId, height: 1, index: 0, executed: true },
    });
    expect(await intake.submit(make("B", { clientRef: "A" }).bytes)).toMatchObject({
      reason: "IDEMPOTENCY_CONFLICT",
      detail: { txId: first.txId },
    });
    expect(counted).toEqual(["duplicate", "IDEMPOTENCY_CONFLICT"]);
    // The same reference of another member is another one.
    const own = make("C", { clientRef: "A", member: "SBP" });
    expect(reasonOf(await intake.submit(own.bytes))).toBe("pending");
  });
});

describe("while signatures are verified", () => {
  test("the state moves: executed meanwhile is a duplicate", async () => {
    const { intake } = intakeOf();
    const transaction = make("A");
    node.verifier.meanwhile = async () => {
      node.verifier.meanwhile = undefined;
      await commit(transaction);
    };
    expect(await intake.submit(transaction.bytes)).toMatchObject({ kind: "duplicate" });
    expect(node.pending.count).toBe(0);
  });

  test("the state moves: expired meanwhile", async () => {
    const { intake } = intakeOf();
    node.verifier.meanwhile = async () => {
      node.verifier.meanwhile = undefined;
      await commit();
    };
    const late = make("A", { expiresAtHeight: 1 });
    expect(reasonOf(await intake.submit(late.bytes))).toBe("TX_EXPIRED");
  });

  test("another copy, or another body, comes in first", async () => {
    const { intake, state } = intakeOf();
    const both = [make("A"), make("A"), make("B", { clientRef: "A" })];
    const admissions = await Promise.all(both.map(({ bytes }) => intake.submit(bytes)));
    expect(admissions.map(reasonOf)).toEqual(["pending", "pending", "IDEMPOTENCY_CONFLICT"]);
    expect(state.admitted).toBe(1);
    expect(node.pending.count).toBe(1);
  });
});

describe("finding and waiting", () => {
  test("unknown, pending, committed", async () => {
    const { intake } = intakeOf();
    const transaction = make("A");
    const { txId } = transaction;
    const reference = { member: "HBL", clientRef: "A" };
    const at = (to: number) => ({ from: 1, to });
    for (const by of [{ txId }, reference]) {
      expect(await intake.find(by)).toEqual({ kind: "absent", searched: at(0) });
    }
    await intake.submit(transaction.bytes);
    const pending = { kind: "pending", txId, expiresAtHeight: 10, searched: at(0) };
    for (const by of [{ txId }, reference]) expect(await intake.find(by)).toEqual(pending);
    await commit(transaction);
    for (const by of [{ txId }, reference]) {
      expect(await intake.find(by)).toMatchObject({
        kind: "committed",
        receipt: { txId, height: 1 },
        searched: at(1),
      });
    }
    expect(await intake.waitFor(txId, 1000, SIGNAL)).toMatchObject({ kind: "committed" });
  });

  test("a copy refused in a block leaves it pending", async () => {
    const { intake } = intakeOf();
    const transaction = make("A");
    await intake.submit(transaction.bytes);
    await node.hold(batchFrom(3, 1, [make("A", { broken: ["HBL"] })]));
    const header = present(await node.build(), "a block");
    await node.application.commit([{ headers: [header], finalization: finalizationOf(header) }]);
    const { txId } = transaction;
    expect(await intake.find({ txId })).toMatchObject({ kind: "pending", txId });
    expect(await intake.waitFor(txId, 0, SIGNAL)).toEqual({ kind: "elapsed" });
  });

  test("a wait begun after the last height ends at once", async () => {
    const { intake, waiters } = intakeOf();
    const transaction = make("A", { expiresAtHeight: 1 });
    await intake.submit(transaction.bytes);
    await commit();
    expect(await intake.waitFor(transaction.txId, 1000, SIGNAL)).toEqual({ kind: "expired" });
    expect(waiters.size).toBe(0);
  });
});
