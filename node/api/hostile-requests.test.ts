import { connect, type Socket } from "node:net";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { toBase64 } from "../../client/rpc/base64.ts";
import { METHODS } from "../../client/rpc/methods.ts";
import { SERVER_LIMITS } from "./limits.ts";
import {
  callText,
  errorOf,
  post,
  type RpcSession,
  rawPost,
  rawSocket,
  startSession,
} from "./testing/rpc-session.ts";
import { signedDvp } from "./testing/transactions.ts";

let session: RpcSession;

beforeAll(async () => {
  session = await startSession();
  session.node.commit();
});

afterAll(async () => {
  await session.close();
});

/** A client that asks for a large block and never reads the answer. */
function stallingRead(target: RpcSession): Socket {
  const body = callText("chain.block", { height: "1", view: "full" });
  const socket = connect(target.server.port, "127.0.0.1", () => {
    socket.pause();
    socket.write(
      `POST /v1/rpc HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n` +
        `Content-Length: ${body.length}\r\n\r\n${body}`,
    );
  });
  socket.on("error", () => socket.destroy());
  return socket;
}

const INFO = callText("chain.info", {});

describe("bodies", () => {
  it("refuses a body above the limit with 413, also where its length is not told", async () => {
    const body = callText("chain.info", { pad: "x".repeat(1 << 20) });
    const answer = await post(session, body);
    expect(answer.status).toBe(413);
    expect(answer.error).toMatchObject({
      code: -32600,
      data: { reason: "BODY_TOO_LARGE", limit: "1048576" },
    });
    const chunked = await rawPost(session, body, { "transfer-encoding": "chunked" });
    expect(chunked.status).toBe(413);
  });

  it("refuses deep JSON before it is parsed", async () => {
    for (const [open, close] of [
      ["[", "]"],
      ['{"a":', "}"],
    ] as const) {
      const answer = await post(session, open.repeat(100_000) + close.repeat(100_000));
      expect(answer.error).toMatchObject({
        code: -32600,
        data: {
          reason: "INVALID_REQUEST",
          field: "depth",
          limit: String(SERVER_LIMITS.maxJsonDepth),
        },
      });
    }
  });

  it("refuses a bomb of tokens", async () => {
    const body = `{"jsonrpc":"2.0","id":1,"method":"chain.info","params":{"a":[${"0,".repeat(5_000)}0]}}`;
    expect((await post(session, body)).error?.data).toMatchObject({ field: "tokens" });
  });

  it("refuses a batch bomb as one error and an empty batch as another", async () => {
    const bomb = `[${Array(10_000).fill(INFO).join(",")}]`;
    const answer = await post(session, bomb);
    expect(answer.error).toMatchObject({
      code: -32600,
      data: { reason: "BATCH_TOO_LARGE", limit: "20" },
    });
    const tiny = await post(session, `[${"1,".repeat(10_000)}1]`);
    expect(tiny.error?.data.reason).toBe("BATCH_TOO_LARGE");
    expect((await post(session, "[]")).error?.data.reason).toBe("INVALID_REQUEST");
  });

  it.each([
    ["", "PARSE"],
    ["{", "PARSE"],
    ["nonsense", "PARSE"],
    ["\ufeff{}", "PARSE"],
    ["{}", "INVALID_REQUEST"],
    ["null", "INVALID_REQUEST"],
    ["1e400", "INVALID_REQUEST"],
    ['"text"', "INVALID_REQUEST"],
    ['{"jsonrpc":"1.0","id":1,"method":"chain.info"}', "INVALID_REQUEST"],
    ['{"jsonrpc":"2.0","id":1,"method":7}', "INVALID_REQUEST"],
    ['{"jsonrpc":"2.0","id":1,"method":"chain.info","extra":1}', "INVALID_REQUEST"],
    ['{"jsonrpc":"2.0","id":{},"method":"chain.info"}', "INVALID_REQUEST"],
    ['{"jsonrpc":"2.0","id":1.5,"method":"chain.info"}', "INVALID_REQUEST"],
    [`{"jsonrpc":"2.0","id":"${"x".repeat(65)}","method":"chain.info"}`, "INVALID_REQUEST"],
    ['{"jsonrpc":"2.0","id":1,"method":"__proto__"}', "METHOD_NOT_FOUND"],
    ['{"jsonrpc":"2.0","id":1,"method":"constructor"}', "METHOD_NOT_FOUND"],
    ['{"jsonrpc":"2.0","id":1,"method":"node.drain"}', "METHOD_NOT_FOUND"],
    ['{"jsonrpc":"2.0","id":1,"method":"chain.info","params":[]}', "INVALID_PARAMS"],
    ['{"jsonrpc":"2.0","id":1,"method":"chain.info","params":"a"}', "INVALID_PARAMS"],
    ['{"jsonrpc":"2.0","id":1,"method":"chain.info","params":null}', "INVALID_PARAMS"],
  ])("answers %s with %s", async (body, reason) => {
    const { error } = await post(session, body);
    expect(error?.data.reason).toBe(reason);
    expect(error?.data.requestId).toMatch(/^[0-9a-f-]{36}$/);
  });

  it("refuses bytes that are not UTF-8", async () => {
    const answer = await rawPost(session, new Uint8Array([0x22, 0xff, 0x22]));
    expect(answer.text).toContain('"PARSE"');
  });

  it("always answers, whatever the text is", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(fc.string({ unit: "binary", maxLength: 60 }), fc.json({ maxDepth: 3 })),
        async (text) => {
          const answer = await rawPost(session, text);
          expect(answer.status).toBeLessThan(500);
          const replies: unknown = JSON.parse(answer.text);
          for (const reply of Array.isArray(replies) ? replies : [replies]) {
            expect(reply).toMatchObject({ error: { data: { retry: "never" } } });
          }
        },
      ),
      { numRuns: 150 },
    );
  });
});

describe("JSON-RPC", () => {
  it("answers a batch in order and leaves notifications unanswered", async () => {
    const batch = [
      callText("chain.info", {}, "a"),
      '{"jsonrpc":"2.0","method":"chain.info"}',
      "5",
      callText("nothing", {}, "b"),
    ];
    const answer = await rawPost(session, `[${batch.join(",")}]`);
    expect(answer.status).toBe(200);
    expect(JSON.parse(answer.text)).toMatchObject([
      { jsonrpc: "2.0", id: "a", result: { height: "1" } },
      { jsonrpc: "2.0", id: null, error: { code: -32600 } },
      { jsonrpc: "2.0", id: "b", error: { code: -32601 } },
    ]);
  });

  it("carries a notification out and answers nothing", async () => {
    const tx = toBase64(signedDvp(session.node.chainId, "NOTE").bytes);
    const note = { jsonrpc: "2.0", method: "tx.submit", params: { tx } };
    const answer = await rawPost(session, JSON.stringify(note));
    expect([answer.status, answer.text]).toEqual([204, ""]);
    expect(session.node.pool.size).toBe(1);
    const two = await rawPost(session, JSON.stringify([note, note]));
    expect([two.status, two.text]).toEqual([204, ""]);
  });

  it("does not let a call of a batch wait", async () => {
    const poll = callText("events.list", { cursor: "genesis", waitMs: 10 });
    const tx = toBase64(signedDvp(session.node.chainId, "B").bytes);
    const submit = callText("tx.submit", { tx, wait: "committed" });
    const before = session.node.submissions;
    const answer = await rawPost(session, `[${poll},${submit}]`);
    expect(JSON.parse(answer.text)).toMatchObject([
      { error: { data: { reason: "INVALID_PARAMS", field: "waitMs" } } },
      { error: { data: { reason: "INVALID_PARAMS", field: "wait" } } },
    ]);
    expect(session.node.submissions).toBe(before);
  });

  it("names the unknown field of every method, whatever else is wrong", async () => {
    for (const method of Object.keys(METHODS)) {
      const error = await errorOf(session, method, { surprise: 1 });
      expect([method, error.data]).toEqual([
        method,
        expect.objectContaining({ reason: "UNKNOWN_FIELD", field: "surprise", retry: "never" }),
      ]);
    }
    const nested = { cursor: "genesis", filter: { acount: "A" } };
    expect((await errorOf(session, "events.list", nested)).data.field).toBe("filter.acount");
  });

  it("treats __proto__ in parameters as an unknown field", async () => {
    const text = '{"jsonrpc":"2.0","id":1,"method":"chain.info","params":{"__proto__":{"a":1}}}';
    const { error } = await post(session, text);
    expect(error?.data).toMatchObject({ reason: "UNKNOWN_FIELD", field: "__proto__" });
  });
});

describe("numbers", () => {
  it.each([
    "1e3",
    "-0",
    "-1",
    "007",
    "+1",
    "0x10",
    "",
    " 1",
    "1 ",
    "1\u00a0",
    "1.0",
    "1n",
    "NaN",
    "\uff11",
    "\u0661",
    "1_000",
    "9007199254740992",
    "99999999999999999999",
  ])("refuses the height %j", async (height) => {
    const error = await errorOf(session, "chain.block", { height });
    expect(error).toMatchObject({
      code: -32602,
      data: { reason: "AMOUNT_FORMAT", field: "height", retry: "never" },
    });
  });

  it("refuses numbers where decimal text belongs, and text where a number belongs", async () => {
    for (const height of [1, 1.5, -0]) {
      const error = await errorOf(session, "chain.block", { height });
      expect(error.data).toMatchObject({ reason: "AMOUNT_FORMAT", field: "height" });
    }
    const error = await errorOf(session, "events.list", { cursor: "genesis", limit: "5" });
    expect(error.data).toMatchObject({ reason: "INVALID_PARAMS", field: "limit", got: "5" });
  });

  it("refuses pages that are too large, empty, negative or broken", async () => {
    const data = async (limit: number): Promise<unknown> =>
      (await errorOf(session, "events.list", { cursor: "genesis", limit })).data;
    expect(await data(501)).toMatchObject({ reason: "LIMIT_TOO_LARGE", limit: "500", got: "501" });
    expect(await data(1e9)).toMatchObject({ reason: "LIMIT_TOO_LARGE" });
    expect(await data(0)).toMatchObject({ reason: "INVALID_PARAMS", field: "limit" });
    expect(await data(-5)).toMatchObject({ reason: "INVALID_PARAMS" });
    expect(await data(1.5)).toMatchObject({ reason: "INVALID_PARAMS" });
  });
});

describe("HTTP", () => {
  it.each([
    ["text/plain"],
    ["application/x-www-form-urlencoded"],
    ["multipart/form-data; boundary=x"],
    ["application/jsonp"],
    ["text/json"],
  ])("refuses the content type %s", async (type) => {
    const answer = await rawPost(session, INFO, { "content-type": type });
    expect(answer.status).toBe(415);
    expect(answer.text).toContain("INVALID_REQUEST");
  });

  it("accepts application/json with a charset", async () => {
    const answer = await rawPost(session, INFO, {
      "content-type": "application/json; charset=utf-8",
    });
    expect(answer.status).toBe(200);
  });

  it.each(["evil.example", "evil.example:80", "127.0.0.1.evil.example", "localhost@evil", "[::2]"])(
    "refuses the host %s",
    async (host) => {
      const answer = await rawPost(session, INFO, { host });
      expect(answer.status).toBe(403);
      expect(answer.text).toContain('"FORBIDDEN"');
    },
  );

  it("serves loopback names on any port, and configured names", async () => {
    for (const host of ["localhost", "LOCALHOST:1", "127.0.0.1:9", "[::1]:80"]) {
      expect((await rawPost(session, INFO, { host })).status).toBe(200);
    }
    const other = await startSession({ allowedHosts: ["Node1.example"] });
    expect((await rawPost(other, INFO, { host: "node1.EXAMPLE:443" })).status).toBe(200);
    await other.close();
  });

  it("has one path and one verb, and says nothing to a cross-origin preflight", async () => {
    expect((await rawPost(session, INFO, {}, { path: "/" })).status).toBe(404);
    expect((await rawPost(session, INFO, {}, { path: "/v1/rpc/../admin" })).status).toBe(404);
    const get = await rawPost(session, "", {}, { method: "GET" });
    expect(get.status).toBe(404);
    const preflight = await rawPost(
      session,
      "",
      { origin: "https://evil.example" },
      { method: "OPTIONS" },
    );
    expect(preflight.status).toBe(404);
    expect(preflight.headers["access-control-allow-origin"]).toBeUndefined();
  });

  it("gives its own request id, not the client's", async () => {
    const answer = await rawPost(session, INFO, { "x-request-id": "mine", "request-id": "mine" });
    expect(answer.headers["x-request-id"]).toMatch(/^[0-9a-f-]{36}$/);
    expect(answer.headers["cache-control"]).toBe("no-store");
  });

  it("refuses ambiguous and oversize framing", async () => {
    const host = "Host: localhost\r\nContent-Type: application/json\r\n";
    const both = `POST /v1/rpc HTTP/1.1\r\n${host}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`;
    expect(await rawSocket(session, both)).toMatch(/^HTTP\/1.1 400 /);
    const twice = `POST /v1/rpc HTTP/1.1\r\n${host}Content-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef`;
    expect(await rawSocket(session, twice)).toMatch(/^HTTP\/1.1 400 /);
    const wide = `POST /v1/rpc HTTP/1.1\r\n${host}X: ${"a".repeat(20_000)}\r\n\r\n`;
    expect(await rawSocket(session, wide)).toMatch(/^HTTP\/1.1 431 /);
    expect(await rawSocket(session, "\u0000\u0001\r\n\r\n")).toMatch(/^HTTP\/1.1 400 /);
  });

  it("cuts a sender that does not finish its headers, or its body", async () => {
    const quick = await startSession({ headersTimeoutMs: 50, requestTimeoutMs: 100 });
    const start = "POST /v1/rpc HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n";
    expect(await rawSocket(quick, start)).toMatch(/^HTTP\/1.1 408 /);
    const body = `${start}Content-Length: 100\r\n\r\n{`;
    expect(await rawSocket(quick, body)).toMatch(/^HTTP\/1.1 408 /);
    await quick.close();
  });
});

describe("rates", () => {
  it("limits reads of a client and leaves its submissions alone", async () => {
    const limited = await startSession({ readRate: { burst: 3, perSecond: 0.001 } });
    const read = callText("chain.info", {});
    for (let i = 0; i < 3; i++) expect((await post(limited, read)).status).toBe(200);
    const refused = await post(limited, read);
    expect(refused.status).toBe(429);
    expect(refused.error).toMatchObject({
      code: -32004,
      data: { reason: "RATE_LIMITED", retry: "later" },
    });
    expect(refused.error?.data.retryAfterMs).toBeGreaterThan(0);
    expect(Number(refused.headers["retry-after"])).toBeGreaterThan(0);
    const tx = toBase64(signedDvp(limited.node.chainId, "A").bytes);
    expect((await post(limited, callText("tx.submit", { tx }))).status).toBe(200);
    for (const nonsense of ["", "{}", callText("nothing", {})]) {
      expect((await post(limited, nonsense)).error?.data.reason).toBe("RATE_LIMITED");
    }
    await limited.close();
  });

  it("limits submissions of a client and leaves its reads alone", async () => {
    const limited = await startSession({ submitRate: { burst: 1, perSecond: 0.001 } });
    const tx = toBase64(signedDvp(limited.node.chainId, "A").bytes);
    const submit = callText("tx.submit", { tx });
    const batch = await rawPost(limited, `[${submit},${submit},${callText("chain.info", {})}]`);
    expect(JSON.parse(batch.text)).toMatchObject([
      { result: { status: "pending" } },
      { error: { data: { reason: "RATE_LIMITED" } } },
      { result: { height: "0" } },
    ]);
    await limited.close();
  });

  it("reads no more for clients while others do not take their answers, but takes submissions", async () => {
    const stalled = await startSession({ maxUnsentBytes: 1 << 20 });
    stalled.node.commit();
    const bytes = new Uint8Array(60_000);
    const transactions = Array.from({ length: 90 }, () => ({ txId: "ab".repeat(32), bytes }));
    stalled.node.blockContents.set(1, transactions);
    const sockets = Array.from({ length: 12 }, () => stallingRead(stalled));
    const read = callText("chain.info", {});
    let answer = await post(stalled, read);
    while (answer.status === 200) answer = await post(stalled, read);
    expect(answer.error?.data).toMatchObject({ reason: "OVERLOADED", retry: "later" });
    const tx = toBase64(signedDvp(stalled.node.chainId, "A").bytes);
    expect((await post(stalled, callText("tx.submit", { tx }))).status).toBe(200);
    for (const socket of sockets) socket.destroy();
    while (answer.status !== 200) answer = await post(stalled, read);
    expect(answer.status).toBe(200);
    await stalled.close();
  });

  it("refuses to wait beyond its places instead of queueing", async () => {
    const small = await startSession({ maxLongPolls: 0 });
    const poll = callText("events.list", { cursor: "genesis", waitMs: 1_000 });
    const answer = await post(small, poll);
    expect(answer.status).toBe(503);
    expect(answer.error?.data).toMatchObject({ reason: "OVERLOADED", retry: "later" });
    await small.close();
  });
});

describe("metrics", () => {
  it("count by method and reason, and never grow with what clients send", async () => {
    const series = async (): Promise<number> =>
      (await session.metrics.scrape()).split("\n").filter((line) => !line.startsWith("#")).length;
    const before = await series();
    for (let i = 0; i < 50; i++) await post(session, callText(`method-${i}`, { [`field${i}`]: i }));
    expect(await series()).toBe(before);
    const text = await session.metrics.scrape();
    const unknown = /mizan_rpc_requests_total\{method="unknown",reason="METHOD_NOT_FOUND"\} (\d+)/;
    expect(Number(unknown.exec(text)?.[1])).toBeGreaterThanOrEqual(50);
  });
});
