import { afterEach, beforeEach, expect, test } from "vitest";
import type { SignedTransaction } from "../../ledger/envelope.ts";
import { present } from "../../primitives/assert.ts";
import type { Batch } from "../dissemination/batch.ts";
import { settledTransactions } from "./settled-transactions.ts";
import {
  batchFrom,
  finalizationOf,
  networkGenesis,
  TestNode,
  transactionFor,
} from "./test-network.ts";

const genesis = networkGenesis();
const SELF = 0;

let node: TestNode;

beforeEach(async () => {
  node = await TestNode.create(SELF, genesis);
});

afterEach(() => node.destroy());

async function settledBy(...batches: readonly Batch[]): Promise<ReadonlySet<string>> {
  for (const batch of batches) await node.hold(batch);
  const header = present(await node.build(), "a block");
  await node.application.commit([{ headers: [header], finalization: finalizationOf(header) }]);
  return settledTransactions(present(node.applied.at(-1), "applied block"), SELF);
}

function idsOf(...transactions: readonly SignedTransaction[]): ReadonlySet<string> {
  return new Set(transactions.map(({ txId }) => txId));
}

const good = transactionFor(genesis, "A");
const forged = transactionFor(genesis, "A", { broken: ["HBL"] });
const late = transactionFor(genesis, "B", { expiresAtHeight: 0 });

test("what was executed, whoever carried it", async () => {
  const other = transactionFor(genesis, "C");
  expect(await settledBy(batchFrom(SELF, 1, [good]), batchFrom(2, 1, [other]))).toEqual(
    idsOf(good, other),
  );
});

test("a forged copy in another validator's batch settles nothing", async () => {
  expect(await settledBy(batchFrom(3, 1, [forged]))).toEqual(new Set());
  expect(await settledBy(batchFrom(SELF, 1, [good]))).toEqual(idsOf(good));
});

test("what an own batch carried has had its turn, executed or not", async () => {
  expect(await settledBy(batchFrom(SELF, 1, [late]))).toEqual(idsOf(late));
  expect(await settledBy(batchFrom(1, 1, [late]))).toEqual(new Set());
});
