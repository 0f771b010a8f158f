import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { CodedError } from "../../primitives/errors.ts";
import { FrameKind, type MessageKind } from "../net/frame.ts";
import type { SendResult } from "../net/mesh-api.ts";
import { type Batch, MAX_BATCH_TRANSACTIONS, readBatch } from "./batch.ts";
import { BatchPool, type SignatureFindings } from "./batch-pool.ts";
import { Dissemination } from "./dissemination.ts";
import {
  type BatchesEnd,
  decodeEnd,
  decodeGet,
  decodeHave,
  encodeEnd,
  encodeGet,
  encodeHave,
} from "./messages.ts";
import { PendingTransactions } from "./pending-transactions.ts";
import {
  admittedOf,
  batchOf,
  checkedOf,
  digestOf,
  opaqueBatch,
  transactionOf,
} from "./test-transactions.ts";

interface Sent {
  /** "all" for a broadcast. */
  readonly to: number | "all";
  readonly kind: MessageKind;
  readonly payload: Uint8Array;
}

const SELF = 0;
const PACKING_MS = 20;
const LONGEST_PACKING_MS = 5 * PACKING_MS;

function harness() {
  const sent: Sent[] = [];
  const dropped: string[] = [];
  const penalties: { peer: number; reason: string }[] = [];
  const stored = new Map<string, Uint8Array>();
  const committed = new Set<string>();
  const network: { connected: number[]; result: SendResult } = {
    connected: [1, 2, 3],
    result: { status: "queued" },
  };
  const work = { changes: 0 };
  const verifier: {
    check: (batch: Batch) => Promise<readonly SignatureFindings[]>;
    calls: number;
  } = {
    check: async (batch) => batch.transactions.map((each) => checkedOf(each.transaction)),
    calls: 0,
  };
  const pool = new BatchPool({ weights: [1, 1, 1, 1], quorum: 3, self: SELF });
  const pending = new PendingTransactions({ maxBytes: 1 << 26, maxTransactions: 10_000 });
  const dissemination = new Dissemination(
    { self: SELF, packingMs: PACKING_MS, pool, pending },
    {
      send: (to, kind, payload) => {
        if (network.result.status === "queued") sent.push({ to, kind, payload });
        return network.result;
      },
      broadcast: (kind, payload) => sent.push({ to: "all", kind, payload }),
      connectedPeers: () => network.connected,
      penalise: (peer, reason) => penalties.push({ peer, reason }),
      check: (batch) => {
        verifier.calls += 1;
        return verifier.check(batch);
      },
      stored: (digest) => stored.get(digest),
      committed: (digest) => committed.has(digest),
      workChanged: () => {
        work.changes += 1;
      },
      dropped: (reason) => dropped.push(reason),
      log: () => undefined,
      now: () => Date.now(),
    },
  );
  const receive = (from: number, batch: Batch): Promise<void> =>
    dissemination.onFrame(from, FrameKind.batch, batch.bytes);
  const batchesTo = (to: number | "all"): readonly string[] =>
    sent
      .filter((each) => each.to === to && each.kind === FrameKind.batch)
      .map(({ payload }) => readBatch(payload).digest);
  const haves = (): readonly (readonly string[])[] =>
    sent
      .filter(({ kind }) => kind === FrameKind.batchHave)
      .map(({ payload }) => decodeHave(payload));
  return {
    dissemination,
    pool,
    pending,
    sent,
    dropped,
    penalties,
    stored,
    committed,
    network,
    work,
    verifier,
    receive,
    batchesTo,
    haves,
  };
}

type Harness = ReturnType<typeof harness>;

let references = 0;
function admit({ pending, dissemination }: Harness, count = 1): void {
  for (let i = 0; i < count; i++) {
    references += 1;
    expect(pending.admit(admittedOf(transactionOf(`d${references}`)))).toBe(true);
    dissemination.packSoon();
  }
}

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

describe("packing", () => {
  test("what comes within the packing time travels together, once, to everybody", () => {
    const node = harness();
    admit(node, 2);
    vi.advanceTimersByTime(PACKING_MS - 1);
    expect(node.sent).toEqual([]);
    admit(node);
    vi.advanceTimersByTime(1);
    expect(node.batchesTo("all")).toHaveLength(1);
    const [digest = ""] = node.batchesTo("all");
    expect(node.pool.get(digest)?.batch.transactions).toHaveLength(3);
    expect(node.pool.get(digest)?.batch.author).toBe(SELF);
    expect(node.work.changes).toBe(1);
    vi.advanceTimersByTime(1000);
    expect(node.batchesTo("all")).toHaveLength(1);
  });

  test("while own batches wait for a block the next one waits longer, up to a bound", () => {
    const node = harness();
    const waits = Array.from({ length: 7 }, (_, sent) => {
      admit(node);
      let waited = 0;
      for (; node.batchesTo("all").length === sent; waited++) vi.advanceTimersByTime(1);
      return waited / PACKING_MS;
    });
    expect(waits).toEqual([1, 2, 3, 4, 5, 5, 5]);
    // A block took them: back to the shortest.
    node.pool.remove(node.batchesTo("all"));
    admit(node);
    vi.advanceTimersByTime(PACKING_MS);
    expect(node.batchesTo("all")).toHaveLength(8);
  });

  test("a full batch goes at once", () => {
    const node = harness();
    admit(node, MAX_BATCH_TRANSACTIONS - 1);
    expect(node.sent).toEqual([]);
    admit(node);
    expect(node.batchesTo("all")).toHaveLength(1);
    expect(node.pending.hasUnpacked).toBe(false);
  });

  test("equal transactions of two process starts make different batches", () => {
    const digests = [0, 1].map((start) => {
      vi.setSystemTime(1_700_000_000_000 + start);
      const node = harness();
      node.pending.admit(admittedOf(transactionOf("again")));
      node.dissemination.packSoon();
      vi.advanceTimersByTime(PACKING_MS);
      return node.batchesTo("all")[0];
    });
    expect(digests[0]).not.toBe(digests[1]);
  });

  test("a full share keeps transactions pending until blocks make room", () => {
    const node = harness();
    const filling = opaqueBatch(SELF, "filling", 16 * 1024 * 1024 - 1000);
    node.pool.add({ batch: filling, checked: [] }, 0);
    admit(node);
    vi.advanceTimersByTime(10 * PACKING_MS);
    expect(node.sent).toEqual([]);
    expect(node.pending.hasUnpacked).toBe(true);
    node.pool.remove([filling.digest]);
    vi.advanceTimersByTime(PACKING_MS);
    expect(node.batchesTo("all")).toHaveLength(1);
  });

  test("a drain packs what waits and ends when a quorum holds it", async () => {
    const node = harness();
    node.pending.admit(admittedOf(transactionOf("DRAIN")));
    const drained = node.dissemination.drain(1_000);
    await vi.advanceTimersByTimeAsync(50);
    const [broadcast] = node.sent.filter(({ kind }) => kind === FrameKind.batch);
    const { digest } = readBatch(broadcast?.payload ?? new Uint8Array());
    node.pool.noteHolder(digest, 1);
    let isOver = false;
    void drained.then(() => {
      isOver = true;
    });
    await vi.advanceTimersByTimeAsync(50);
    expect(isOver).toBe(false);
    node.pool.noteHolder(digest, 2);
    await vi.advanceTimersByTimeAsync(50);
    expect(await drained).toBe(true);
  });

  test("a drain without peers ends with its time, and says so", async () => {
    const node = harness();
    node.pending.admit(admittedOf(transactionOf("DRAIN")));
    const drained = node.dissemination.drain(100);
    await vi.advanceTimersByTimeAsync(200);
    expect(await drained).toBe(false);
  });

  test("nothing is packed, resent or acknowledged after the stop", async () => {
    const node = harness();
    node.dissemination.start();
    admit(node);
    node.dissemination.stop();
    admit(node);
    await node.receive(1, batchOf(1, 1));
    vi.advanceTimersByTime(5000);
    expect(node.sent).toEqual([]);
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe("batches of others", () => {
  test("verified, pooled, acknowledged to everybody", async () => {
    const node = harness();
    const batch = batchOf(1, 1, 2);
    await node.receive(1, batch);
    expect(node.pool.get(batch.digest)?.batch).toEqual(batch);
    expect(node.work.changes).toBe(1);
    vi.runAllTimers();
    expect(node.haves()).toEqual([[batch.digest]]);
    expect(node.dropped).toEqual([]);
  });

  test("acknowledgements that fall together travel together, each digest once", async () => {
    const node = harness();
    const batches = Array.from({ length: 70 }, (_, i) => batchOf(1 + (i % 3), i));
    for (const batch of batches) await node.receive(batch.author, batch);
    for (const batch of batches) await node.receive(batch.author, batch);
    vi.runAllTimers();
    expect(node.haves().map((digests) => digests.length)).toEqual([64, 6]);
    expect(node.verifier.calls).toBe(70);
  });

  test("one that its author sends again is acknowledged again, and not verified", async () => {
    const node = harness();
    const batch = batchOf(1, 1);
    await node.receive(1, batch);
    vi.runAllTimers();
    await node.receive(1, batch);
    vi.runAllTimers();
    expect(node.haves()).toEqual([[batch.digest], [batch.digest]]);
    expect(node.verifier.calls).toBe(1);
  });

  test("a committed one is acknowledged and not kept", async () => {
    const node = harness();
    const batch = batchOf(1, 1);
    node.committed.add(batch.digest);
    await node.receive(1, batch);
    vi.runAllTimers();
    expect(node.haves()).toEqual([[batch.digest]]);
    expect(node.dropped).toEqual(["COMMITTED"]);
    expect(node.pool.size).toBe(0);
  });

  test("one that is committed while it is verified is not kept", async () => {
    const node = harness();
    const batch = batchOf(1, 1);
    node.verifier.check = async () => {
      node.committed.add(batch.digest);
      return [];
    };
    await node.receive(1, batch);
    expect(node.pool.size).toBe(0);
  });

  test("another author's batch that nobody asked for is dropped without blame", async () => {
    const node = harness();
    await node.receive(2, batchOf(1, 1));
    expect(node.dropped).toEqual(["NOT_AUTHOR"]);
    expect(node.penalties).toEqual([]);
    expect(node.verifier.calls).toBe(0);
    const pooled = batchOf(1, 2);
    await node.receive(1, pooled);
    vi.runAllTimers();
    await node.receive(2, pooled);
    vi.runAllTimers();
    expect(node.haves()).toHaveLength(1);
    expect(node.dropped).toEqual(["NOT_AUTHOR", "NOT_AUTHOR"]);
  });

  test.each([
    ["batch", FrameKind.batch],
    ["batchHave", FrameKind.batchHave],
    ["getBatches", FrameKind.getBatches],
    ["batches", FrameKind.batches],
  ] as const)("malformed %s is counted against its sender", async (_, kind) => {
    const node = harness();
    await node.dissemination.onFrame(2, kind, Uint8Array.of(0xc1));
    expect(node.penalties).toEqual([{ peer: 2, reason: "MALFORMED_MESSAGE" }]);
    expect(node.dropped).toEqual(["MALFORMED"]);
    expect(node.sent).toEqual([]);
  });

  test("no verdict of the verifier is nobody's fault; its author sends the batch again", async () => {
    const node = harness();
    const { check } = node.verifier;
    node.verifier.check = async () => {
      throw new CodedError("OVERLOADED", "too much");
    };
    const batch = batchOf(1, 1);
    await node.receive(1, batch);
    vi.runAllTimers();
    expect(node.dropped).toEqual(["BUSY"]);
    expect(node.penalties).toEqual([]);
    expect(node.haves()).toEqual([]);
    node.verifier.check = check;
    await node.receive(1, batch);
    expect(node.pool.has(batch.digest)).toBe(true);
  });

  test("a fault of our own is not swallowed, and leaves no trace", async () => {
    const node = harness();
    node.verifier.check = async () => {
      throw new TypeError("ours");
    };
    const batch = batchOf(1, 1);
    await expect(node.receive(1, batch)).rejects.toThrow("ours");
    await expect(node.receive(1, batch)).rejects.toThrow("ours");
    expect(node.dropped).toEqual([]);
  });

  test("batches of one peer in verification are bounded, and each is verified once", async () => {
    const node = harness();
    const gate = Promise.withResolvers<readonly SignatureFindings[]>();
    node.verifier.check = () => gate.promise;
    const batches = Array.from({ length: 65 }, (_, i) => batchOf(1, i));
    const handled = batches.map((batch) => node.receive(1, batch));
    const [first = batchOf(1, 0)] = batches;
    handled.push(node.receive(1, first));
    expect(node.dropped).toEqual(["BUSY", "DUPLICATE"]);
    handled.push(node.receive(2, batchOf(2, 0)));
    expect(node.verifier.calls).toBe(65);
    gate.resolve([]);
    await Promise.all(handled);
    expect(node.pool.size).toBe(65);
    await node.receive(1, batchOf(1, 100));
    expect(node.pool.size).toBe(66);
  });

  test("without room in its author's share it is not even decoded", async () => {
    const node = harness();
    node.pool.add({ batch: opaqueBatch(1, "full", 16 * 1024 * 1024), checked: [] }, 0);
    await node.receive(1, batchOf(1, 1));
    await node.dissemination.onFrame(1, FrameKind.batch, Uint8Array.of(0xc1));
    expect(node.dropped).toEqual(["SHARE_FULL", "SHARE_FULL"]);
    expect(node.verifier.calls).toBe(0);
  });
});

describe("own batches", () => {
  test("are sent again to whoever has not acknowledged them, a few at a time", () => {
    const node = harness();
    node.dissemination.start();
    for (let i = 0; i < 6; i++) {
      admit(node);
      vi.advanceTimersByTime(LONGEST_PACKING_MS);
    }
    const digests = node.batchesTo("all");
    expect(digests).toHaveLength(6);
    node.network.connected = [1, 2];
    for (const digest of digests) node.pool.noteHolder(digest, 1);
    vi.advanceTimersByTime(2500);
    expect(node.batchesTo(1)).toEqual([]);
    expect(node.batchesTo(3)).toEqual([]);
    expect(new Set(node.batchesTo(2))).toEqual(new Set(digests.slice(0, 4)));
    node.dissemination.stop();
  });

  test("are acknowledged by frames, early ones included", async () => {
    const node = harness();
    node.dissemination.start();
    admit(node);
    vi.advanceTimersByTime(PACKING_MS);
    const digests = node.batchesTo("all");
    for (const peer of [1, 2, 3]) {
      await node.dissemination.onFrame(peer, FrameKind.batchHave, encodeHave(digests));
    }
    node.sent.length = 0;
    vi.advanceTimersByTime(5000);
    expect(node.sent).toEqual([]);
    node.dissemination.stop();
  });
});

describe("serving", () => {
  const ask = (node: Harness, digests: readonly string[]): Promise<void> =>
    node.dissemination.onFrame(2, FrameKind.getBatches, encodeGet({ requestId: 9, digests }));
  const ends = (node: Harness): readonly BatchesEnd[] =>
    node.sent
      .filter(({ to, kind }) => to === 2 && kind === FrameKind.batches)
      .map(({ payload }) => decodeEnd(payload));

  test("from the pool and from disk; what is not here is named", async () => {
    const node = harness();
    const [pooled, onDisk] = [batchOf(1, 1), batchOf(3, 1)];
    await node.receive(1, pooled);
    node.stored.set(onDisk.digest, onDisk.bytes);
    const missing = digestOf("nobody has it");
    await ask(node, [pooled.digest, missing, onDisk.digest, pooled.digest]);
    expect(node.batchesTo(2)).toEqual([pooled.digest, onDisk.digest]);
    expect(ends(node)).toEqual([{ requestId: 9, missing: [missing] }]);
    expect(node.sent.at(-1)?.kind).toBe(FrameKind.batches);
  });

  test("not more than 4 MiB; the rest is named", async () => {
    const node = harness();
    const digests = Array.from({ length: 20 }, (_, i) => digestOf(`big ${i}`));
    for (const digest of digests) node.stored.set(digest, new Uint8Array(256 * 1024));
    await ask(node, digests);
    expect(node.sent.filter(({ kind }) => kind === FrameKind.batch)).toHaveLength(16);
    expect(ends(node)).toEqual([{ requestId: 9, missing: digests.slice(16) }]);
  });

  test("what the queue did not take is named, and the disk is not read for more", async () => {
    const node = harness();
    const digests = Array.from({ length: 5 }, (_, i) => digestOf(`q ${i}`));
    const read: string[] = [];
    vi.spyOn(node.stored, "get").mockImplementation((digest) => {
      read.push(digest);
      return new Uint8Array(10);
    });
    const ends: BatchesEnd[] = [];
    const taken: number[] = [];
    const dissemination = new Dissemination(
      { self: SELF, packingMs: PACKING_MS, pool: node.pool, pending: node.pending },
      {
        send: (_to, kind, payload) => {
          if (kind === FrameKind.batches) ends.push(decodeEnd(payload));
          if (kind === FrameKind.batches || taken.push(kind) <= 2) return { status: "queued" };
          return { status: "not-connected" };
        },
        broadcast: () => undefined,
        connectedPeers: () => [],
        penalise: () => undefined,
        check: async () => [],
        stored: (digest) => node.stored.get(digest),
        committed: () => false,
        workChanged: () => undefined,
        dropped: () => undefined,
        log: () => undefined,
        now: () => 0,
      },
    );
    await dissemination.onFrame(2, FrameKind.getBatches, encodeGet({ requestId: 1, digests }));
    expect(ends).toEqual([{ requestId: 1, missing: digests.slice(2) }]);
    expect(read).toEqual(digests.slice(0, 3));
  });
});

describe("bodies of a block", () => {
  test("in the header's order, from the pool, from disk and from peers", async () => {
    const node = harness();
    const [pooled, onDisk, fetched] = [batchOf(1, 1), batchOf(2, 1), batchOf(3, 1)];
    await node.receive(1, pooled);
    node.stored.set(onDisk.digest, onDisk.bytes);
    const bodies = node.dissemination.bodies([fetched.digest, onDisk.digest, pooled.digest], 2);
    const asked = node.sent.filter(({ kind }) => kind === FrameKind.getBatches);
    expect(asked.map(({ to, payload }) => [to, decodeGet(payload).digests])).toEqual([
      [2, [fetched.digest]],
    ]);
    // From a peer that is not its author: it was asked for.
    await node.receive(2, fetched);
    const found = await bodies;
    expect(found.map(({ batch }) => batch.digest)).toEqual([
      fetched.digest,
      onDisk.digest,
      pooled.digest,
    ]);
    expect(found.map(({ checked }) => checked === undefined)).toEqual([true, true, false]);
    expect(node.dropped).toEqual([]);
  });

  test("bytes that changed on disk are not taken for the batch", async () => {
    const node = harness();
    const [named, other] = [batchOf(1, 1), batchOf(1, 2)];
    node.stored.set(named.digest, other.bytes);
    await expect(node.dissemination.bodies([named.digest], 2)).rejects.toMatchObject({
      code: "BATCH_CORRUPT",
    });
  });

  test("a batch that is still being verified is not asked for again", async () => {
    const node = harness();
    const gate = Promise.withResolvers<readonly SignatureFindings[]>();
    node.verifier.check = () => gate.promise;
    const batch = batchOf(1, 1);
    const handled = node.receive(1, batch);
    expect(await node.dissemination.bodies([batch.digest], 2)).toEqual([
      { batch, checked: undefined },
    ]);
    expect(node.sent).toEqual([]);
    gate.resolve([]);
    await handled;
  });

  test("a peer that has none of it is followed by the next at once", async () => {
    const node = harness();
    const { digest } = batchOf(3, 1);
    void node.dissemination.bodies([digest], 2);
    const end = encodeEnd({ requestId: 1, missing: [digest] });
    await node.dissemination.onFrame(1, FrameKind.batches, end);
    await node.dissemination.onFrame(2, FrameKind.batches, end);
    const asked = node.sent.filter(({ kind }) => kind === FrameKind.getBatches);
    expect(asked.map(({ to }) => to === 2)).toEqual([true, false]);
  });

  test("a lost request is repeated by the timer", () => {
    const node = harness();
    node.dissemination.start();
    void node.dissemination.bodies([digestOf("lost")], 2);
    vi.advanceTimersByTime(1000);
    const asked = node.sent.filter(({ kind }) => kind === FrameKind.getBatches);
    expect(new Set(asked.map(({ to }) => to))).toEqual(new Set([1, 2, 3]));
    node.dissemination.stop();
  });
});
