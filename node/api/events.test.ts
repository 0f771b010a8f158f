import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { LedgerReads } from "../../client/reads.ts";
import { RpcClient } from "../../client/rpc-client.ts";
import { eventView } from "../../client/views.ts";
import type { LedgerEvent } from "../../ledger/events.ts";
import { encodeCursor, endOfBlock, filterHash } from "./cursor.ts";
import { FakeNode } from "./testing/fake-node.ts";
import { errorOf, type RpcSession, resultOf, startSession } from "./testing/rpc-session.ts";

let session: RpcSession;

beforeEach(async () => {
  session = await startSession();
});

afterEach(async () => {
  await session.close();
});

function posting(account: string, amount: bigint): LedgerEvent {
  return {
    type: "posting",
    body: {
      account,
      asset: "PKR-CBDC",
      direction: "CREDIT",
      amount,
      reason: "MINT",
      reference: `R${amount}`,
    },
  };
}

function postings(account: string, count: number, from = 1): LedgerEvent[] {
  return Array.from({ length: count }, (_, i) => posting(account, BigInt(from + i)));
}

function amountsOf(events: readonly { data: Record<string, unknown> }[]): unknown[] {
  return events.map((event) => event.data["amount"]);
}

describe("pages", () => {
  it("give every event once and in order, over blocks of any size", async () => {
    session.node.commit({ events: postings("A", 7) });
    session.node.commit();
    session.node.commit({ events: postings("A", 600, 8) });
    const seen: unknown[] = [];
    let cursor = "genesis";
    for (;;) {
      const page = await resultOf(session, "events.list", { cursor, limit: 97 });
      seen.push(...amountsOf(page.events));
      if (page.events.length === 0) break;
      cursor = page.nextCursor;
    }
    expect(seen).toEqual(Array.from({ length: 607 }, (_, i) => String(i + 1)));
  });

  it("resume inside a block after any of its events", async () => {
    session.node.commit({ events: postings("A", 5) });
    const { events } = await resultOf(session, "events.list", { cursor: "genesis" });
    for (const [i, event] of events.entries()) {
      const rest = await resultOf(session, "events.list", { cursor: event.cursor });
      expect(amountsOf(rest.events)).toEqual(["1", "2", "3", "4", "5"].slice(i + 1));
    }
  });

  it("start at a height", async () => {
    for (let i = 1; i <= 3; i++) session.node.commit({ events: [posting("A", BigInt(i))] });
    const at = async (cursor: string): Promise<unknown[]> =>
      amountsOf((await resultOf(session, "events.list", { cursor })).events);
    expect(await at("at:2")).toEqual(["2", "3"]);
    expect(await at("at:0")).toEqual(["1", "2", "3"]);
    expect(await at("at:4")).toEqual([]);
  });

  it("carry the event twice, for readers and exactly", async () => {
    const big = 2n ** 53n + 1n;
    session.node.commit({ events: [posting("A", big)] });
    const { events } = await resultOf(session, "events.list", { cursor: "genesis" });
    const [event] = events;
    expect(event?.data).toEqual({
      account: "A",
      asset: "PKR-CBDC",
      direction: "CREDIT",
      amount: "9007199254740993",
      reason: "MINT",
      reference: "R9007199254740993",
    });
    const view = event === undefined ? undefined : eventView(event);
    expect(view?.event).toEqual(posting("A", big));
  });

  it("are bounded in work: a filter that matches nothing still moves on", async () => {
    session.node.commit({ events: postings("A", 6_000) });
    const filter = { account: "B" };
    const first = await resultOf(session, "events.list", {
      cursor: "genesis",
      filter,
      waitMs: 5_000,
    });
    expect(first.events).toEqual([]);
    const next = await resultOf(session, "events.list", { cursor: first.nextCursor, filter });
    expect(next.events).toEqual([]);
    expect(next.nextCursor).not.toBe(first.nextCursor);
  });
});

describe("filters", () => {
  beforeEach(() => {
    session.node.commit({
      events: [
        posting("A", 1n),
        { type: "cbdcMinted", body: { account: "A", amount: 1n, reserveRef: "X" } },
        posting("B", 2n),
        {
          type: "settlementFinal",
          body: {
            settlementRef: "S",
            isin: "PK0PIB003015",
            face: 1n,
            delivererAccount: "C",
            receiverAccount: "D",
            payerCashAccount: "A",
            payeeCashAccount: "E",
            cleanAmount: 1n,
            accruedInterest: 0n,
          },
        },
      ],
    });
  });

  it("let through by account and by type, on every page", async () => {
    const types = async (filter: object): Promise<string[]> => {
      const page = await resultOf(session, "events.list", { cursor: "genesis", filter });
      return page.events.map((event) => event.type);
    };
    expect(await types({ account: "A" })).toEqual(["posting", "cbdcMinted", "settlementFinal"]);
    expect(await types({ types: ["posting"] })).toEqual(["posting", "posting"]);
    expect(await types({ types: ["posting"], account: "B" })).toEqual(["posting"]);
    expect(await types({ types: ["accountOpened"] })).toEqual([]);
    const filter = { account: "A" };
    const first = await resultOf(session, "events.list", { cursor: "genesis", filter, limit: 2 });
    const cursor = first.nextCursor;
    const second = await resultOf(session, "events.list", { cursor, filter, limit: 2 });
    expect(second.events.map((event) => event.type)).toEqual(["settlementFinal"]);
  });

  it("are part of the cursor, their order is not", async () => {
    const filter = { types: ["posting", "cbdcMinted"] };
    const { nextCursor: cursor } = await resultOf(session, "events.list", {
      cursor: "genesis",
      filter,
    });
    const dropped = await errorOf(session, "events.list", { cursor });
    expect(dropped).toMatchObject({ code: -32602, data: { reason: "CURSOR_FILTER_MISMATCH" } });
    const turned = { types: ["cbdcMinted", "posting"] };
    expect(await resultOf(session, "events.list", { cursor, filter: turned })).toBeDefined();
  });

  it("name a type once and in bounded number", async () => {
    const refused = async (types: string[]): Promise<unknown> =>
      (await errorOf(session, "events.list", { cursor: "genesis", filter: { types } })).data.reason;
    expect(await refused([])).toBe("INVALID_PARAMS");
    expect(await refused(["a", "a"])).toBe("INVALID_PARAMS");
    expect(await refused(Array.from({ length: 17 }, (_, i) => `t${i}`))).toBe("INVALID_PARAMS");
  });
});

describe("cursors", () => {
  const none = filterHash(undefined);

  it("of another chain, another version or another spelling are refused", async () => {
    session.node.commit({ events: postings("A", 1) });
    const reason = async (cursor: string): Promise<string> =>
      (await errorOf(session, "events.list", { cursor })).data.reason;
    const foreign = encodeCursor("ab".repeat(32), none, endOfBlock(1));
    expect(await reason(foreign)).toBe("CURSOR_OTHER_CHAIN");
    const good = encodeCursor(session.node.chainId, none, endOfBlock(1));
    const text = Buffer.from(good, "base64url").toString();
    const spelt = (change: (text: string) => string): string =>
      Buffer.from(change(text)).toString("base64url");
    for (const bad of [
      "x",
      `${good}=`,
      `${good} `,
      spelt((each) => each.replace(/^1/, "2")),
      spelt((each) => each.replace(".e.", ".a.")),
      spelt((each) => each.replace(/1:/, "01:")),
      spelt((each) => each.replace(/:\d+$/, ":4294967296")),
      spelt((each) => `${each}.`),
      "at:",
      "at:-1",
      "at:9007199254740992",
      "Genesis",
    ]) {
      expect([bad, await reason(bad)]).toEqual([bad, "CURSOR_INVALID"]);
    }
    expect(await reason("x".repeat(257))).toBe("INVALID_PARAMS");
  });

  it("before what the node keeps are told the earliest height", async () => {
    for (let i = 1; i <= 4; i++) session.node.commit({ events: [posting("A", BigInt(i))] });
    session.node.earliestHeight = 3;
    const error = await errorOf(session, "events.list", { cursor: "genesis" });
    expect(error).toMatchObject({
      code: -32008,
      data: { reason: "PRUNED", retry: "rebuild", earliest: "3" },
    });
    const page = await resultOf(session, "events.list", { cursor: "at:3" });
    expect(amountsOf(page.events)).toEqual(["3", "4"]);
  });

  it("beyond the head are refused, or waited for", async () => {
    session.node.commit();
    const ahead = encodeCursor(session.node.chainId, none, endOfBlock(2));
    const error = await errorOf(session, "events.list", { cursor: ahead });
    expect(error).toMatchObject({ code: -32008, data: { reason: "AHEAD_OF_HEAD", head: "1" } });
    const waiting = resultOf(session, "events.list", { cursor: ahead, waitMs: 30_000 });
    await until(() => session.server.waiting === 1);
    session.node.commit({ events: [posting("A", 2n)] });
    await until(() => session.server.waiting === 1);
    session.node.commit({ events: [posting("A", 3n)] });
    expect(amountsOf((await waiting).events)).toEqual(["3"]);
  });
});

describe("waiting", () => {
  it("ends with the next event, empty blocks do not end it", async () => {
    const waiting = resultOf(session, "events.list", { cursor: "genesis", waitMs: 30_000 });
    await until(() => session.server.waiting === 1);
    session.node.commit();
    session.node.commit({ events: [posting("A", 5n)] });
    expect(amountsOf((await waiting).events)).toEqual(["5"]);
  });

  it("ends empty with a cursor that has moved over what was looked at", async () => {
    session.node.commit();
    const page = await resultOf(session, "events.list", { cursor: "genesis", waitMs: 10 });
    expect(page).toMatchObject({ events: [], head: "1" });
    expect(page.nextCursor).toBe(
      encodeCursor(session.node.chainId, filterHash(undefined), endOfBlock(1)),
    );
  });
});

describe("a follower", () => {
  it("sees every event of a large block once, over a restart and another node", async () => {
    const node = new FakeNode();
    const first = await startSession({}, node);
    const second = await startSession({}, node);
    const reads = new LedgerReads(
      new RpcClient({ endpoints: [first.url, second.url], retry: { baseMs: 1, capMs: 2 } }),
    );
    const controller = new AbortController();
    const seen: bigint[] = [];
    const following = (async () => {
      const events = reads.follow({ cursor: "genesis", limit: 50 }, { signal: controller.signal });
      for await (const { event } of events) {
        if (event.type === "posting") seen.push(event.body.amount);
        if (seen.length === 5_010) return;
      }
    })();
    node.commit({ events: postings("A", 10) });
    await until(() => seen.length === 10);
    await first.close();
    node.commit({ events: postings("A", 5_000, 11) });
    await following;
    controller.abort();
    expect(seen).toEqual(Array.from({ length: 5_010 }, (_, i) => BigInt(i + 1)));
    await second.close();
  });
});

/** Lets the event loop run until the condition holds. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 2));
}
