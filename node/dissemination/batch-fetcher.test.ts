import { expect, test } from "vitest";
import { BatchFetcher, MAX_WANTED } from "./batch-fetcher.ts";
import { decodeGet, MAX_DIGESTS } from "./messages.ts";
import { batchOf, digestOf } from "./test-transactions.ts";

interface Asked {
  readonly peer: number;
  readonly digests: readonly string[];
}

function harness(peers: readonly number[] = [1, 2, 3]) {
  const asked: Asked[] = [];
  const requestIds = new Set<number>();
  const held = new Map<string, Uint8Array>();
  const network = { peers, takes: true };
  const fetcher = new BatchFetcher({
    request: (peer, payload) => {
      const { requestId, digests } = decodeGet(payload);
      expect(requestIds.has(requestId)).toBe(false);
      requestIds.add(requestId);
      asked.push({ peer, digests });
      return network.takes;
    },
    connectedPeers: () => network.peers,
    held: (digest) => held.get(digest),
  });
  /** Peers asked since the last call. */
  const peersAsked = (): readonly number[] => asked.splice(0).map(({ peer }) => peer);
  return { fetcher, asked, held, network, peersAsked };
}

const WANTED = digestOf("wanted");

test("the hinted peer is asked first, then the others, the pause doubling up to its cap", () => {
  const { fetcher, asked, peersAsked } = harness();
  void fetcher.fetch(WANTED, 2, 0);
  fetcher.poll(0);
  expect(asked).toEqual([{ peer: 2, digests: [WANTED] }]);
  peersAsked();
  let now = 0;
  const pauses = [150, 300, 600, 1200, 2400, 4800, 5000, 5000, 5000, 5000];
  const turns: number[] = [];
  for (const pause of pauses) {
    fetcher.poll(now + pause - 1);
    expect(peersAsked()).toEqual([]);
    now += pause;
    fetcher.poll(now);
    turns.push(...peersAsked());
  }
  expect(turns).toHaveLength(pauses.length);
  // The hint was the first of the first three.
  const cycles = [2, ...turns];
  for (let i = 0; i + 3 <= cycles.length; i++) {
    expect(new Set(cycles.slice(i, i + 3))).toEqual(new Set([1, 2, 3]));
  }
});

test("every connected peer has its turn, however many there are", () => {
  for (const count of [1, 2, 3, 4, 6, 24]) {
    const peers = Array.from({ length: count }, (_, i) => i + 10);
    const { fetcher, peersAsked } = harness(peers);
    void fetcher.fetch(WANTED, undefined, 0);
    for (let i = 0; i < count; i++) fetcher.poll(i * 5_000);
    expect(peersAsked().toSorted((a, b) => a - b)).toEqual(peers);
  }
});

test("a hint that is not connected is passed over", () => {
  const { fetcher, peersAsked } = harness([1, 3]);
  void fetcher.fetch(WANTED, 2, 0);
  fetcher.poll(0);
  expect(peersAsked()).toHaveLength(1);
});

test("nobody connected: asked as soon as somebody is", () => {
  const { fetcher, network, peersAsked } = harness([]);
  void fetcher.fetch(WANTED, 1, 0);
  fetcher.poll(0);
  expect(peersAsked()).toEqual([]);
  network.peers = [1];
  fetcher.poll(1);
  expect(peersAsked()).toEqual([1]);
});

test("a full queue costs one round, not the batch", () => {
  const { fetcher, network, peersAsked } = harness();
  network.takes = false;
  void fetcher.fetch(WANTED, 1, 0);
  fetcher.poll(0);
  network.takes = true;
  fetcher.poll(150);
  expect(peersAsked()).toHaveLength(2);
});

test("'I do not have it' leads to the next peer at once, until each had its turn", () => {
  const { fetcher, peersAsked } = harness();
  void fetcher.fetch(WANTED, 2, 0);
  fetcher.poll(0);
  expect(peersAsked()).toEqual([2]);
  fetcher.missing(2, [WANTED], 1);
  const [second = -1] = peersAsked();
  fetcher.missing(second, [WANTED], 2);
  const [third = -1] = peersAsked();
  expect(new Set([2, second, third])).toEqual(new Set([1, 2, 3]));
  // All three have answered: no endless round at the speed of the network.
  fetcher.missing(third, [WANTED], 3);
  fetcher.poll(4);
  expect(peersAsked()).toEqual([]);
  fetcher.poll(700);
  expect(peersAsked()).toHaveLength(1);
});

test("only the peer that was asked can say so, and once", () => {
  const { fetcher, peersAsked } = harness();
  void fetcher.fetch(WANTED, 2, 0);
  fetcher.poll(0);
  peersAsked();
  fetcher.missing(1, [WANTED, digestOf("never asked")], 1);
  fetcher.missing(3, [WANTED], 1);
  fetcher.poll(2);
  expect(peersAsked()).toEqual([]);
});

test("whoever brings the bytes ends the fetch, for all who wait", async () => {
  const { fetcher, peersAsked } = harness();
  const batch = batchOf(1, 1);
  const first = fetcher.fetch(batch.digest, 1, 0);
  expect(fetcher.fetch(batch.digest, 2, 0)).toBe(first);
  expect(fetcher.wants(batch.digest)).toBe(true);
  expect(fetcher.deliver(batchOf(1, 2))).toBe(false);
  expect(fetcher.deliver(batch)).toBe(true);
  expect(await first).toBe(batch);
  expect(fetcher.deliver(batch)).toBe(false);
  fetcher.poll(10_000);
  expect(peersAsked()).toEqual([]);
  expect(fetcher.size).toBe(0);
});

test("what is held is not asked for", async () => {
  const { fetcher, held } = harness();
  const batch = batchOf(1, 1);
  held.set(batch.digest, batch.bytes);
  expect(await fetcher.fetch(batch.digest, 1, 0)).toEqual(batch);
  expect(fetcher.size).toBe(0);
});

test("what is abandoned is not asked for any more, and can be wanted anew", async () => {
  const { fetcher, peersAsked } = harness();
  const batch = batchOf(1, 1);
  void fetcher.fetch(batch.digest, 1, 0);
  fetcher.abandon([batch.digest, digestOf("unknown")]);
  fetcher.poll(0);
  expect(peersAsked()).toEqual([]);
  const anew = fetcher.fetch(batch.digest, 1, 0);
  fetcher.deliver(batch);
  expect(await anew).toBe(batch);
});

test("the number wanted is bounded; requests name at most what a message holds", () => {
  const { fetcher, asked } = harness();
  for (let i = 0; i < MAX_WANTED; i++) {
    expect(fetcher.fetch(digestOf(`w${i}`), 1, 0)).toBeInstanceOf(Promise);
  }
  expect(fetcher.fetch(digestOf("one too many"), 1, 0)).toBeUndefined();
  expect(fetcher.fetch(digestOf("w0"), 1, 0)).toBeInstanceOf(Promise);
  fetcher.poll(0);
  expect(asked).toHaveLength(MAX_WANTED / MAX_DIGESTS);
  expect(asked.every(({ peer, digests }) => peer === 1 && digests.length === MAX_DIGESTS)).toBe(
    true,
  );
});

test("different batches start with different peers", () => {
  const { fetcher, asked } = harness();
  for (let i = 0; i < 6; i++) void fetcher.fetch(digestOf(`w${i}`), undefined, 0);
  fetcher.poll(0);
  expect(asked.map(({ digests }) => digests.length)).toEqual([2, 2, 2]);
});
