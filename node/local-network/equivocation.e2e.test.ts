import { afterAll, beforeAll, expect, test } from "vitest";
import type { EventJson } from "../../client/rpc/methods.ts";
import { present } from "../../primitives/assert.ts";
import type { Participants } from "../demo/participants.ts";
import { Equivocator, type Mischief } from "./testing/equivocator.ts";
import { mint, openCashAccounts } from "./testing/test-market.ts";
import { TestNetwork, until } from "./testing/test-network.ts";

/**
 * Three validator processes and, in place of the fourth, a peer with its true keys that signs
 * contradictions: they end up on the ledger of the three, and the chain goes on.
 */
const HONEST = [0, 1, 2] as const;
const BYZANTINE = 3;

let running: TestNetwork | undefined;
let parties: Participants;
let adversary: Equivocator | undefined;
let minted = 0;

beforeAll(async () => {
  running = await TestNetwork.create("equivocation");
  await running.start(...HONEST);
  parties = await network().participants(0);
  await openCashAccounts(parties);
}, 120_000);

afterAll(async () => {
  await adversary?.stop();
  await running?.close();
}, 60_000);

function network(): TestNetwork {
  return present(running, "the network");
}

async function settleSome(count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    minted += 1;
    await parties.settle(["SBP"], "mint-cbdc", mint(1n, `M-${minted}`));
  }
}

/** What this node tells of evidence on its ledger. */
async function recorded(node: number): Promise<readonly EventJson[]> {
  const filter = { types: ["evidenceRecorded"] } as const;
  const { events } = await network()
    .client(node)
    .call("events.list", {
      cursor: "genesis",
      filter: { types: [...filter.types] },
    });
  return events;
}

async function expectOneState(): Promise<void> {
  let heads: readonly string[] = [];
  await until("the three stand at one height", async () => {
    const found = await Promise.all(HONEST.map((node) => network().head(node)));
    heads = found.map(({ blockHash, stateRoot }) => `${blockHash} ${stateRoot}`);
    return new Set(found.map(({ height }) => height)).size === 1;
  });
  expect(new Set(heads).size).toBe(1);
}

/** Lets it contradict itself under a load that keeps views coming, as long as `goesOn` says. */
async function unleash(
  mischief: Mischief,
  goesOn: (views: readonly number[]) => Promise<boolean>,
): Promise<readonly number[]> {
  adversary = await Equivocator.start(network().network, BYZANTINE, mischief);
  await until(`enough of ${mischief}`, async () => {
    await settleSome(1);
    return !(await goesOn(present(adversary, "the adversary").views));
  });
  const seen = adversary.views;
  await adversary.stop();
  adversary = undefined;
  await settleSome(3);
  await expectOneState();
  return seen;
}

/** The one record, which must be the same at the same place wherever it is read. */
async function theRecord(): Promise<EventJson> {
  const [own, ...others] = await Promise.all(HONEST.map(recorded));
  for (const other of others) expect(other).toEqual(own);
  expect(own).toHaveLength(1);
  return present(own?.[0], "a record");
}

test("two blocks for one view are recorded against their leader on every ledger", async () => {
  const views = await unleash("proposals", async () => {
    const found = await Promise.all(HONEST.map(recorded));
    return found.some(({ length }) => length === 0);
  });
  const { data } = await theRecord();
  expect(data).toMatchObject({ validator: "custodian-a", member: "CUSTODIAN-A", epoch: "0" });
  expect(views).toContain(Number(data["view"]));
  for (const node of HONEST) {
    const log = await network().log(node);
    expect(log.some(({ event }) => event === "consensus.evidence")).toBe(true);
    expect(log.filter(({ event }) => event === "consensus.halted")).toEqual([]);
  }
}, 60_000);

test("a convict that votes for two blocks in every view stops nothing, and is recorded once", async () => {
  const before = await theRecord();
  const views = await unleash("votes", async (seen) => seen.length < 5);
  expect(views.length).toBeGreaterThanOrEqual(5);
  expect(await theRecord()).toEqual(before);
}, 60_000);

test("the process of that validator finds its key convicted, follows, and does not vote", async () => {
  await network().spawn(BYZANTINE);
  await until("it halts", async () => {
    const log = await network().log(BYZANTINE);
    return log.some((line) => line["event"] === "consensus.halted");
  });
  await settleSome(3);
  const heads = await network().equalHeads();
  expect(new Set(heads.map(({ stateRoot }) => stateRoot)).size).toBe(1);
  const log = await network().log(BYZANTINE);
  expect(log.find((line) => line["event"] === "consensus.halted")).toMatchObject({
    code: "AMNESIA",
  });
  expect(log.filter((line) => line["event"] === "consensus.voting")).toEqual([]);
}, 60_000);
