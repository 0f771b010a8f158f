import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { LedgerReads } from "../../client/reads.ts";
import { toBase64 } from "../../client/rpc/base64.ts";
import { readTransaction } from "../../client/signing.ts";
import { present } from "../../primitives/assert.ts";
import type { Participants } from "../demo/participants.ts";
import { EXIT } from "../exit-codes.ts";
import { type Acknowledged, SteadyLoad } from "./testing/steady-load.ts";
import { DENOMINATION, dvp, issue, mint, openMarket, receiptOf } from "./testing/test-market.ts";
import { TestNetwork, until } from "./testing/test-network.ts";

/**
 * Validators that stop, are killed and come back, while transactions flow: nothing that a node
 * acknowledged is lost or done twice, and all arrive at one state.
 */
let running: TestNetwork | undefined;
let parties: Participants;

beforeAll(async () => {
  running = await TestNetwork.create("restarts");
  await running.start();
  parties = await running.participants();
  await openMarket(parties);
  await parties.settle(["SBP"], "issue", issue(10n * DENOMINATION));
  await parties.settle(["SBP"], "mint-cbdc", mint(10_000_000_000n, "FIRST"));
}, 180_000);

afterAll(async () => {
  await running?.close();
}, 60_000);

function network(): TestNetwork {
  return present(running, "the network");
}

/** How often each transaction stands in the ledger's own events of one type, by transaction id. */
async function timesDone(type: string, node: number): Promise<ReadonlyMap<string, number>> {
  const reads = new LedgerReads(network().client(node));
  const times = new Map<string, number>();
  let cursor = "genesis";
  for (;;) {
    const page = await reads.events({ cursor, limit: 500, filter: { types: [type] } });
    if (page.events.length === 0) return times;
    for (const { txId } of page.events) times.set(txId, (times.get(txId) ?? 0) + 1);
    cursor = page.nextCursor;
  }
}

/**
 * Once all validators are level, an acknowledged transaction stands in a block, is on its way, or is
 * reported as unknown: its node went down before it had passed it on. Then the client does what its
 * answer asks for, and sends the same bytes again. In the end each was done once.
 */
async function expectEachOnce(acknowledged: readonly Acknowledged[], node: number): Promise<void> {
  await network().equalHeads();
  const standing = network().client(node);
  const anyNode = network().client(...network().validators.keys());
  for (const { txId, bytes } of acknowledged) {
    const { status, outcome } = await standing.call("tx.get", { txId });
    expect(["committed", "pending", "unknown"]).toContain(status);
    const code =
      status === "committed" ? outcome?.code : (await receiptOf(anyNode, bytes)).outcome.code;
    expect(code).toBe("APPLIED");
  }
  await network().equalHeads();
  const times = await timesDone("cbdcMinted", node);
  expect(acknowledged.map(({ txId }) => times.get(txId))).toEqual(acknowledged.map(() => 1));
}

async function expectOneRoot(): Promise<void> {
  const heads = await network().equalHeads();
  expect(new Set(heads.map(({ stateRoot }) => stateRoot)).size).toBe(1);
  expect(new Set(heads.map(({ blockHash }) => blockHash)).size).toBe(1);
}

async function cashOf(node: number): Promise<bigint> {
  const account = await new LedgerReads(network().client(node)).account("CUSTODIAN-A-CASH");
  return present(account?.balances[0], "the coin balance").total;
}

describe("half of the validators down", () => {
  test("a settlement sent many times is pending, and settles once when they are back", async () => {
    const before = await cashOf(0);
    await network().terminate(2);
    await network().terminate(3);
    const payload = dvp(DENOMINATION, 1_000_000n, "OUTAGE");
    const expiry = await parties.expiry();
    const bytes = parties.prepare(["CUSTODIAN-A", "SBP"], "settle-dvp", payload, expiry);
    const { txId } = readTransaction(bytes);
    for (let i = 0; i < 5; i++) {
      for (const node of [0, 1]) {
        const answer = await network()
          .client(node)
          .call("tx.submit", { tx: toBase64(bytes), wait: "committed", waitMs: 100 });
        // A wait that ends is no error: the answer has the id to ask for, and until when.
        expect(answer).toEqual({
          txId,
          status: "pending",
          waitElapsed: true,
          expiresAtHeight: String(expiry),
        });
      }
    }
    await network().start(2, 3);
    for (const node of network().validators.keys()) {
      await until(`settled at node ${node}`, async () => {
        const found = await network().client(node).call("tx.get", { txId });
        return found.status === "committed" && found.outcome?.code === "SETTLED";
      });
      expect((await timesDone("settlementFinal", node)).get(txId)).toBe(1);
      expect(await cashOf(node)).toBe(before - 1_000_000n);
    }
    await expectOneRoot();
  }, 120_000);
});

describe("SIGTERM under load", () => {
  test("ends in order with exit code 0, comes back to the same root; what was acknowledged is done once", async () => {
    const load = await SteadyLoad.start(network(), parties, "TERM", [1, 2]);
    for (let round = 0; round < 3; round++) {
      await load.flows(20);
      const ending = await network().terminate(1);
      expect(ending).toEqual({ code: EXIT.OK, signal: null });
      const log = await network().log(1);
      const finished = log.findLast(
        ({ event, type }) => event === "node.shutdown" && type === "finished",
      );
      expect(finished).toMatchObject({ report: { reason: "SIGTERM", exitCode: EXIT.OK } });
      await load.flows(5);
      await network().start(1);
    }
    await load.stop();
    await expectEachOnce(load.acknowledged, 1);
    await expectOneRoot();
  }, 180_000);

  test("a transaction that was final before is a duplicate with its first receipt after it", async () => {
    const expiry = await parties.expiry();
    const bytes = parties.prepare(["SBP"], "mint-cbdc", mint(1n, "BEFORE-RESTART"), expiry);
    const client = network().client(2);
    const receipt = await receiptOf(client, bytes);
    const first = await client.call("tx.get", { txId: receipt.txId });
    expect(await network().terminate(2)).toEqual({ code: EXIT.OK, signal: null });
    await network().start(2);
    const again = await network()
      .client(2)
      .call("tx.submit", { tx: toBase64(bytes) });
    expect(again.status).toBe("duplicate");
    expect(again.receipt).toEqual(first.receipt);
  }, 120_000);
});

describe("kill -9 in a loop", () => {
  test("does everything that was acknowledged once, and all roots are equal", async () => {
    const load = await SteadyLoad.start(network(), parties, "KILL", [0, 1, 2, 3]);
    for (const victim of [3, 1, 2, 0]) {
      await load.flows(20);
      await network().kill(victim);
      await load.flows(10);
      await network().start(victim);
    }
    await load.stop();
    await expectEachOnce(load.acknowledged, 0);
    await expectOneRoot();
  }, 180_000);

  test("two at once: nothing moves until they are back, then everything does", async () => {
    const load = await SteadyLoad.start(network(), parties, "PAIR", [0, 1]);
    await load.flows(20);
    await Promise.all([network().kill(2), network().kill(3)]);
    await load.flows(10);
    await network().start(2, 3);
    await load.stop();
    await expectEachOnce(load.acknowledged, 3);
    await expectOneRoot();
  }, 120_000);
});
