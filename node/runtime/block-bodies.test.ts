import { expect, test } from "vitest";
import type { BlockHeader } from "../../consensus/header.ts";
import { present } from "../../primitives/assert.ts";
import { CodedError } from "../../primitives/errors.ts";
import { BatchFetcher } from "../dissemination/batch-fetcher.ts";
import type { BatchBody } from "../dissemination/dissemination.ts";
import { batchOf, digestOf } from "../dissemination/test-transactions.ts";
import { BlockBodies, MAX_WAITING_PROPOSALS } from "./block-bodies.ts";
import { isSettled } from "./test-network.ts";

const SHARED = batchOf(1, 1);

function header(height: number, ...batchDigests: readonly string[]): BlockHeader {
  return {
    version: 1,
    chainId: digestOf("chain"),
    epoch: 0,
    height,
    parentDigest: digestOf("parent"),
    proposer: 2,
    timestampMs: height,
    batchDigests,
    stateRoot: digestOf("state"),
    receiptsRoot: digestOf("receipts"),
    evidence: [],
    nextValidators: undefined,
  };
}

function harness() {
  const fetcher = new BatchFetcher({
    request: () => true,
    connectedPeers: () => [],
    held: () => undefined,
  });
  const source = { calls: 0, failure: undefined as Error | undefined };
  const bodies = new BlockBodies({
    fetcher,
    bodies: async (digests, hint) => {
      source.calls += 1;
      if (source.failure !== undefined) throw source.failure;
      const found = digests.map((digest) => present(fetcher.fetch(digest, hint, 0), "a fetch"));
      const batches = await Promise.all(found);
      return batches.map((batch): BatchBody => ({ batch, checked: undefined }));
    },
  });
  return { fetcher, source, bodies };
}

test("what a lost block names is forgotten, but not what another one names too", async () => {
  const { fetcher, bodies } = harness();
  const lost = bodies.ofProposal("lost", header(1, SHARED.digest, digestOf("junk")));
  const live = bodies.ofProposal("live", header(2, SHARED.digest));
  expect(fetcher.size).toBe(2);
  bodies.release(1);
  expect(await lost).toBeUndefined();
  expect(fetcher.wants(SHARED.digest)).toBe(true);
  expect(fetcher.size).toBe(1);
  fetcher.deliver(SHARED);
  expect(await live).toEqual([{ batch: SHARED, checked: undefined }]);
  expect(bodies.size).toBe(0);
});

test("of too many proposals the oldest is given up; what is final never is", async () => {
  const { fetcher, bodies } = harness();
  bodies.ahead("final", header(1, digestOf("final")));
  const waits = Array.from({ length: MAX_WAITING_PROPOSALS + 1 }, (_, i) =>
    bodies.ofProposal(`p${i}`, header(5, digestOf(`junk ${i}`))),
  );
  expect(await waits[0]).toBeUndefined();
  expect(await isSettled(Promise.race(waits.slice(1)))).toBe(false);
  expect(fetcher.size).toBe(MAX_WAITING_PROPOSALS + 1);
  expect(fetcher.wants(digestOf("final"))).toBe(true);
  expect(fetcher.wants(digestOf("junk 0"))).toBe(false);
});

test("one that was given up can be asked for anew", async () => {
  const { fetcher, bodies } = harness();
  const first = bodies.ofProposal("block", header(1, SHARED.digest));
  bodies.release(1);
  const second = bodies.ofProposal("block", header(1, SHARED.digest));
  expect(await first).toBeUndefined();
  fetcher.deliver(SHARED);
  expect(await second).toHaveLength(1);
});

test("a proposal that becomes final is fetched once and kept until it is applied", async () => {
  const { fetcher, source, bodies } = harness();
  const proposal = bodies.ofProposal("block", header(3, SHARED.digest));
  bodies.ahead("block", header(3, SHARED.digest));
  for (let i = 0; i < 2 * MAX_WAITING_PROPOSALS; i++) {
    void bodies.ofProposal(`junk ${i}`, header(5, digestOf(`junk ${i}`)));
  }
  fetcher.deliver(SHARED);
  expect(await proposal).toHaveLength(1);
  expect(await bodies.ofFinal("block", header(3, SHARED.digest))).toHaveLength(1);
  expect(source.calls).toBe(1 + 2 * MAX_WAITING_PROPOSALS);
  expect([...bodies.digests()]).toContain(SHARED.digest);
  bodies.release(3);
  expect([...bodies.digests()]).not.toContain(SHARED.digest);
});

test("a failed fetch is told to whoever waits for it, and nobody else", async () => {
  const { source, bodies } = harness();
  source.failure = new CodedError("BATCH_CORRUPT", "changed");
  bodies.ahead("ahead", header(1, SHARED.digest));
  expect(await isSettled(Promise.resolve())).toBe(true);
  await expect(bodies.ofFinal("ahead", header(1, SHARED.digest))).rejects.toThrow("changed");
  await expect(bodies.ofProposal("p", header(1, SHARED.digest))).rejects.toThrow("changed");
  source.failure = undefined;
  expect(await isSettled(bodies.ofProposal("p", header(1, SHARED.digest)))).toBe(false);
});
