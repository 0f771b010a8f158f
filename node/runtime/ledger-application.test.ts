import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { type BlockHeader, headerDigest } from "../../consensus/header.ts";
import { decodeReceipt } from "../../ledger/receipt.ts";
import { present } from "../../primitives/assert.ts";
import { CodedError } from "../../primitives/errors.ts";
import { digestOf } from "../dissemination/test-transactions.ts";
import { MAX_BLOCKS_PER_COMMIT } from "../storage/block-store.ts";
import { MAX_WAITING_PROPOSALS } from "./block-bodies.ts";
import { anchorOf } from "./epoch-ends.ts";
import { MAX_TRANSACTIONS_PER_BLOCK } from "./ledger-application.ts";
import {
  batchFrom,
  connect,
  finalizationOf,
  isSettled,
  networkGenesis,
  TestNode,
  transactionFor,
} from "./test-network.ts";

const genesis = networkGenesis();

let leader: TestNode;
let voter: TestNode;

beforeEach(async () => {
  leader = await TestNode.create(0, genesis);
  voter = await TestNode.create(1, genesis);
  connect(leader, voter);
});

afterEach(async () => {
  await leader.destroy();
  await voter.destroy();
});

const accounts = (...names: readonly string[]) =>
  names.map((name) => transactionFor(genesis, name));

async function built(node: TestNode, parent?: BlockHeader): Promise<BlockHeader> {
  return present(await node.build(parent), "a block");
}

function commit(node: TestNode, ...headers: readonly BlockHeader[]): Promise<void> {
  const last = present(headers.at(-1), "a block");
  return node.application.commit([{ headers, finalization: finalizationOf(last) }]);
}

function outcomeOf(node: TestNode, txId: string) {
  const { blocks } = node.storage;
  const place = blocks.locate(txId);
  if (place === undefined) return undefined;
  const receipt = decodeReceipt(present(blocks.receipt(place.height, place.index), "receipt"));
  return { height: place.height, code: receipt.outcome.code, executed: receipt.executed };
}

describe("a block", () => {
  test("that one node builds is valid on another, with the same state after it", async () => {
    const [transaction = transactionFor(genesis, "A")] = accounts("A");
    const batch = batchFrom(0, 1, [transaction, ...accounts("B")]);
    await leader.hold(batch);
    const header = await built(leader);
    expect(header.batchDigests).toEqual([batch.digest]);
    expect(await voter.validate(header)).toBe("valid");
    expect(voter.requests).toBe(1);
    for (const node of [leader, voter]) {
      expect(node.storage.blocks.batches.has(batch.digest)).toBe(true);
      await commit(node, header);
      expect(node.head).toEqual({
        height: 1,
        digest: headerDigest(header),
        timestampMs: header.timestampMs,
        epoch: 0,
        stateRoot: header.stateRoot,
      });
      expect(node.storage.committed.tree.root).toBe(header.stateRoot);
      expect(node.storage.committed.get("account/SGLA-A")).toBeDefined();
      expect(outcomeOf(node, transaction.txId)).toMatchObject({ height: 1, code: "APPLIED" });
      expect(node.applied.map(({ digest }) => digest)).toEqual([headerDigest(header)]);
      expect(node.application.unfinalized).toBe(0);
    }
    expect(leader.pool.size).toBe(0);
  });

  test("is executed once, however often the core asks", async () => {
    await leader.hold(batchFrom(0, 1, accounts("A")));
    const header = await built(leader);
    const asked = [voter.validate(header), voter.validate(header)];
    expect(await Promise.all(asked)).toEqual(["valid", "valid"]);
    expect(await voter.validate(header)).toBe("valid");
    expect(voter.executed).toEqual([1]);
    expect(voter.requests).toBe(1);
    expect(await leader.validate(header)).toBe("valid");
    expect(leader.executed).toEqual([1]);
  });

  test.each(["stateRoot", "receiptsRoot"] as const)("with another %s is bad", async (field) => {
    const header = { ...(await built(leader)), [field]: digestOf("something else") };
    expect(await voter.validate(header)).toBe("bad");
    expect(voter.application.unfinalized).toBe(0);
  });

  test("that names a batch twice is bad", async () => {
    const batch = batchFrom(0, 1, accounts("A"));
    await leader.hold(batch);
    const header = await built(leader);
    const twice = { ...header, batchDigests: [batch.digest, batch.digest] };
    expect(await voter.validate(twice)).toBe("bad");
  });

  test("of too many transactions is bad before a signature is verified", async () => {
    const copies = Array.from({ length: 1024 }, () => transactionFor(genesis, "same"));
    const digests: string[] = [];
    for (let i = 0; i * 1024 <= MAX_TRANSACTIONS_PER_BLOCK; i++) {
      const batch = batchFrom(0, i, copies);
      await voter.storage.blocks.batches.putBatches([[batch.digest, batch.bytes]]);
      digests.push(batch.digest);
    }
    const header = { ...(await built(leader)), batchDigests: digests };
    expect(await voter.validate(header)).toBe("bad");
    expect(voter.verifier.calls).toEqual([]);
  });

  test("carries none of what its ancestors carry, and no transactions where none are allowed", async () => {
    const [first, second] = [batchFrom(0, 1, accounts("A")), batchFrom(0, 2, accounts("B"))];
    await leader.hold(first);
    const parent = await built(leader);
    await leader.hold(second);
    const child = await built(leader, parent);
    expect(child.batchDigests).toEqual([second.digest]);
    const sibling = await built(leader);
    expect(sibling.batchDigests).toEqual([first.digest, second.digest]);
    const empty = await leader.build(undefined, false);
    expect(empty?.batchDigests).toEqual([]);
    // The branches do not see one another, and all of them are valid elsewhere.
    for (const header of [parent, child, sibling]) {
      expect(await voter.validate(header)).toBe("valid");
    }
  });

  test("waits for its parent to be executed", async () => {
    const parent = await built(leader);
    const child = await built(leader, parent);
    const verdict = voter.validate(child);
    expect(await isSettled(verdict)).toBe(false);
    expect(await voter.validate(parent)).toBe("valid");
    expect(await verdict).toBe("valid");
  });

  test("on a parent that the head has passed is not built and gets no verdict", async () => {
    const genesisHead = leader.head;
    const first = await built(leader);
    await leader.hold(batchFrom(0, 1, accounts("A")));
    const lost = await built(leader);
    const orphan = present(await leader.build(lost, false), "a block");
    await commit(leader, first);
    const stale = {
      type: "build" as const,
      view: 9,
      epoch: 0,
      proposer: 0,
      parent: { ...genesisHead, header: undefined },
      timestampMs: genesisHead.timestampMs + 2_000,
      allowTransactions: true,
      evidence: [],
    };
    expect(await leader.application.build(stale)).toBeUndefined();
    expect(await isSettled(leader.validate({ ...first, proposer: 3 }))).toBe(false);
    // Waiting for a parent that never comes ends with the head.
    const verdict = voter.validate(orphan);
    expect(await isSettled(verdict)).toBe(false);
    const second = await built(leader, first);
    await commit(voter, first, second);
    expect(await isSettled(verdict)).toBe(false);
    expect(voter.application.namedDigests().size).toBe(0);
  });
});

describe("what a block waits for", () => {
  function missing(name: string, height = 1): BlockHeader {
    return {
      version: 1,
      chainId: leader.storage.blocks.database.chainId,
      epoch: 0,
      height,
      parentDigest: leader.head.digest,
      proposer: 3,
      timestampMs: leader.head.timestampMs + 1,
      batchDigests: Array.from({ length: 64 }, (_, i) => digestOf(`${name} ${i}`)),
      stateRoot: digestOf("state"),
      receiptsRoot: digestOf("receipts"),
      evidence: [],
      nextValidators: undefined,
    };
  }

  test("is not waited for any more once the head has come to its height", async () => {
    const verdict = voter.validate(missing("junk"));
    expect(await isSettled(verdict)).toBe(false);
    expect(voter.dissemination.fetcher.size).toBe(64);
    expect(voter.application.namedDigests().size).toBe(64);
    await commit(voter, await built(leader));
    expect(voter.dissemination.fetcher.size).toBe(0);
    expect(await isSettled(verdict)).toBe(false);
    expect(voter.application.namedDigests().size).toBe(0);
  });

  test("is bounded: batches that nobody has do not keep out those of a proper block", async () => {
    for (let i = 0; i < 3 * MAX_WAITING_PROPOSALS; i++) void voter.validate(missing(`junk ${i}`));
    expect(voter.dissemination.fetcher.size).toBeLessThanOrEqual(64 * MAX_WAITING_PROPOSALS);
    await leader.hold(batchFrom(0, 1, accounts("A")));
    const header = await built(leader);
    expect(await voter.validate(header)).toBe("valid");
    await commit(voter, header);
    expect(voter.dissemination.fetcher.size).toBe(0);
  });

  test("a full verifier delays a verdict, and is not taken for one", async () => {
    await leader.hold(batchFrom(0, 1, accounts("A")));
    const header = await built(leader);
    voter.verifier.refusals.push(new CodedError("OVERLOADED", "full"));
    expect(await voter.validate(header)).toBe("valid");
    expect(voter.verifier.calls.map(({ lane }) => lane)).toEqual(["vote", "vote"]);
  });

  test("a disk full of batches that no block names is cleared first", async () => {
    const store = voter.storage.blocks.batches;
    const old = batchFrom(2, 1, accounts("old"));
    await store.putBatches([[old.digest, old.bytes]]);
    const first = await built(leader);
    await leader.hold(batchFrom(0, 1, accounts("A")));
    const second = await built(leader, first);
    await commit(voter, first);
    const full = new CodedError("BATCH_LIMIT", "full");
    vi.spyOn(store, "putBatches").mockRejectedValueOnce(full);
    expect(await voter.validate(second)).toBe("valid");
    expect(store.has(old.digest)).toBe(false);
    expect(second.batchDigests.every((digest) => store.has(digest))).toBe(true);
  });

  test("a disk that stays full gives no verdict and empty blocks, and stops nobody", async () => {
    await leader.hold(batchFrom(0, 1, accounts("A")));
    const header = await built(leader);
    for (const node of [leader, voter]) {
      const full = new CodedError("BATCH_LIMIT", "full");
      vi.spyOn(node.storage.blocks.batches, "putBatches").mockRejectedValue(full);
    }
    expect(await isSettled(voter.validate(header))).toBe(false);
    await leader.hold(batchFrom(0, 2, accounts("B")));
    const empty = await leader.build(header);
    expect(empty?.batchDigests).toEqual([]);
    vi.restoreAllMocks();
    expect(await voter.validate(header)).toBe("valid");
  });
});

describe("committing", () => {
  async function chainOf(count: number): Promise<readonly BlockHeader[]> {
    const headers: BlockHeader[] = [];
    for (let i = 0; i < count; i++) {
      await leader.hold(batchFrom(0, i, accounts(`C${i}`)));
      headers.push(await built(leader, headers.at(-1)));
    }
    return headers;
  }

  test("a range that this node never saw: each batch is fetched once, ahead of its turn", async () => {
    const headers = await chainOf(12);
    voter.dissemination.start();
    await commit(voter, ...headers);
    expect(voter.head.digest).toBe(headerDigest(present(headers.at(-1), "tip")));
    expect(voter.requests).toBe(12);
    expect(voter.applied.map(({ header }) => header.height)).toEqual(headers.map((_, i) => i + 1));
    expect(voter.dissemination.fetcher.size).toBe(0);
    expect(voter.application.namedDigests().size).toBe(0);
  });

  test("a range goes to disk in few synced writes, and is told of in order, after each", async () => {
    const headers: BlockHeader[] = [];
    for (let i = 0; i < 2 * MAX_BLOCKS_PER_COMMIT + 3; i++) {
      headers.push(await built(leader, headers.at(-1)));
    }
    const { blocks, committed } = voter.storage;
    const writeBlocks = blocks.commitBlocks.bind(blocks);
    const writes: number[] = [];
    vi.spyOn(blocks, "commitBlocks").mockImplementation(async (group) => {
      writes.push(group.length);
      const before = [voter.applied.length, committed.head.height];
      await writeBlocks(group);
      expect([voter.applied.length, committed.head.height]).toEqual(before);
    });
    await commit(voter, ...headers);
    expect(writes).toEqual([MAX_BLOCKS_PER_COMMIT, MAX_BLOCKS_PER_COMMIT, 3]);
    expect(voter.applied.map(({ header }) => header.height)).toEqual(headers.map((_, i) => i + 1));
    const root = present(headers.at(-1), "tip").stateRoot;
    expect(committed.tree.root).toBe(root);
    expect(blocks.head.stateRoot).toBe(root);
    expect(voter.application.unfinalized).toBe(0);
  });

  test("several ranges go to disk together, each block under its own finalization", async () => {
    const headers = await chainOf(3);
    const [first, second, third] = headers;
    if (first === undefined || second === undefined || third === undefined) expect.unreachable();
    for (const header of headers) await voter.validate(header);
    const write = vi.spyOn(voter.storage.blocks, "commitBlocks");
    await voter.application.commit([
      { headers: [first], finalization: finalizationOf(first) },
      { headers: [first, second, third], finalization: finalizationOf(third) },
    ]);
    expect(write.mock.calls.map(([group]) => group.length)).toEqual([3]);
    const { blocks } = voter.storage;
    expect(blocks.finalization(1)).not.toEqual(blocks.finalization(2));
    expect(blocks.finalization(2)).toEqual(blocks.finalization(3));
    const other = { ...second, proposer: 2 };
    const fork = [{ headers: [other], finalization: finalizationOf(other) }];
    await expect(voter.application.commit(fork)).rejects.toThrow("stays the final block");
  });

  test("what is ready goes to disk, and does not wait for the batch of a later block", async () => {
    const headers: BlockHeader[] = [];
    for (let i = 0; i < 3; i++) {
      const batch = batchFrom(0, i, accounts(`C${i}`));
      await leader.hold(batch);
      if (i < 2) await voter.hold(batch);
      headers.push(await built(leader, headers.at(-1)));
    }
    voter.peers.clear();
    voter.dissemination.start();
    const committing = commit(voter, ...headers);
    await vi.waitFor(() => expect(voter.applied).toHaveLength(2));
    expect(voter.storage.blocks.head.height).toBe(2);
    expect(await isSettled(committing)).toBe(false);
    connect(leader, voter);
    const ticking = setInterval(() => (voter.nowMs += 1_000), 10);
    await committing.finally(() => clearInterval(ticking));
    expect(voter.storage.blocks.head.height).toBe(3);
  });

  test("a write that fails is told to nobody, and stops the node", async () => {
    const headers = await chainOf(2);
    vi.spyOn(voter.storage.blocks, "commitBlocks").mockRejectedValue(
      new CodedError("DB_IO", "a write failed"),
    );
    voter.dissemination.start();
    await expect(commit(voter, ...headers)).rejects.toMatchObject({ code: "DB_IO" });
    expect(voter.applied).toEqual([]);
    expect(voter.head.height).toBe(0);
  });

  test("is durable: a second start goes on from the head, and skips what it has", async () => {
    const headers = await chainOf(3);
    const [first, second, third] = headers;
    if (first === undefined || second === undefined || third === undefined) expect.unreachable();
    await commit(voter, first, second);
    await voter.close();
    const again = await TestNode.open(1, genesis, voter.directory);
    connect(leader, again);
    voter = again;
    expect(again.head).toMatchObject({ height: 2, digest: headerDigest(second) });
    const { blocks, committed } = again.storage;
    expect(anchorOf(blocks, committed, committed.head)).toMatchObject({ height: 2, view: 2 });
    await commit(again, first, second, third);
    expect(again.head.height).toBe(3);
    expect(again.applied.map(({ header }) => header.height)).toEqual([3]);
    expect(again.storage.committed.tree.root).toBe(third.stateRoot);
  });

  test("another block at an applied height is a broken promise", async () => {
    const [header] = await chainOf(1);
    if (header === undefined) expect.unreachable();
    await commit(voter, header);
    await expect(commit(voter, { ...header, proposer: 2 })).rejects.toThrow(
      "stays the final block",
    );
  });

  test.each(["stateRoot", "receiptsRoot", "nextValidators"] as const)(
    "a final block with another %s than this node computes stops it, and says so",
    async (field) => {
      const right = await built(leader);
      const theirs = digestOf("theirs");
      const header = { ...right, [field]: theirs };
      await expect(commit(voter, header)).rejects.toMatchObject({
        code: "DIVERGENCE",
        message: `this node computes another ${field} than the network`,
        data: {
          height: 1,
          digest: headerDigest(header),
          field,
          got: right[field] ?? "none",
          expected: theirs,
        },
      });
      expect(voter.head.height).toBe(0);
      expect(voter.storage.blocks.head.height).toBe(0);
      expect(voter.applied).toEqual([]);
    },
  );

  test("of two branches the final one stands, the other is gone", async () => {
    await leader.hold(batchFrom(0, 1, accounts("A")));
    const kept = await built(leader);
    const lost = present(await leader.build(undefined, false), "a block");
    await voter.validate(lost);
    await voter.validate(kept);
    expect(voter.application.unfinalized).toBe(2);
    await commit(voter, kept);
    expect(voter.application.unfinalized).toBe(0);
    expect(voter.executed).toHaveLength(2);
  });
});

describe("transactions that more than one batch carries", () => {
  test("one under broken signatures neither hides nor ends the proper one", async () => {
    const good = transactionFor(genesis, "A");
    const forged = transactionFor(genesis, "A", { broken: ["HBL"] });
    expect(forged.txId).toBe(good.txId);
    await leader.hold(batchFrom(3, 1, [forged]));
    const first = await built(leader);
    await commit(leader, first);
    expect(leader.applied[0]?.result.receipts[0]).toMatchObject({
      executed: false,
      outcome: { code: "TX_BAD_SIGNATURE" },
    });
    expect(outcomeOf(leader, good.txId)).toBeUndefined();
    await leader.hold(batchFrom(0, 1, [good]));
    const second = await built(leader);
    await commit(leader, second);
    expect(outcomeOf(leader, good.txId)).toEqual({ height: 2, code: "APPLIED", executed: true });
    // Executed once: a third copy changes nothing about where it stands.
    await leader.hold(batchFrom(2, 1, [good, forged]));
    await commit(leader, await built(leader));
    expect(outcomeOf(leader, good.txId)).toEqual({ height: 2, code: "APPLIED", executed: true });
    await commit(voter, ...leader.applied.map(({ header }) => header));
    expect(voter.storage.committed.tree.root).toBe(leader.storage.committed.tree.root);
  });

  test("signatures known from the arrival are not verified again, bad ones included", async () => {
    const forged = transactionFor(genesis, "B", { broken: ["SBP"] });
    const batch = batchFrom(0, 1, [...accounts("A"), forged]);
    await leader.hold(batch);
    await voter.hold(batch);
    const before = voter.verifier.signatures;
    expect(await voter.validate(await built(leader))).toBe("valid");
    expect(voter.verifier.signatures).toBe(before);
    expect(voter.requests).toBe(0);
  });
});
