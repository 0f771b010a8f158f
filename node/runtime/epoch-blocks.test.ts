import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createEvidence, type Evidence, sortEvidence } from "../../consensus/evidence.ts";
import { type BlockHeader, headerDigest } from "../../consensus/header.ts";
import { voteStatement } from "../../consensus/statements.ts";
import { validatorRegistryHash } from "../../consensus/validator-registry.ts";
import { closingOf, currentEpochOf, currentValidators } from "../../ledger/closing.ts";
import { chainIdOf } from "../../ledger/genesis.ts";
import { evidenceTable } from "../../ledger/state/evidence.ts";
import { validatorSetHash } from "../../ledger/state/validator-set.ts";
import { present } from "../../primitives/assert.ts";
import { digestOf } from "../dissemination/test-transactions.ts";
import { anchorOf, previousEpoch } from "./epoch-ends.ts";
import {
  connect,
  finalizationOf,
  networkGenesis,
  signerOf,
  TestNode,
  VALIDATOR_NAMES,
} from "./test-network.ts";

const EPOCH_BLOCKS = 4;
const genesis = networkGenesis({
  parameters: { maxExpiryBlocks: 20, dedupWindowBlocks: 10, epochLengthBlocks: EPOCH_BLOCKS },
});
const chainId = chainIdOf(genesis);

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

async function built(evidence: readonly Evidence[] = []): Promise<BlockHeader> {
  return present(await leader.build(undefined, true, evidence), "a block");
}

async function commit(header: BlockHeader): Promise<void> {
  for (const node of [leader, voter]) {
    await node.application.commit([{ headers: [header], finalization: finalizationOf(header) }]);
  }
}

/** Two finalize votes of one validator for different blocks. */
function contradiction(signer: number, view: number, by = VALIDATOR_NAMES[signer]): Evidence {
  const key = signerOf(by ?? "");
  const signed = (block: string) => {
    const target = {
      parentView: 0,
      parentDigest: digestOf("parent"),
      blockDigest: digestOf(block),
    };
    const vote = { kind: "finalize" as const, epoch: 0, view, target };
    const statement = voteStatement(chainId, vote);
    return { statement, signature: key.sign(statement) };
  };
  return createEvidence({ signer, epoch: 0, view }, signed("one"), signed("other"));
}

describe("the end of an epoch", () => {
  test("the hash of a set is the same to ledger and consensus", () => {
    const validators = currentValidators(leader.storage.committed);
    const hash = validatorSetHash(validators);
    expect(validatorRegistryHash(validators)).toBe(hash);
    const [first, ...rest] = validators;
    expect(validatorRegistryHash([...rest, present(first, "one")])).not.toBe(hash);
    expect(validatorSetHash([...rest, present(first, "one")])).not.toBe(hash);
  });

  test("stands in the header, as the ledger says, and in no other", async () => {
    for (let height = 1; height < EPOCH_BLOCKS; height++) {
      const header = await built();
      expect(header.nextValidators).toBeUndefined();
      expect(await voter.validate({ ...header, nextValidators: digestOf("set") })).toBe("bad");
      await commit(header);
    }
    const closing = await built();
    const expected = closingOf(voter.storage.committed, EPOCH_BLOCKS)?.hash;
    expect(closing.nextValidators).toBe(expected);
    expect(await voter.validate({ ...closing, nextValidators: undefined })).toBe("bad");
    expect(await voter.validate({ ...closing, nextValidators: digestOf("set") })).toBe("bad");
    expect(await voter.validate(closing)).toBe("valid");
    await commit(closing);
    const { blocks, committed } = voter.storage;
    expect(currentEpochOf(committed)).toMatchObject({ epoch: 1, startHeight: EPOCH_BLOCKS + 1 });
    // The next core starts on it in view 0, with the finalization of the epoch before.
    expect(anchorOf(blocks, committed, committed.head)).toEqual({
      height: EPOCH_BLOCKS,
      view: 0,
      digest: headerDigest(closing),
      timestampMs: closing.timestampMs,
      finalization: finalizationOf(closing),
    });
    expect(previousEpoch(blocks, committed)).toMatchObject({
      epoch: 0,
      closing: { digest: headerDigest(closing) },
    });
    const first = await built();
    expect(first).toMatchObject({ epoch: 1, height: EPOCH_BLOCKS + 1, nextValidators: undefined });
    await commit(first);
    const { head } = voter.storage.committed;
    expect(anchorOf(blocks, voter.storage.committed, head)).toMatchObject({
      height: EPOCH_BLOCKS + 1,
      view: EPOCH_BLOCKS + 1,
    });
  });

  test("a start on it makes the next journal, if the one before is there", async () => {
    for (let height = 1; height <= EPOCH_BLOCKS; height++) await commit(await built());
    const { directory } = voter;
    await voter.close();
    voter = await TestNode.open(1, genesis, directory);
    expect(voter.storage.records).toEqual([]);
    connect(leader, voter);
    const first = await built();
    await commit(first);
    await voter.storage.journals.removeBefore(1);
    await voter.close();
    voter = await TestNode.open(1, genesis, directory);
    expect(voter.head.height).toBe(EPOCH_BLOCKS + 1);
  });
});

describe("evidence", () => {
  test("goes into a block, is checked by voters, and is recorded", async () => {
    const evidence = sortEvidence([contradiction(2, 5), contradiction(3, 6)]);
    const header = await built(evidence);
    expect(header.evidence).toEqual(evidence);
    expect(await voter.validate(header)).toBe("valid");
    await commit(header);
    const recorded = [...voter.storage.committed.entries()].filter(([key]) =>
      key.startsWith(`${evidenceTable.name}/`),
    );
    expect(recorded).toHaveLength(2);
    expect(voter.applied.at(-1)?.result.events.map(({ event }) => event.type)).toEqual([
      "evidenceRecorded",
      "evidenceRecorded",
    ]);
  });

  test("that is recorded is left out by a leader and refused by voters", async () => {
    const evidence = [contradiction(2, 5)];
    await commit(await built(evidence));
    const next = await built(evidence);
    expect(next.evidence).toEqual([]);
    expect(await voter.validate({ ...next, evidence })).toBe("bad");
  });

  test.each([
    ["of a key that did not sign", () => [contradiction(2, 5, "V1")]],
    ["of nobody", () => [contradiction(7, 5, "V1")]],
    [
      "in falling order",
      () => sortEvidence([contradiction(2, 5), contradiction(3, 6)]).toReversed(),
    ],
    ["twice", () => [contradiction(2, 5), contradiction(2, 5)]],
    [
      "of two statements that may stand together",
      () => {
        const { second, ...rest } = contradiction(2, 5);
        return [{ ...rest, second, first: second }];
      },
    ],
    ["of a later epoch", () => [{ ...contradiction(2, 5), epoch: 1 }]],
  ])("%s makes a block bad", async (_, make) => {
    const header = await built();
    expect(await voter.validate({ ...header, evidence: make() })).toBe("bad");
  });

  test("left out makes the state another one", async () => {
    const header = await built([contradiction(2, 5)]);
    expect(await voter.validate({ ...header, evidence: [] })).toBe("bad");
  });
});
