import { setTimeout as delay } from "node:timers/promises";
import type { RpcClient } from "../../client/rpc-client.ts";
import type { FinalityLog } from "./finality-log.ts";
import type { Sending } from "./open-loop.ts";

const POLL_MS = 50;
/** Nothing new is final for so long: time to ask what the rest is waiting for. */
const QUIET_MS = 5_000;
/** A backlog that a ladder's last rate leaves is gone by then. */
const DRAIN_DEADLINE_MS = 120_000;
/** Transactions asked for before the log is looked at again. */
const QUESTIONS = 64;

/**
 * Waits until everything that a node took is final. Returns what it took and the ledger does not
 * have as a settlement, by id: with the outcome of one that failed, or the status of the others.
 * What no node answered may be in the ledger all the same, and may as well not be.
 */
export async function settleAll(
  sendings: readonly Sending[],
  log: FinalityLog,
  client: RpcClient,
): Promise<ReadonlyMap<string, string>> {
  const deadline = performance.now() + DRAIN_DEADLINE_MS;
  const closed = new Map<string, string>();
  let askedAt = performance.now();
  for (;;) {
    log.check();
    const open = sendings.filter(
      ({ txId, reply }) =>
        reply.kind !== "refused" && log.seenAt(txId) === undefined && !closed.has(txId),
    );
    const now = performance.now();
    if (open.length === 0 || now > deadline) {
      return admittedOnly(sendings, new Map([...closed, ...(await ask(open, client))]));
    }
    if (now - Math.max(askedAt, log.lastSeenAt) > QUIET_MS) {
      askedAt = now;
      for (const [txId, status] of await ask(open.slice(0, QUESTIONS), client)) {
        if (status !== "pending" && status !== "SETTLED") closed.set(txId, status);
      }
    }
    await delay(POLL_MS);
  }
}

function admittedOnly(
  sendings: readonly Sending[],
  statuses: ReadonlyMap<string, string>,
): ReadonlyMap<string, string> {
  const admitted = sendings.filter(({ reply }) => reply.kind === "admitted");
  return new Map(
    admitted.flatMap(({ txId }) => {
      const status = statuses.get(txId);
      return status === undefined ? [] : [[txId, status]];
    }),
  );
}

async function ask(
  sendings: readonly Sending[],
  client: RpcClient,
): Promise<ReadonlyMap<string, string>> {
  const statuses = new Map<string, string>();
  for (const { txId } of sendings) {
    const found = await client.call("tx.get", { txId });
    statuses.set(txId, found.outcome?.code ?? found.status);
  }
  return statuses;
}
