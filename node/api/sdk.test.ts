import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { RpcCallError, TransportError } from "../../client/call-errors.ts";
import { LedgerReads } from "../../client/reads.ts";
import { RpcClient, type RpcClientOptions } from "../../client/rpc-client.ts";
import { FabricatedChain } from "../../client/testing/fabricated-chain.ts";
import { submitAndWait, waitForFinality } from "../../client/wait.ts";
import { TransactionError } from "../../ledger/envelope.ts";
import { accountTable } from "../../ledger/state/account.ts";
import { balanceTable } from "../../ledger/state/balance.ts";
import { holdingsTable } from "../../ledger/state/holdings.ts";
import { supplyTable } from "../../ledger/state/supply.ts";
import { FakeNode } from "./testing/fake-node.ts";
import { type RpcSession, startSession } from "./testing/rpc-session.ts";
import { signedDvp } from "./testing/transactions.ts";

const FAST = { baseMs: 1, capMs: 4, random: () => 0.5 };
const ISIN = "PK0PIB003015";

let session: RpcSession;
let dead: string;

beforeEach(async () => {
  session = await startSession();
  dead = await closedPort();
});

afterEach(async () => {
  await session.close();
});

function clientOf(endpoints: readonly string[], more: Partial<RpcClientOptions> = {}): RpcClient {
  return new RpcClient({ endpoints, retry: FAST, ...more });
}

/** A port on which nothing listens. */
async function closedPort(): Promise<string> {
  const server = await pageServer(200, "");
  const url = urlOf(server);
  await closed(server);
  return url;
}

/** A server that answers everything with one text. */
function pageServer(status: number, text: string): Promise<Server> {
  const server = createServer((_request, response) => {
    response.writeHead(status, { connection: "close" }).end(text);
  });
  return new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () => resolve(server));
  });
}

function urlOf(server: Server): string {
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function closed(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

describe("failover", () => {
  it("goes on to the node that answers, and stays with it", async () => {
    const asked: string[] = [];
    const client = clientOf([dead, session.url], {
      fetch: (url, init) => {
        asked.push(new URL(url).origin);
        return fetch(url, init);
      },
    });
    await client.call("chain.info", {});
    await client.call("chain.info", {});
    expect(asked).toEqual([dead, session.url, session.url]);
  });

  it.each([
    [200, "<html>login</html>"],
    [502, "Bad Gateway"],
    [200, "{}"],
    [200, '{"jsonrpc":"2.0","id":1,"result":{"height":7}}'],
    [200, '{"jsonrpc":"2.0","id":99999,"result":{}}'],
  ])("does not take %i %s for an answer", async (status, text) => {
    const page = await pageServer(status, text);
    const info = await clientOf([urlOf(page), session.url]).call("chain.info", {});
    expect(info.chainId).toBe(session.node.chainId);
    const alone = clientOf([urlOf(page)], { retry: { ...FAST, maxAttempts: 2 } });
    await expect(alone.call("chain.info", {})).rejects.toMatchObject({ code: "BAD_REPLY" });
    await closed(page);
  });

  it("leaves a node that is not ready for one that is", async () => {
    const syncing = await startSession();
    syncing.node.nextRefusal = { reason: "SYNCING" };
    const { bytes, transaction } = signedDvp(session.node.chainId, "A");
    const client = clientOf([syncing.url, session.url]);
    const tx = Buffer.from(bytes).toString("base64");
    const submitted = await client.call("tx.submit", { tx });
    expect(submitted).toMatchObject({ txId: transaction.txId, status: "pending" });
    expect([syncing.node.pool.size, session.node.pool.size]).toEqual([0, 1]);
    await syncing.close();
  });

  it("tries again where the node asks for it, and no more often than allowed", async () => {
    session.node.failure = new Error("disk");
    const pauses: unknown[] = [];
    const client = clientOf([session.url], {
      retry: { ...FAST, maxAttempts: 3 },
      fetch: (url, init) => {
        pauses.push(url);
        return fetch(url, init);
      },
    });
    const failing = client.call("chain.info", {});
    await expect(failing).rejects.toMatchObject({ code: "INTERNAL", retry: "later" });
    expect(pauses).toHaveLength(3);
  });

  it("never repeats what another try cannot help", async () => {
    const refused = clientOf([session.url, dead]).call("account.get", { account: "NOBODY" });
    await expect(refused).rejects.toBeInstanceOf(RpcCallError);
    await expect(refused).rejects.toMatchObject({
      code: "NOT_FOUND",
      retry: "never",
      requestId: expect.stringMatching(/^[0-9a-f-]{36}$/),
    });
  });

  it("never asks a node of another chain", async () => {
    const foreign = await startSession({}, new FakeNode(new FabricatedChain("other")));
    const pinned = { chainId: session.node.chainId };
    const client = clientOf([foreign.url, session.url], pinned);
    expect((await client.call("chain.info", {})).chainId).toBe(session.node.chainId);
    const alone = clientOf([foreign.url], { ...pinned, retry: { ...FAST, maxAttempts: 2 } });
    await expect(alone.call("chain.info", {})).rejects.toMatchObject({ code: "WRONG_CHAIN" });
    await foreign.close();
  });

  it("gives up with the signal's reason, in a pause and in a request", async () => {
    const controller = new AbortController();
    const reason = new Error("user left");
    const waiting = clientOf([session.url]).call(
      "events.list",
      { cursor: "genesis", waitMs: 30_000 },
      { signal: controller.signal },
    );
    await until(() => session.server.waiting === 1);
    controller.abort(reason);
    await expect(waiting).rejects.toBe(reason);
    const before = clientOf([dead]).call("chain.info", {}, { signal: controller.signal });
    await expect(before).rejects.toBe(reason);
  });

  it("ends an attempt that gets no answer", async () => {
    const mute = createServer(() => {});
    await new Promise<void>((resolve) => mute.listen(0, "127.0.0.1", () => resolve()));
    const client = clientOf([urlOf(mute)], {
      attemptTimeoutMs: 20,
      retry: { ...FAST, maxAttempts: 2 },
    });
    const failing = client.call("chain.info", {});
    await expect(failing).rejects.toBeInstanceOf(TransportError);
    await expect(failing).rejects.toMatchObject({ code: "TIMEOUT" });
    await closed(mute);
  });

  it("knows reasons that it has never heard of by their retry class", async () => {
    const error = {
      code: -32099,
      message: "new",
      data: { reason: "BRAND_NEW", retry: "never", requestId: "r" },
    };
    const page = await pageServer(200, JSON.stringify({ jsonrpc: "2.0", id: null, error }));
    const failing = clientOf([urlOf(page), session.url]).call("chain.info", {});
    await expect(failing).rejects.toMatchObject({ code: "BRAND_NEW", requestId: "r" });
    await closed(page);
  });
});

describe("submitAndWait", () => {
  it("settles as committed, also where the ledger says no", async () => {
    const client = clientOf([dead, session.url]);
    const { bytes, transaction } = signedDvp(session.node.chainId, "A");
    const { txId } = transaction;
    const waiting = submitAndWait(client, bytes);
    await until(() => session.server.waiting === 1);
    session.node.commit({ outcomes: { [txId]: "INSUFFICIENT_CASH" } });
    expect(await waiting).toMatchObject({
      status: "committed",
      txId,
      receipt: { height: 1, outcome: { code: "INSUFFICIENT_CASH", isoReason: "MONY" } },
    });
  });

  it("settles as pending when the time is over, and as committed when asked again", async () => {
    const client = clientOf([session.url]);
    const { bytes, transaction } = signedDvp(session.node.chainId, "A");
    const { txId } = transaction;
    const first = await submitAndWait(client, bytes, { waitMs: 10 });
    expect(first).toEqual({ status: "pending", txId, untilHeight: 50 });
    session.node.commit();
    const again = await submitAndWait(client, bytes, { waitMs: 0 });
    expect(again).toMatchObject({ status: "committed", receipt: { txId } });
    const asked = await waitForFinality(client, { txId, expiresAtHeight: 50 }, { waitMs: 0 });
    expect(asked).toMatchObject({ status: "committed", receipt: { txId } });
  });

  it("executes once however often it is sent, to however many nodes", async () => {
    const second = await startSession({}, session.node);
    const { bytes } = signedDvp(session.node.chainId, "A");
    for (const url of [session.url, second.url, session.url]) {
      await submitAndWait(clientOf([url]), bytes, { waitMs: 1 });
    }
    session.node.commit();
    const outcomes = await Promise.all(
      [session.url, second.url].map((url) => submitAndWait(clientOf([url]), bytes)),
    );
    expect(outcomes.map((outcome) => outcome.status)).toEqual(["committed", "committed"]);
    expect(session.node.receipts.size).toBe(1);
    await second.close();
  });

  it("settles as expired only once nothing can execute it any more", async () => {
    const client = clientOf([session.url]);
    const { bytes, transaction } = signedDvp(session.node.chainId, "A", 2);
    const { txId } = transaction;
    expect((await submitAndWait(client, bytes, { waitMs: 1 })).status).toBe("pending");
    session.node.pool.clear();
    for (let i = 0; i < 2; i++) session.node.commit();
    const open = await waitForFinality(client, { txId, expiresAtHeight: 2 }, { waitMs: 1 });
    expect(open.status).toBe("pending");
    session.node.commit();
    expect(await submitAndWait(client, bytes)).toEqual({ status: "expired", txId });
  });

  it("finds the commit of an earlier try behind a refusal as expired", async () => {
    const client = clientOf([session.url]);
    const { bytes, transaction } = signedDvp(session.node.chainId, "A", 1);
    await submitAndWait(client, bytes, { waitMs: 1 });
    session.node.commit();
    session.node.nextRefusal = { reason: "TX_EXPIRED" };
    const outcome = await submitAndWait(client, bytes);
    expect(outcome).toMatchObject({ status: "committed", txId: transaction.txId });
  });

  it("settles as pending where no node answers, and says why", async () => {
    const { bytes, transaction } = signedDvp(session.node.chainId, "A");
    const client = clientOf([dead], { retry: { ...FAST, maxAttempts: 2 } });
    const outcome = await submitAndWait(client, bytes, { waitMs: 20 });
    expect(outcome).toMatchObject({
      status: "pending",
      txId: transaction.txId,
      untilHeight: 50,
      lastError: { code: "UNREACHABLE" },
    });
  });

  it("survives an answer that is lost after the node took the transaction", async () => {
    const { bytes } = signedDvp(session.node.chainId, "A");
    let lost = 0;
    const client = clientOf([session.url], {
      fetch: async (url, init) => {
        const response = await fetch(url, init);
        if (lost++ > 0) return response;
        session.node.commit();
        throw new TypeError("connection reset");
      },
    });
    const outcome = await submitAndWait(client, bytes, { waitMs: 50 });
    expect(outcome.status).toBe("committed");
    expect(session.node.receipts.size).toBe(1);
  });

  it("settles as pending when the caller leaves", async () => {
    const controller = new AbortController();
    const { bytes } = signedDvp(session.node.chainId, "A");
    const waiting = submitAndWait(clientOf([session.url]), bytes, { signal: controller.signal });
    await until(() => session.server.waiting === 1);
    controller.abort();
    expect((await waiting).status).toBe("pending");
  });

  it("rejects what a node refuses for good, and what is no transaction", async () => {
    const foreign = signedDvp("ab".repeat(32), "A");
    const refused = submitAndWait(clientOf([session.url]), foreign.bytes);
    await expect(refused).rejects.toMatchObject({ code: "TX_WRONG_CHAIN", retry: "rebuild" });
    const nonsense = submitAndWait(clientOf([session.url]), new Uint8Array(3));
    await expect(nonsense).rejects.toBeInstanceOf(TransactionError);
  });

  it("does not take a receipt of another transaction", async () => {
    const { bytes } = signedDvp(session.node.chainId, "A");
    const other = signedDvp(session.node.chainId, "B");
    await submitAndWait(clientOf([session.url]), other.bytes, { waitMs: 1 });
    session.node.commit();
    const [receipt] = session.node.receipts.values();
    if (receipt === undefined) throw new Error("committed");
    const { transaction } = signedDvp(session.node.chainId, "A");
    session.node.receipts.set(transaction.txId, receipt);
    const cheated = submitAndWait(clientOf([session.url]), bytes);
    await expect(cheated).rejects.toMatchObject({ code: "ANSWER_INCONSISTENT" });
  });
});

describe("reads", () => {
  const big = 2n ** 53n + 1n;
  const held = { account: "HBL-SGLA", asset: ISIN, reserved: 0n, pledged: 0n, blocked: 0n };

  beforeEach(() => {
    session.node.commit({
      changes: [
        accountTable.entry({
          id: "HBL-SGLA",
          kind: "SGLA",
          member: "HBL",
          investor: undefined,
          parent: undefined,
          ownership: "OWN",
          window: "CONVENTIONAL",
          status: "OPEN",
        }),
        holdingsTable.entry({ account: "HBL-SGLA", assets: [ISIN] }),
        balanceTable.entry({ ...held, total: big, available: big }),
        supplyTable.entry({ asset: ISIN, authorised: big, issued: big, redeemed: 1n, tranches: 1 }),
      ],
    });
  });

  it("give bigints, and undefined for what is not there", async () => {
    const reads = new LedgerReads(clientOf([session.url]));
    const account = await reads.account("HBL-SGLA");
    expect(account?.balances).toEqual([
      { asset: ISIN, total: big, available: big, reserved: 0n, pledged: 0n, blocked: 0n },
    ]);
    expect(await reads.supply(ISIN)).toMatchObject({ issued: big, outstanding: big - 1n });
    expect(await reads.account("NOBODY")).toBeUndefined();
    expect(await reads.supply("PK0PIB003016")).toBeUndefined();
  });

  it("give what the pinned genesis proves, from start to end", async () => {
    const reads = new LedgerReads(clientOf([session.url]));
    const { pin } = session.node.fabricated;
    const balance = await reads.provenBalance(pin, "HBL-SGLA", ISIN, { minHeight: 1 });
    expect(balance.value.total).toBe(big);
    expect((await reads.provenAccount(pin, "HBL-SGLA")).value?.member).toBe("HBL");
    expect((await reads.provenAccount(pin, "NOBODY")).value).toBeUndefined();
    expect((await reads.provenSupply(pin, ISIN)).value?.issued).toBe(big);
    const other = new FabricatedChain("other").pin;
    const refused = reads.provenBalance(other, "HBL-SGLA", ISIN);
    await expect(refused).rejects.toMatchObject({ code: "PROOF_WRONG_CHAIN" });
  });
});

/** Lets the event loop run until the condition holds. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 2));
}
