import { expect, test } from "vitest";
import { type BlockHeader, HEADER_VERSION, headerDigest } from "../header.ts";
import { BACKOFF_CAP } from "../limits.ts";
import { viewTimeouts } from "../pacemaker.ts";
import { LAN_PARAMETERS } from "../parameters.ts";
import { createValidatorSet } from "../quorum.ts";
import { statementBytes } from "../statements.ts";
import type { Vote } from "../types.ts";
import { Checker } from "./checker.ts";
import { EpochDirectory } from "./epoch-directory.ts";
import { LivenessMonitor } from "./liveness-monitor.ts";
import { hashText } from "./toy-application.ts";

const CHAIN = hashText("live chain");
const START = 1_000_000;
const PAST_BOUND_MS = 20 * viewTimeouts(LAN_PARAMETERS, BACKOFF_CAP).advanceMs + 1;
const set = createValidatorSet(
  [0, 1, 2, 3].map((i) => ({ publicKey: new Uint8Array(32).fill(i + 1), weight: 1 })),
);

/** A monitor from time 0 on, over a chain that grows by hand. */
function live(honest: readonly number[] = [0, 1, 2, 3]) {
  const checker = new Checker({
    epochs: EpochDirectory.fixed(set, 1),
    honest,
    genesisDigest: CHAIN,
    genesisTimestampMs: START,
    precisionMs: 500,
    now: () => 0,
  });
  const held: string[] = [];
  const monitor = new LivenessMonitor({ checker, held: () => held, parameters: LAN_PARAMETERS });
  monitor.begin(0);
  const chain: { header: BlockHeader; digest: string }[] = [];
  const extend = (node: number, height: number): void => {
    const parentDigest = height === 1 ? CHAIN : (chain[height - 2]?.digest ?? "");
    const header: BlockHeader = {
      version: HEADER_VERSION,
      chainId: CHAIN,
      epoch: 1,
      height,
      parentDigest,
      proposer: 0,
      timestampMs: START + height,
      batchDigests: [],
      stateRoot: hashText("root"),
      receiptsRoot: hashText("receipts"),
      evidence: [],
      nextValidators: undefined,
    };
    const block = { header, digest: headerDigest(header) };
    chain[height - 1] = block;
    const target = { parentView: height - 1, parentDigest, blockDigest: block.digest };
    for (const kind of ["notarize", "finalize"] as const) {
      for (const signer of honest) {
        checker.signed(signer, statementBytes(kind, CHAIN, 1, height, target));
      }
    }
    checker.committed(
      node,
      [block],
      { kind: "finalize", epoch: 1, view: height, target, signers: 0b1111, signatures: [] },
      START + height,
    );
    checker.applied(node, height, header.stateRoot, []);
  };
  return { checker, monitor, held, extend };
}

const broken = (checker: Checker) => checker.violations.map(({ invariant }) => invariant);

test("five blocks at every node, nothing held, one height: the run is done", () => {
  const { checker, monitor, extend } = live();
  for (const node of [0, 1, 2, 3]) {
    expect(monitor.clientsMayStop).toBe(false);
    for (let height = 1; height <= 5; height++) extend(node, height);
    monitor.check(100);
  }
  expect(monitor.clientsMayStop).toBe(true);
  expect(monitor.done).toBe(true);
  expect(broken(checker)).toEqual([]);
});

test("L1: one honest node finalizes fewer than five new blocks in the bound", () => {
  const { checker, monitor, extend } = live();
  for (const node of [0, 1, 2]) for (let height = 1; height <= 5; height++) extend(node, height);
  for (let height = 1; height <= 4; height++) extend(3, height);
  monitor.check(PAST_BOUND_MS - 1);
  expect(broken(checker)).toEqual([]);
  monitor.check(PAST_BOUND_MS);
  expect(broken(checker)).toEqual(["L1"]);
});

test("L2: a transaction that an honest node holds is not final in the bound", () => {
  const { checker, monitor, held, extend } = live();
  for (const node of [0, 1, 2, 3]) for (let height = 1; height <= 5; height++) extend(node, height);
  held.push("tx1");
  monitor.check(PAST_BOUND_MS);
  expect(broken(checker)).toEqual(["L2"]);
});

test("L3: honest nodes end at different heights", () => {
  const { checker, monitor, extend } = live();
  for (const node of [0, 1, 2, 3]) for (let height = 1; height <= 5; height++) extend(node, height);
  extend(0, 6);
  monitor.check(PAST_BOUND_MS);
  expect(broken(checker)).toEqual(["L3"]);
});

test("L4: only nodes that were down or lost their disk do not catch up", () => {
  const { checker, monitor, extend } = live();
  monitor.begin(0, [3]);
  for (const node of [0, 1, 2]) for (let height = 1; height <= 5; height++) extend(node, height);
  monitor.check(PAST_BOUND_MS);
  expect(broken(checker)).toEqual(["L4"]);
});

test("L1, not L4: one of those that were up all the time stands still as well", () => {
  const { checker, monitor, extend } = live();
  monitor.begin(0, [3]);
  for (const node of [0, 1]) for (let height = 1; height <= 5; height++) extend(node, height);
  monitor.check(PAST_BOUND_MS);
  expect(broken(checker)).toEqual(["L1"]);
});

test("L9: after all were down the chain does not go on", () => {
  const { checker, monitor } = live();
  monitor.begin(0, [0, 1, 2, 3], true);
  monitor.check(PAST_BOUND_MS);
  expect(broken(checker)).toEqual(["L9"]);
});

test("L8: who contradicted itself before one honest node is not convicted", () => {
  const { checker, monitor, extend } = live([0, 1, 2]);
  const target = { parentView: 0, parentDigest: CHAIN, blockDigest: hashText("a block") };
  const bare = { epoch: 1, view: 9, signer: 3, signature: new Uint8Array(64) };
  const finalize: Vote = { ...bare, kind: "finalize", target };
  const nullify: Vote = { ...bare, kind: "nullify", target: undefined };
  // Each half to another node proves nothing to anybody.
  checker.heard(0, { type: "vote", body: finalize });
  checker.heard(1, { type: "vote", body: nullify });
  expect(checker.unpunished).toEqual([]);
  checker.heard(0, { type: "vote", body: nullify });
  expect(checker.unpunished).toEqual(["1:3"]);
  for (const node of [0, 1, 2]) for (let height = 1; height <= 5; height++) extend(node, height);
  monitor.check(PAST_BOUND_MS);
  expect(broken(checker)).toEqual(["L8"]);
});
