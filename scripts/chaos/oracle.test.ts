import { describe, expect, test } from "vitest";
import {
  balanceKey,
  balancesAfter,
  judge,
  type NodeEvidence,
  type TransactionFact,
  type ViolationKind,
} from "./oracle.ts";
import type { JournalEntry } from "./transaction-journal.ts";

const COIN = "COIN";
const A = balanceKey("A", COIN);
const B = balanceKey("B", COIN);
const before = new Map([
  [A, 100n],
  [B, 0n],
]);

function entry(txId: string, more: Partial<JournalEntry> = {}): JournalEntry {
  return {
    txId,
    kind: "transfer-cbdc",
    bytes: new Uint8Array(),
    expiresAtHeight: 9,
    movements: [
      { account: "A", asset: COIN, change: -10n },
      { account: "B", asset: COIN, change: 10n },
    ],
    expected: "SETTLED",
    acknowledgedBy: "n0",
    resent: 0,
    ...more,
  };
}

const settled: TransactionFact = {
  status: "committed",
  height: 1,
  index: 0,
  executed: true,
  code: "SETTLED",
};

/** A node that executed t1, as it should look. */
function node(name: string, more: Partial<NodeEvidence> = {}): NodeEvidence {
  const roots = { digest: "d1", stateRoot: "s1", receiptsRoot: "r1" };
  return {
    node: name,
    head: { height: 1, stateRoot: "s1" },
    lacksUpTo: 0,
    blocks: [{ height: 1, proposer: 0, timestampMs: 5, ...roots }],
    transactions: new Map([["t1", settled]]),
    balances: new Map([
      [A, 90n],
      [B, 10n],
    ]),
    outstanding: new Map([[COIN, 100n]]),
    executions: [{ txId: "t1", height: 1, index: 0 }],
    ...more,
  };
}

function kindsOf(
  evidence: readonly NodeEvidence[],
  entries = [entry("t1")],
): readonly ViolationKind[] {
  const { violations } = judge(evidence, entries, before);
  return [...new Set(violations.map(({ kind }) => kind))];
}

test("equal nodes on which everything ended once pass", () => {
  const judgement = judge([node("n0"), node("n1")], [entry("t1")], before);
  expect(judgement).toEqual({
    violations: [],
    acknowledged: 1,
    settled: 1,
    failed: 0,
    expired: 0,
    lost: 0,
  });
});

describe("a transaction", () => {
  test("that was acknowledged and that no node knows is lost", () => {
    const entries = [entry("t1"), entry("t2")];
    const judgement = judge([node("n0"), node("n1")], entries, before);
    expect(judgement.lost).toBe(1);
    expect(judgement.violations.map(({ kind }) => kind)).toEqual(["LOST", "LOST"]);
  });

  test("that only waits, after all that patience, is lost", () => {
    const transactions = new Map<string, TransactionFact>([
      ["t1", settled],
      ["t2", { status: "pending" }],
    ]);
    const judgement = judge([node("n0", { transactions })], [entry("t1"), entry("t2")], before);
    expect([judgement.lost, judgement.violations[0]?.kind]).toEqual([1, "LOST"]);
  });

  test("that nobody acknowledged may be unknown", () => {
    expect(
      kindsOf([node("n0")], [entry("t1"), entry("t2", { acknowledgedBy: undefined })]),
    ).toEqual([]);
  });

  test("that one node lacks is lost there, and the nodes differ", () => {
    const forgetful = node("n1", { transactions: new Map() });
    expect(kindsOf([node("n0"), forgetful])).toEqual([
      "LOST",
      "OUTCOMES_DIFFER",
      "STRANGE_EXECUTION",
    ]);
  });

  test("that was proved expired, or failed as it had to, is counted and no violation", () => {
    const transactions = new Map<string, TransactionFact>([
      ["t1", settled],
      ["t2", { status: "expired" }],
      ["t3", { ...settled, index: 1, code: "INSUFFICIENT_CASH" }],
    ]);
    const entries = [
      entry("t1"),
      entry("t2"),
      entry("t3", { expected: "INSUFFICIENT_CASH", movements: [] }),
    ];
    const judgement = judge([node("n0", { transactions })], entries, before);
    expect(judgement).toEqual({
      violations: [],
      acknowledged: 3,
      settled: 1,
      failed: 1,
      expired: 1,
      lost: 0,
    });
  });

  test("that ended otherwise than it had to is reported", () => {
    const failed = new Map([["t1", { ...settled, code: "ACCOUNT_FROZEN" }]]);
    const untouched = { balances: before, executions: [] };
    expect(kindsOf([node("n0", { transactions: failed, ...untouched })])).toEqual([
      "WRONG_OUTCOME",
    ]);
  });

  test("that moved units at two places was executed twice, and the balances say so too", () => {
    const twice = node("n0", {
      executions: [
        { txId: "t1", height: 1, index: 0 },
        { txId: "t1", height: 2, index: 4 },
      ],
      balances: new Map([
        [A, 80n],
        [B, 20n],
      ]),
    });
    expect(kindsOf([twice])).toEqual(["EXECUTED_TWICE", "BALANCES_DIFFER"]);
  });

  test("that is expired and moved units all the same is a strange execution", () => {
    const transactions = new Map<string, TransactionFact>([["t1", { status: "expired" }]]);
    expect(kindsOf([node("n0", { transactions, balances: before })])).toEqual([
      "STRANGE_EXECUTION",
    ]);
  });

  test("that nobody journalled and that moved units is a strange execution", () => {
    const executions = [...node("n0").executions, { txId: "t9", height: 1, index: 1 }];
    expect(kindsOf([node("n0", { executions })])).toEqual(["STRANGE_EXECUTION"]);
  });
});

describe("nodes", () => {
  test.each(["digest", "stateRoot", "receiptsRoot"] as const)("with another %s differ", (field) => {
    const [block] = node("n1").blocks;
    const blocks = block === undefined ? [] : [{ ...block, [field]: "other" }];
    expect(kindsOf([node("n0"), node("n1", { blocks })])).toEqual(["BLOCKS_DIFFER"]);
  });

  test("at rest at different heads differ", () => {
    const behind = node("n1", { head: { height: 0, stateRoot: "s0" } });
    expect(kindsOf([node("n0"), behind])).toEqual(["HEADS_DIFFER"]);
  });

  test("that hold more or less than was minted do not conserve money", () => {
    const balances = new Map([
      [A, 90n],
      [B, 11n],
    ]);
    expect(kindsOf([node("n0", { balances })])).toEqual(["MONEY_NOT_CONSERVED", "BALANCES_DIFFER"]);
  });

  test("that hold units nobody issued do not conserve money", () => {
    const balances = new Map([...node("n0").balances, [balanceKey("A", "BOND"), 1n]]);
    expect(kindsOf([node("n0", { balances })])).toEqual(["MONEY_NOT_CONSERVED", "BALANCES_DIFFER"]);
  });

  test("that do not answer prove nothing: all that was acknowledged counts as lost", () => {
    const judgement = judge([], [entry("t1")], before);
    expect([judgement.lost, judgement.violations[0]?.kind]).toEqual([1, "NO_EVIDENCE"]);
  });
});

test("balances after a window hold each success once", () => {
  const after = balancesAfter(node("n0"), [entry("t1"), entry("t2")], before);
  expect([after.get(A), after.get(B)]).toEqual([90n, 10n]);
});

describe("a node that began with a snapshot", () => {
  const whole = node("n0");
  const nothing = { blocks: [], executions: [], transactions: new Map() };

  test("need not know what was executed or expired before it began", () => {
    expect(kindsOf([whole, node("n1", { ...nothing, lacksUpTo: 1 })])).toEqual([]);
    const moved = { balances: before, executions: [] };
    const expired = new Map<string, TransactionFact>([["t1", { status: "expired" }]]);
    const gone = node("n0", { ...moved, transactions: expired });
    const late = node("n1", { ...nothing, ...moved, lacksUpTo: 1 });
    expect(kindsOf([gone, late])).toEqual([]);
  });

  test("must know what was executed after, and agree on all that it has", () => {
    const later = new Map([["t1", { ...settled, height: 2 }]]);
    const full = node("n0", {
      transactions: later,
      executions: [{ txId: "t1", height: 2, index: 0 }],
    });
    expect(kindsOf([full, node("n1", { ...nothing, lacksUpTo: 1 })])).toContain("LOST");
    const poor = node("n1", { ...nothing, lacksUpTo: 1, balances: before });
    expect(kindsOf([whole, poor])).toEqual(["BALANCES_DIFFER"]);
    const other = new Map([["t1", { ...settled, index: 7 }]]);
    const elsewhere = node("n1", { lacksUpTo: 1, transactions: other });
    expect(kindsOf([whole, elsewhere])).toContain("OUTCOMES_DIFFER");
  });
});
