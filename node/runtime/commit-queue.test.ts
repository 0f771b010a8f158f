import { expect, test } from "vitest";
import type { BlockHeader } from "../../consensus/header.ts";
import { MAX_BLOCKS_PER_COMMIT } from "../storage/block-store.ts";
import { CommitQueue } from "./commit-queue.ts";
import type { FinalRange } from "./consensus-driver.ts";
import { finalizationOf } from "./test-network.ts";

function header(height: number): BlockHeader {
  const hash = height.toString(16).padStart(64, "0");
  return {
    version: 1,
    chainId: hash,
    epoch: 0,
    height,
    parentDigest: hash,
    proposer: 0,
    timestampMs: height,
    batchDigests: [],
    stateRoot: hash,
    receiptsRoot: hash,
    evidence: [],
    nextValidators: undefined,
  };
}

function range(from: number, to = from): FinalRange {
  const headers = Array.from({ length: to - from + 1 }, (_, i) => header(from + i));
  return { headers, finalization: finalizationOf(header(to)) };
}

/** A disk that is done when the test says so. */
function harness() {
  const commits: { readonly heights: readonly number[]; readonly end: (e?: Error) => void }[] = [];
  const applied: number[] = [];
  const fatal: unknown[] = [];
  const queue = new CommitQueue({
    commit: (ranges) =>
      new Promise((resolve, reject) => {
        const heights = ranges.flatMap(({ headers }) => headers.map(({ height }) => height));
        commits.push({ heights, end: (error) => (error ? reject(error) : resolve()) });
      }),
    applied: (height) => applied.push(height),
    fatal: (error) => fatal.push(error),
  });
  return { queue, commits, applied, fatal };
}

async function turns(): Promise<void> {
  for (let i = 0; i < 100; i++) await Promise.resolve();
}

test("what becomes final while the disk is busy is committed together, in order", async () => {
  const { queue, commits, applied } = harness();
  for (let height = 1; height <= 20; height++) {
    queue.push(range(height));
    await turns();
  }
  expect(commits.map(({ heights }) => heights)).toEqual([[1]]);
  commits[0]?.end();
  await turns();
  const [first, ...rest] = Array.from({ length: 20 }, (_, i) => i + 1);
  const second = rest.slice(0, MAX_BLOCKS_PER_COMMIT);
  expect(commits.map(({ heights }) => heights)).toEqual([[first], second]);
  expect(applied).toEqual([1]);
  commits[1]?.end();
  await turns();
  expect(commits[2]?.heights).toEqual(rest.slice(MAX_BLOCKS_PER_COMMIT));
  commits[2]?.end();
  await queue.settled;
  expect(applied).toEqual([1, 1 + MAX_BLOCKS_PER_COMMIT, 20]);
  expect(commits).toHaveLength(3);
});

test("a range stays whole, and a long one takes no other along", async () => {
  const { queue, commits, applied } = harness();
  queue.push(range(1, 64));
  queue.push(range(65));
  await turns();
  commits[0]?.end();
  await turns();
  commits[1]?.end();
  await queue.settled;
  expect(commits.map(({ heights }) => heights.length)).toEqual([64, 1]);
  expect(applied).toEqual([64, 65]);
});

test("it is settled when all that was pushed is applied", async () => {
  const { queue, commits, applied } = harness();
  queue.push(range(1));
  queue.push(range(2));
  const settled = queue.settled.then(() => [...applied]);
  await turns();
  commits[0]?.end();
  expect(await settled).toEqual([2]);
});

test("a failed commit is fatal; after a stop nothing is begun or told", async () => {
  const failing = harness();
  failing.queue.push(range(1));
  await turns();
  failing.commits[0]?.end(new Error("EIO"));
  await failing.queue.settled;
  expect(failing.fatal).toEqual([new Error("EIO")]);
  expect(failing.applied).toEqual([]);

  const stopping = harness();
  stopping.queue.push(range(1));
  await turns();
  stopping.queue.push(range(2));
  stopping.queue.stop();
  stopping.commits[0]?.end();
  await stopping.queue.settled;
  expect(stopping.commits).toHaveLength(1);
  expect(stopping.applied).toEqual([]);
});
