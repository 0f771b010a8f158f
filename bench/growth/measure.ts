// One size, in a process of its own: `bench:growth` starts it and reads the line that it prints.
import { applyBlock } from "../../ledger/apply-block.ts";
import { buildBody } from "../../ledger/envelope.ts";
import { encodeEvent } from "../../ledger/events.ts";
import { DENOMINATION, PIB } from "../../ledger/testing/test-ledger.ts";
import { packBatch, readBatch } from "../../node/dissemination/batch.ts";
import { invariant } from "../../primitives/assert.ts";
import { installNativeHashing } from "../../primitives/native/hashing.ts";
import { blockOn } from "../micro/block-commit.ts";
import { signedSettlement } from "../micro/settlement-ledger.ts";
import { cashOf, type SeededNode, securitiesOf, seededNode } from "./seeded-node.ts";

/** Settlements of one measured block, and how many blocks after as many to warm up. */
const BLOCK = 256;
const BLOCKS = 40;
const CLEAN = 9_567_130n;
const ACCRUED = 23_204n;

export interface GrowthResult {
  readonly accounts: number;
  readonly history: number;
  readonly entries: number;
  /** CPU of one settlement, decoded, executed, encoded and stored, microseconds: the median block. */
  readonly cpuMicroseconds: number;
  /** Of it the state root alone. */
  readonly treeMicroseconds: number;
  readonly loadSeconds: number;
  readonly rssMiB: number;
  readonly heapMiB: number;
  /** Growth of RSS while the measured blocks went through. */
  readonly grownMiB: number;
}

installNativeHashing();
const [accounts = 0, history = 0] = process.argv.slice(2).map(Number);
const node = await seededNode(accounts, history);
try {
  const result = await measure(node);
  process.stdout.write(`${JSON.stringify(result)}\n`);
} finally {
  await node.close();
}

async function measure(seeded: SeededNode): Promise<GrowthResult> {
  for (let i = 0; i < BLOCKS; i++) await settleBlock(seeded, i);
  collect();
  const before = process.memoryUsage().rss;
  const costs: { cpu: number; tree: number }[] = [];
  for (let i = 0; i < BLOCKS; i++) costs.push(await settleBlock(seeded, BLOCKS + i));
  collect();
  const { rss, heapUsed, arrayBuffers } = process.memoryUsage();
  const mib = (bytes: number): number => Math.round(bytes / 2 ** 20);
  return {
    accounts,
    history,
    entries: seeded.committed.size,
    cpuMicroseconds: median(costs.map(({ cpu }) => cpu)) / BLOCK,
    treeMicroseconds: median(costs.map(({ tree }) => tree)) / BLOCK,
    loadSeconds: seeded.loadSeconds,
    rssMiB: mib(rss),
    heapMiB: mib(heapUsed + arrayBuffers),
    grownMiB: mib(rss - before),
  };
}

/** What a node does for a block but for signatures, consensus and sockets. Microseconds of CPU. */
async function settleBlock(
  { ledger, store, committed }: SeededNode,
  round: number,
): Promise<{ cpu: number; tree: number }> {
  const { bytes } = packBatch(0, round, transactionsOf(round, committed.head.height));
  const begun = process.cpuUsage();
  const batch = readBatch(bytes);
  const transactions = batch.transactions.map(({ transaction }) => ledger.checked(transaction));
  const height = committed.head.height + 1;
  const timestampMs = committed.head.timestampMs + 1_000;
  const { head, tree } = committed;
  const result = applyBlock({
    state: committed,
    tree,
    height,
    parentDigest: head.digest,
    timestampMs,
    transactions,
    evidence: [],
  });
  const settled = result.receipts.filter(({ outcome }) => outcome.code === "SETTLED").length;
  invariant(settled === BLOCK, `all of the block settles, not ${settled}`);
  const block = blockOn(store, {
    receipts: result.receiptBytes,
    events: result.events.map((event) => ({
      txIndex: event.txIndex,
      eventIndex: event.eventIndex,
      bytes: encodeEvent(event),
    })),
    stateChanges: result.changes,
    stateRoot: result.stateRoot,
    references: result.receipts.map(({ clientRef }) => clientRef),
    batch: bytes,
  });
  await store.commitBlock(block);
  const { digest } = block;
  const next = { height, digest, timestampMs, epoch: 0, stateRoot: result.stateRoot };
  committed.advance(next, new Map(result.changes), result.tree);
  const { user, system } = process.cpuUsage(begun);
  // Not part of the block: the same update once more, alone.
  const again = process.cpuUsage();
  tree.update(result.changes);
  const alone = process.cpuUsage(again);
  return { cpu: user + system, tree: alone.user + alone.system };
}

/** Between random accounts, so that a larger state means other records. */
function transactionsOf(round: number, height: number) {
  const places = Math.max(1, Math.floor(accounts / 4));
  return Array.from({ length: BLOCK }, (_, i) => {
    const n = round * BLOCK + i;
    const seller = scattered(2 * n) % places;
    const buyer = scattered(2 * n + 1) % places;
    const head = {
      chainId: node.ledger.chainId,
      member: "UBL",
      clientRef: `GROWTH-${n}`,
      expiresAtHeight: height + 10,
    };
    const body = buildBody(head, "settle-dvp", {
      settlementRef: `GROWTH-${n}`,
      isin: PIB,
      face: DENOMINATION,
      delivererAccount: securitiesOf("HBL", seller),
      receiverAccount: securitiesOf("UBL", buyer),
      payerCashAccount: cashOf("UBL", buyer),
      payeeCashAccount: cashOf("HBL", seller),
      cleanAmount: CLEAN,
      accruedInterest: ACCRUED,
    });
    const transaction = signedSettlement(body);
    return { bytes: transaction.bytes, transaction };
  });
}

/** The same places on every machine, without a pattern (Knuth's multiplicative hash). */
function scattered(n: number): number {
  return Math.imul(n + 1, 0x9e37_79b1) >>> 4;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}

function collect(): void {
  invariant(globalThis.gc !== undefined, "started with --expose-gc");
  globalThis.gc();
}
