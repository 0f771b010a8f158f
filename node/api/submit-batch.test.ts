import { afterEach, beforeEach, expect, it } from "vitest";
import { toBase64 } from "../../client/rpc/base64.ts";
import { RPC_LIMITS } from "../../client/rpc/limits.ts";
import { RpcClient } from "../../client/rpc-client.ts";
import { submitBatch } from "../../client/submit-batch.ts";
import { present } from "../../primitives/assert.ts";
import { SERVER_LIMITS } from "./limits.ts";
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

let session: RpcSession;

beforeEach(async () => {
  session = await startSession();
});

afterEach(async () => {
  await session.close();
});

function signed(clientRef: string, expiresAtHeight = 50) {
  const { bytes, transaction } = signedDvp(session.node.chainId, clientRef, expiresAtHeight);
  return { bytes, text: toBase64(bytes), txId: transaction.txId };
}

it("answers each transaction in order; a refused one takes nothing from the others", async () => {
  const [a, b, old] = [signed("A"), signed("B"), signed("OLD", 1)];
  session.node.commit();
  const txs = [a.text, "no base64", old.text, "", toBase64(Uint8Array.of(1, 2)), b.text, a.text];
  const { answers, refused } = await resultOf(session, "tx.submitBatch", { txs });
  expect(answers.map(({ status, refusal }) => refusal?.reason ?? status)).toEqual([
    "pending",
    "TX_MALFORMED",
    "TX_EXPIRED",
    "TX_MALFORMED",
    "TX_MALFORMED",
    "pending",
    "pending",
  ]);
  expect(refused).toBe(4);
  expect(answers[0]).toEqual({ status: "pending", txId: a.txId, expiresAtHeight: "50" });
  expect(answers[1]?.refusal).toEqual({ reason: "TX_MALFORMED", retry: "never", field: "txs[1]" });
  expect(answers[5]?.txId).toBe(b.txId);
  expect(session.node.pool.size).toBe(2);
});

it("gives the receipt of one that was executed", async () => {
  const { text, txId } = signed("A");
  await resultOf(session, "tx.submitBatch", { txs: [text] });
  session.node.commit();
  const { answers, refused } = await resultOf(session, "tx.submitBatch", { txs: [text] });
  expect(refused).toBe(0);
  expect(answers[0]).toMatchObject({ status: "duplicate", txId, receipt: { txId, height: "1" } });
});

it("says of a retryable refusal when to come back", async () => {
  session.node.nextRefusal = { reason: "MEMPOOL_FULL", detail: { retryAfterMs: 500 } };
  const txs = [signed("A").text, signed("B").text];
  const { answers } = await resultOf(session, "tx.submitBatch", { txs });
  expect(answers[0]?.refusal).toEqual({
    reason: "MEMPOOL_FULL",
    retry: "later",
    retryAfterMs: 500,
  });
  expect(answers[1]?.status).toBe("pending");
});

it("is bounded in number, and never empty", async () => {
  const txs = Array.from({ length: RPC_LIMITS.maxSubmitBatch + 1 }, () => "AAAA");
  for (const params of [{ txs }, { txs: [] }, {}, { txs: "AAAA" }, { txs: [1] }]) {
    const error = await errorOf(session, "tx.submitBatch", params);
    expect(error.data).toMatchObject({ reason: "INVALID_PARAMS" });
  }
  expect(session.node.submissions).toBe(0);
  const full = await resultOf(session, "tx.submitBatch", { txs: txs.slice(1) });
  expect(full.answers).toHaveLength(RPC_LIMITS.maxSubmitBatch);
});

it("refuses one that is too large by itself, and a body that is too large as a whole", async () => {
  const huge = toBase64(new Uint8Array(RPC_LIMITS.maxTxBytes + 1));
  const { text } = signed("A");
  const { answers } = await resultOf(session, "tx.submitBatch", { txs: [huge, text] });
  expect(answers[0]?.refusal).toMatchObject({ reason: "TX_TOO_LARGE", field: "txs[0]" });
  expect(answers[1]?.status).toBe("pending");
  const many = Array.from({ length: 13 }, () => huge);
  const answer = await rawPost(session, callText("tx.submitBatch", { txs: many }));
  expect(answer.status).toBe(413);
  expect(answer.text).toContain("BODY_TOO_LARGE");
});

it("costs what its transactions cost one by one", async () => {
  const poor = await startSession({ submitRate: { burst: 10, perSecond: 1 } });
  try {
    const txs = Array.from({ length: 8 }, () => "AAAA");
    const first = await post(poor, callText("tx.submitBatch", { txs }));
    expect(first.status).toBe(200);
    const second = await post(poor, callText("tx.submitBatch", { txs }));
    expect(second.status).toBe(429);
    expect(second.error?.data.reason).toBe("RATE_LIMITED");
  } finally {
    await poor.close();
  }
});

it("takes no more into work than the node has places for, whatever the batches", async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  session.node.stall = promise;
  const txs = Array.from({ length: RPC_LIMITS.maxSubmitBatch }, () => "AAAA");
  const text = callText("tx.submitBatch", { txs });
  const places = Math.floor(SERVER_LIMITS.maxSubmitsInFlight / txs.length);
  const working = Array.from({ length: places }, () => post(session, text));
  while (session.node.submissions < places) await new Promise((done) => setTimeout(done, 5));
  const answer = await post(session, text);
  expect(answer.status).toBe(503);
  expect(answer.error?.data).toMatchObject({ reason: "OVERLOADED", retry: "later" });
  resolve();
  for (const { status } of await Promise.all(working)) expect(status).toBe(200);
});

it("is refused as a whole by a node that drains or has diverged", async () => {
  const diverged = await startSession({ isIntact: () => false });
  try {
    const error = await errorOf(diverged, "tx.submitBatch", { txs: ["AAAA"] });
    expect(error.data.reason).toBe("NODE_INTEGRITY");
  } finally {
    await diverged.close();
  }
});

it("the client cuts a long list into calls, and joins the answers in order", async () => {
  const client = new RpcClient({ endpoints: [session.url], chainId: session.node.chainId });
  const count = RPC_LIMITS.maxSubmitBatch + 3;
  const { bytes, txId } = signed("A");
  const list = Array.from({ length: count }, (_, i) =>
    i === count - 2 ? Uint8Array.of(7) : bytes,
  );
  const answers = await submitBatch(client, list);
  expect(answers).toHaveLength(count);
  expect(present(answers.at(-1), "last").txId).toBe(txId);
  expect(present(answers.at(-2), "last but one").refusal?.reason).toBe("TX_MALFORMED");
  expect(answers.filter(({ status }) => status === "refused")).toHaveLength(1);
});

it("the client cuts by bytes as well", async () => {
  const client = new RpcClient({ endpoints: [session.url] });
  const large = new Uint8Array(RPC_LIMITS.maxTxBytes);
  const answers = await submitBatch(
    client,
    Array.from({ length: 20 }, () => large),
  );
  expect(answers).toHaveLength(20);
  expect(await submitBatch(client, [])).toEqual([]);
});
