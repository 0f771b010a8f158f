import type { ResultOf } from "../../client/rpc/methods.ts";
import { RpcClient } from "../../client/rpc-client.ts";
import { CBDC } from "../../ledger/types.ts";
import { parseAmount } from "../../primitives/decimal.ts";
import { BOND, ChaosMarket } from "./chaos-market.ts";
import {
  type BlockFact,
  balanceKey,
  type ExecutionFact,
  type NodeEvidence,
  type TransactionFact,
} from "./oracle.ts";
import type { JournalEntry } from "./transaction-journal.ts";

/** Calls to one node at a time. */
const CONCURRENCY = 8;
const CALL_MS = 60_000;
const EVENT_PAGE = 500;

/** Where the last collection from a node ended. */
export interface Bookmark {
  readonly height: number;
  readonly cursor: string;
}

/** A client that waits for its share of the node's time rather than give up. */
export function patientClient(url: string): RpcClient {
  return new RpcClient({ endpoints: [url], callTimeoutMs: CALL_MS, retry: { maxAttempts: 40 } });
}

export interface Collected {
  readonly evidence: NodeEvidence;
  readonly next: Bookmark;
  /** No block came while the node was asked: all of the evidence is of one head. */
  readonly isOfOneHead: boolean;
}

/** Everything the oracle asks of one node at rest, from the bookmark on. */
export async function collect(
  node: string,
  client: RpcClient,
  entries: readonly JournalEntry[],
  since: Bookmark,
): Promise<Collected> {
  const info = await client.call("chain.info", {});
  const height = Number(info.height);
  // One that began with a snapshot has no blocks below it.
  const earliest = Number(info.earliestHeight);
  const isWhole = earliest <= since.height + 1;
  const from = isWhole ? since.height + 1 : earliest;
  const heights = Array.from({ length: Math.max(0, height - from + 1) }, (_, i) => from + i);
  const blocks = await each(heights, async (at) => {
    const block = await client.call("chain.block", { height: String(at), view: "header" });
    return blockFact(block);
  });
  const facts = await each(entries, async (entry) => {
    return [entry.txId, await transactionFact(client, entry)] as const;
  });
  const balances = await readBalances(client);
  const outstanding = new Map<string, bigint>();
  for (const asset of [CBDC, BOND]) {
    const supply = await client.call("asset.supply", { asset });
    outstanding.set(asset, parseAmount(supply.outstanding, "outstanding"));
  }
  const { executions, cursor } = await readExecutions(
    client,
    isWhole ? since.cursor : `at:${earliest}`,
  );
  const head = { height, stateRoot: info.stateRoot };
  const after = await client.call("chain.info", {});
  const transactions = new Map(facts);
  return {
    evidence: {
      node,
      head,
      lacksUpTo: isWhole ? 0 : earliest - 1,
      blocks,
      transactions,
      balances,
      outstanding,
      executions,
    },
    next: { height, cursor },
    isOfOneHead: after.height === info.height,
  };
}

/** Whether several nodes were asked about the same head, and it stood still meanwhile. */
export function isOneMoment(collected: readonly Collected[]): boolean {
  const heights = new Set(collected.map(({ evidence }) => evidence.head.height));
  return heights.size <= 1 && collected.every(({ isOfOneHead }) => isOfOneHead);
}

/** The place at which the chain stands now, to collect from later. */
export async function bookmarkNow(client: RpcClient): Promise<Bookmark> {
  const { height } = await client.call("chain.info", {});
  const { cursor } = await readExecutions(client, "genesis");
  return { height: Number(height), cursor };
}

export async function transactionFact(
  client: RpcClient,
  { txId, expiresAtHeight }: JournalEntry,
): Promise<TransactionFact> {
  const found = await client.call("tx.get", { txId, expiresAtHeight: String(expiresAtHeight) });
  if (found.receipt === undefined) {
    // `expired` counts only with the search that supports it.
    const isProven = Number(found.searched.to) > expiresAtHeight;
    if (found.status === "expired") return { status: isProven ? "expired" : "unknown" };
    return { status: found.status === "committed" ? "unknown" : found.status };
  }
  const { height, index, executed, outcome } = found.receipt;
  return { status: "committed", height: Number(height), index, executed, code: outcome.code };
}

function blockFact(block: ResultOf<"chain.block">): BlockFact {
  const { height, hash, stateRoot, receiptsRoot, proposer, timestampMs } = block;
  return {
    height: Number(height),
    digest: hash,
    stateRoot,
    receiptsRoot,
    proposer,
    timestampMs: Number(timestampMs),
  };
}

async function readBalances(client: RpcClient): Promise<ReadonlyMap<string, bigint>> {
  const balances = new Map<string, bigint>();
  for (const account of ChaosMarket.accounts()) {
    const { balances: held } = await client.call("account.get", { account });
    for (const { asset, total } of held) {
      balances.set(balanceKey(account, asset), parseAmount(total, "total"));
    }
  }
  return balances;
}

/** Where the ledger moved units, one fact for each place however many postings it has. */
async function readExecutions(
  client: RpcClient,
  from: string,
): Promise<{ readonly executions: readonly ExecutionFact[]; readonly cursor: string }> {
  const executions = new Map<string, ExecutionFact>();
  let cursor = from;
  for (;;) {
    const page = await client.call("events.list", {
      cursor,
      limit: EVENT_PAGE,
      filter: { types: ["posting"] },
    });
    for (const { txId, height, txIndex } of page.events) {
      const fact = { txId, height: Number(height), index: txIndex };
      executions.set(`${txId}/${height}/${txIndex}`, fact);
    }
    if (page.events.length === 0) return { executions: [...executions.values()], cursor };
    cursor = page.nextCursor;
  }
}

async function each<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  for (let i = 0; i < items.length; i += CONCURRENCY) {
    results.push(...(await Promise.all(items.slice(i, i + CONCURRENCY).map(work))));
  }
  return results;
}
