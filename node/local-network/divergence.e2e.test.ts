import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import type { BlockHeader } from "../../consensus/header.ts";
import { currentEpochOf } from "../../ledger/closing.ts";
import { present } from "../../primitives/assert.ts";
import { EXIT } from "../exit-codes.ts";
import { TestNode } from "../runtime/test-network.ts";
import { readGenesisFile } from "./network-files.ts";
import { FalseQuorum } from "./testing/false-quorum.ts";
import { type Ending, TestNetwork } from "./testing/test-network.ts";

/**
 * One validator process, and a quorum that makes a block final whose header it can't confirm. It
 * must stop, say why, and do so again when it is started on the same data.
 */
let running: TestNetwork | undefined;
let quorum: FalseQuorum | undefined;
const FALSE_HASH = "f0".repeat(32);

beforeAll(async () => {
  running = await TestNetwork.create("divergence");
}, 60_000);

afterEach(async () => {
  await quorum?.stop();
  quorum = undefined;
});

afterAll(async () => {
  await running?.close();
}, 60_000);

/** The first block as every correct validator would build it, without transactions. */
async function firstBlock(network: TestNetwork): Promise<BlockHeader> {
  const { genesis } = await readGenesisFile(network.network.genesisFile);
  const node = await TestNode.create(1, genesis);
  try {
    expect(currentEpochOf(node.storage.committed).epoch).toBe(0);
    return present(await node.build(undefined, false), "a block");
  } finally {
    await node.destroy();
  }
}

async function fatalLine(network: TestNetwork, honest: number) {
  const lines = (await network.log(honest)).filter(({ event }) => event === "node.fatal");
  return present(lines.at(-1), "a fatal line");
}

// Each on a validator of its own, whose data is spoilt by it.
test.each([
  ["stateRoot", 0],
  ["nextValidators", 1],
] as const)(
  "a final block with a false %s ends the process with code 65, and says so",
  async (field, honest) => {
    const network = present(running, "the network");
    const right = await firstBlock(network);
    quorum = await FalseQuorum.start(network.network, honest, { ...right, [field]: FALSE_HASH });
    const stopped: Ending = { code: EXIT.INTEGRITY, signal: null };
    await network.spawn(honest);
    expect(await network.ending(honest)).toEqual(stopped);
    const expected = {
      level: "fatal",
      err: {
        code: "DIVERGENCE",
        message: `this node computes another ${field} than the network`,
        data: { height: 1, field, got: right[field] ?? "none", expected: FALSE_HASH },
      },
    };
    expect(await fatalLine(network, honest)).toMatchObject(expected);
    await quorum.stop();
    quorum = undefined;
    // Nobody speaks to it now: the journal holds what is final.
    await network.spawn(honest);
    expect(await network.ending(honest)).toEqual(stopped);
    expect((await network.log(honest)).filter(({ event }) => event === "node.fatal")).toHaveLength(
      2,
    );
    expect(await fatalLine(network, honest)).toMatchObject(expected);
  },
  60_000,
);
