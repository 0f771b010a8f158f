import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { certificateSchema } from "../../consensus/certificate.ts";
import type { BlockHeader } from "../../consensus/header.ts";
import { voteStatement } from "../../consensus/statements.ts";
import type { Certificate } from "../../consensus/types.ts";
import type { SignedTransaction } from "../../ledger/envelope.ts";
import { chainIdOf } from "../../ledger/genesis.ts";
import { present } from "../../primitives/assert.ts";
import { encode } from "../../primitives/codec/codec.ts";
import { restoreSnapshot } from "../cli/snapshot.ts";
import { certifiedBlock } from "../snapshot/epoch-trail.ts";
import { trustRootOf } from "../snapshot/manifest-check.ts";
import { diskFiles } from "../snapshot/snapshot-files.ts";
import { writeSnapshot } from "../snapshot/snapshot-writer.ts";
import { Database } from "../storage/database.ts";
import { blockKey } from "../storage/keyspace.ts";
import { readBlocks } from "./block-range.ts";
import { openStorage } from "./boot.ts";
import { ChainQueries } from "./chain-queries.ts";
import { dataPaths } from "./data-paths.ts";
import { HeadSignal } from "./head-signal.ts";
import { StateQueries } from "./state-queries.ts";
import {
  batchFrom,
  connect,
  finalizationOf,
  networkGenesis,
  signerOf,
  TestNode,
  transactionFor,
  VALIDATOR_NAMES,
} from "./test-network.ts";
import { TransactionIntake } from "./transaction-intake.ts";
import { TransactionWaiters } from "./transaction-waiters.ts";

/** A node whose chain begins at the snapshot that another one made, at height 3. */
const genesis = networkGenesis();
const BASE = 3;

let directory: string;
let dataDir: string;
let origin: TestNode;
let node: TestNode;
let executed: SignedTransaction;

/** Signed by three of the four. */
function finalized(header: BlockHeader): Certificate {
  const bare = finalizationOf(header);
  const statement = voteStatement(header.chainId, bare);
  const signers = VALIDATOR_NAMES.slice(0, 3);
  return { ...bare, signatures: signers.map((name) => signerOf(name).sign(statement)) };
}

async function commitOn(...nodes: readonly TestNode[]): Promise<BlockHeader> {
  const header = present(await origin.build(), "a block");
  for (const each of nodes)
    await each.application.commit([{ headers: [header], finalization: finalized(header) }]);
  return header;
}

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "mizan-pruned-"));
  dataDir = join(directory, "data");
  origin = await TestNode.create(0, genesis);
  executed = transactionFor(genesis, "executed");
  await origin.hold(batchFrom(0, 1, [executed]));
  for (let height = 1; height <= BASE; height++) await commitOn(origin);
  const { blocks, committed } = origin.storage;
  const source = {
    block: certifiedBlock(blocks, committed, BASE),
    entries: blocks.state.entries(),
  };
  const snapshot = await writeSnapshot(diskFiles, directory, source, trustRootOf(genesis));
  await restoreSnapshot(snapshot.directory, dataDir, genesis);
  node = await TestNode.open(1, genesis, dataDir);
});

afterEach(async () => {
  await node.close();
  await origin.destroy();
  await rm(directory, { recursive: true });
});

function queriesOf() {
  const { blocks, committed } = node.storage;
  return new ChainQueries({
    chainId: chainIdOf(genesis),
    blocks,
    committed,
    heads: new HeadSignal(),
    finalHeight: () => committed.head.height,
    maxExpiryBlocks: () => 20,
  });
}

function intakeOf() {
  const { blocks, committed } = node.storage;
  return new TransactionIntake({
    blocks,
    committed,
    pending: node.pending,
    waiters: new TransactionWaiters(),
    verifier: node.verifier,
    admitted: () => undefined,
    closed: () => undefined,
    overload: () => undefined,
    count: () => undefined,
  });
}

test("the state and its head are the origin's, and the chain goes on to equal roots", async () => {
  expect(node.head).toEqual(origin.head);
  expect(new Map(node.storage.committed.entries())).toEqual(
    new Map(origin.storage.committed.entries()),
  );
  connect(node, origin);
  await origin.hold(batchFrom(0, 2, [transactionFor(genesis, "later")]));
  const header = await commitOn(origin, node);
  expect(header.batchDigests.length).toBe(1);
  expect(node.head).toEqual(origin.head);
  await commitOn(origin, node);
  expect(node.storage.committed.tree.root).toBe(origin.storage.committed.tree.root);
});

test("it boots again, and its journal is an empty one", async () => {
  await node.close();
  node = await TestNode.open(1, genesis, dataDir);
  expect(node.storage.report).toMatchObject({ fromHeight: BASE + 1, complete: true });
  expect(node.storage.records).toEqual([]);
});

test("of the first block there is the header; what is below is told as pruned", async () => {
  const queries = queriesOf();
  expect(queries.facts()).toMatchObject({ earliestHeight: BASE + 1, head: { height: BASE } });
  expect((await queries.block({ height: BASE }))?.digest).toBe(origin.head.digest);
  expect((await queries.block({ digest: origin.head.digest }))?.header.height).toBe(BASE);
  expect(await queries.blockTransactions(BASE)).toBeUndefined();
  for (const height of [0, 1, BASE - 1]) {
    expect(await queries.block({ height })).toBeUndefined();
    expect(await queries.blockTransactions(height)).toBeUndefined();
  }
  expect(await queries.after("genesis", 10)).toEqual([]);
});

test("a peer that asks for blocks from below is refused, and served from the first one on", async () => {
  const { blocks } = node.storage;
  expect(readBlocks(blocks, 7, 1, 10)).toMatchObject({ refusal: "NOT_AVAILABLE", headers: [] });
  expect(readBlocks(blocks, 7, BASE - 1, 10).refusal).toBe("NOT_AVAILABLE");
  await commitOn(origin, node);
  const reply = readBlocks(blocks, 7, BASE + 1, 10);
  expect(reply.headers.map(({ height }) => height)).toEqual([BASE + 1]);
});

test("a proof at the head that a snapshot brought verifies against its own certificate", async () => {
  const { blocks, committed } = node.storage;
  const [key] = [...committed.entries()][0] ?? [""];
  const proof = await new StateQueries(blocks, committed).prove(key);
  expect(proof.height).toBe(BASE);
  expect(proof.value).toEqual(committed.get(key));
});

test("absence is told for the heights that were searched", async () => {
  const searched = { from: BASE + 1, to: BASE };
  const found = await intakeOf().find({ txId: executed.txId });
  expect(found).toEqual({ kind: "absent", searched });
});

test("what was executed below is still a duplicate, without a receipt", async () => {
  const admission = await intakeOf().submit(executed.bytes);
  expect(admission).toEqual({
    kind: "duplicate",
    txId: executed.txId,
    expiresAtHeight: executed.body.expiresAtHeight,
    receipt: undefined,
  });
  const other = transactionFor(genesis, "executed", { account: "SGLA-other" });
  expect(await intakeOf().submit(other.bytes)).toMatchObject({
    kind: "refused",
    reason: "IDEMPOTENCY_CONFLICT",
  });
});

test("a first block whose certificate does not verify is refused at the start", async () => {
  await node.close();
  const chainId = chainIdOf(genesis);
  const database = await Database.open({ directory: dataPaths(dataDir).database, chainId });
  const header = present((await originBlock()).header, "the header");
  const forged = encode(certificateSchema, finalizationOf(header), "finalization");
  await database.write((batch) => batch.put(blockKey("finalization", BASE), forged));
  await database.close();
  await expect(openStorage(dataDir, genesis)).rejects.toMatchObject({
    code: "DB_CORRUPT",
    data: { reason: "SNAPSHOT_CERTIFICATE" },
  });
  await rm(dataDir, { recursive: true });
  await restoreSnapshot(join(directory, String(BASE)), dataDir, genesis);
  node = await TestNode.open(1, genesis, dataDir);
});

async function originBlock() {
  const { blocks, committed } = origin.storage;
  const queries = new ChainQueries({
    chainId: chainIdOf(genesis),
    blocks,
    committed,
    heads: new HeadSignal(),
    finalHeight: () => committed.head.height,
    maxExpiryBlocks: () => 20,
  });
  return present(await queries.block({ height: BASE }), "the block");
}

test("a restore never touches data that is there", async () => {
  const before = (await readdir(dataDir)).sort();
  await expect(
    restoreSnapshot(join(directory, String(BASE)), dataDir, genesis),
  ).rejects.toMatchObject({ code: "DATA_EXISTS" });
  expect((await readdir(dataDir)).sort()).toEqual(before);
});
