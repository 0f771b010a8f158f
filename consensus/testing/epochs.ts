import type { Effect } from "../effects.ts";
import { createEvidence, type Evidence, type SignedStatement } from "../evidence.ts";
import { headerDigest } from "../header.ts";
import { leaderOf, leaderSchedule } from "../leader.ts";
import type { PreviousEpoch } from "../state.ts";
import { voteStatement } from "../statements.ts";
import type { Anchor, Vote } from "../types.ts";
import {
  blockOn,
  CHAIN,
  certificateBy,
  digestOf,
  GENESIS,
  headerOn,
  type NodeOptions,
  type TestBlock,
  TestNode,
  validatorSet,
} from "./harness.ts";

/** Hash of a set that nobody looks into. */
export const NEXT_SET = digestOf("next validators");

/** A block of the first epoch that closes it. */
export function closingOn(parent: TestBlock | Anchor, view: number): TestBlock {
  return blockOn(parent, view, { nextValidators: NEXT_SET });
}

/** The closing block as it is put to the vote once more in `view`, on its own notarization. */
export function copyOf(closing: TestBlock, view: number, parentView = closing.view): TestBlock {
  const target = { parentView, parentDigest: closing.digest, blockDigest: closing.digest };
  return { ...closing, view, target };
}

/** Where these tests' second epoch begins: its first epoch ended in view 57. */
export const CLOSING = closingOn(GENESIS, 57);
const CLOSING_FINALITY = certificateBy([0, 1, 2], "finalize", 57, CLOSING.target);

export const START_OF_SECOND: Anchor = {
  height: CLOSING.height,
  view: 0,
  digest: CLOSING.digest,
  timestampMs: CLOSING.timestampMs,
  finalization: CLOSING_FINALITY,
};

export const FIRST_EPOCH: PreviousEpoch = {
  epoch: 0,
  validators: validatorSet(),
  closing: { digest: CLOSING.digest, finalization: CLOSING_FINALITY },
};

export function secondEpochLeader(view: number): number {
  return leaderOf(leaderSchedule(CHAIN, 1, CLOSING.digest, 4), view);
}

/** A node in the second epoch, of as many validators with other weights or the same. */
export function nodeInSecond(options: NodeOptions): TestNode {
  const config = { epoch: 1, previous: FIRST_EPOCH, ...options.config };
  return new TestNode({ anchor: START_OF_SECOND, ...options, config });
}

/** A block of the second epoch by its leader. */
export function secondBlockOn(parent: TestBlock | Anchor, view: number): TestBlock {
  const header = headerOn(parent, secondEpochLeader(view), { epoch: 1 });
  const digest = headerDigest(header);
  const { height, timestampMs } = header;
  const target = { parentView: parent.view, parentDigest: parent.digest, blockDigest: digest };
  return { view, header, digest, height, timestampMs, target };
}

function signedOf(vote: Vote): SignedStatement {
  return { statement: voteStatement(CHAIN, vote), signature: vote.signature };
}

/** Evidence out of two votes, whatever they prove. */
export function evidenceOf(one: Vote, two: Vote): Evidence {
  return createEvidence(one, signedOf(one), signedOf(two));
}

type EndEpoch = Extract<Effect, { type: "endEpoch" }>;

export function endOf(node: TestNode): EndEpoch["end"] | undefined {
  const ends = node.all("endEpoch");
  if (ends.length > 1) throw new Error("an epoch ends once");
  return ends[0]?.end;
}
