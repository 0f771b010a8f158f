import { beforeEach, describe, expect, test } from "vitest";
import { Prng } from "../../primitives/prng.ts";
import { createEvidence, type Evidence } from "../evidence.ts";
import { type BlockHeader, HEADER_VERSION, headerDigest } from "../header.ts";
import { createValidatorSet } from "../quorum.ts";
import { statementBytes } from "../statements.ts";
import type { Certificate, Target, VoteKind } from "../types.ts";
import { Checker } from "./checker.ts";
import { Changes, EpochDirectory } from "./epoch-directory.ts";
import type { Invariant } from "./invariants.ts";
import { Keyring } from "./keyring.ts";
import { hashText } from "./toy-application.ts";

/** Fabricated histories: for every invariant one run that keeps it and one that breaks it. */

const CHAIN = hashText("checked chain");
const START = 1_000_000;
const set = createValidatorSet(
  [0, 1, 2, 3].map((i) => ({ publicKey: new Uint8Array(32).fill(i + 1), weight: 1 })),
);

let checker: Checker;

function newChecker(
  honest: readonly number[],
  epochs: EpochDirectory = EpochDirectory.fixed(set, 1),
): Checker {
  return new Checker({
    epochs,
    honest,
    genesisDigest: CHAIN,
    genesisTimestampMs: START,
    precisionMs: 500,
    now: () => 0,
  });
}

beforeEach(() => {
  checker = newChecker([0, 1, 2]);
});

function broken(): readonly Invariant[] {
  return [...new Set(checker.violations.map(({ invariant }) => invariant))];
}

function header(height: number, parentDigest: string, change: Partial<BlockHeader> = {}) {
  const made: BlockHeader = {
    version: HEADER_VERSION,
    chainId: CHAIN,
    epoch: 1,
    height,
    parentDigest,
    proposer: 0,
    timestampMs: START + 100 * height,
    batchDigests: [],
    stateRoot: hashText(`root ${height}`),
    receiptsRoot: hashText("receipts"),
    evidence: [],
    nextValidators: undefined,
    ...change,
  };
  return { header: made, digest: headerDigest(made) };
}

const first = header(1, CHAIN);
const rival = header(1, CHAIN, { timestampMs: START + 7 });
const second = header(2, first.digest);

function on(parentView: number, block: { header: BlockHeader; digest: string }): Target {
  return { parentView, parentDigest: block.header.parentDigest, blockDigest: block.digest };
}

function sign(node: number, kind: VoteKind | "proposal", view: number, target?: Target): void {
  checker.signed(node, statementBytes(kind, CHAIN, 1, view, target));
}

function allSign(kind: VoteKind, view: number, target?: Target): void {
  for (const node of [0, 1, 2]) sign(node, kind, view, target);
}

function certificate(kind: VoteKind, view: number, target: Target | undefined): Certificate {
  const signatures = [0, 1, 2].map(() => new Uint8Array(64));
  return { kind, epoch: 1, view, target, signers: 0b0111, signatures };
}

/** The first block, notarized and finalized in view 1 by all honest nodes. */
function finalizeFirst(): Certificate {
  allSign("notarize", 1, on(0, first));
  allSign("finalize", 1, on(0, first));
  return certificate("finalize", 1, on(0, first));
}

test("a correct history breaks nothing", () => {
  const finalization = finalizeFirst();
  for (const node of [0, 1, 2]) {
    checker.committed(node, [first], finalization, START + 200);
    checker.applied(node, 1, first.header.stateRoot, ["a"]);
    checker.reported(node, 2, 1);
    checker.certificate(node, finalization);
    checker.restarted(node, 1);
    checker.reported(node, 2, 1);
  }
  expect(checker.violations).toEqual([]);
  expect(checker.height).toBe(1);
});

describe("S1", () => {
  test("two honest nodes commit different blocks at one height", () => {
    checker.committed(0, [first], finalizeFirst(), START + 200);
    checker.committed(1, [rival], certificate("finalize", 1, on(0, rival)), START + 200);
    expect(broken()).toContain("S1");
  });

  test("a block that does not stand on its parent", () => {
    const orphan = header(1, hashText("elsewhere"));
    checker.committed(0, [orphan], certificate("finalize", 1, on(0, orphan)), START + 200);
    expect(broken()).toContain("S1");
  });

  test("a height is left out", () => {
    checker.committed(0, [second], certificate("finalize", 2, on(1, second)), START + 300);
    expect(broken()).toContain("S1");
  });
});

describe("S2", () => {
  test("two blocks can be notarized in one view", () => {
    // One Byzantine key and two honest nodes make a quorum: 0 and 1 for one, 1 and 2 for the other.
    sign(0, "notarize", 1, on(0, first));
    sign(1, "notarize", 1, on(0, first));
    sign(2, "notarize", 1, on(0, rival));
    expect(broken()).toEqual([]);
    sign(1, "notarize", 1, on(0, rival));
    expect(broken()).toContain("S2");
  });

  test("with more Byzantine weight than the bound the oracle speaks up", () => {
    checker = newChecker([0, 1]);
    sign(0, "notarize", 1, on(0, first));
    sign(1, "notarize", 1, on(0, rival));
    expect(broken()).toEqual(["S2"]);
  });
});

test("S3: a view can be nullified and finalized", () => {
  allSign("notarize", 1, on(0, first));
  sign(0, "finalize", 1, on(0, first));
  sign(1, "finalize", 1, on(0, first));
  sign(2, "nullify", 1);
  expect(broken()).toEqual([]);
  sign(1, "nullify", 1);
  expect(broken()).toContain("S3");
});

describe("S4", () => {
  test("finalization without notarization", () => {
    allSign("finalize", 1, on(0, first));
    expect(broken()).toEqual(["S4"]);
  });

  test("finalization of one target, notarization of the same block with another parent view", () => {
    allSign("notarize", 3, on(0, first));
    allSign("finalize", 3, on(1, first));
    expect(broken()).toEqual(["S4"]);
  });

  test("a skipped view that nobody nullified", () => {
    allSign("notarize", 3, on(0, first));
    allSign("finalize", 3, on(0, first));
    allSign("nullify", 1);
    checker.committed(0, [first], certificate("finalize", 3, on(0, first)), START + 200);
    expect(broken()).toEqual(["S4"]);
  });

  test("a commit whose finalization names another block", () => {
    finalizeFirst();
    checker.committed(0, [first], certificate("finalize", 1, on(0, rival)), START + 200);
    expect(broken()).toEqual(["S4"]);
  });

  test("a commit on votes that were never cast", () => {
    checker.committed(0, [first], certificate("finalize", 1, on(0, first)), START + 200);
    expect(broken()).toEqual(["S4"]);
  });
});

describe("S5", () => {
  test.each<[string, () => void]>([
    [
      "two notarize votes",
      () => {
        sign(0, "notarize", 1, on(0, first));
        sign(0, "notarize", 1, on(0, rival));
      },
    ],
    [
      "two proposals",
      () => {
        sign(0, "proposal", 1, on(0, first));
        sign(0, "proposal", 1, on(0, rival));
      },
    ],
    [
      "two finalize votes",
      () => {
        sign(0, "finalize", 1, on(0, first));
        sign(0, "finalize", 1, on(0, rival));
      },
    ],
    [
      "finalize after nullify",
      () => {
        sign(0, "nullify", 1);
        sign(0, "finalize", 1, on(0, first));
      },
    ],
    [
      "nullify after finalize, a restart between them",
      () => {
        sign(0, "finalize", 1, on(0, first));
        checker.restarted(0, 0);
        sign(0, "nullify", 1);
      },
    ],
    [
      "a vote at the floor",
      () => checker.decidedToSign(0, statementBytes("nullify", CHAIN, 1, 4, undefined), 4),
    ],
  ])("%s", (_name, act) => {
    act();
    expect(broken()).toContain("S5");
  });

  test("notarize and then nullify, and the same vote twice, are legal", () => {
    sign(0, "notarize", 1, on(0, first));
    sign(0, "nullify", 1);
    sign(0, "nullify", 1);
    sign(0, "notarize", 1, on(0, first));
    checker.decidedToSign(0, statementBytes("nullify", CHAIN, 1, 5, undefined), 4);
    expect(broken()).toEqual([]);
  });
});

test("S6: a statement is sent that the disk does not hold", () => {
  checker.released(0, "notarize of view 1", undefined);
  expect(broken()).toEqual([]);
  checker.released(0, "notarize of view 1", "vote record");
  expect(broken()).toEqual(["S6"]);
});

describe("S7", () => {
  test("a view goes back within one process, but may after a restart", () => {
    checker.reported(0, 5, 0);
    checker.restarted(0, 0);
    checker.reported(0, 4, 0);
    expect(broken()).toEqual([]);
    checker.reported(0, 3, 0);
    expect(broken()).toEqual(["S7"]);
  });

  test("the floor goes back over a restart", () => {
    checker.committed(0, [first], finalizeFirst(), START + 200);
    checker.restarted(0, 0);
    checker.reported(0, 1, 0);
    expect(broken()).toEqual(["S7"]);
  });

  test("an applied block is lost by a restart", () => {
    checker.committed(0, [first], finalizeFirst(), START + 200);
    checker.applied(0, 1, first.header.stateRoot, []);
    checker.restarted(0, 0);
    expect(broken()).toEqual(["S7"]);
  });

  test("a block is applied twice", () => {
    checker.committed(0, [first], finalizeFirst(), START + 200);
    checker.applied(0, 1, first.header.stateRoot, []);
    checker.applied(0, 1, first.header.stateRoot, []);
    expect(broken()).toEqual(["S7"]);
  });
});

describe("S8", () => {
  test("a node gets another state than the header promises", () => {
    checker.committed(0, [first], finalizeFirst(), START + 200);
    checker.applied(0, 1, hashText("another root"), []);
    expect(broken()).toEqual(["S8"]);
  });

  test("a transaction is executed at two heights", () => {
    checker.committed(0, [first], finalizeFirst(), START + 200);
    allSign("notarize", 2, on(1, second));
    allSign("finalize", 2, on(1, second));
    checker.committed(0, [second], certificate("finalize", 2, on(1, second)), START + 300);
    checker.applied(0, 1, first.header.stateRoot, ["a"]);
    checker.applied(0, 2, second.header.stateRoot, ["b"]);
    expect(broken()).toEqual([]);
    checker.applied(1, 1, first.header.stateRoot, ["a"]);
    checker.applied(1, 2, second.header.stateRoot, ["a"]);
    expect(broken()).toEqual(["S8"]);
  });
});

describe("S9", () => {
  test("time does not rise", () => {
    const late = header(1, CHAIN, { timestampMs: START });
    allSign("notarize", 1, on(0, late));
    allSign("finalize", 1, on(0, late));
    checker.committed(0, [late], certificate("finalize", 1, on(0, late)), START + 200);
    expect(broken()).toEqual(["S9"]);
  });

  test("time is ahead of every honest clock", () => {
    checker.committed(0, [first], finalizeFirst(), first.header.timestampMs - 501);
    expect(broken()).toEqual(["S9"]);
  });

  test("an honest node votes for a time ahead of its own clock", () => {
    checker.votedFor(0, first.header, first.header.timestampMs - 500);
    expect(broken()).toEqual([]);
    checker.votedFor(0, first.header, first.header.timestampMs - 501);
    expect(broken()).toEqual(["S9"]);
  });
});

describe("S10", () => {
  test("a certificate below the quorum", () => {
    allSign("nullify", 1);
    const thin = { ...certificate("nullify", 1, undefined), signers: 0b0011 };
    checker.certificate(0, { ...thin, signatures: thin.signatures.slice(0, 2) });
    expect(broken()).toEqual(["S10"]);
  });

  test("a certificate of votes that honest keys never gave", () => {
    sign(0, "nullify", 1);
    checker.certificate(0, certificate("nullify", 1, undefined));
    expect(broken()).toEqual(["S10"]);
  });
});

describe("epochs", () => {
  const sets = new EpochDirectory(
    EpochDirectory.fixed(set, 1).of(1),
    new Changes({ period: 1, spares: 1 }, new Prng(1), new Keyring([1, 2, 3, 4, 5]), [3], 5),
  );
  const closing = header(1, CHAIN, { nextValidators: sets.of(2).hash });

  beforeEach(() => {
    checker = newChecker([0, 1, 2, 4], sets);
  });

  function close(block: typeof closing): void {
    allSign("notarize", 1, on(0, block));
    allSign("finalize", 1, on(0, block));
    checker.committed(0, [block], certificate("finalize", 1, on(0, block)), START + 200);
  }

  test("a block that closes its epoch breaks nothing, and the next is of the next epoch", () => {
    close(closing);
    checker.beganEpoch(0, 2);
    checker.reported(0, 1, 0, 2);
    expect(broken()).toEqual([]);
    expect(checker.epochs).toContain(2);
  });

  test.each([
    ["EPOCH: the next validators are not named", first],
    ["EPOCH: others are named", header(1, CHAIN, { nextValidators: hashText("others") })],
  ])("%s", (_, block) => {
    close(block);
    expect(broken()).toEqual(["EPOCH"]);
  });

  test("EPOCH: a block of the epoch that is over", () => {
    close(closing);
    const late = header(2, closing.digest, { nextValidators: sets.of(2).hash });
    allSign("notarize", 2, on(1, late));
    allSign("finalize", 2, on(1, late));
    checker.committed(0, [late], certificate("finalize", 2, on(1, late)), START + 300);
    expect(broken()).toEqual(["EPOCH"]);
  });

  test("S5: a key signs in an epoch that it has no seat in, or that its core has left", () => {
    const outsider = [0, 1, 2, 3, 4].find((id) => sets.indexOf(1, id) === undefined) ?? -1;
    sign(outsider, "nullify", 1);
    expect(broken()).toEqual(["S5"]);
    checker = newChecker([0, 1, 2, 4], sets);
    checker.decidedToSign(0, statementBytes("nullify", CHAIN, 1, 9, undefined), 0, 2);
    expect(broken()).toEqual(["S5"]);
  });

  test("S7: a node falls back into an epoch; a lower view in a later one is none", () => {
    checker.reported(0, 9, 8, 1);
    checker.beganEpoch(0, 2);
    checker.reported(0, 1, 0, 2);
    expect(broken()).toEqual([]);
    checker.reported(0, 10, 9, 1);
    expect(broken()).toEqual(["S7"]);
  });

  test("S10: finality of another epoch than the block's; a certificate of no epoch", () => {
    allSign("notarize", 1, on(0, closing));
    allSign("finalize", 1, on(0, closing));
    const foreign = { ...certificate("finalize", 1, on(0, closing)), epoch: 2 };
    checker.committed(0, [closing], foreign, START + 200);
    expect(broken()).toEqual(["S10"]);
    checker = newChecker([0, 1, 2, 4], sets);
    checker.certificate(0, { ...certificate("nullify", 1, undefined), epoch: 9 });
    expect(broken()).toEqual(["S10"]);
  });

  const proofAgainst = (signer: number): Evidence => {
    const of = (kind: "nullify" | "finalize") => ({
      statement: statementBytes(kind, CHAIN, 1, 5, kind === "nullify" ? undefined : on(0, first)),
      signature: new Uint8Array(64),
    });
    return createEvidence({ signer, epoch: 1, view: 5 }, of("nullify"), of("finalize"));
  };

  test("EVIDENCE: an honest key is convicted", () => {
    close(header(1, CHAIN, { ...closing.header, evidence: [proofAgainst(3)] }));
    expect(broken()).toEqual([]);
    expect(checker.convictions).toBe(1);
    checker = newChecker([0, 1, 2, 4], sets);
    close(header(1, CHAIN, { ...closing.header, evidence: [proofAgainst(0)] }));
    expect(broken()).toEqual(["EVIDENCE"]);
  });

  test("EVIDENCE: one proof stands twice", () => {
    const twice = [proofAgainst(3), proofAgainst(3)];
    close(header(1, CHAIN, { ...closing.header, evidence: twice }));
    expect(broken()).toEqual(["EVIDENCE"]);
  });
});
