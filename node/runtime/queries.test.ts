import { afterEach, beforeEach, expect, test } from "vitest";
import { certificateSchema } from "../../consensus/certificate.ts";
import { type BlockHeader, headerDigest } from "../../consensus/header.ts";
import { chainIdOf } from "../../ledger/genesis.ts";
import { present } from "../../primitives/assert.ts";
import { decode } from "../../primitives/codec/codec.ts";
import { verifyStateProof } from "../../primitives/merkle/state-proof.ts";
import { END_OF_BLOCK } from "../api/ports.ts";
import { ChainQueries } from "./chain-queries.ts";
import { HeadSignal } from "./head-signal.ts";
import { StateQueries } from "./state-queries.ts";
import {
  batchFrom,
  finalizationOf,
  networkGenesis,
  TestNode,
  transactionFor,
} from "./test-network.ts";

const genesis = networkGenesis();

let node: TestNode;
let chain: ChainQueries;
let state: StateQueries;
let finalHeight = 0;
const heads = new HeadSignal();

beforeEach(async () => {
  node = await TestNode.create(0, genesis);
  const { blocks, committed } = node.storage;
  finalHeight = 0;
  chain = new ChainQueries({
    chainId: chainIdOf(genesis),
    blocks,
    committed,
    heads,
    finalHeight: () => finalHeight,
    maxExpiryBlocks: () => 20,
  });
  state = new StateQueries(blocks, committed);
});

afterEach(() => node.destroy());

async function commit(...names: readonly string[]): Promise<BlockHeader> {
  const transactions = names.map((name) => transactionFor(genesis, name));
  if (names.length > 0) await node.hold(batchFrom(0, node.head.height, transactions));
  const header = present(await node.build(), "a block");
  await node.application.commit([{ headers: [header], finalization: finalizationOf(header) }]);
  return header;
}

test("at genesis there is a head, and neither a block nor a proof", async () => {
  expect(chain.head()).toMatchObject({ height: 0, digest: chainIdOf(genesis), timestampMs: 0 });
  expect(chain.facts()).toMatchObject({ syncing: false, head: { height: 0 }, maxExpiryBlocks: 20 });
  expect(await chain.block({ height: 0 })).toBeUndefined();
  expect(await chain.block({ height: 1 })).toBeUndefined();
  expect(await chain.blockTransactions(1)).toBeUndefined();
  await expect(state.prove("member/HBL")).rejects.toMatchObject({ code: "NOT_FOUND" });
});

test("a block by height and by digest, with its transactions in order", async () => {
  const header = await commit("A", "B");
  const digest = headerDigest(header);
  const block = await chain.block({ height: 1 });
  expect(block).toMatchObject({ header, digest });
  expect(await chain.block({ digest })).toEqual(block);
  expect(await chain.block({ digest: headerDigest({ ...header, height: 9 }) })).toBeUndefined();
  const transactions = await chain.blockTransactions(1);
  const expected = ["A", "B"].map((name) => transactionFor(genesis, name));
  expect(transactions).toEqual(expected.map(({ txId, bytes }) => ({ txId, bytes })));
  expect(chain.head()).toMatchObject({ height: 1, digest, timestampMs: header.timestampMs });
});

test("a node that knows of a final block further up is behind", () => {
  finalHeight = 2;
  expect(chain.facts().syncing).toBe(true);
});

test("events follow one another from place to place", async () => {
  await commit("A", "B");
  await commit();
  await commit("C");
  const all = await chain.after(
    { height: 0, txIndex: END_OF_BLOCK, eventIndex: END_OF_BLOCK },
    100,
  );
  expect(all.map(({ height, txIndex }) => [height, txIndex])).toEqual([
    [1, 0],
    [1, 1],
    [3, 0],
  ]);
  expect(await chain.after("genesis", 2)).toEqual(all.slice(0, 2));
  expect(await chain.after(present(all[0], "event"), 100)).toEqual(all.slice(1));
});

test("heads are told to those who listen, until they stop", () => {
  const heights: number[] = [];
  const stop = chain.onHead(({ height }) => {
    heights.push(height);
    if (height === 2) stop();
  });
  for (const height of [1, 2, 3]) heads.announce({ ...node.head, height });
  expect(heights).toEqual([1, 2]);
});

test("a proof leads from the entry to the state root of a finalized header", async () => {
  const header = await commit("A");
  const root = header.stateRoot;
  for (const key of ["account/SGLA-A", "account/NONE"]) {
    const proven = await state.prove(key);
    expect(proven).toMatchObject({ height: 1, key, descendants: [] });
    expect(proven.value === undefined).toBe(key === "account/NONE");
    expect(verifyStateProof(root, key, proven.value, proven.path)).toBe(true);
    const { target } = decode(certificateSchema, proven.finalization);
    expect(target?.blockDigest).toBe(headerDigest(header));
  }
  expect(state.atHead().head.height).toBe(1);
  expect(state.atHead().reader.get("account/SGLA-A")).toBeDefined();
});

test("no proof while the head is final only by a block that is still to be applied", async () => {
  const header = present(await node.build(), "a block");
  const child = present(await node.build(header), "a block");
  await node.application.commit([{ headers: [header], finalization: finalizationOf(child) }]);
  await expect(state.prove("member/HBL")).rejects.toMatchObject({ code: "SYNCING" });
  await node.application.commit([{ headers: [child], finalization: finalizationOf(child) }]);
  expect((await state.prove("member/HBL")).height).toBe(2);
});
