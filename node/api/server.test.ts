import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { fromBase64, toBase64 } from "../../client/rpc/base64.ts";
import { ADMISSION_REASONS, REASONS } from "../../client/rpc/errors.ts";
import { RPC_LIMITS } from "../../client/rpc/limits.ts";
import { MAX_TRANSACTION_BYTES } from "../../ledger/limits.ts";
import { accountTable } from "../../ledger/state/account.ts";
import { balanceTable } from "../../ledger/state/balance.ts";
import { holdingsTable } from "../../ledger/state/holdings.ts";
import { instrumentTable } from "../../ledger/state/instrument.ts";
import { supplyTable } from "../../ledger/state/supply.ts";
import { InvariantError } from "../../primitives/assert.ts";
import { AMOUNT_MAX } from "../../primitives/codec/schema.ts";
import { BindError } from "./host-guard.ts";
import {
  callText,
  errorOf,
  post,
  type RpcSession,
  rawPost,
  resultOf,
  startSession,
} from "./testing/rpc-session.ts";
import { signedDvp } from "./testing/transactions.ts";

const ISIN = "PK0PIB003015";
let session: RpcSession;

beforeEach(async () => {
  session = await startSession();
});

afterEach(async () => {
  await session.close();
});

describe("chain", () => {
  it("tells its identity, head and limits before and after the first block", async () => {
    const before = await resultOf(session, "chain.info", {});
    expect(before).toMatchObject({ height: "0", blockTime: "0", chainId: session.node.chainId });
    session.node.commit();
    const info = await resultOf(session, "chain.info", {});
    expect(info).toMatchObject({
      height: "1",
      blockHash: session.node.fabricated.block(1).digest,
      genesisHash: session.node.chainId,
      earliestHeight: "1",
      limits: { maxBody: 1 << 20, maxPage: 500, maxExpiryBlocks: 100 },
    });
  });

  it("gives a block by height and by hash, with its ids and its bytes", async () => {
    const { bytes, transaction } = signedDvp(session.node.chainId, "A-1");
    await resultOf(session, "tx.submit", { tx: toBase64(bytes) });
    session.node.commit();
    const byHeight = await resultOf(session, "chain.block", { height: "1" });
    const byHash = await resultOf(session, "chain.block", { hash: byHeight.hash, view: "ids" });
    expect(byHeight.txIds).toBeUndefined();
    expect(byHash.txIds).toEqual([transaction.txId]);
    const full = await resultOf(session, "chain.block", { height: "1", view: "full" });
    expect(full.transactions).toHaveLength(1);
    expect(full.header).toBe(toBase64(session.node.fabricated.block(1).headerBytes));
  });

  it("refuses blocks that it cannot have, and asks for exactly one name", async () => {
    session.node.commit();
    session.node.commit();
    session.node.earliestHeight = 2;
    const reason = async (params: object): Promise<unknown> =>
      (await errorOf(session, "chain.block", params)).data;
    expect(await reason({ height: "3" })).toMatchObject({ reason: "AHEAD_OF_HEAD", head: "2" });
    expect(await reason({ height: "1" })).toMatchObject({ reason: "PRUNED", earliest: "2" });
    expect(await reason({ height: "0" })).toMatchObject({ reason: "NOT_FOUND" });
    expect(await reason({ hash: "ab".repeat(32) })).toMatchObject({ reason: "NOT_FOUND" });
    expect(await reason({})).toMatchObject({ reason: "INVALID_PARAMS" });
    expect(await reason({ height: "1", hash: "ab".repeat(32) })).toMatchObject({
      reason: "INVALID_PARAMS",
    });
  });
});

describe("tx.submit", () => {
  it("admits once, and answers with the first result afterwards", async () => {
    const { bytes, transaction } = signedDvp(session.node.chainId, "A-1");
    const tx = toBase64(bytes);
    const { txId } = transaction;
    const pending = { txId, status: "pending", expiresAtHeight: "50" };
    expect(await resultOf(session, "tx.submit", { tx })).toEqual(pending);
    expect(await resultOf(session, "tx.submit", { tx })).toEqual(pending);
    session.node.commit();
    const again = await resultOf(session, "tx.submit", { tx });
    expect(again).toMatchObject({ txId, status: "duplicate", receipt: { height: "1" } });
  });

  it("waits for the commit", async () => {
    const { bytes, transaction } = signedDvp(session.node.chainId, "A-1");
    const answer = resultOf(session, "tx.submit", {
      tx: toBase64(bytes),
      wait: "committed",
      waitMs: 10_000,
    });
    await until(() => session.server.waiting === 1);
    session.node.commit();
    expect(await answer).toMatchObject({
      status: "committed",
      receipt: {
        txId: transaction.txId,
        outcome: { code: "SETTLED", retry: "never", isoReason: "ACSC" },
        moments: { entryHeight: "1", irrevocabilityHeight: "1", finalityHeight: "1" },
      },
    });
  });

  it("ends a wait as a success that says pending", async () => {
    const { bytes } = signedDvp(session.node.chainId, "A-1");
    const tx = toBase64(bytes);
    const answer = await resultOf(session, "tx.submit", { tx, wait: "committed", waitMs: 20 });
    expect(answer).toMatchObject({ status: "pending", waitElapsed: true, expiresAtHeight: "50" });
  });

  it("answers pending at once where no place to wait is left: the transaction is in", async () => {
    await session.close();
    session = await startSession({ maxLongPolls: 0 });
    const { bytes } = signedDvp(session.node.chainId, "A-1");
    const tx = toBase64(bytes);
    const answer = await resultOf(session, "tx.submit", { tx, wait: "committed", waitMs: 9_000 });
    expect(answer).toMatchObject({ status: "pending", waitElapsed: true });
    expect(session.node.pool.size).toBe(1);
  });

  it("gives on-ledger failures as results, never as errors", async () => {
    for (const code of ["INSUFFICIENT_SECURITIES", "INSUFFICIENT_CASH"] as const) {
      const { bytes, transaction } = signedDvp(session.node.chainId, code.slice(13, 17));
      const tx = toBase64(bytes);
      await resultOf(session, "tx.submit", { tx });
      session.node.commit({ outcomes: { [transaction.txId]: code } });
      const found = await resultOf(session, "tx.get", { txId: transaction.txId });
      expect(found).toMatchObject({ status: "committed", outcome: { code, retry: "later" } });
      const again = await resultOf(session, "tx.submit", { tx });
      expect(again).toMatchObject({ status: "duplicate", receipt: { outcome: { code } } });
    }
  });

  it.each(ADMISSION_REASONS)("passes the refusal %s on with its code and class", async (reason) => {
    session.node.nextRefusal = { reason, detail: { txId: "ab".repeat(32), retryAfterMs: 1_500 } };
    const { bytes } = signedDvp(session.node.chainId, "A-1");
    const answer = await post(session, callText("tx.submit", { tx: toBase64(bytes) }));
    const { code, retry, http } = REASONS[reason];
    expect(answer.status).toBe(http);
    expect(answer.headers["retry-after"]).toBe("2");
    expect(answer.error).toMatchObject({
      code,
      data: { reason, retry, txId: "ab".repeat(32), retryAfterMs: 1_500 },
    });
  });

  it("refuses other chains, nonsense and oversize", async () => {
    const reason = async (tx: string): Promise<string> =>
      (await errorOf(session, "tx.submit", { tx })).data.reason;
    expect(await reason(toBase64(signedDvp("ab".repeat(32), "A").bytes))).toBe("TX_WRONG_CHAIN");
    expect(await reason(toBase64(new Uint8Array(10)))).toBe("TX_MALFORMED");
    expect(await reason(toBase64(new Uint8Array(RPC_LIMITS.maxTxBytes + 1)))).toBe("TX_TOO_LARGE");
    expect(await reason("AAA")).toBe("INVALID_PARAMS");
    expect(await reason("AB==CD==")).toBe("INVALID_PARAMS");
    expect(RPC_LIMITS.maxTxBytes).toBe(MAX_TRANSACTION_BYTES);
  });

  it("bounds the wait and ties it to its word", async () => {
    const tx = toBase64(signedDvp(session.node.chainId, "A").bytes);
    const error = await errorOf(session, "tx.submit", { tx, wait: "committed", waitMs: 10_001 });
    expect(error.data).toMatchObject({
      reason: "LIMIT_TOO_LARGE",
      field: "waitMs",
      limit: "10000",
    });
    const loose = await errorOf(session, "tx.submit", { tx, waitMs: 5 });
    expect(loose.data).toMatchObject({ reason: "INVALID_PARAMS", field: "waitMs" });
    expect(session.node.submissions).toBe(0);
  });
});

describe("tx.get", () => {
  it("finds by id and by the member's reference", async () => {
    const { bytes, transaction } = signedDvp(session.node.chainId, "INV/2026-7");
    await resultOf(session, "tx.submit", { tx: toBase64(bytes) });
    const { txId } = transaction;
    const byRef = { member: "HBL", clientRef: "INV/2026-7" };
    expect(await resultOf(session, "tx.get", byRef)).toMatchObject({ status: "pending", txId });
    session.node.commit();
    expect(await resultOf(session, "tx.get", byRef)).toMatchObject({
      status: "committed",
      txId,
      height: "1",
      index: 0,
      searched: { from: "1", to: "1" },
    });
    const foreign = await resultOf(session, "tx.get", { ...byRef, member: "UBL" });
    expect(foreign.status).toBe("unknown");
  });

  it("says expired only past the expiry and over a search without a gap", async () => {
    const txId = "ab".repeat(32);
    const status = async (expiresAtHeight?: string): Promise<string> => {
      const given = expiresAtHeight === undefined ? {} : { expiresAtHeight };
      return (await resultOf(session, "tx.get", { txId, ...given })).status;
    };
    for (let i = 0; i < 5; i++) session.node.commit();
    expect(await status()).toBe("unknown");
    expect(await status("5")).toBe("unknown");
    expect(await status("4")).toBe("expired");
    session.node.earliestHeight = 2;
    expect(await status("4")).toBe("unknown");
    for (let i = 0; i < 99; i++) session.node.commit();
    expect(await status("102")).toBe("expired");
    expect(await status("101")).toBe("unknown");
  });

  it("takes one way to name a transaction", async () => {
    for (const params of [
      {},
      { member: "A" },
      { clientRef: "A" },
      { txId: "ab".repeat(32), member: "A" },
    ]) {
      expect((await errorOf(session, "tx.get", params)).data.reason).toBe("INVALID_PARAMS");
    }
  });
});

describe("state", () => {
  const big = 2n ** 53n + 1n;
  const held = { account: "HBL-SGLA", asset: ISIN, reserved: 1n, pledged: 0n, blocked: 0n };

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
        holdingsTable.entry({ account: "HBL-SGLA", assets: [ISIN, "PKR-CBDC"] }),
        balanceTable.entry({ ...held, total: big, available: big - 1n }),
        balanceTable.entry({
          ...held,
          asset: "PKR-CBDC",
          total: AMOUNT_MAX,
          available: AMOUNT_MAX - 1n,
        }),
        supplyTable.entry({ asset: ISIN, authorised: big, issued: big, redeemed: 2n, tranches: 1 }),
        instrumentTable.entry({
          isin: ISIN,
          terms: {
            type: "PIB_FIXED",
            body: {
              denomination: 100_000_00n,
              couponRateE4: 70_000,
              couponFrequency: 2,
              issueDate: "2020-08-20",
              maturityDate: "2023-08-20",
              firstCouponDate: "2021-02-20",
              dayCount: "ACT_ACT_ICMA",
            },
          },
          registeredAtHeight: 1,
        }),
      ],
    });
  });

  it("gives balances past 2^53 and up to 2^127 - 1 without losing a digit", async () => {
    const account = await resultOf(session, "account.get", { account: "HBL-SGLA" });
    expect(account).toMatchObject({ kind: "SGLA", member: "HBL", status: "OPEN", height: "1" });
    expect(account.balances).toEqual([
      expect.objectContaining({ asset: ISIN, total: "9007199254740993", reserved: "1" }),
      expect.objectContaining({ total: "170141183460469231731687303715884105727" }),
    ]);
  });

  it("gives supply with terms and proof", async () => {
    const supply = await resultOf(session, "asset.supply", { asset: ISIN });
    expect(supply).toMatchObject({
      issued: "9007199254740993",
      outstanding: "9007199254740991",
      instrument: { type: "PIB_FIXED", terms: { denomination: "10000000", couponRateE4: "70000" } },
      proof: { key: `supply/${ISIN}`, height: "1", descendants: [] },
    });
    expect(fromBase64(supply.proof.value ?? "")).toEqual(
      session.node.fabricated.block(1).state.get(`supply/${ISIN}`),
    );
  });

  it("proves absence too, but finds no absent object", async () => {
    const proof = await resultOf(session, "account.proof", { account: "NOBODY" });
    expect(proof).toMatchObject({ key: "account/NOBODY", value: null });
    const account = await errorOf(session, "account.get", { account: "NOBODY" });
    expect(account).toMatchObject({ code: -32003, data: { reason: "NOT_FOUND", retry: "never" } });
    const supply = await errorOf(session, "asset.supply", { asset: "PK0PIB003016" });
    expect(supply.data.reason).toBe("NOT_FOUND");
  });
});

describe("failures of the node", () => {
  it("shows nothing of an internal error but the request id, and logs the rest", async () => {
    session.node.failure = new Error("secret path /var/lib/mizan");
    const answer = await post(session, callText("chain.info", {}));
    expect(answer.status).toBe(500);
    expect(answer.error).toMatchObject({
      code: -32603,
      data: { reason: "INTERNAL", retry: "later" },
    });
    expect(answer.text).not.toContain("/var/lib");
    expect(answer.text).not.toContain("at ");
    const requestId = answer.error?.data.requestId ?? "";
    expect(answer.headers["x-request-id"]).toBe(requestId);
    const line = session.logLines.find((each) => each.includes("rpc.internal"));
    expect(line).toContain(requestId);
    expect(line).toContain("/var/lib/mizan");
    expect(session.invariants).toHaveLength(0);
  });

  it("hands a broken invariant to the process", async () => {
    session.node.failure = new InvariantError("balances conserve");
    await errorOf(session, "chain.info", {});
    expect(session.invariants.map((error) => error.message)).toEqual(["balances conserve"]);
  });

  it("does not wait for ever for a node that does not answer", async () => {
    await session.close();
    session = await startSession({ callDeadlineMs: 20 });
    let release = (): void => {};
    session.node.stall = new Promise((resolve) => {
      release = resolve;
    });
    const tx = toBase64(signedDvp(session.node.chainId, "A").bytes);
    const error = await errorOf(session, "tx.submit", { tx });
    expect(error).toMatchObject({ code: -32007, data: { reason: "DEADLINE", retry: "later" } });
    release();
  });
});

describe("the listener", () => {
  it.each(["0.0.0.0", "::", "10.0.0.1", "example.org", "127.0.0.999", "127.1", ""])(
    "refuses to bind %s",
    async (host) => {
      await expect(startSession({ host })).rejects.toThrowError(BindError);
      await expect(startSession({ host })).rejects.toMatchObject({ code: "RPC_NOT_LOOPBACK" });
    },
  );

  it("binds localhost as 127.0.0.1", async () => {
    const local = await startSession({ host: "localhost" });
    expect(local.server.host).toBe("127.0.0.1");
    await local.close();
  });

  it("answers those who wait when it closes, and refuses those who come", async () => {
    const { bytes } = signedDvp(session.node.chainId, "A-1");
    const waiting = resultOf(session, "tx.submit", { tx: toBase64(bytes), wait: "committed" });
    const polling = resultOf(session, "events.list", { cursor: "genesis", waitMs: 30_000 });
    await until(() => session.server.waiting === 2);
    await session.server.close();
    expect(await waiting).toMatchObject({ status: "pending", waitElapsed: true });
    expect(await polling).toMatchObject({ events: [] });
    expect(session.node.listeners).toBe(0);
    await expect(rawPost(session, "{}")).rejects.toThrow();
    await session.server.close();
  });

  it("is not held open by a client that keeps its connection", async () => {
    const idle = fetch(session.url, { method: "GET", headers: { connection: "keep-alive" } });
    await (await idle).text();
    await session.server.close();
    await expect(fetch(session.url)).rejects.toThrow();
  });

  it("closes on time although a call never ends", async () => {
    await session.close();
    session = await startSession({ drainMs: 30, callDeadlineMs: 60_000 });
    session.node.stall = new Promise(() => {});
    const tx = toBase64(signedDvp(session.node.chainId, "A").bytes);
    const call = rawPost(session, callText("tx.submit", { tx }));
    const cut = expect(call).rejects.toThrow();
    await until(() => session.node.submissions === 1);
    await session.server.close();
    await cut;
    expect(session.logLines.some((line) => line.includes("rpc.close-cut"))).toBe(true);
  });

  it("gives a waiting client's place back when it goes away", async () => {
    const controller = new AbortController();
    const gone = fetch(`${session.url}/v1/rpc`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: callText("events.list", { cursor: "genesis", waitMs: 30_000 }),
      signal: controller.signal,
    });
    const rejected = expect(gone).rejects.toThrow();
    await until(() => session.server.waiting === 1);
    controller.abort();
    await rejected;
    await until(() => session.server.waiting === 0);
    expect(session.server.waiting).toBe(0);
  });

  it("fails to start where the port is taken", async () => {
    const start = startSession({ port: session.server.port });
    await expect(start).rejects.toMatchObject({ code: "EADDRINUSE" });
  });
});

/** Lets the event loop run until the condition holds. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 2));
}
